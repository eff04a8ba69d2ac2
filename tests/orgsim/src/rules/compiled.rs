//! The active rules of one object with every name looked up, by the point of a save at which they run.

use super::{
    Event, OnDuplicate, Rule, RuleError, TriggerType,
    rule::{Action, Body, Values},
};
use crate::{
    formula::{Bound, Formula},
    schema::{Object, Schema},
};

/// The active rules of one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectRules {
    /// Validation rules.
    pub validations: Vec<Validation>,
    /// Triggers.
    pub triggers: Vec<Automation>,
    /// Flows.
    pub flows: Vec<Automation>,
    /// Workflow rules.
    pub workflows: Vec<Workflow>,
    /// Duplicate rules.
    pub duplicates: Vec<Duplicate>,
    /// Assignment rules; the platform runs the first.
    pub assignments: Vec<Assignment>,
}

/// A validation rule.
#[derive(Clone, Debug)]
pub(crate) struct Validation {
    /// API name.
    pub name: String,
    /// Refuses the record when it holds.
    pub condition: Bound,
    /// What the caller is told.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
}

/// A trigger or a flow.
#[derive(Clone, Debug)]
pub(crate) struct Automation {
    /// API name.
    pub name: String,
    /// When it runs.
    pub events: Vec<Event>,
    /// Whether it does anything.
    pub condition: Option<Bound>,
    /// What it does.
    pub actions: Vec<CompiledAction>,
}

/// A workflow rule.
#[derive(Clone, Debug)]
pub(crate) struct Workflow {
    /// API name.
    pub name: String,
    /// When it looks at a record.
    pub trigger_type: TriggerType,
    /// Its criteria.
    pub condition: Bound,
    /// What it does.
    pub actions: Vec<CompiledAction>,
}

/// A duplicate rule.
#[derive(Clone, Debug)]
pub(crate) struct Duplicate {
    /// API name.
    pub name: String,
    /// Name of the matching rule.
    pub matching_rule: String,
    /// Numbers of the fields that must agree.
    pub fields: Vec<usize>,
    /// For new records.
    pub on_insert: OnDuplicate,
    /// For changed records.
    pub on_update: OnDuplicate,
    /// What the caller is told.
    pub alert: String,
}

/// An assignment rule.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// API name.
    pub name: String,
    /// Condition, owner's Id and e-mail template.
    pub entries: Vec<(Option<Bound>, String, Option<String>)>,
}

/// A side effect whose names are looked up.
#[derive(Clone, Debug)]
pub(crate) enum CompiledAction {
    /// The record's own fields.
    Set(Vec<(usize, Bound)>),
    /// A new record: its object's number, fields and values.
    Create(usize, Vec<(usize, Bound)>),
    /// The record that a reference field points to: the field, and values by the parent's field names.
    UpdateParent(usize, Vec<(String, Bound)>),
    /// Message and field.
    AddError(String, Option<String>),
    /// An exception that nobody catches.
    Throw(String),
    /// An e-mail by this template.
    Email(String),
}

/// Looks every name of a rule up, whether it is active or not.
pub(super) fn check(schema: &Schema, rule: &Rule) -> Result<(), RuleError> {
    let (at, _) = schema
        .find(&rule.object)
        .ok_or_else(|| RuleError::Object(rule.object.clone()))?;
    ObjectRules::compile(schema, at, [rule].into_iter()).map(|_| ())
}

impl ObjectRules {
    /// Looks the names of an object's rules up; nothing when there is none.
    pub(super) fn compile<'r>(
        schema: &Schema,
        at: usize,
        rules: impl Iterator<Item = &'r Rule>,
    ) -> Result<Option<Self>, RuleError> {
        let Some(object) = schema.object(at) else {
            return Ok(None);
        };
        let bind = |formula: &Formula| formula.bind(schema, at);
        let condition = |formula: &Option<Formula>| formula.as_ref().map(bind).transpose();
        let actions = |actions: &[Action]| -> Result<Vec<_>, RuleError> {
            let each = actions.iter();
            each.map(|action| compile_action(schema, (at, object), action))
                .collect()
        };
        let mut found = Self::default();
        let mut any = false;
        for rule in rules {
            any = true;
            let name = rule.name.clone();
            match &rule.body {
                Body::Validation(body) => {
                    if let Some(field) = &body.field {
                        number(object, field)?;
                    }
                    found.validations.push(Validation {
                        name,
                        condition: bind(&body.condition)?,
                        message: body.message.clone(),
                        field: body.field.clone(),
                    });
                }
                Body::Trigger(body) | Body::Flow(body) => {
                    let list = match rule.body {
                        Body::Trigger(_) => &mut found.triggers,
                        _ => &mut found.flows,
                    };
                    list.push(Automation {
                        name,
                        events: body.events.clone(),
                        condition: condition(&body.condition)?,
                        actions: actions(&body.actions)?,
                    });
                }
                Body::Workflow(body) => found.workflows.push(Workflow {
                    name,
                    trigger_type: body.trigger_type,
                    condition: bind(&body.condition)?,
                    actions: actions(&body.actions)?,
                }),
                Body::Duplicate(body) => {
                    let fields = body.fields.iter().map(|field| number(object, field));
                    found.duplicates.push(Duplicate {
                        name,
                        matching_rule: body.matching_rule.clone(),
                        fields: fields.collect::<Result<_, _>>()?,
                        on_insert: body.on_insert,
                        on_update: body.on_update,
                        alert: body.alert.clone(),
                    });
                }
                Body::Assignment(body) => {
                    let entries = body.entries.iter().map(|entry| {
                        let condition = condition(&entry.condition)?;
                        Ok((condition, entry.owner.clone(), entry.email.clone()))
                    });
                    found.assignments.push(Assignment {
                        name,
                        entries: entries.collect::<Result<_, RuleError>>()?,
                    });
                }
            }
        }
        Ok(any.then_some(found))
    }
}

fn compile_action(
    schema: &Schema,
    (at, object): (usize, &Object),
    action: &Action,
) -> Result<CompiledAction, RuleError> {
    let values = |target: &Object, values: &Values| -> Result<Vec<_>, RuleError> {
        let each = values.iter();
        each.map(|(field, formula)| Ok((number(target, field)?, formula.bind(schema, at)?)))
            .collect()
    };
    Ok(match action {
        Action::Set(own) => CompiledAction::Set(values(object, own)?),
        Action::Create {
            object: name,
            values: given,
        } => {
            let (other, target) = schema
                .find(name)
                .ok_or_else(|| RuleError::Object(name.clone()))?;
            CompiledAction::Create(other, values(target, given)?)
        }
        Action::UpdateParent {
            field,
            values: given,
        } => {
            let reference = number(object, field)?;
            let targets = object.fields.get(reference).map(|field| &field.targets);
            for name in given.keys() {
                let mut targets = targets.into_iter().flatten();
                let known = targets.any(|target| {
                    let target = schema.object(*target);
                    target.is_some_and(|target| target.field(name).is_some())
                });
                if !known {
                    return Err(RuleError::Field(name.clone()));
                }
            }
            let each = given.iter();
            let values = each
                .map(|(name, formula)| Ok((name.clone(), formula.bind(schema, at)?)))
                .collect::<Result<_, RuleError>>()?;
            CompiledAction::UpdateParent(reference, values)
        }
        Action::AddError { message, field } => {
            if let Some(field) = field {
                number(object, field)?;
            }
            CompiledAction::AddError(message.clone(), field.clone())
        }
        Action::Throw(text) => CompiledAction::Throw(text.clone()),
        Action::Email(template) => CompiledAction::Email(template.clone()),
    })
}

fn number(object: &Object, field: &str) -> Result<usize, RuleError> {
    object
        .field(field)
        .map(|(number, _)| number)
        .ok_or_else(|| RuleError::Field(format!("{}.{field}", object.name)))
}
