//! How a restore runs: its phases, what is written of a record when its turn comes, and what is noted about it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use holdfast_model::{
    AutomationKind, FieldSchema, JobId, ObjectName, ObjectSchema, OrgName, Phase, RunCounts,
    SalesforceId, Stamp, row,
};
use serde::{Deserialize, Serialize};

use super::order::Turn;
use super::record::{Row, STAMP, Step, Write};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The org.
    pub org: OrgName,
    /// The job that planned the restore.
    pub plan: JobId,
    /// Whether records that somebody changed since the plan are written all the same.
    #[serde(default)]
    pub overwrite: bool,
    /// How many records the plan deletes: whoever runs a rollback says it a second time.
    #[serde(default)]
    pub delete: u64,
    /// Kinds of automation that are off meanwhile; none, unless given.
    #[serde(default)]
    pub quiet: BTreeSet<AutomationKind>,
}

/// What became of a record in a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "became")]
pub enum Outcome {
    /// It was written, or found as it was to be.
    Done,
    /// It had its values already: nothing was written.
    Same,
    /// It was made anew under this Id.
    Made {
        /// The new Id.
        new_id: SalesforceId,
    },
    /// Somebody changed this field since the plan: nothing was written.
    Conflict {
        /// The field.
        field: String,
    },
    /// It is not there any more: nothing was written.
    Missing,
    /// Salesforce refused it.
    Refused {
        /// Salesforce's code.
        code: String,
        /// Its words.
        message: String,
        /// Fields at fault.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
    },
    /// Read back, these fields are not as they were to be.
    Differs {
        /// Their names.
        fields: Vec<String>,
    },
}

/// The receipt of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The record, by its Id of then.
    pub id: SalesforceId,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The receipts of a batch, in the order of its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    /// When records were sent that are made, by Salesforce's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Stamp>,
    /// One for each record.
    pub records: Vec<Receipt>,
}

/// Lookups of an object that are filled when all records are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Those that may point to a record that is made anew.
    made: BTreeSet<String>,
    /// Of these, the ones whose records come later.
    later: BTreeSet<String>,
    /// Lookups to the object itself.
    own: BTreeSet<String>,
}

impl Waiting {
    /// `made_of` are the objects of which records are made.
    pub fn of(turn: &Turn, schema: &ObjectSchema, made_of: &BTreeSet<ObjectName>) -> Self {
        let leading = |to: &dyn Fn(&ObjectName) -> bool| -> BTreeSet<String> {
            let leads = |field: &&FieldSchema| {
                let names = field.reference_to.iter();
                let mut names = names.filter_map(|name| ObjectName::parse(name.as_str()).ok());
                names.any(|object| to(&object))
            };
            let fields = schema.stored_fields().filter(leads);
            fields.map(|field| field.name.clone()).collect()
        };
        let made = leading(&|object| made_of.contains(object));
        let later = turn.waiting.iter().filter(|field| made.contains(*field));
        Self {
            later: later.cloned().collect(),
            made,
            own: leading(&|object| *object == schema.name),
        }
    }

    /// Whether any lookup is filled in [`Phase::Link`].
    pub fn has_links(&self) -> bool {
        !self.made.is_empty() || !self.own.is_empty()
    }

    /// Of [`Phase::Update`], with lookups to the object itself to be emptied that do not have their value yet.
    pub fn emptied(&self, writes: Vec<Write>, now: &Row) -> Vec<Write> {
        let writes = writes.into_iter().filter_map(|write| {
            if !self.own.contains(&write.field) {
                return Some(write);
            }
            let is = now.get(&write.field);
            let is_over = is.is_none() || is == write.to.as_ref();
            (!is_over).then_some(Write { to: None, ..write })
        });
        writes.collect()
    }

    /// What is written, or read back, of a record in a phase; nothing when the phase is not about it. Records that are there
    /// get their lookups to records that are made in [`Phase::Link`], new ones those to records that come later. Where records of
    /// one object lead to each other, those that change are emptied before: no circle may be closed on the way, e.g. of accounts.
    pub fn part(&self, phase: Phase, step: &Step) -> Option<Vec<Write>> {
        let waits = match step {
            Step::Skip { .. } => return None,
            Step::Delete { stamp } => {
                return (phase == Phase::Delete).then(|| unless_changed(stamp.as_ref()));
            }
            Step::Insert { .. } | Step::Copy { .. } => self.later.clone(),
            Step::Undelete { .. } | Step::Update { .. } => &self.made | &self.own,
        };
        let is_new = matches!(step, Step::Insert { .. } | Step::Copy { .. });
        let is_own = |write: &Write| !is_new && self.own.contains(&write.field);
        let (waiting, now): (Vec<_>, Vec<_>) = step
            .fields()
            .iter()
            .cloned()
            .partition(|write| waits.contains(&write.field));
        let some = |writes: Vec<Write>| (!writes.is_empty()).then_some(writes);
        match phase {
            Phase::Undelete => matches!(step, Step::Undelete { .. }).then(Vec::new),
            Phase::Update if !is_new => {
                let emptied = waiting.into_iter().filter(is_own);
                let emptied = emptied.filter(|write| write.from.is_some() || write.to.is_none());
                some(now.into_iter().chain(emptied).collect())
            }
            Phase::Insert if is_new => Some(now),
            Phase::Link => {
                let is_empty_already = |write: &Write| is_new || is_own(write);
                let left = waiting.into_iter();
                let left = left.filter(|write| write.to.is_some() || !is_empty_already(write));
                let left = left.map(|write| Write {
                    from: write.from.clone().filter(|_| !is_empty_already(&write)),
                    ..write
                });
                some(left.collect())
            }
            Phase::Verify => Some(step.fields().to_vec()),
            Phase::Update | Phase::Insert | Phase::Delete => None,
        }
    }
}

/// The stamp of a record that is deleted: read and compared like a value, so that a change since the plan is a conflict.
fn unless_changed(stamp: Option<&String>) -> Vec<Write> {
    let stamp = stamp.map(|stamp| Write {
        field: STAMP.to_owned(),
        from: Some(stamp.clone()),
        to: None,
    });
    stamp.into_iter().collect()
}

/// Counts what became of a record.
pub fn note(counts: &mut RunCounts, phase: Phase, outcome: &Outcome) {
    let count = match (phase, outcome) {
        // It was refused before, and is read back in vain.
        (_, Outcome::Same) | (Phase::Link, Outcome::Missing) => return,
        (Phase::Verify, Outcome::Done) => &mut counts.equal,
        (Phase::Verify, _) | (_, Outcome::Differs { .. }) => &mut counts.different,
        (_, Outcome::Conflict { .. } | Outcome::Missing) => &mut counts.conflicts,
        (_, Outcome::Refused { .. }) => &mut counts.refused,
        // What was to be made had come back with its parent.
        (Phase::Undelete, _) | (Phase::Insert, Outcome::Done) => &mut counts.undeleted,
        (Phase::Update, _) => &mut counts.updated,
        (Phase::Insert, _) => &mut counts.inserted,
        (Phase::Link, _) => &mut counts.linked,
        (Phase::Delete, _) => &mut counts.deleted,
    };
    *count += 1;
}

/// Where the batches of a page begin and end: no more than so many records, and about so many bytes of text, in each.
pub fn batches(bytes: &[usize], records_max: usize, bytes_max: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (place, bytes) in bytes.iter().enumerate() {
        if place - start == records_max || (place > start && held + bytes > bytes_max) {
            batches.push(start..place);
            (start, held) = (place, 0);
        }
        held += bytes;
    }
    if start < bytes.len() {
        batches.push(start..bytes.len());
    }
    batches
}

/// What is written of a record that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// These fields.
    Write(Vec<Write>),
    /// Nothing: it is as it is to be.
    Nothing,
    /// Nothing: this field has neither the value of the plan's time nor the one that it is to get.
    Conflict(String),
}

/// What is written of a record when its turn comes, given its values now. What has its value already is not written again,
/// so a repeat writes nothing. `types` are those of the fields, as a describe calls them.
pub fn due(
    writes: impl IntoIterator<Item = Write>,
    now: &Row,
    types: &BTreeMap<String, String>,
    overwrite: bool,
) -> Due {
    let mut left = Vec::new();
    for write in writes {
        let is = now.get(&write.field);
        if is_same(types, &write.field, is, write.to.as_ref()) {
            continue;
        }
        if !overwrite && !is_same(types, &write.field, is, write.from.as_ref()) {
            return Due::Conflict(write.field);
        }
        left.push(write);
    }
    if left.is_empty() {
        Due::Nothing
    } else {
        Due::Write(left)
    }
}

/// Fields that do not have the value that they were to get.
pub fn differing<'w>(
    writes: impl IntoIterator<Item = &'w Write>,
    now: &Row,
    types: &BTreeMap<String, String>,
) -> Vec<String> {
    let writes = writes.into_iter();
    let differing = writes.filter(|write| {
        !is_same(
            types,
            &write.field,
            now.get(&write.field),
            write.to.as_ref(),
        )
    });
    differing.map(|write| write.field.clone()).collect()
}

fn is_same(
    types: &BTreeMap<String, String>,
    field: &str,
    one: Option<&String>,
    other: Option<&String>,
) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            let field_type = types.get(field).map_or("string", String::as_str);
            row::is_same(field_type, one, other)
        }
        _ => false,
    }
}

/// Finds the rows of an insert whose answer was lost among the records that may be theirs: first those whose values are
/// all alike, then, for what a trigger changed, the ones with the most values alike, more than half. Each record is taken once;
/// rows that are alike in everything take theirs in order.
///
/// Gives the Id that each row has got, or nothing when it was not saved.
pub fn recover(
    rows: &[&[Write]],
    found: &[(SalesforceId, Row)],
    types: &BTreeMap<String, String>,
) -> Vec<Option<SalesforceId>> {
    let alike = |row: &[Write], found: &Row| row.len() - differing(row, found, types).len();
    let mut free: Vec<_> = found.iter().map(Some).collect();
    let mut recovered = vec![None; rows.len()];
    for (row, slot) in rows.iter().zip(&mut recovered) {
        let whole = free
            .iter_mut()
            .find(|free| free.is_some_and(|(_, found)| alike(row, found) == row.len()));
        *slot = whole.and_then(Option::take).map(|(id, _)| *id);
    }
    for (row, slot) in rows
        .iter()
        .zip(&mut recovered)
        .filter(|(_, slot)| slot.is_none())
    {
        let near = free
            .iter_mut()
            .filter_map(|free| {
                let (_, found) = (*free)?;
                let alike = alike(row, found);
                (2 * alike > row.len()).then_some((alike, free))
            })
            .max_by_key(|(alike, _)| *alike);
        *slot = near.and_then(|(_, free)| free.take()).map(|(id, _)| *id);
    }
    recovered
}

/// Types of an object's fields by name.
pub fn types(schema: &ObjectSchema) -> BTreeMap<String, String> {
    let fields = schema.stored_fields();
    fields
        .map(|field| (field.name.clone(), field.field_type.clone()))
        .collect()
}

/// Name of the document with the receipts of a batch of a page, both from 0 on.
pub fn receipts_name(
    job: &JobId,
    object: &ObjectName,
    phase: Phase,
    (page, batch): (u32, usize),
) -> String {
    let phase = phase.name();
    format!("restores/{job}/{object}/{phase}-{page:010}-{batch:010}.sealed")
}

/// What to do about a row that Salesforce refused.
pub fn advice(code: &str) -> &'static str {
    match code {
        "REQUIRED_FIELD_MISSING" => {
            "the field is required now and was empty then; fill it by hand, or make it optional"
        }
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
            "a validation rule refuses the record; switch it off for the run"
        }
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            "the value is no longer in the restricted picklist; add it"
        }
        "INACTIVE_OWNER_OR_USER" => {
            "the owner is not active; say `inactive_owners` in `quiet` of the run, or allow inactive owners"
        }
        "DUPLICATE_VALUE" | "DUPLICATE_EXTERNAL_ID" => "another record has the unique value now",
        "DUPLICATES_DETECTED" => "a duplicate rule blocks the record; switch it off for the run",
        "STRING_TOO_LONG" => "the field is shorter than it was then",
        "INVALID_CROSS_REFERENCE_KEY" | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => {
            "what the record refers to is not there, or not for the integration user"
        }
        "STORAGE_LIMIT_EXCEEDED" => "the org has no storage left",
        "NUMBER_OUTSIDE_VALID_RANGE" => "the field takes fewer digits than it did then",
        "INVALID_EMAIL_ADDRESS" => {
            "Salesforce does not take the address any more; correct it by hand"
        }
        "INVALID_FIELD" | "INVALID_TYPE" => {
            "the field or object is gone, or hidden from the integration user"
        }
        "MALFORMED_ID" => "the lookup points to another object than it did then",
        "ENTITY_IS_LOCKED" => {
            "the record is in an approval process; end it, or let the user modify all data"
        }
        "CANNOT_UPDATE_CONVERTED_LEAD" => "the lead is converted, and nobody can change it",
        "DELETE_FAILED" => "other records refer to it and keep it",
        "CIRCULAR_DEPENDENCY" => "the record would be above itself",
        "ENTITY_IS_DELETED" => "the record, or its parent, is in the Recycle Bin",
        "UNDELETE_FAILED" => "the record is not in the Recycle Bin any more, or its parent is gone",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" => {
            "a trigger or flow fails on the record; switch it off for the run"
        }
        "UNABLE_TO_LOCK_ROW" => {
            "others held the record or its parent for too long; run the restore again"
        }
        "FIELD_FILTER_VALIDATION_EXCEPTION" => "a lookup filter refuses the value",
        "FIELD_INTEGRITY_EXCEPTION" => "the values contradict each other or a setting of the org",
        "INSUFFICIENT_ACCESS_OR_READONLY" | "INVALID_FIELD_FOR_INSERT_UPDATE" => {
            "the integration user may not write the record or the field"
        }
        "JSON_PARSER_ERROR" => {
            "a value has a form that its field does not take; was its type changed?"
        }
        _ => "see the message of Salesforce",
    }
}

/// Codes of rows that may be saved a moment later.
pub fn is_passing(code: &str) -> bool {
    matches!(
        code,
        "UNABLE_TO_LOCK_ROW" | "SERVER_UNAVAILABLE" | "REQUEST_RUNNING_TOO_LONG"
    )
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
