//! What a transaction changed, so that it can be taken back.

use super::{Slot, Store};

/// How one record was before it was written.
#[derive(Debug)]
pub(super) struct Before {
    object: usize,
    slot: usize,
    record: Slot,
    versions: usize,
}

impl Store {
    /// Begins a transaction: what is written from here on can be taken back.
    pub(crate) fn begin(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// Ends the transaction; its changes stay.
    pub(crate) fn keep(&mut self) {
        self.journal = None;
    }

    /// Ends the transaction as if it had not been. Ids that it took stay taken, as on the platform.
    pub(crate) fn roll_back(&mut self) {
        for before in self.journal.take().into_iter().flatten().rev() {
            let place = (before.object, before.slot);
            let Some(slot) = self
                .tables
                .get_mut(before.object)
                .and_then(|table| table.slots.get_mut(before.slot))
            else {
                continue;
            };
            let after = std::mem::replace(slot, before.record);
            self.indexes
                .replace(place, after.row.as_deref(), slot.row.as_deref());
            if before.versions == 0 {
                self.versions.remove(&place);
            } else if let Some(versions) = self.versions.get_mut(&place) {
                versions.truncate(before.versions);
            }
        }
    }

    /// Notes a record that is about to be written.
    pub(super) fn note(&mut self, object: usize, slot: usize) {
        let record = self.slot(object, slot).cloned().unwrap_or_default();
        let versions = self.versions.get(&(object, slot)).map_or(0, Vec::len);
        if let Some(journal) = &mut self.journal {
            journal.push(Before {
                object,
                slot,
                record,
                versions,
            });
        }
    }
}
