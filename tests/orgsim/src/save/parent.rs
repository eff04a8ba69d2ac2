//! References to parents, by Id or by a key of the parent.
//!
//! Sources: REST API Developer Guide, Insert or Update (Upsert) a Record Using an External ID; Bulk API 2.0 Developer
//! Guide, Relationship Fields in a Header Row.

use super::{Save, SaveError, value_of};
use crate::{
    id,
    schema::{Field, Kind, Object, Schema, Trait},
};

/// A reference field whose parent is named by one of the parent's own fields.
#[derive(Clone, Debug)]
pub(crate) struct ParentKey {
    /// The reference field.
    pub field: usize,
    /// Object and field numbers that the key may belong to.
    keys: Vec<(usize, usize)>,
}

impl ParentKey {
    /// Finds `relationship` and the field `key` of its parents, or of those of type `only`.
    pub(crate) fn resolve(
        schema: &Schema,
        object: &Object,
        relationship: &str,
        key: &str,
        only: Option<&str>,
    ) -> Option<Self> {
        let (field, declaration) = relation(object, relationship)?;
        let keys = declaration.targets.iter().filter_map(|target| {
            let parent = schema.object(*target)?;
            let wanted = only.is_none_or(|only| parent.name.eq_ignore_ascii_case(only));
            let (at, found) = parent.field(key).filter(|_| wanted)?;
            names_records(parent, found).then_some((*target, at))
        });
        let keys: Vec<_> = keys.collect();
        (!keys.is_empty()).then_some(Self { field, keys })
    }
}

/// The reference field of `object` with a relationship of this name.
pub(crate) fn relation<'o>(object: &'o Object, relationship: &str) -> Option<(usize, &'o Field)> {
    let mut fields = object.fields.iter().enumerate();
    fields.find(|(_, field)| {
        let own = field.relationship.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(relationship))
    })
}

/// A field whose value may stand for the record: describe calls it `idLookup`. Which name fields do is known from
/// recorded describes.
pub(crate) fn names_records(object: &Object, field: &Field) -> bool {
    let no_names = [
        "Account", "Asset", "Contact", "Event", "Lead", "Task", "User",
    ];
    field.kind == Kind::Id
        || field.is(Trait::External)
        || field.is(Trait::Unique)
        || field.is(Trait::Title) && !no_names.contains(&object.name.as_str())
        || matches!(field.name.as_str(), "Email" | "Username" | "DeveloperName")
}

impl Save<'_> {
    /// The long form of an Id that a reference field may hold.
    pub(super) fn parent(
        &self,
        object: &Object,
        field: &Field,
        text: &str,
    ) -> Result<String, SaveError> {
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
            && !self.keeps_inactive_owners()
        {
            // The Id has 15 characters here, and the object's name begins in lower case.
            let short = String::from_utf8_lossy(&parsed);
            let mut letters = object.name.chars();
            let first: String = letters
                .by_ref()
                .take(1)
                .flat_map(char::to_lowercase)
                .collect();
            return Err(SaveError::new(
                "INACTIVE_OWNER_OR_USER",
                format!(
                    "operation performed with inactive user [{short}] as owner of {first}{}",
                    letters.as_str()
                ),
            ));
        }
        Ok(id::long(&parsed))
    }

    /// The Id of the parent whose key is `value`.
    pub(super) fn parent_by_key(
        &mut self,
        parent: &ParentKey,
        value: &str,
    ) -> Result<String, SaveError> {
        for (target, at) in &parent.keys {
            let mut slots = self.store.with_value(*target, *at, value.as_bytes());
            slots.retain(|slot| {
                let found = self.store.slot(*target, *slot);
                found.is_some_and(|found| !found.deleted)
            });
            let owner = self.schema.object(*target);
            match (slots.as_slice(), owner) {
                ([slot], Some(owner)) => {
                    return Ok(String::from_utf8_lossy(&owner.mint.id(*slot)).into_owned());
                }
                ([], _) | (_, None) => {}
                (_, Some(owner)) => {
                    let key = owner.fields.get(*at).map_or("", |key| key.name.as_str());
                    return Err(SaveError::ambiguous(key, value));
                }
            }
        }
        let (target, at) = parent.keys.first().copied().unwrap_or_default();
        let owner = self.schema.object(target);
        let key = owner.and_then(|owner| owner.fields.get(at));
        Err(SaveError::new(
            "INVALID_FIELD",
            format!(
                "Foreign key external ID: {value} not found for field {} in entity {}",
                key.map_or("", |key| &key.name),
                owner.map_or("", |owner| &owner.name)
            ),
        ))
    }
}

/// `Account ID` for `AccountId`.
fn reference_label(field: &Field) -> String {
    match field.name.strip_suffix("Id") {
        Some(_) => format!("{} ID", field.label()),
        None => field.label(),
    }
}
