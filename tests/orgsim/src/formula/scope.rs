//! Where a formula gets its values from: the record as it will be, as it was, and the org around it.

use super::{
    Value,
    bound::{Hop, Source},
};
use crate::{
    schema::{Field, Schema},
    store::{
        Store,
        row::{Row, text},
    },
};

/// A record's values by field number, as Bulk CSV prints them.
pub(crate) trait Record {
    /// The value of a field; nothing for null.
    fn value(&self, field: usize) -> Option<&str>;
}

impl Record for Row {
    fn value(&self, field: usize) -> Option<&str> {
        text(self, field)
    }
}

impl Record for Vec<Option<String>> {
    fn value(&self, field: usize) -> Option<&str> {
        self.get(field)?.as_deref()
    }
}

/// What a formula is worked out for.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The declarations.
    pub schema: &'a Schema,
    /// All records.
    pub store: &'a Store,
    /// The record as it will be.
    pub new: &'a dyn Record,
    /// The record as it was; nothing for one that is made.
    pub old: Option<&'a dyn Record>,
    /// 18-character Id of the running user.
    pub user: &'a str,
    /// The org's time.
    pub now_ms: i64,
    /// A number that is not there counts as zero, as in most formula fields.
    pub blank_is_zero: bool,
    /// The running user has a permission, by its name.
    pub permitted: &'a dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope")
            .field("user", &self.user)
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}

impl<'a> Scope<'a> {
    /// What a name stands for.
    pub(super) fn value(&self, source: &Source) -> Value<'a> {
        match source {
            Source::Record(path) => self.along(self.new, path),
            Source::User(path) => self.elsewhere(self.user, path),
            Source::Organization(at, path) => {
                let row = self.store.slot(*at, 0).and_then(|slot| slot.row.as_ref());
                row.map_or(Value::Null, |row| self.along(row, path))
            }
            Source::Setting(at, field) => self.setting(*at, *field),
            Source::Permission(name) => Value::Truth((self.permitted)(name)),
        }
    }

    /// What a field of this record was before.
    pub(super) fn prior(&self, source: &Source) -> Value<'a> {
        let Source::Record(path) = source else {
            return Value::Null;
        };
        self.along(self.old.unwrap_or(self.new), path)
    }

    /// A field of this record has another value than before.
    pub(super) fn changed(&self, source: &Source) -> bool {
        let (Source::Record(path), Some(old)) = (source, self.old) else {
            return false;
        };
        match path.as_slice() {
            [Hop(fields)] => fields
                .iter()
                .any(|(_, field)| self.new.value(*field) != old.value(*field)),
            _ => false,
        }
    }

    /// Follows a path from a record.
    fn along(&self, record: &'a dyn Record, path: &[Hop]) -> Value<'a> {
        let Some((first, rest)) = path.split_first() else {
            return Value::Null;
        };
        let Some((at, number)) = first.0.first() else {
            return Value::Null;
        };
        let text = record.value(*number);
        if rest.is_empty() {
            return self.read(self.field(*at, *number), text);
        }
        text.map_or(Value::Null, |id| self.elsewhere(id, rest))
    }

    /// Follows a path from the record with this Id.
    fn elsewhere(&self, id: &str, path: &[Hop]) -> Value<'a> {
        let found = self.schema.locate(id.as_bytes()).and_then(|(at, slot)| {
            let row = self.store.slot(at, slot)?.row.as_ref()?;
            let ((_, number), rest) = path.split_first().and_then(|(hop, rest)| {
                Some((hop.0.iter().find(|(object, _)| *object == at)?, rest))
            })?;
            let value = text(row, *number);
            Some(if rest.is_empty() {
                self.read(self.field(at, *number), value)
            } else {
                value.map_or(Value::Null, |id| self.elsewhere(id, rest))
            })
        });
        found.unwrap_or(Value::Null)
    }

    fn field(&self, at: usize, number: usize) -> Option<&'a Field> {
        self.schema.object(at)?.fields.get(number)
    }

    fn read(&self, field: Option<&'a Field>, text: Option<&'a str>) -> Value<'a> {
        match field {
            Some(field) if text.is_none() && self.blank_is_zero && field.kind.numeric() => {
                Value::Number(rust_decimal::Decimal::ZERO)
            }
            Some(field) => Value::of(field, text),
            None => Value::Null,
        }
    }

    /// A hierarchy custom setting: the user's own, else the profile's, else the org's.
    fn setting(&self, at: usize, field: usize) -> Value<'a> {
        let declaration = self.schema.object(at);
        let owner = declaration.and_then(|object| object.field("SetupOwnerId"));
        let (Some((owner, _)), Some(table)) = (owner, self.store.table(at)) else {
            return Value::Null;
        };
        let profile = self
            .schema
            .locate(self.user.as_bytes())
            .and_then(|(at, slot)| {
                let (number, _) = self.schema.object(at)?.field("ProfileId")?;
                text(self.store.slot(at, slot)?.row.as_ref()?, number)
            });
        let organization = self
            .schema
            .find("Organization")
            .map(|(_, object)| object.mint.id(0));
        let organization = organization
            .as_ref()
            .and_then(|id| std::str::from_utf8(id).ok());
        let level = |wanted: Option<&str>| {
            let mut rows = table.slots().iter().filter_map(|slot| slot.visible(false));
            rows.find(|row| wanted.is_some() && text(row, owner) == wanted)
        };
        // A level that leaves the field empty leaves it to the next one.
        let found = [Some(self.user), profile, organization]
            .into_iter()
            .filter_map(level)
            .find_map(|row| text(row, field));
        self.read(self.field(at, field), found)
    }
}
