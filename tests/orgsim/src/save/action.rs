//! What triggers, flows and workflow rules do, and how they fail.
//!
//! Sources: SOAP API Developer Guide, Core Data Types (`CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY`,
//! `CANNOT_EXECUTE_FLOW_TRIGGER`); issue reports for the texts.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{Draft, Save, SaveError, Values, check};
use crate::{
    formula::{Bound, Record as _},
    rules::{CompiledAction, Event},
    schema::{Field, Kind, Object},
};

/// Who does something, for counts and for texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor<'r> {
    pub(super) kind: &'static str,
    pub(super) name: &'r str,
    pub(super) event: Event,
}

impl Save<'_> {
    /// An action that does not change the record itself.
    pub(super) fn act(
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
    pub(super) fn set(
        &mut self,
        draft: &mut Draft<'_>,
        values: &[(usize, Bound)],
    ) -> Result<(), SaveError> {
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
    pub(super) fn email(&mut self, object: &Object, template: &str) {
        let fired = Arc::clone(&self.rules.fired);
        let (object, template) = (object.name.clone(), template.to_owned());
        self.store.after_commit(Box::new(move || {
            fired.count("email", &object, &template, "sent");
        }));
    }
}

impl Actor<'_> {
    /// An exception that nobody catches.
    pub(super) fn failed(self, class: &str, text: &str) -> SaveError {
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
    pub(super) fn wrap(self, verb: &str, error: SaveError) -> SaveError {
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
