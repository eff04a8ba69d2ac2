//! What a record that was restored must have of the one that was.

use std::collections::BTreeMap;

use holdfast_model::{FieldSchema, SalesforceId};
use holdfast_plan::diff::FieldClass;

use crate::truth::Record;

/// Whether a restore can write a field, of a record that is there or of a new one.
pub(crate) fn is_written(field: &FieldSchema, is_new: bool) -> bool {
    let can_be = if is_new {
        field.createable
    } else {
        field.updateable
    };
    // A new task has a default there, also where an old one was empty.
    let is_defaulted = is_new && field.name == "TaskSubtype";
    can_be && !is_defaulted && FieldClass::of(field) == FieldClass::Content
}

/// The value of then; a lookup leads to whoever took the place of its record.
pub(crate) fn wanted(
    record: &Record,
    field: &FieldSchema,
    new_ids: &BTreeMap<SalesforceId, SalesforceId>,
) -> Option<String> {
    let was = record.fields.get(&field.name)?;
    let to = SalesforceId::parse(was.as_bytes()).ok();
    let to = to.filter(|_| field.field_type == "reference");
    let to = to.and_then(|to| new_ids.get(&to));
    Some(to.map_or_else(|| was.clone(), SalesforceId::to_string))
}
