//! What a customer declares: the rules themselves, in the JSON that `schema/rules.json` and the control interface use.

use serde::{Deserialize, Serialize};

use crate::formula::Formula;

/// The kinds of rules, as the control interface and the counter name them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleKind {
    /// Validation rules.
    Validation,
    /// Apex triggers.
    Trigger,
    /// Record-triggered flows.
    Flow,
    /// Workflow rules.
    Workflow,
    /// Duplicate rules.
    Duplicate,
    /// Assignment rules.
    Assignment,
}

/// One rule of one object. Its name is unique among the rules of its kind and object.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Rule {
    /// API name of the object.
    pub object: String,
    /// API name of the rule.
    pub name: String,
    /// It runs.
    #[serde(default)]
    pub active: bool,
    /// What it does.
    #[serde(flatten)]
    pub body: Body,
}

/// What a rule does, by kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Body {
    /// Refuses records.
    Validation(Validation),
    /// Does something before or after a save.
    Trigger(Automation),
    /// Does something before or after a save.
    Flow(Automation),
    /// Does something when its criteria are met.
    Workflow(Workflow),
    /// Finds records that are the same.
    Duplicate(Duplicate),
    /// Gives records to owners.
    Assignment(Assignment),
}

/// A validation rule.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Validation {
    /// The record is refused when this holds.
    pub condition: Formula,
    /// What the caller is told.
    pub message: String,
    /// The field at fault; the whole record when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// When a trigger or a flow runs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Before a record is made.
    BeforeInsert,
    /// Before a record is changed.
    BeforeUpdate,
    /// Before a record goes into the Recycle Bin.
    BeforeDelete,
    /// After a record was made.
    AfterInsert,
    /// After a record was changed.
    AfterUpdate,
    /// After a record went into the Recycle Bin.
    AfterDelete,
    /// After a record came back.
    AfterUndelete,
}

impl Event {
    /// As Apex names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BeforeInsert => "BeforeInsert",
            Self::BeforeUpdate => "BeforeUpdate",
            Self::BeforeDelete => "BeforeDelete",
            Self::AfterInsert => "AfterInsert",
            Self::AfterUpdate => "AfterUpdate",
            Self::AfterDelete => "AfterDelete",
            Self::AfterUndelete => "AfterUndelete",
        }
    }
}

/// A trigger or a flow.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Automation {
    /// When it runs.
    pub events: Vec<Event>,
    /// Entry criteria of a flow, or what a trigger asks first, such as a bypass; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Formula>,
    /// What it does.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// When a workflow rule looks at a record. Source: Metadata API Developer Guide, `WorkflowRule.triggerType`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum TriggerType {
    /// When it is made.
    #[serde(rename = "onCreateOnly")]
    Created,
    /// Whenever it is saved.
    #[serde(rename = "onAllChanges")]
    Saved,
    /// When it is made, or begins to meet the criteria.
    #[default]
    #[serde(rename = "onCreateOrTriggeringUpdate")]
    BeginsToMeet,
}

/// A workflow rule.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Workflow {
    /// When it looks at a record.
    #[serde(default)]
    pub trigger_type: TriggerType,
    /// Its criteria.
    pub condition: Formula,
    /// Field updates, e-mails, tasks.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// What happens when a duplicate is found. Source: Metadata API Developer Guide, `DuplicateRule`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnDuplicate {
    /// The record is refused.
    Block,
    /// The record is refused unless the caller insists.
    #[default]
    Alert,
    /// The record is saved.
    Allow,
}

/// A duplicate rule with its matching rule: all fields the same, none of them empty.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Duplicate {
    /// The fields that must agree, case aside.
    pub fields: Vec<String>,
    /// Name of the matching rule.
    #[serde(default)]
    pub matching_rule: String,
    /// For new records.
    #[serde(default)]
    pub on_insert: OnDuplicate,
    /// For changed records.
    #[serde(default)]
    pub on_update: OnDuplicate,
    /// What the caller is told.
    #[serde(default = "alert")]
    pub alert: String,
}

fn alert() -> String {
    "Use one of these records?".to_owned()
}

/// An assignment rule: the first entry that holds decides.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Assignment {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
}

/// One entry of an assignment rule.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Entry {
    /// Holds for every record when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Formula>,
    /// Id of a user or a queue.
    pub owner: String,
    /// E-mail template that the new owner gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A side effect.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Gives the record's own fields new values: by field, a formula.
    Set(Values),
    /// Makes another record.
    Create {
        /// API name of its object.
        object: String,
        /// Its values: by field, a formula about the record that is saved.
        values: Values,
    },
    /// Changes the record that a reference field points to.
    UpdateParent {
        /// The reference field.
        field: String,
        /// By field of the parent, a formula about the record that is saved.
        values: Values,
    },
    /// Refuses the record as `addError()` does.
    AddError {
        /// What the caller is told.
        message: String,
        /// The field at fault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
    /// Fails as an exception that nobody catches: `System.NullPointerException: …`.
    Throw(String),
    /// Sends an e-mail by this template.
    Email(String),
}

/// Formulas by field.
pub(crate) type Values = std::collections::BTreeMap<String, Formula>;

impl Rule {
    /// Its kind.
    pub(crate) const fn kind(&self) -> RuleKind {
        match self.body {
            Body::Validation(_) => RuleKind::Validation,
            Body::Trigger(_) => RuleKind::Trigger,
            Body::Flow(_) => RuleKind::Flow,
            Body::Workflow(_) => RuleKind::Workflow,
            Body::Duplicate(_) => RuleKind::Duplicate,
            Body::Assignment(_) => RuleKind::Assignment,
        }
    }
}
