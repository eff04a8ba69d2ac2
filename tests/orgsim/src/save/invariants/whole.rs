//! Everything that a transaction may touch, so that nothing of one that was taken back can stay unseen.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Org, Record};
use crate::{
    schema::Kind,
    store::{Reference, Storage, row::cell},
};

/// What the org holds at one moment. Ids that were taken stay taken, so empty slots are no part of it.
#[derive(Debug, PartialEq)]
pub(super) struct Whole {
    records: BTreeMap<String, Vec<Option<String>>>,
    /// How many versions of a record were visible.
    versions: BTreeMap<Record, usize>,
    bodies: BTreeMap<(Record, usize), Bytes>,
    /// References that wait for a deleted record to come back.
    cleared: BTreeMap<Record, Vec<Reference>>,
    used: Storage,
    pending: usize,
    depth: usize,
}

impl Org {
    /// All that a transaction may change.
    pub(super) fn whole(&self) -> Whole {
        let mut whole = Whole {
            records: self.picture(),
            versions: BTreeMap::new(),
            bodies: BTreeMap::new(),
            cleared: BTreeMap::new(),
            used: self.store.used(),
            pending: self.store.pending(),
            depth: self.store.depth(),
        };
        for at in self.tables() {
            let object = self.schema.object(at).unwrap();
            let files: Vec<usize> = object
                .live_fields()
                .filter(|(_, field)| field.kind == Kind::Base64)
                .map(|(number, _)| number)
                .collect();
            for slot in 0..self.store.next_slot(at) {
                let versions = self.store.versions(at, slot).len();
                if versions > 0 {
                    whole.versions.insert((at, slot), versions);
                }
                let cleared = self.store.cleared_by((at, slot));
                if !cleared.is_empty() {
                    whole.cleared.insert((at, slot), cleared.to_vec());
                }
                for field in &files {
                    if let Some(body) = self.store.body(at, slot, *field) {
                        whole.bodies.insert(((at, slot), *field), body);
                    }
                }
            }
        }
        whole
    }

    /// The org is what it was.
    pub(super) fn check_unchanged(&self, before: &Whole, why: &str) {
        assert_eq!(&self.whole(), before, "{why}");
    }

    /// What is found by a reference is what refers.
    pub(super) fn check_lookups(&mut self) {
        let live = self.all_live().into_iter();
        let ids: BTreeSet<Vec<u8>> = live.map(|record| self.id(record).into_bytes()).collect();
        for at in self.tables() {
            let object = std::sync::Arc::clone(&self.schema.objects[at]);
            let references = object.live_fields();
            for (number, field) in references.filter(|(_, field)| field.kind == Kind::Reference) {
                let mut referring: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
                for (slot, found) in self.store.table(at).unwrap().slots().iter().enumerate() {
                    let value = found.row.as_ref().and_then(|row| cell(row, number));
                    if let Some(value) = value {
                        referring.entry(value.to_vec()).or_default().push(slot);
                    }
                }
                // Also parents that nothing refers to.
                let mut parents = ids.clone();
                parents.extend(referring.keys().cloned());
                for id in parents {
                    let found = self.store.with_value(at, number, &id);
                    let expected = referring.remove(&id).unwrap_or_default();
                    assert_eq!(found, expected, "{}.{}", object.name, field.name);
                }
            }
        }
    }
}
