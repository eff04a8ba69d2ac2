//! What a new record holds before the caller's own values.

use super::Save;
use crate::{
    clock::{push_number, utc_datetime},
    schema::{Field, Kind, Object, Trait},
};

impl Save<'_> {
    /// The values of a new record, by field number.
    pub(super) fn fresh(&self, object: &Object, slot: usize) -> Vec<Option<String>> {
        let stamp = utc_datetime(self.stamp_ms);
        let value = |field: &Field| match (field.name.as_str(), field.kind) {
            ("Id", _) => Some(String::from_utf8_lossy(&object.mint.id(slot)).into_owned()),
            ("OwnerId" | "CreatedById" | "LastModifiedById", _) => Some(self.caller.user.clone()),
            ("CreatedDate" | "LastModifiedDate" | "SystemModstamp", _) => Some(stamp.clone()),
            ("AuthorId", _) if field.is(Trait::Required) => Some(self.caller.user.clone()),
            (_, Kind::Boolean) if field.default.is_none() => Some("false".to_owned()),
            _ if field.default.is_some() => field.default.clone(),
            // Nothing has been counted or added up yet.
            _ if field.roll_up.as_deref().is_some_and(starts_at_zero) => Some("0.0".to_owned()),
            _ if field.auto_number.is_some() => field.auto_number.as_deref().map(|format| {
                let (prefix, rest) = format.split_once('{').unwrap_or((format, ""));
                let mut text = prefix.as_bytes().to_vec();
                let number = u32::try_from(slot + 1).unwrap_or(u32::MAX);
                push_number(&mut text, number, rest.trim_end_matches('}').len());
                String::from_utf8_lossy(&text).into_owned()
            }),
            _ if !field.is(Trait::Required) => None,
            (_, Kind::Int) => Some("0".to_owned()),
            (_, kind) if kind.decimal() => Some("0.0".to_owned()),
            (_, Kind::Picklist) if !field.createable(object) => field.values.first().cloned(),
            _ => None,
        };
        object.fields.iter().map(value).collect()
    }
}

fn starts_at_zero(roll_up: &str) -> bool {
    roll_up.starts_with("COUNT") || roll_up.starts_with("SUM")
}
