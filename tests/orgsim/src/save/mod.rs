//! Saving records as the platform does it for an API: what is checked, in which order, and what else changes.
//!
//! Sources: REST API Developer Guide (sObject Rows, sObject Collections), SOAP API Developer Guide (create, delete,
//! undelete, Core Data Types), Apex Developer Guide (Triggers and Order of Execution).

mod access;
mod action;
mod activity;
mod amount;
mod attached;
mod audit_trail;
mod automation;
mod caller;
mod campaign;
mod check;
mod computed;
mod delete;
mod draft;
mod files;
mod fresh;
mod history;
mod input;
mod lock;
mod mixed;
mod opportunity;
mod order;
mod orders;
mod parent;
pub(crate) mod person;
mod platform;
mod pricing;
mod proposal;
mod service;
mod standard;
mod tracking;
mod upsert;
mod validate;
mod value;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    rules::Rules,
    schema::{Object, Schema, Trait},
    state::{Word, word},
    store::{
        Store, Visible,
        row::{Row, text},
    },
};
use access::Act;
pub(crate) use attached::WithFiles;
pub(crate) use audit_trail::SetupChange;
pub(crate) use caller::Caller;
pub(crate) use draft::Draft;
pub(crate) use history::settable;
pub(crate) use input::{Cells, Intent, Place, Source};
pub(crate) use parent::{ParentKey, names_records, relation};
pub(crate) use upsert::Upsert;
pub(crate) use value::full_name;

/// Field values as a caller sent them, their digits included.
pub(crate) type Values = BTreeMap<String, Box<RawValue>>;

/// Why a record was not saved.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct SaveError {
    /// `statusCode` or `errorCode`.
    #[serde(deserialize_with = "word")]
    pub code: Word,
    /// For people.
    pub message: String,
    /// The fields at fault.
    pub fields: Vec<String>,
    /// What a duplicate rule found: `duplicateResut` of the REST API, which spells it so.
    pub duplicates: Option<Box<serde_json::Value>>,
    /// Further errors of the same record: all validation rules that refuse it say so.
    pub others: Vec<SaveError>,
}

impl SaveError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            duplicates: None,
            others: Vec::new(),
        }
    }

    /// Several errors of one record as one; nothing for none.
    fn together(errors: Vec<Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        first.others.extend(errors);
        Some(first)
    }

    /// This error and the further ones of the same record, as results of several records list them.
    pub(crate) fn listed(&self) -> serde_json::Value {
        let errors = std::iter::once(self).chain(&self.others);
        errors
            .map(|error| {
                serde_json::json!({
                    "statusCode": error.code, "message": error.message, "fields": error.fields,
                })
            })
            .collect()
    }

    pub(crate) fn of(code: &'static str, message: impl Into<String>, field: &str) -> Self {
        Self {
            fields: vec![field.to_owned()],
            ..Self::new(code, message)
        }
    }

    fn of_all(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self {
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            ..Self::new(code, message)
        }
    }

    /// Fields that must have a value and have none.
    fn missing(fields: &[&str]) -> Self {
        let message = format!("Required fields are missing: [{}]", fields.join(", "));
        Self::of_all("REQUIRED_FIELD_MISSING", message, fields)
    }

    /// A transaction in which another record failed.
    pub(crate) fn rolled_back() -> Self {
        Self::new(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        )
    }

    /// An update that names no record.
    pub(crate) fn missing_id() -> Self {
        Self::of(
            "MISSING_ARGUMENT",
            "Id not specified in an update call",
            "Id",
        )
    }

    /// A text that is no Id of this org.
    pub(crate) fn malformed_id(text: &str) -> Self {
        Self::new("MALFORMED_ID", format!("malformed id {text}"))
    }

    /// More than one record has the key of an upsert.
    pub(crate) fn ambiguous(field: &str, value: &str) -> Self {
        Self::new(
            "DUPLICATE_EXTERNAL_ID",
            format!("{field}: more than one record found for external id field: [{value}]"),
        )
    }

    /// An object that is not there or cannot be made.
    pub(crate) fn wrong_type(name: &str) -> Self {
        Self::new(
            "INVALID_TYPE",
            format!("sObject type '{name}' is not supported."),
        )
    }

    /// A request that makes no sense as a whole.
    pub(crate) fn input(message: &str) -> Self {
        Self::new("INVALID_INPUT", message)
    }

    /// A record that is not there.
    pub(crate) fn unknown() -> Self {
        Self::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    }

    /// A record that lies in the Recycle Bin.
    pub(crate) fn deleted() -> Self {
        Self::new("ENTITY_IS_DELETED", "entity is deleted")
    }
}

/// One transaction's view of the org.
#[derive(Debug)]
pub(crate) struct Save<'a> {
    /// The declarations.
    pub schema: &'a Schema,
    /// The records.
    pub store: &'a mut Store,
    /// On whose behalf.
    pub caller: &'a Caller,
    /// What the audit fields get.
    pub stamp_ms: i64,
    /// The org's time.
    pub now_ms: i64,
    /// When the changes are seen.
    pub visible: Visible,
    /// The rules as they were when the transaction began.
    pub rules: Arc<Rules>,
}

impl Save<'_> {
    /// Makes a record; its slot.
    pub(crate) fn create(&mut self, at: usize, source: &impl Source) -> Result<usize, SaveError> {
        self.create_as(at, source, Intent::CREATE)
    }

    fn create_as(
        &mut self,
        at: usize,
        source: &impl Source,
        intent: Intent<'_>,
    ) -> Result<usize, SaveError> {
        let object = self.schema.object(at).ok_or_else(SaveError::unknown)?;
        self.allowed(at, Act::Create)?;
        let input = source.read(self, object, intent)?;
        let slot = self.store.next_slot(at);
        self.free((at, slot), Some(&input.changes))?;
        let fresh = self.fresh(object, slot);
        let given = full_name(object, input.changes, |_| None);
        let draft = Draft::made((at, object), slot, (fresh, given), input.bodies);
        self.whole(|save| save.insert(draft))
    }

    /// Gives a record new values.
    pub(crate) fn update(
        &mut self,
        record: (usize, usize),
        source: &impl Source,
    ) -> Result<(), SaveError> {
        self.update_as(record, source, Intent::UPDATE)
    }

    fn update_as(
        &mut self,
        (at, slot): (usize, usize),
        source: &impl Source,
        intent: Intent<'_>,
    ) -> Result<(), SaveError> {
        let object = self.schema.object(at).ok_or_else(SaveError::unknown)?;
        let row = self.live((at, slot))?;
        self.allowed(at, Act::Edit)?;
        if object.name == "Lead" && value_of(&row, object, "IsConverted") == Some("true") {
            return Err(SaveError::new(
                "CANNOT_UPDATE_CONVERTED_LEAD",
                "cannot reference converted lead",
            ));
        }
        let input = source.read(self, object, intent)?;
        self.free((at, slot), Some(&input.changes))?;
        let own = full_name(object, input.changes, |field| {
            text(&row, field).map(str::to_owned)
        });
        let draft = Draft::changed((at, object), (slot, row), own, input.bodies);
        self.whole(|save| save.change(draft))
    }

    /// There is storage for another record with these files.
    fn room(&self, at: usize, bodies: &[(usize, Bytes)]) -> Result<(), SaveError> {
        let file = bodies.iter().map(|(_, body)| body.len()).sum();
        if self.store.has_room(at, file) {
            return Ok(());
        }
        Err(SaveError::new(
            "STORAGE_LIMIT_EXCEEDED",
            "storage limit exceeded",
        ))
    }

    /// The values of a record that is there and not deleted.
    pub(crate) fn live(&self, (at, slot): (usize, usize)) -> Result<Row, SaveError> {
        let found = self.store.slot(at, slot).ok_or_else(SaveError::unknown)?;
        let row = found.row.clone().ok_or_else(|| {
            let was_there = !self.store.versions(at, slot).is_empty();
            if was_there {
                SaveError::deleted()
            } else {
                SaveError::unknown()
            }
        })?;
        if found.deleted {
            return Err(SaveError::deleted());
        }
        Ok(row)
    }

    fn keep_bodies(&mut self, (at, slot): (usize, usize), bodies: Vec<(usize, Bytes)>) {
        for (field, body) in bodies {
            self.store.set_body(at, slot, field, body);
        }
    }

    /// No other live record may share a value that is unique.
    fn unique<'v>(
        &mut self,
        at: usize,
        object: &Object,
        slot: Option<usize>,
        value: impl Fn(usize) -> Option<&'v str>,
    ) -> Result<(), SaveError> {
        let unique = object.fields.iter().enumerate();
        for (number, field) in unique.filter(|(_, field)| field.is(Trait::Unique)) {
            let Some(value) = value(number) else { continue };
            let others = self.store.with_value(at, number, value.as_bytes());
            let other = others.into_iter().find(|other| {
                Some(*other) != slot
                    && self
                        .store
                        .slot(at, *other)
                        .is_some_and(|found| !found.deleted)
            });
            if let Some(other) = other {
                let id = String::from_utf8_lossy(&object.mint.id(other)).into_owned();
                let name = &field.name;
                return Err(SaveError::of(
                    "DUPLICATE_VALUE",
                    format!(
                        "duplicate value found: {name} duplicates value on record with id: {id}"
                    ),
                    name,
                ));
            }
        }
        Ok(())
    }
}

fn value_of<'r>(row: &'r Row, object: &Object, field: &str) -> Option<&'r str> {
    text(row, object.field(field)?.0)
}

#[cfg(test)]
mod invariants;
#[cfg(test)]
mod tests;
