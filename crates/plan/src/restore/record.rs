//! What a restore does with one record.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{FieldSchema, ObjectName, ObjectSchema, row};
use serde::{Deserialize, Serialize};

use crate::diff::FieldClass;

/// What becomes of records that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They become as they were.
    Replace,
    /// They stay as they are; only what is deleted comes back.
    Bypass,
    /// They stay, and get a copy of how they were, with a suffix behind its name.
    Duplicate,
    /// They become as they were, and what was created since goes.
    Rollback,
}

/// The part of a person's name that must be there (Object Reference, Contact).
const PERSON_NAME: &str = "LastName";

/// Says when a user changed a record last; what the platform does, like emptying a lookup to a record that goes, leaves it alone
/// (Object Reference, System Fields).
pub(super) const STAMP: &str = "LastModifiedDate";

/// The text of fields by name; null is absent.
pub type Row = BTreeMap<String, String>;

/// How a record stands where it is restored to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// With these values.
    Live(Row),
    /// In the Recycle Bin; with these values when it comes back.
    InRecycleBin(Row),
    /// Not there.
    Gone,
}

/// What is done with a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Step {
    /// It comes out of the Recycle Bin, with its Id and its children, and then gets these values.
    Undelete {
        /// By field.
        fields: Vec<Write>,
    },
    /// It gets these values.
    Update {
        /// By field.
        fields: Vec<Write>,
    },
    /// It is made anew, with a new Id.
    Insert {
        /// By field.
        fields: Vec<Write>,
        /// It lies in the Recycle Bin, and comes back if its parent does; then it is not made.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        may_return: bool,
    },
    /// It stays as it is, and gets a copy of how it was.
    Copy {
        /// By field.
        fields: Vec<Write>,
    },
    /// It goes to the Recycle Bin.
    Delete {
        /// Its stamp now: another one means that somebody changed it since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stamp: Option<String>,
    },
    /// Nothing.
    Skip {
        /// Why.
        reason: SkipReason,
    },
}

impl Step {
    /// The values that are written.
    pub fn fields(&self) -> &[Write] {
        match self {
            Self::Undelete { fields }
            | Self::Update { fields }
            | Self::Insert { fields, .. }
            | Self::Copy { fields } => fields,
            Self::Delete { .. } | Self::Skip { .. } => &[],
        }
    }
}

/// A value that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The field.
    pub field: String,
    /// Its text now: another one means that somebody changed it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its text then; nothing makes it null.
    pub to: Option<String>,
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It is as it was, in all that can be written.
    Same,
    /// It is there, and what is there stays.
    Exists,
    /// It was not there then.
    CreatedSince,
    /// It was not there then, and it is not there now.
    NeverThere,
    /// It is gone, and nobody can make such records: Salesforce does, as a trace of others.
    NotCreateable,
}

/// What is done, and what cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is done.
    #[serde(flatten)]
    pub step: Step,
    /// Fields of content that will not be as they were, since nobody may write them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwritable: Vec<String>,
}

/// The fields of an object that are restored, with what may be done with them where it is restored to.
#[derive(Debug, Clone)]
pub struct RestoredFields {
    fields: Vec<RestoredField>,
    /// Fields that were stored and that the target does not have.
    missing: Vec<String>,
    /// Behind the names of copies.
    suffix: String,
    /// Nobody takes its records out of the Recycle Bin by themselves.
    comes_back_with_parent: bool,
    /// The objects of the restore.
    objects: BTreeSet<ObjectName>,
}

#[derive(Debug, Clone)]
struct RestoredField {
    field: FieldSchema,
    class: FieldClass,
}

impl RestoredFields {
    /// Those of the snapshot that the target has, too; of these only the chosen ones, if any are. `suffix` is for copies,
    /// `yyyyMMddHHmmss`.
    pub fn of(
        then: &ObjectSchema,
        target: &ObjectSchema,
        chosen: Option<&BTreeSet<String>>,
        suffix: &str,
    ) -> Self {
        let of_target: BTreeMap<_, _> = target
            .stored_fields()
            .map(|field| (field.name.as_str(), field))
            .collect();
        let (mut fields, mut missing) = (Vec::new(), Vec::new());
        let is_chosen = |name: &String| chosen.is_none_or(|chosen| chosen.contains(name));
        let stored = then.stored_fields().filter(|field| field.name != "Id");
        for field in stored.filter(|field| is_chosen(&field.name)) {
            match of_target.get(field.name.as_str()) {
                Some(field) => fields.push(RestoredField {
                    class: FieldClass::of(field),
                    field: (*field).clone(),
                }),
                None if FieldClass::of(field) == FieldClass::Content => {
                    missing.push(field.name.clone());
                }
                None => {}
            }
        }
        Self {
            fields,
            missing,
            suffix: suffix.to_owned(),
            comes_back_with_parent: target.comes_back_with_parent,
            objects: BTreeSet::new(),
        }
    }

    /// The same, in a restore of these objects.
    #[must_use]
    pub fn among(self, objects: BTreeSet<ObjectName>) -> Self {
        Self { objects, ..self }
    }

    /// Fields of content that the target does not have.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// What is done with a record: how it was, nothing when it was not there or deleted; and how it is.
    pub fn decide(&self, then: Option<&Row>, now: &Now, mode: Mode) -> Decision {
        let skip = |reason| Decision {
            step: Step::Skip { reason },
            unwritable: Vec::new(),
        };
        match (then, now, mode) {
            (None, Now::Live(now), Mode::Rollback) => Decision {
                step: Step::Delete {
                    stamp: now.get(STAMP).cloned(),
                },
                unwritable: Vec::new(),
            },
            (None, Now::Live(_), _) => skip(SkipReason::CreatedSince),
            (None, _, _) => skip(SkipReason::NeverThere),
            (Some(_), Now::Live(_), Mode::Bypass) => skip(SkipReason::Exists),
            (Some(then), Now::Live(_), Mode::Duplicate) => self.copy(then),
            (Some(then), Now::Live(now), Mode::Replace | Mode::Rollback) => {
                let (fields, unwritable) = self.changes(then, now);
                let step = if fields.is_empty() {
                    Step::Skip {
                        reason: SkipReason::Same,
                    }
                } else {
                    Step::Update { fields }
                };
                Decision { step, unwritable }
            }
            (Some(then), Now::InRecycleBin(_), _) if self.comes_back_with_parent => {
                self.insert(then, true)
            }
            (Some(then), Now::InRecycleBin(now), _) => {
                let (mut fields, unwritable) = self.changes(then, now);
                fields.extend(self.lookups(then, now));
                Decision {
                    step: Step::Undelete { fields },
                    unwritable,
                }
            }
            (Some(then), Now::Gone, _) => self.insert(then, false),
        }
    }

    /// What an update writes, and what it cannot.
    fn changes(&self, then: &Row, now: &Row) -> (Vec<Write>, Vec<String>) {
        let (mut writes, mut unwritable) = (Vec::new(), Vec::new());
        for RestoredField { field, class } in &self.fields {
            let (was, is) = (then.get(&field.name), now.get(&field.name));
            let same = match (was, is) {
                (None, None) => true,
                (Some(was), Some(is)) => row::is_same(&field.field_type, was, is),
                _ => false,
            };
            match class {
                _ if same => {}
                FieldClass::Content if field.updateable => writes.push(Write {
                    field: field.name.clone(),
                    from: is.cloned(),
                    to: was.cloned(),
                }),
                FieldClass::Content => unwritable.push(field.name.clone()),
                FieldClass::System | FieldClass::Formula => {}
            }
        }
        (writes, unwritable)
    }

    /// Lookups that are the same in the Recycle Bin, as far as anybody can see: when their record goes, they are emptied there
    /// without a stamp, and filled when it comes back.
    fn lookups(&self, then: &Row, bin: &Row) -> Vec<Write> {
        let fields = self.fields.iter().map(|one| &one.field);
        let lookups = fields.filter(|field| field.updateable && !field.reference_to.is_empty());
        let same = lookups.filter(|field| {
            let value = then.get(&field.name);
            value == bin.get(&field.name) && (value.is_some() || self.may_be_filled(field))
        });
        let same = same.map(|field| Write {
            field: field.name.clone(),
            from: bin.get(&field.name).cloned(),
            to: then.get(&field.name).cloned(),
        });
        same.collect()
    }

    fn may_be_filled(&self, lookup: &FieldSchema) -> bool {
        let mut parents = lookup.reference_to.iter();
        let is_restored = |name: &str| self.objects.iter().any(|object| object.as_str() == name);
        lookup.nillable && parents.any(|parent| is_restored(parent))
    }

    fn insert(&self, then: &Row, may_return: bool) -> Decision {
        let (mut fields, mut unwritable) = (Vec::new(), Vec::new());
        for RestoredField { field, class } in &self.fields {
            let Some(was) = then.get(&field.name) else {
                continue;
            };
            // Salesforce says of the audit fields, too, whether this user may set them.
            if field.createable {
                fields.push(Write {
                    field: field.name.clone(),
                    from: None,
                    to: Some(was.clone()),
                });
            } else if *class == FieldClass::Content {
                unwritable.push(field.name.clone());
            }
        }
        let step = if self.fields.iter().any(|one| one.field.createable) {
            Step::Insert { fields, may_return }
        } else {
            Step::Skip {
                reason: SkipReason::NotCreateable,
            }
        };
        Decision { step, unwritable }
    }

    /// A second record. What tells records apart stays with the first one: keys of other systems, which are often unique.
    fn copy(&self, then: &Row) -> Decision {
        let Decision { step, unwritable } = self.insert(then, false);
        let Step::Insert { mut fields, .. } = step else {
            return Decision { step, unwritable };
        };
        let of = |name: &str| self.fields.iter().find(|one| one.field.name == name);
        fields.retain(|write| of(&write.field).is_none_or(|one| !one.field.external_id));
        // People are called by parts of a name.
        let is_name = |one: &&RestoredField| one.field.name_field && one.field.createable;
        let name = self.fields.iter().find(is_name);
        let name = name.map_or(PERSON_NAME, |one| one.field.name.as_str());
        for write in &mut fields {
            let named = of(&write.field).filter(|_| write.field == name);
            if let (Some(one), Some(value)) = (named, &mut write.to) {
                let room = one.field.length as usize;
                let keep = room.saturating_sub(self.suffix.chars().count());
                if room > 0 && value.chars().count() > keep {
                    *value = value.chars().take(keep).collect();
                }
                value.push_str(&self.suffix);
            }
        }
        let step = Step::Copy { fields };
        Decision { step, unwritable }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
