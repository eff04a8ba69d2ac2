//! What the caller may do, before anything else is looked at.
//!
//! Source: SOAP API Developer Guide, Core Data Types (`INSUFFICIENT_ACCESS_OR_READONLY`,
//! `CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY`); texts from reports of users.

use super::{Intent, Save, SaveError};
use crate::schema::Object;

/// What is done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Edit,
    Delete,
}

impl Save<'_> {
    /// The caller may do this to records of object `at`.
    pub(super) fn allowed(&self, at: usize, act: Act) -> Result<(), SaveError> {
        let access = &self.caller.access;
        if access.unrestricted() {
            return Ok(());
        }
        let name = self
            .schema
            .object(at)
            .map_or("", |object| object.name.as_str());
        let crud = access.object(self.schema, at);
        match act {
            _ if !crud.read => Err(SaveError::wrong_type(name)),
            Act::Create if !crud.create => Err(SaveError::new(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                format!("entity type cannot be inserted: {name}"),
            )),
            Act::Edit if !crud.edit => Err(insufficient()),
            Act::Delete if !crud.delete => Err(insufficient()),
            _ => Ok(()),
        }
    }

    /// The caller may write the fields that the input names.
    pub(super) fn allowed_fields(
        &self,
        object: &Object,
        named: &[usize],
        intent: Intent<'_>,
    ) -> Result<(), SaveError> {
        let access = &self.caller.access;
        if access.unrestricted() {
            return Ok(());
        }
        let Some((at, _)) = self.schema.find(&object.name) else {
            return Ok(());
        };
        let mut refused = Vec::new();
        for number in named {
            let may = access.field(self.schema, at, *number);
            let name = object.fields.get(*number).map_or("", |field| &field.name);
            if !may.read {
                return Err(SaveError::new(
                    "INVALID_FIELD",
                    format!("No such column '{name}' on sobject of type {}", object.name),
                ));
            }
            let key = intent.key.is_some_and(|(key, _)| key == *number);
            if !may.edit && !key {
                refused.push(name.to_owned());
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(super::check::not_writable(refused))
    }
}

fn insufficient() -> SaveError {
    let message = "insufficient access rights on object id";
    SaveError::new("INSUFFICIENT_ACCESS_OR_READONLY", message)
}
