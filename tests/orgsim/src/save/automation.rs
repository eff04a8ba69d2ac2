//! Triggers, flows, workflow rules and assignment rules, and what they do.
//!
//! Sources: Apex Developer Guide, Triggers and Order of Execution; SOAP API Developer Guide, Core Data Types
//! (`CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY`, `CANNOT_EXECUTE_FLOW_TRIGGER`); issue reports for the texts.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{Draft, Save, SaveError, Values, check};
use crate::{
    formula::{Bound, Record as _},
    rules::{Automation, CompiledAction, Event, ObjectRules, TriggerType},
    schema::{Field, Kind, Object},
    store::{Changes, row::Row},
};

/// Object and slot number.
type Record = (usize, usize);

/// Who does something, for counts and for texts.
#[derive(Clone, Copy, Debug)]
struct Actor<'r> {
    kind: &'static str,
    name: &'r str,
    event: Event,
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
        for automation in list.iter().filter(|one| one.events.contains(&event)) {
            let actor = Actor {
                kind,
                name: &automation.name,
                event,
            };
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
        for automation in list.iter().filter(|one| one.events.contains(&event)) {
            let actor = Actor {
                kind,
                name: &automation.name,
                event,
            };
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
        self.write(&draft);
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
            self.store.change(
                record,
                &Changes::from([(number, Some(owner))]),
                self.visible,
                self.now_ms,
            );
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

    /// An action that does not change the record itself.
    fn act(
        &mut self,
        draft: &Draft<'_>,
        action: &CompiledAction,
        actor: Actor<'_>,
    ) -> Result<(), SaveError> {
        match action {
            CompiledAction::Set(_) => Ok(()),
            CompiledAction::AddError(message, field) => {
                let mut error = SaveError::new("FIELD_CUSTOM_VALIDATION_EXCEPTION", message);
                error.fields.extend(field.clone());
                Err(error)
            }
            CompiledAction::Throw(text) => {
                let (class, text) = text
                    .split_once(": ")
                    .unwrap_or(("System.DmlException", text));
                Err(actor.failed(class, text))
            }
            CompiledAction::Email(template) => {
                self.email(draft.object, template);
                Ok(())
            }
            CompiledAction::Create(other, values) => {
                let target = self.schema.object(*other).ok_or_else(SaveError::unknown)?;
                let mut given = Values::new();
                for (number, bound) in values {
                    let Some(field) = target.fields.get(*number) else {
                        continue;
                    };
                    given.insert(field.name.clone(), self.raw(draft, field, bound)?);
                }
                let made = self.create(*other, &given);
                made.map(|_| ())
                    .map_err(|error| actor.wrap("Insert", error))
            }
            CompiledAction::UpdateParent(reference, values) => {
                let parent = draft
                    .value(*reference)
                    .and_then(|id| self.schema.locate(id.as_bytes()));
                let Some(parent) = parent else { return Ok(()) };
                let target = self
                    .schema
                    .object(parent.0)
                    .ok_or_else(SaveError::unknown)?;
                let mut given = Values::new();
                for (name, bound) in values {
                    let Some((_, field)) = target.field(name) else {
                        continue;
                    };
                    given.insert(field.name.clone(), self.raw(draft, field, bound)?);
                }
                self.update(parent, &given)
                    .map_err(|error| actor.wrap("Update", error))
            }
        }
    }

    /// Gives a draft the values that formulas about it come to, as far as its fields can hold them.
    fn set(&mut self, draft: &mut Draft<'_>, values: &[(usize, Bound)]) -> Result<(), SaveError> {
        for (number, bound) in values {
            let Some(field) = draft.object.fields.get(*number) else {
                continue;
            };
            let text = self.about_draft(draft, |scope| {
                Ok::<_, SaveError>(bound.value(scope)?.stored(field))
            })?;
            let text = match text {
                Some(text) if field.kind.numeric() => check::number(field, &text)?,
                Some(text) if field.kind == Kind::Reference => {
                    Some(self.parent(draft.object, field, &text)?)
                }
                other => other,
            };
            if let Some(text) = &text {
                check::fits(field, text)?;
            }
            draft.set(*number, text);
        }
        Ok(())
    }

    /// The value of a formula about a record, as a caller would send it for another record's field.
    fn raw(
        &self,
        draft: &Draft<'_>,
        field: &Field,
        bound: &Bound,
    ) -> Result<Box<RawValue>, SaveError> {
        let text = self.about_draft(draft, |scope| {
            Ok::<_, SaveError>(bound.value(scope)?.stored(field))
        })?;
        let plain = field.kind == Kind::Boolean || field.kind.numeric();
        let json = match text {
            None => Ok("null".to_owned()),
            Some(text) if plain => Ok(text),
            Some(text) => serde_json::to_string(&text),
        };
        json.and_then(RawValue::from_string)
            .map_err(|error| SaveError::new("UNKNOWN_EXCEPTION", error.to_string()))
    }

    /// E-mails go out with the commit, so that none goes out for what is taken back (17).
    fn email(&mut self, object: &Object, template: &str) {
        let fired = Arc::clone(&self.rules.fired);
        let (object, template) = (object.name.clone(), template.to_owned());
        self.store.after_commit(Box::new(move || {
            fired.count("email", &object, &template, "sent");
        }));
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

impl Actor<'_> {
    /// An exception that nobody catches.
    fn failed(self, class: &str, text: &str) -> SaveError {
        let name = self.name;
        if self.kind == "trigger" {
            return SaveError::new(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                format!(
                    "{name}: execution of {}\n\ncaused by: {class}: {text}\n\nTrigger.{name}: line 1, column 1",
                    self.event.name()
                ),
            );
        }
        SaveError::new(
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            format!(
                "We can't save this record because the “{name}” process failed. Give your Salesforce admin these details. <b>An unhandled fault has occurred in this flow</b><br>An unhandled fault has occurred while processing the flow.  Please contact your system administrator for more information."
            ),
        )
    }

    /// A save within this one that failed: `verb` is `Insert` or `Update`.
    fn wrap(self, verb: &str, error: SaveError) -> SaveError {
        match self.kind {
            "trigger" => self.failed(
                "System.DmlException",
                &format!(
                    "{verb} failed. First exception on row 0; first error: {}, {}: [{}]",
                    error.code,
                    error.message,
                    error.fields.join(", ")
                ),
            ),
            "flow" => {
                let verb = if verb == "Insert" { "create" } else { "update" };
                SaveError::new(
                    "CANNOT_EXECUTE_FLOW_TRIGGER",
                    format!(
                        "We can't save this record because the “{}” process failed. Give your Salesforce admin these details. This error occurred when the flow tried to {verb} records: {}: {}. You can look up ExceptionCode values in the <a href='https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm'>SOAP API Developer Guide</a>.",
                        self.name, error.code, error.message
                    ),
                )
            }
            // A workflow rule has no exception of its own.
            _ => error,
        }
    }
}
