//! The records that are written, or read back, in one go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_model::{Fidelity, ObjectName, ObjectSchema, Phase, RunCounts, SalesforceId};
use holdfast_plan::restore::Write;
use holdfast_plan::restore::run::{Outcome, Waiting, note};
use holdfast_salesforce::{Draft, Value};

/// Where a batch stands in a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) phase: Phase,
    /// Of the object, in the plan.
    pub(crate) object: usize,
    pub(crate) page: u32,
    /// Of the batch, in the page.
    pub(crate) number: usize,
}

/// An object at work.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) name: ObjectName,
    /// As it is where the restore goes to.
    pub(crate) schema: ObjectSchema,
    /// Types of its fields, as a describe calls them.
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) waiting: Waiting,
}

/// Records of one object.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) place: Place,
    pub(crate) object: Arc<Object>,
    pub(crate) parts: Vec<Part>,
}

/// A record, as far as a phase is about it.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its Id of then.
    pub(crate) id: SalesforceId,
    pub(crate) is: Is,
    /// It may have come back with its parent, though it is to be made.
    pub(crate) may_return: bool,
    pub(crate) writes: Vec<Write>,
}

/// What a record is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    /// There, under its Id.
    There,
    /// The same, out of the Recycle Bin.
    Back,
    /// Made anew.
    Remade,
    /// A copy beside it.
    Copy,
}

impl Object {
    /// Whether records are archived in time: those are there, and only `queryAll` sees them (SOAP guide, Archived Activities).
    pub(crate) fn has_archive(&self) -> bool {
        let has = |name: &str| self.schema.stored_fields().any(|field| field.name == name);
        has("IsArchived") && has("IsDeleted")
    }

    pub(crate) fn is_lookup(&self, field: &str) -> bool {
        self.types.get(field).is_some_and(|of| of == "reference")
    }

    /// A record as it is sent.
    pub(crate) fn draft(&self, id: Option<SalesforceId>, writes: &[Write]) -> Draft {
        let value = |write: &Write| {
            let of = self
                .types
                .get(&write.field)
                .map_or("string", String::as_str);
            (write.field.clone(), Value::of(of, write.to.as_deref()))
        };
        Draft {
            id,
            fields: writes.iter().map(value).collect(),
        }
    }
}

impl Part {
    /// Bytes of the text that is sent.
    pub(crate) fn bytes(&self) -> usize {
        let writes = self.writes.iter();
        let bytes =
            writes.map(|write| write.field.len() + write.to.as_ref().map_or(0, String::len));
        bytes.sum()
    }
}

impl Batch {
    /// All fields that are written.
    pub(crate) fn fields(&self) -> BTreeSet<&str> {
        let writes = self.parts.iter().flat_map(|part| &part.writes);
        writes.map(|write| write.field.as_str()).collect()
    }

    /// Counts what became of its records.
    pub(crate) fn note<'o>(
        &self,
        counts: &mut RunCounts,
        outcomes: impl Iterator<Item = &'o Outcome>,
    ) {
        for (part, outcome) in self.parts.iter().zip(outcomes) {
            note(counts, self.place.phase, outcome);
            if self.place.phase != Phase::Verify {
                continue;
            }
            for Write { field, .. } in &part.writes {
                let is_equal = match outcome {
                    Outcome::Done => true,
                    Outcome::Differs { fields } => !fields.contains(field),
                    _ => false,
                };
                let Fidelity { equal, different } = if self.object.is_lookup(field) {
                    &mut counts.lookups
                } else {
                    &mut counts.fields
                };
                *if is_equal { equal } else { different } += 1;
            }
        }
    }
}
