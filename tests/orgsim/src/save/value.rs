//! What a caller sent becomes what is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil};
use serde_json::{Value, value::RawValue};

use super::{Input, Save, SaveError, Values, check, value_of};
use crate::{
    clock::utc_datetime,
    generate::body::md5_hex,
    id,
    schema::{Field, Kind, Object, Trait},
    store::Changes,
};

impl Save<'_> {
    /// Reads and checks an input, in the order in which the platform complains.
    pub(super) fn read(
        &mut self,
        object: &Object,
        values: &Values,
        creates: bool,
    ) -> Result<Input, SaveError> {
        let mut input = Input::default();
        for (name, raw) in values {
            if name.eq_ignore_ascii_case("attributes") {
                continue;
            }
            let Some((number, field)) = object.field(name) else {
                let (number, id) = self.parent_by_key(object, name, raw)?;
                input.changes.insert(number, id);
                continue;
            };
            if field.kind == Kind::Base64 {
                let body = body(field, raw)?;
                let length = body.len().to_string();
                for (about, text) in [
                    ("BodyLength", length.clone()),
                    ("ContentSize", length),
                    ("Checksum", md5_hex(&body)),
                ] {
                    if let Some((number, _)) = object.field(about) {
                        input.changes.insert(number, Some(text));
                    }
                }
                input.bodies.push((number, body.into()));
                continue;
            }
            input.changes.insert(number, text(field, raw)?);
        }
        check::writable(object, values, creates)?;
        for (number, value) in &mut input.changes {
            if let (Some(field), Some(text)) = (object.fields.get(*number), value) {
                check::fits(field, text)?;
                if field.kind == Kind::Reference {
                    *text = self.parent(object, field, text)?;
                }
            }
        }
        Ok(input)
    }

    /// The long form of an Id that a reference field may hold.
    fn parent(&self, object: &Object, field: &Field, text: &str) -> Result<String, SaveError> {
        let wrong = || {
            SaveError::of(
                "MALFORMED_ID",
                format!(
                    "{}: id value of incorrect type: {text}",
                    reference_label(field)
                ),
                &field.name,
            )
        };
        let parsed = id::parse(text).ok_or_else(wrong)?;
        let (at, slot) = self.schema.locate(&parsed).ok_or_else(wrong)?;
        if !field.targets.contains(&at) {
            return Err(wrong());
        }
        let found = self.store.slot(at, slot).filter(|slot| slot.row.is_some());
        let Some(found) = found else {
            return Err(SaveError::new(
                "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                format!("insufficient access rights on cross-reference id: {text}"),
            ));
        };
        if found.deleted {
            return Err(SaveError::deleted());
        }
        if field.name == "OwnerId"
            && let (Some(owner), Some(row)) = (self.schema.object(at), &found.row)
            && value_of(row, owner, "IsActive") == Some("false")
        {
            return Err(SaveError::of(
                "INACTIVE_OWNER_OR_USER",
                format!(
                    "operation performed with inactive user [{text}] as owner of {}",
                    object.name.to_lowercase()
                ),
                &field.name,
            ));
        }
        Ok(id::long(&parsed))
    }

    /// A parent named by its external Id: `"Account__r": {"External_Key__c": "x"}`.
    fn parent_by_key(
        &mut self,
        object: &Object,
        name: &str,
        raw: &RawValue,
    ) -> Result<(usize, Option<String>), SaveError> {
        let no_column = || {
            SaveError::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", object.name),
            )
        };
        let mut fields = object.fields.iter().enumerate();
        let (number, field) = fields
            .find(|(_, field)| {
                let relationship = field.relationship.as_deref();
                relationship.is_some_and(|relationship| relationship.eq_ignore_ascii_case(name))
            })
            .ok_or_else(no_column)?;
        let key: serde_json::Map<String, Value> =
            serde_json::from_str(raw.get()).map_err(|_| no_column())?;
        let wanted = key
            .get("attributes")
            .and_then(|attributes| attributes.get("type"))
            .and_then(Value::as_str);
        let targets = field.targets.iter().filter(|target| {
            let name = self.schema.object(**target).map(|object| &object.name);
            wanted.is_none_or(|wanted| name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
        });
        for target in targets {
            let Some(parent) = self.schema.object(*target) else {
                continue;
            };
            for (key_name, value) in key.iter().filter(|(name, _)| *name != "attributes") {
                let Some((at, found)) = parent.field(key_name) else {
                    continue;
                };
                if !found.is(Trait::External) && !found.is(Trait::Unique) {
                    continue;
                }
                let value = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let slots = self.store.with_value(*target, at, value.as_bytes());
                let slot = slots.into_iter().find(|slot| {
                    self.store
                        .slot(*target, *slot)
                        .is_some_and(|found| !found.deleted)
                });
                let slot = slot.ok_or_else(|| {
                    SaveError::new(
                        "INVALID_FIELD",
                        format!(
                            "Foreign key external ID: {value} not found for field {} in entity {}",
                            found.name, parent.name
                        ),
                    )
                })?;
                let id = String::from_utf8_lossy(&parent.mint.id(slot)).into_owned();
                return Ok((number, Some(id)));
            }
        }
        Err(no_column())
    }
}

/// A value as Bulk CSV prints it; nothing for null.
fn text(field: &Field, raw: &RawValue) -> Result<Option<String>, SaveError> {
    let raw = raw.get().trim();
    let (token, given) = match raw.bytes().next() {
        Some(b'n') => return Ok(None),
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).unwrap_or_default();
            if text.is_empty() {
                return Ok(None);
            }
            ("VALUE_STRING", text)
        }
        Some(b't') => ("VALUE_TRUE", raw.to_owned()),
        Some(b'f') => ("VALUE_FALSE", raw.to_owned()),
        Some(b'{') => ("START_OBJECT", String::new()),
        Some(b'[') => ("START_ARRAY", String::new()),
        _ => ("VALUE_NUMBER", raw.to_owned()),
    };
    let stored = match field.kind {
        _ if token.starts_with("START") => None,
        Kind::Boolean => ["true", "false"]
            .into_iter()
            .find(|truth| truth.eq_ignore_ascii_case(&given))
            .map(str::to_owned),
        kind if kind.numeric() => check::number(field, &given)?,
        Kind::Date => date(&given),
        Kind::DateTime => datetime(&given),
        Kind::Time => time(&given),
        _ => Some(given.clone()),
    };
    stored.map(Some).ok_or_else(|| {
        SaveError::new(
            "JSON_PARSER_ERROR",
            format!(
                "Cannot deserialize instance of {} from {token} value {given} or request may be missing a required field at [line:1, column:1]",
                field.kind.name()
            ),
        )
    })
}

fn date(text: &str) -> Option<String> {
    let day = text.get(..10).unwrap_or(text);
    (text.len() == 10 || text.get(10..11) == Some("T"))
        .then(|| day.parse::<civil::Date>().ok())
        .flatten()
        .map(|date| date.to_string())
}

fn datetime(text: &str) -> Option<String> {
    let moment = text.parse::<Timestamp>().ok();
    let midnight = || format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
    let moment = moment.or_else(midnight)?;
    Some(utc_datetime(moment.as_millisecond()))
}

fn time(text: &str) -> Option<String> {
    let time: civil::Time = text.trim_end_matches('Z').parse().ok()?;
    Some(format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    ))
}

fn body(field: &Field, raw: &RawValue) -> Result<Vec<u8>, SaveError> {
    let text: Option<String> = serde_json::from_str(raw.get()).unwrap_or_default();
    STANDARD.decode(text.unwrap_or_default()).map_err(|_| {
        SaveError::of(
            "JSON_PARSER_ERROR",
            format!(
                "Illegal character in base64-encoded content: {}",
                field.name
            ),
            &field.name,
        )
    })
}

/// `Account ID` for `AccountId`.
fn reference_label(field: &Field) -> String {
    match field.name.strip_suffix("Id") {
        Some(_) => format!("{} ID", field.label()),
        None => field.label(),
    }
}

/// Adds the full name that follows from a changed first or last name.
pub(crate) fn full_name(
    object: &Object,
    mut changes: Changes,
    current: impl Fn(usize) -> Option<String>,
) -> Changes {
    let number = |name: &str| object.field(name).map(|(number, _)| number);
    let (Some(first), Some(last), Some(full)) =
        (number("FirstName"), number("LastName"), number("Name"))
    else {
        return changes;
    };
    if changes.contains_key(&full) || !(changes.contains_key(&first) || changes.contains_key(&last))
    {
        return changes;
    }
    let part = |field: usize| {
        changes
            .get(&field)
            .cloned()
            .unwrap_or_else(|| current(field))
    };
    let parts: Vec<String> = [part(first), part(last)].into_iter().flatten().collect();
    changes.insert(full, Some(parts.join(" ")));
    changes
}
