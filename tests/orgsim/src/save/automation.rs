//! Triggers, flows, workflow rules and assignment rules: which of them run.
//!
//! Source: Apex Developer Guide, Triggers and Order of Execution.

use std::sync::Arc;

use super::{Draft, Save, SaveError, action::Actor, order::By};
use crate::{
    formula::Bound,
    rules::{Automation, CompiledAction, Event, ObjectRules, TriggerType},
    schema::Object,
    store::{Changes, row::Row},
};

/// Object and slot number.
type Record = (usize, usize);

/// What runs at an event, in order, and the name under which it does.
fn due<'r>(
    kind: &'static str,
    list: &'r [Automation],
    event: Event,
) -> impl Iterator<Item = (&'r Automation, Actor<'r>)> {
    let due = list.iter().filter(move |one| one.events.contains(&event));
    due.map(move |automation| {
        let actor = Actor {
            kind,
            name: &automation.name,
            event,
        };
        (automation, actor)
    })
}

impl Save<'_> {
    /// Flows and triggers that run before the record is written (2, 3).
    pub(super) fn run(
        &mut self,
        rules: &ObjectRules,
        draft: &mut Draft<'_>,
        event: Event,
    ) -> Result<(), SaveError> {
        self.each_before(("flow", &rules.flows), draft, event)?;
        self.each_before(("trigger", &rules.triggers), draft, event)
    }

    fn each_before(
        &mut self,
        (kind, list): (&'static str, &[Automation]),
        draft: &mut Draft<'_>,
        event: Event,
    ) -> Result<(), SaveError> {
        for (automation, actor) in due(kind, list, event) {
            let runs = self.about_draft(draft, |scope| asks(automation.condition.as_ref(), scope));
            if !runs.map_err(|error| actor.failed("System.MathException", &error.0))? {
                continue;
            }
            self.rules
                .fired
                .count(kind, &draft.object.name, &automation.name, event.name());
            for action in &automation.actions {
                if let CompiledAction::Set(values) = action {
                    self.set(draft, values)
                        .map_err(|error| actor.wrap("Update", error))?;
                } else {
                    self.act(draft, action, actor)?;
                }
            }
        }
        Ok(())
    }

    /// After-triggers (7).
    pub(super) fn triggers(
        &mut self,
        rules: &ObjectRules,
        record: Record,
        before: Option<&Row>,
        event: Event,
    ) -> Result<(), SaveError> {
        self.each_after(("trigger", &rules.triggers), record, before, event)
    }

    /// After-save flows (12).
    pub(super) fn flows(
        &mut self,
        rules: &ObjectRules,
        record: Record,
        before: Option<&Row>,
        event: Event,
    ) -> Result<(), SaveError> {
        self.each_after(("flow", &rules.flows), record, before, event)
    }

    fn each_after(
        &mut self,
        (kind, list): (&'static str, &[Automation]),
        record: Record,
        before: Option<&Row>,
        event: Event,
    ) -> Result<(), SaveError> {
        for (automation, actor) in due(kind, list, event) {
            let Some((object, row)) = self.stored(record) else {
                return Ok(());
            };
            let old = before.map(|row| row as &dyn crate::formula::Record);
            let runs = self.about(&row, old, |scope| {
                asks(automation.condition.as_ref(), scope)
            });
            if !runs.map_err(|error| actor.failed("System.MathException", &error.0))? {
                continue;
            }
            self.rules
                .fired
                .count(kind, &object.name, &automation.name, event.name());
            for action in &automation.actions {
                // Each action sees what the ones before it did.
                let Some((_, row)) = self.stored(record) else {
                    return Ok(());
                };
                let mut draft = Draft::changed(
                    (record.0, object),
                    (record.1, row),
                    Changes::new(),
                    Vec::new(),
                );
                if let CompiledAction::Set(values) = action {
                    // The record is in the store already: this is a save of its own.
                    self.set(&mut draft, values)
                        .and_then(|()| self.whole(|save| save.change(draft)))
                        .map_err(|error| actor.wrap("Update", error))?;
                } else {
                    self.act(&draft, action, actor)?;
                }
            }
        }
        Ok(())
    }

    /// Workflow rules (10): their field updates run the update triggers once more, and nothing else.
    pub(super) fn workflow(
        &mut self,
        rules: &Arc<ObjectRules>,
        record: Record,
        before: Option<&Row>,
        event: Event,
    ) -> Result<(), SaveError> {
        let Some((object, row)) = self.stored(record).filter(|_| !rules.workflows.is_empty())
        else {
            return Ok(());
        };
        let mut draft = Draft::changed(
            (record.0, object),
            (record.1, Row::clone(&row)),
            Changes::new(),
            Vec::new(),
        );
        for rule in &rules.workflows {
            let old = before.map(|row| row as &dyn crate::formula::Record);
            let held = old.is_some_and(|old| {
                self.about(old, None, |scope| rule.condition.holds(scope))
                    .unwrap_or(false)
            });
            let looks = match rule.trigger_type {
                TriggerType::Saved => true,
                TriggerType::Created => before.is_none(),
                TriggerType::BeginsToMeet => before.is_none() || !held,
            };
            if !looks || !self.about(&row, old, |scope| rule.condition.holds(scope))? {
                continue;
            }
            self.rules
                .fired
                .count("workflow", &object.name, &rule.name, event.name());
            let actor = Actor {
                kind: "workflow",
                name: &rule.name,
                event,
            };
            for action in &rule.actions {
                if let CompiledAction::Set(values) = action {
                    self.set(&mut draft, values)?;
                } else {
                    self.act(&draft, action, actor)?;
                }
            }
        }
        if draft.changes().is_empty() {
            return Ok(());
        }
        self.each_before(
            ("trigger", &rules.triggers),
            &mut draft,
            Event::BeforeUpdate,
        )?;
        self.compute(&mut draft);
        self.write(&draft, By::Caller);
        self.triggers(rules, record, Some(&row), Event::AfterUpdate)
    }

    /// The first assignment rule whose caller wants it (8).
    pub(super) fn assign(&mut self, rules: &ObjectRules, record: Record) -> Result<(), SaveError> {
        let Some(rule) = rules
            .assignments
            .first()
            .filter(|_| self.caller.auto_assign)
        else {
            return Ok(());
        };
        let Some((object, row)) = self.stored(record) else {
            return Ok(());
        };
        let Some((number, field)) = object.field("OwnerId") else {
            return Ok(());
        };
        for (condition, owner, email) in &rule.entries {
            if !self.about(&row, None, |scope| asks(condition.as_ref(), scope))? {
                continue;
            }
            let owner = self.parent(object, field, owner)?;
            self.rules
                .fired
                .count("assignment", &object.name, &rule.name, "assigned");
            self.amend(record, Changes::from([(number, Some(owner))]), 0);
            if let Some(template) = email {
                self.email(object, template);
            }
            break;
        }
        Ok(())
    }

    /// Triggers of a record that is deleted or comes back; what goes along with it fires none.
    pub(super) fn around(
        &mut self,
        record: Record,
        before: Option<&Row>,
        event: Event,
    ) -> Result<(), SaveError> {
        let Some(rules) = self.rules.of(record.0).cloned() else {
            return Ok(());
        };
        self.each_after(("trigger", &rules.triggers), record, before, event)?;
        self.each_after(("flow", &rules.flows), record, before, event)
    }
}

impl<'a> Save<'a> {
    /// Declaration and values of a record that can be seen, deleted or not.
    pub(super) fn stored(&self, (at, slot): Record) -> Option<(&'a Object, Row)> {
        let row = self.store.slot(at, slot)?.row.clone()?;
        Some((self.schema.object(at)?, row))
    }
}

/// A condition that is not there always holds.
fn asks(
    condition: Option<&Bound>,
    scope: &crate::formula::Scope<'_>,
) -> Result<bool, crate::formula::FormulaError> {
    condition.map_or(Ok(true), |condition| condition.holds(scope))
}
