//! What differs between two states of a record, field by field.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{FieldSchema, ObjectSchema, row};
use serde::{Deserialize, Serialize};

/// What a comparison does not look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ignore {
    /// [System fields](SYSTEM_FIELDS).
    pub system: bool,
    /// Formulas and roll-ups.
    pub formulas: bool,
    /// These, whatever the object; case does not count.
    pub fields: BTreeSet<String>,
}

impl Ignore {
    fn covers(&self, name: &str, class: FieldClass) -> bool {
        let by_class = match class {
            FieldClass::System => self.system,
            FieldClass::Formula => self.formulas,
            FieldClass::Content => false,
        };
        by_class
            || self
                .fields
                .iter()
                .any(|field| field.eq_ignore_ascii_case(name))
    }
}

/// Fields that Salesforce sets by itself (Object Reference, "System Fields" and "Frequently Occurring Fields").
pub const SYSTEM_FIELDS: [&str; 10] = [
    "CreatedById",
    "CreatedDate",
    "IsDeleted",
    "LastActivityDate",
    "LastModifiedById",
    "LastModifiedDate",
    "LastReferencedDate",
    "LastViewedDate",
    "SystemModstamp",
    "UserRecordAccessId",
];

/// Who sets a field. A change of a record is as serious as its most serious field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldClass {
    /// Salesforce, at every change.
    System,
    /// Salesforce, from other fields: a formula or a roll-up.
    Formula,
    /// People and integrations.
    Content,
}

impl FieldClass {
    /// By its name and what a describe says of it.
    pub fn of(field: &FieldSchema) -> Self {
        if SYSTEM_FIELDS.contains(&field.name.as_str()) {
            Self::System
        } else if field.calculated {
            Self::Formula
        } else {
            Self::Content
        }
    }
}

/// How a record differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is on the left only.
    OnlyLeft,
    /// It is on the right only.
    OnlyRight,
    /// Its content differs.
    Changed,
    /// Only formulas, roll-ups and system fields differ.
    Recalculated,
    /// Only system fields differ: somebody saved it as it was.
    Touched,
}

impl ChangeKind {
    /// What fields that differ make of their record.
    pub fn of(changes: &[Change]) -> Option<Self> {
        let worst = changes.iter().map(|change| change.class).max()?;
        Some(match worst {
            FieldClass::Content => Self::Changed,
            FieldClass::Formula => Self::Recalculated,
            FieldClass::System => Self::Touched,
        })
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: String,
    /// Who sets it.
    pub class: FieldClass,
    /// Its text on the left; nothing for null, and when there is no such field.
    pub left: Option<String>,
    /// Its text on the right.
    pub right: Option<String>,
}

/// The fields of an object that two sides are compared by. One that only one side has is null on the other.
#[derive(Debug, Clone)]
pub struct ComparedFields(BTreeMap<String, Sides>);

#[derive(Debug, Clone)]
struct Sides {
    class: FieldClass,
    /// Describe types.
    left: Option<String>,
    right: Option<String>,
}

impl Sides {
    fn are_same(&self, left: Option<&str>, right: Option<&str>) -> bool {
        match (left, right) {
            (None, None) => true,
            (Some(left), Some(right)) => {
                let mut types = self.left.iter().chain(&self.right);
                types.any(|field_type| row::is_same(field_type, left, right))
            }
            _ => false,
        }
    }
}

impl ComparedFields {
    /// Those of either schema that are stored and not ignored. The Id is what records are told apart by.
    pub fn of(left: Option<&ObjectSchema>, right: Option<&ObjectSchema>, ignore: &Ignore) -> Self {
        let mut fields: BTreeMap<String, Sides> = BTreeMap::new();
        let stored = |schema: Option<&ObjectSchema>| -> Vec<FieldSchema> {
            let fields = schema.into_iter().flat_map(ObjectSchema::stored_fields);
            let counting = fields.filter(|field| {
                field.name != "Id" && !ignore.covers(&field.name, FieldClass::of(field))
            });
            counting.cloned().collect()
        };
        for field in stored(left) {
            let sides = Sides {
                class: FieldClass::of(&field),
                left: Some(field.field_type),
                right: None,
            };
            fields.insert(field.name, sides);
        }
        for field in stored(right) {
            let class = FieldClass::of(&field);
            let sides = fields.entry(field.name).or_insert(Sides {
                class,
                left: None,
                right: None,
            });
            sides.class = sides.class.max(class);
            sides.right = Some(field.field_type);
        }
        Self(fields)
    }

    /// Those that the left has.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        let fields = self.0.iter().filter(|(_, sides)| sides.left.is_some());
        fields.map(|(name, _)| name.as_str())
    }

    /// Those that the right has.
    pub fn right(&self) -> impl Iterator<Item = &str> {
        let fields = self.0.iter().filter(|(_, sides)| sides.right.is_some());
        fields.map(|(name, _)| name.as_str())
    }

    /// Whether the left has it.
    pub fn has_left(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|sides| sides.left.is_some())
    }

    /// Whether the right has it.
    pub fn has_right(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|sides| sides.right.is_some())
    }

    /// The fields that differ, by name. What a side has no field for is not looked at.
    pub fn changes<'r>(
        &self,
        left: impl Iterator<Item = (&'r str, Option<&'r str>)>,
        right: impl Iterator<Item = (&'r str, Option<&'r str>)>,
    ) -> Vec<Change> {
        let (left, right): (BTreeMap<_, _>, BTreeMap<_, _>) = (left.collect(), right.collect());
        let text = |row: &BTreeMap<&'r str, Option<&'r str>>, name: &str, has: bool| {
            row.get(name).copied().flatten().filter(|_| has)
        };
        let mut changes = Vec::new();
        for (name, sides) in &self.0 {
            let left = text(&left, name, sides.left.is_some());
            let right = text(&right, name, sides.right.is_some());
            if !sides.are_same(left, right) {
                changes.push(Change {
                    field: name.clone(),
                    class: sides.class,
                    left: left.map(ToOwned::to_owned),
                    right: right.map(ToOwned::to_owned),
                });
            }
        }
        changes
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
