//! The org's automation: validation rules, triggers, flows, workflow rules, duplicate rules and assignment rules.
//! `save` runs them in the platform's order; here they are kept, switched and counted.
//!
//! Sources: Apex Developer Guide, Triggers and Order of Execution; Metadata API Developer Guide, the types of the
//! same names.

mod compiled;
mod computed;
mod fired;
mod grant;
mod rule;

use std::sync::Arc;

pub(crate) use compiled::{Automation, CompiledAction, ObjectRules};
use computed::Computed;
pub(crate) use computed::{Operation, RollUp};
use fired::Fired;
pub(crate) use grant::{AUDIT_FIELDS, Grants, INACTIVE_OWNERS};
pub(crate) use rule::{Body, Event, OnDuplicate, Rule, RuleKind, TriggerType};

use crate::schema::Schema;

/// Rules that the org ships with.
const SHIPPED: &str = include_str!("../../schema/rules.json");

/// All rules. A save holds one picture of them from its beginning to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    declared: Vec<Rule>,
    /// By object number; nothing for objects without a rule that is active.
    active: Vec<Option<Arc<ObjectRules>>>,
    /// Formula fields and roll-ups of the declarations as they were at `described_ms`.
    pub computed: Arc<Computed>,
    /// When the declarations had last changed.
    pub described_ms: i64,
    /// Permissions that users hold besides those of their rows.
    pub grants: Grants,
    /// What ran; one count for all pictures.
    pub fired: Arc<Fired>,
}

/// Why a rule cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    /// The object is not there.
    #[error("no such object: `{0}`")]
    Object(String),
    /// No rule of this kind has this name.
    #[error("no such rule: `{0}`")]
    Unknown(String),
    /// A field that is not there.
    #[error("no such field: `{0}`")]
    Field(String),
    /// A formula that means nothing here.
    #[error("{0}")]
    Formula(#[from] crate::formula::FormulaError),
    /// The declarations cannot be read.
    #[error("not understood: {0}")]
    Declaration(String),
}

impl Rules {
    /// The rules that the org ships with, all of them off.
    pub(crate) fn load(schema: &Schema) -> Result<Self, RuleError> {
        let shipped: Vec<Rule> = serde_json::from_str(SHIPPED)
            .map_err(|error| RuleError::Declaration(error.to_string()))?;
        let mut rules = Self::default();
        for rule in shipped {
            rules.put(schema, rule)?;
        }
        Ok(rules)
    }

    /// Rules and permissions that an org had before it ended.
    pub(crate) fn restored(
        schema: &Schema,
        declared: Vec<Rule>,
        grants: Grants,
    ) -> Result<Self, RuleError> {
        let mut rules = Self {
            grants,
            ..Self::default()
        };
        for rule in declared {
            rules.put(schema, rule)?;
        }
        Ok(rules)
    }

    /// Every rule, active or not.
    pub(crate) fn list(&self) -> &[Rule] {
        &self.declared
    }

    /// Adds a rule, or replaces the one of the same kind, object and name.
    pub(crate) fn put(&mut self, schema: &Schema, rule: Rule) -> Result<(), RuleError> {
        // Refused before anything changes.
        compiled::check(schema, &rule)?;
        let place = self
            .declared
            .iter()
            .position(|known| same(known, rule.kind(), &rule.object, &rule.name));
        let object = rule.object.clone();
        match place.and_then(|place| self.declared.get_mut(place)) {
            Some(known) => *known = rule,
            None => self.declared.push(rule),
        }
        self.compile(schema, &object)
    }

    /// Switches a rule on or off.
    pub(crate) fn set_active(
        &mut self,
        schema: &Schema,
        (kind, object, name): (RuleKind, &str, &str),
        active: bool,
    ) -> Result<(), RuleError> {
        let mut declared = self.declared.iter_mut();
        let rule = declared
            .find(|rule| same(rule, kind, object, name))
            .ok_or_else(|| RuleError::Unknown(format!("{object}.{name}")))?;
        rule.active = active;
        self.compile(schema, object)
    }

    /// Removes a rule; false when there is none.
    pub(crate) fn remove(
        &mut self,
        schema: &Schema,
        (kind, object, name): (RuleKind, &str, &str),
    ) -> Result<bool, RuleError> {
        let before = self.declared.len();
        self.declared.retain(|rule| !same(rule, kind, object, name));
        self.compile(schema, object)?;
        Ok(self.declared.len() < before)
    }

    /// Looks up what the org works out by itself; declarations change while it runs.
    pub(crate) fn refresh(&mut self, schema: &Schema, described_ms: i64) {
        self.computed = Arc::new(Computed::compile(schema));
        self.described_ms = described_ms;
    }

    /// The same without any rule that is active: what the org works out by itself stays.
    pub(crate) fn silent(&self) -> Arc<Self> {
        Arc::new(Self {
            declared: Vec::new(),
            active: Vec::new(),
            ..self.clone()
        })
    }

    /// The active rules of object number `at`.
    pub(crate) fn of(&self, at: usize) -> Option<&Arc<ObjectRules>> {
        self.active.get(at)?.as_ref()
    }

    fn compile(&mut self, schema: &Schema, object: &str) -> Result<(), RuleError> {
        let (at, _) = schema
            .find(object)
            .ok_or_else(|| RuleError::Object(object.to_owned()))?;
        let own = self
            .declared
            .iter()
            .filter(|rule| rule.active && rule.object.eq_ignore_ascii_case(object));
        let compiled = ObjectRules::compile(schema, at, own)?;
        if self.active.len() <= at {
            self.active.resize(at + 1, None);
        }
        if let Some(place) = self.active.get_mut(at) {
            *place = compiled.map(Arc::new);
        }
        Ok(())
    }
}

fn same(rule: &Rule, kind: RuleKind, object: &str, name: &str) -> bool {
    rule.kind() == kind
        && rule.object.eq_ignore_ascii_case(object)
        && rule.name.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests;
