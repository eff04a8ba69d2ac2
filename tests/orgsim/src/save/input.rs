//! The values of a record, from JSON or from CSV, read into one form that all checks and rules work on.

use bytes::Bytes;
use serde_json::{Value, value::RawValue};

use super::{
    Save, SaveError, Values, check,
    parent::ParentKey,
    value::{Given, Misfit, body, stored},
};
use crate::{
    generate::body::md5_hex,
    schema::{Field, Kind, Object},
    store::Changes,
};

/// The values of a record in some notation.
pub(crate) trait Source {
    /// Reads and checks them, in the order in which the platform complains.
    fn read(
        &self,
        save: &mut Save<'_>,
        object: &Object,
        intent: Intent<'_>,
    ) -> Result<Input, SaveError>;
}

/// What the values are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intent<'k> {
    /// A new record.
    pub creates: bool,
    /// The field that named the record of an upsert: the source's own value is passed over, a new record gets this one.
    pub key: Option<(usize, Option<&'k str>)>,
}

impl Intent<'_> {
    /// A new record.
    pub(crate) const CREATE: Self = Self {
        creates: true,
        key: None,
    };
    /// New values for a record.
    pub(crate) const UPDATE: Self = Self {
        creates: false,
        key: None,
    };
}

/// What an input comes to: values by field number, and bodies.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// What is stored.
    pub(super) changes: Changes,
    /// Files.
    pub(super) bodies: Vec<(usize, Bytes)>,
    /// The fields that the caller named.
    pub(super) named: Vec<usize>,
}

/// Where a value goes.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A field of the record.
    Field(usize),
    /// A reference field, through a key of the parent.
    Parent(ParentKey),
    /// Nowhere: the Id of a CSV row, which names the record.
    Nowhere,
}

/// A row of a CSV file under its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'c> {
    /// Where each column goes.
    pub places: &'c [Place],
    /// The cells.
    pub cells: &'c [&'c str],
}

impl<S: Source> Source for &S {
    fn read(
        &self,
        save: &mut Save<'_>,
        object: &Object,
        intent: Intent<'_>,
    ) -> Result<Input, SaveError> {
        (*self).read(save, object, intent)
    }
}

impl Source for Values {
    fn read(
        &self,
        save: &mut Save<'_>,
        object: &Object,
        intent: Intent<'_>,
    ) -> Result<Input, SaveError> {
        let mut input = Input::default();
        for (name, raw) in self {
            if name.eq_ignore_ascii_case("attributes") {
                continue;
            }
            let Some((number, field)) = object.field(name) else {
                let (number, id) = parent_in_json(save, object, name, raw)?;
                input.set(number, id);
                continue;
            };
            if intent.passes_over(number) {
                continue;
            }
            let mut unescaped = String::new();
            let (token, given) = given(raw, &mut unescaped);
            if field.kind == Kind::Base64 {
                let text = match given {
                    Given::Text(text) => text,
                    _ => "",
                };
                input.set_body(object, number, field, text)?;
                continue;
            }
            let value = stored(field, given).map_err(|misfit| match misfit {
                Misfit::Refused(error) => error,
                Misfit::Type => deserialization(field, token, given),
            })?;
            input.set(number, value);
        }
        input.checked(save, object, intent)
    }
}

impl Source for Cells<'_> {
    /// An empty cell leaves the field alone, `#N/A` empties it (Bulk API 2.0 Developer Guide, Prepare CSV Files).
    fn read(
        &self,
        save: &mut Save<'_>,
        object: &Object,
        intent: Intent<'_>,
    ) -> Result<Input, SaveError> {
        let mut input = Input::default();
        for (column, (place, cell)) in self.places.iter().zip(self.cells).enumerate() {
            if cell.is_empty() {
                continue;
            }
            let null = *cell == "#N/A";
            match place {
                Place::Nowhere => {}
                Place::Field(number) if intent.passes_over(*number) => {}
                Place::Field(number) => {
                    let Some(field) = object.fields.get(*number) else {
                        continue;
                    };
                    let given = if null { Given::Null } else { Given::Cell(cell) };
                    let value = stored(field, given).map_err(|misfit| match misfit {
                        Misfit::Refused(error) => error,
                        Misfit::Type => SaveError::of(
                            "INVALID_FIELD",
                            format!(
                                "Failed to deserialize field at col {column}. Due to, '{cell}' is not a valid value for the type {}",
                                field.kind.soap()
                            ),
                            &field.name,
                        ),
                    })?;
                    input.set(*number, value);
                }
                Place::Parent(parent) if null => input.set(parent.field, None),
                Place::Parent(parent) => {
                    let id = save.parent_by_key(parent, cell)?;
                    input.set(parent.field, Some(id));
                }
            }
        }
        input.checked(save, object, intent)
    }
}

impl Intent<'_> {
    fn passes_over(&self, field: usize) -> bool {
        self.key.is_some_and(|(key, _)| key == field)
    }
}

impl Input {
    fn set(&mut self, field: usize, value: Option<String>) {
        self.named.push(field);
        self.changes.insert(field, value);
    }

    fn set_body(
        &mut self,
        object: &Object,
        number: usize,
        field: &Field,
        text: &str,
    ) -> Result<(), SaveError> {
        self.attach(object, number, body(field, text)?.into());
        Ok(())
    }

    /// Takes a file, and what follows from it.
    pub(super) fn attach(&mut self, object: &Object, number: usize, body: Bytes) {
        let length = body.len().to_string();
        for (about, text) in [
            ("BodyLength", length.clone()),
            ("ContentSize", length),
            ("Checksum", md5_hex(&body)),
        ] {
            if let Some((number, _)) = object.field(about) {
                self.changes.insert(number, Some(text));
            }
        }
        self.named.push(number);
        self.bodies.push((number, body));
    }

    /// A new document or folder takes its unique name from its name when the caller gives none.
    fn developer_name(&mut self, object: &Object) {
        let (Some((own, field)), Some((name, _))) =
            (object.field("DeveloperName"), object.field("Name"))
        else {
            return;
        };
        let Some(Some(name)) = self.changes.get(&name) else {
            return;
        };
        let letters = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
        let unique: String = letters.take(field.length.max(1)).collect();
        self.changes.entry(own).or_insert(Some(unique));
    }

    /// The input, if the caller may write its fields and each value keeps to its field.
    fn checked(
        mut self,
        save: &Save<'_>,
        object: &Object,
        intent: Intent<'_>,
    ) -> Result<Self, SaveError> {
        if let Some((number, Some(value))) = intent.key {
            self.set(number, Some(value.to_owned()));
        }
        let audit = intent.creates && save.sets_audit_fields();
        save.allowed_fields(object, &self.named, intent)?;
        check::writable(object, &self.named, intent.creates, audit)?;
        if intent.creates {
            self.developer_name(object);
        }
        for (number, value) in &mut self.changes {
            if let (Some(field), Some(text)) = (object.fields.get(*number), value) {
                check::fits(field, text)?;
                if field.kind == Kind::Reference {
                    *text = save.parent(object, field, text)?;
                }
            }
        }
        Ok(self)
    }
}

/// A JSON value and what its parser calls it; a text loses its escapes in `unescaped`.
fn given<'v>(raw: &'v RawValue, unescaped: &'v mut String) -> (&'static str, Given<'v>) {
    let raw = raw.get().trim();
    match raw.bytes().next() {
        Some(b'n') => ("VALUE_NULL", Given::Null),
        Some(b'"') => {
            *unescaped = serde_json::from_str(raw).unwrap_or_default();
            ("VALUE_STRING", Given::Text(unescaped))
        }
        Some(b't') => ("VALUE_TRUE", Given::Literal(raw)),
        Some(b'f') => ("VALUE_FALSE", Given::Literal(raw)),
        Some(b'{') => ("START_OBJECT", Given::Structure),
        Some(b'[') => ("START_ARRAY", Given::Structure),
        _ => ("VALUE_NUMBER", Given::Literal(raw)),
    }
}

fn deserialization(field: &Field, token: &str, given: Given<'_>) -> SaveError {
    let shown = match given {
        Given::Text(text) | Given::Literal(text) | Given::Cell(text) => text,
        Given::Null | Given::Structure => "",
    };
    SaveError::new(
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {} from {token} value {shown} or request may be missing a required field at [line:1, column:1]",
            field.kind.name()
        ),
    )
}

/// `"Account__r": {"External_Key__c": "x"}`
fn parent_in_json(
    save: &mut Save<'_>,
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
    let keys: serde_json::Map<String, Value> =
        serde_json::from_str(raw.get()).map_err(|_| no_column())?;
    let only = keys
        .get("attributes")
        .and_then(|attributes| attributes.get("type"))
        .and_then(Value::as_str);
    for (key, value) in keys.iter().filter(|(key, _)| *key != "attributes") {
        let Some(parent) = ParentKey::resolve(save.schema, object, name, key, only) else {
            continue;
        };
        let id = match value {
            Value::Null => None,
            Value::String(text) => Some(save.parent_by_key(&parent, text)?),
            other => Some(save.parent_by_key(&parent, &other.to_string())?),
        };
        return Ok((parent.field, id));
    }
    Err(no_column())
}
