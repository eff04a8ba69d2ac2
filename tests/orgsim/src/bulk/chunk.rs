//! Rows are saved 200 at a time, each chunk in a transaction of its own; every row succeeds or fails alone.
//!
//! Source: Bulk API 2.0 Developer Guide, How Requests Are Processed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Operation;
use crate::{
    api::write::save_at_once,
    id,
    org::Org,
    save::{Caller, Save, SaveError, Source, Upsert},
};

/// Rows of a chunk.
pub(crate) const CHUNK_ROWS: usize = 200;

/// What is done to which object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Object number.
    pub object: usize,
    /// What is done.
    pub operation: Operation,
    /// Key field of an upsert.
    pub key: Option<usize>,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row<'r, S> {
    /// What names the record: its Id, or the value of the key field.
    pub name: &'r str,
    /// The values.
    pub source: S,
}

/// What became of a row.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Outcome {
    /// It is in the org.
    Saved {
        /// Place of the record in its table.
        slot: usize,
        /// It was not before.
        created: bool,
    },
    /// It is not; boxed, as few rows fail.
    Failed(Box<Failure>),
}

/// Why a row failed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    /// The record, as far as it is known.
    pub slot: Option<usize>,
    /// The reason.
    pub error: SaveError,
}

/// Saves a chunk of a job.
pub(crate) fn save<S: Source>(
    org: &Org,
    caller: &Caller,
    load: Load,
    rows: &[Row<'_, S>],
    job: &str,
) -> Vec<Outcome> {
    let mut faults = org.bulk_faults.lock().rows(load.object, rows.len());
    let repeated = if load.operation == Operation::Upsert {
        repeated_keys(rows)
    } else {
        HashMap::new()
    };
    let mut store = org.store.write();
    store.begin();
    let mut save = save_at_once(org, &mut store, caller);
    let outcomes: Vec<Outcome> = rows
        .iter()
        .map(|row| {
            let refused = faults
                .next()
                .or_else(|| twice(load, org, &repeated, row.name));
            match refused {
                Some(error) => failed(None, error),
                None => one(&mut save, load, row),
            }
        })
        .collect();
    // With the rows, so that a job that the org's end interrupts saves none of them twice.
    store.note_progress(job, || serde_json::to_vec(&outcomes).unwrap_or_default());
    store.keep();
    outcomes
}

/// One row; the save takes it back whole when it fails.
fn one<S: Source>(save: &mut Save<'_>, load: Load, row: &Row<'_, S>) -> Outcome {
    let saved = |slot, created| Outcome::Saved { slot, created };
    match load.operation {
        Operation::Insert => match save.create(load.object, &row.source) {
            Ok(slot) => saved(slot, true),
            Err(error) => failed(None, error),
        },
        Operation::Upsert => upsert(save, load, row),
        Operation::Update | Operation::Delete | Operation::HardDelete => {
            let slot = match named(save, load, row.name) {
                Ok(slot) => slot,
                Err(error) => return failed(None, error),
            };
            let record = (load.object, slot);
            let done = match load.operation {
                Operation::Update => save.update(record, &row.source),
                Operation::Delete => save.delete(record).map(drop),
                _ => save.hard_delete(record).map(drop),
            };
            match done {
                Ok(()) => saved(slot, false),
                Err(error) => failed(Some(slot), error),
            }
        }
    }
}

fn upsert<S: Source>(save: &mut Save<'_>, load: Load, row: &Row<'_, S>) -> Outcome {
    let key = load.key.unwrap_or(0);
    let field = save
        .schema
        .object(load.object)
        .and_then(|object| object.fields.get(key));
    let name = field.map_or("Id", |field| field.name.as_str());
    if row.name.is_empty() && name != "Id" {
        let message = format!("{name} not specified");
        return failed(None, SaveError::of("MISSING_ARGUMENT", message, name));
    }
    match save.upsert((load.object, key), row.name, &row.source, false) {
        Ok((slot, created)) => Outcome::Saved { slot, created },
        Err(Upsert::Refused(error)) => failed(None, error),
        Err(Upsert::Several(_)) => failed(None, SaveError::ambiguous(name, row.name)),
    }
}

/// The record that a row names by its Id.
fn named(save: &Save<'_>, load: Load, given: &str) -> Result<usize, SaveError> {
    if given.is_empty() {
        return Err(match load.operation {
            Operation::Update => SaveError::missing_id(),
            _ => SaveError::new("MISSING_ARGUMENT", "Id not specified in a delete call"),
        });
    }
    let parsed = id::parse(given).ok_or_else(|| SaveError::malformed_id(given))?;
    let found = save.schema.locate(&parsed);
    let found = found.filter(|(owner, _)| *owner == load.object);
    found
        .map(|(_, slot)| slot)
        .ok_or_else(|| SaveError::malformed_id(given))
}

/// Keys that more than one row of a chunk has.
fn repeated_keys<S>(rows: &[Row<'_, S>]) -> HashMap<String, usize> {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for row in rows.iter().filter(|row| !row.name.is_empty()) {
        *seen.entry(row.name.to_lowercase()).or_default() += 1;
    }
    seen.retain(|_, count| *count > 1);
    seen
}

/// Rows of one chunk that share their key are refused, all of them.
fn twice(
    load: Load,
    org: &Org,
    repeated: &HashMap<String, usize>,
    name: &str,
) -> Option<SaveError> {
    if repeated.is_empty() || !repeated.contains_key(&name.to_lowercase()) {
        return None;
    }
    let object = org.schema.object(load.object)?;
    let field = object.fields.get(load.key?)?;
    let message = format!("Duplicate external id specified: {name}");
    Some(SaveError::of("DUPLICATE_VALUE", message, &field.name))
}

fn failed(slot: Option<usize>, error: SaveError) -> Outcome {
    Outcome::Failed(Box::new(Failure { slot, error }))
}

impl Failure {
    /// As result files print it: `CODE:message:fields --`.
    pub(crate) fn text(&self) -> String {
        let error = &self.error;
        let fields = error.fields.join(" ");
        let gap = if fields.is_empty() { "" } else { " " };
        format!("{}:{}:{fields}{gap}--", error.code, error.message)
    }
}
