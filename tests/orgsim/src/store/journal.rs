//! What a transaction changed, so that it can be taken back. Transactions nest: an inner one that is kept is taken
//! back with the outer one.

use bytes::Bytes;

use super::{Reference, Slot, Store, redo::Redo, usage::replaced};

/// What happens once the outermost transaction is kept.
type Afterwards = Box<dyn FnOnce() + Send + Sync>;

/// Open transactions.
#[derive(Default)]
pub(super) struct Journal {
    /// What was there before, oldest first.
    entries: Vec<Before>,
    /// Where each open transaction began, outermost first: in the entries, and in what is kept for the log.
    marks: Vec<(usize, usize)>,
    /// What was written and is not in the log yet; absent when there is no log.
    pub(super) redo: Option<Vec<Redo>>,
    /// The first object that was written, when it is a setup object or decidedly is none.
    side: Option<(bool, String)>,
    /// What waits for the commit.
    waiting: Vec<Afterwards>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("entries", &self.entries.len())
            .field("marks", &self.marks)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// True between the beginning of a transaction and its end.
    pub(super) const fn is_open(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Keeps what is about to be written for the log, when there is one.
    pub(super) fn log(&mut self, redo: impl FnOnce() -> Redo) {
        if let Some(kept) = &mut self.redo {
            kept.push(redo());
        }
    }

    /// Forgets what an ended transaction wrote. The slots that it took stay taken.
    fn forget(&mut self, mark: usize) {
        let Some(kept) = &mut self.redo else { return };
        let taken: Vec<Redo> = kept
            .split_off(mark.min(kept.len()))
            .into_iter()
            .filter_map(|redo| match redo {
                Redo::Row {
                    record: (object, slot),
                    ..
                }
                | Redo::Late {
                    record: (object, slot),
                    ..
                } => Some(Redo::Taken {
                    object,
                    slots: slot + 1,
                }),
                Redo::Taken { .. } => Some(redo),
                _ => None,
            })
            .collect();
        kept.extend(taken);
    }
}

/// How something was before it was written.
#[derive(Debug)]
enum Before {
    Record {
        object: usize,
        slot: usize,
        record: Slot,
        versions: usize,
    },
    Body((usize, usize, usize), Option<Bytes>),
    Cleared((usize, usize), Option<Vec<Reference>>),
    /// Changes that were not visible yet, and what waits for the commit, are only ever added by a transaction.
    Begun {
        pending: usize,
        waiting: usize,
    },
}

impl Store {
    /// Begins a transaction: what is written from here on can be taken back.
    pub(crate) fn begin(&mut self) {
        let kept = self.journal.redo.as_ref().map_or(0, Vec::len);
        self.journal.marks.push((self.journal.entries.len(), kept));
        self.journal.entries.push(Before::Begun {
            pending: self.pending.len(),
            waiting: self.journal.waiting.len(),
        });
    }

    /// Transactions that are open, one within the other.
    pub(crate) fn depth(&self) -> usize {
        self.journal.marks.len()
    }

    /// Notes that a setup object, or one that is none, is written in the open transaction; the name of an object of
    /// the other sort that was written in it before.
    pub(crate) fn mixes(&mut self, setup: bool, object: &str) -> Option<String> {
        let (side, original) = self
            .journal
            .side
            .get_or_insert_with(|| (setup, object.to_owned()));
        (*side != setup).then(|| original.clone())
    }

    /// Does something once the outermost transaction is kept, and nothing when it, or this one, is taken back.
    pub(crate) fn after_commit(&mut self, act: Afterwards) {
        if self.journal.marks.is_empty() {
            act();
        } else {
            self.journal.waiting.push(act);
        }
    }

    /// Ends the innermost transaction; its changes stay.
    pub(crate) fn keep(&mut self) {
        self.journal.marks.pop();
        if self.journal.marks.is_empty() {
            self.journal.entries.clear();
            self.journal.side = None;
            for act in self.journal.waiting.drain(..) {
                act();
            }
        }
    }

    /// Ends the innermost transaction as if it had not been. Ids that it took stay taken, as on the platform.
    pub(crate) fn roll_back(&mut self) {
        let (mark, kept) = self.journal.marks.pop().unwrap_or_default();
        self.journal.forget(kept);
        for before in self.journal.entries.split_off(mark).into_iter().rev() {
            match before {
                Before::Record {
                    object,
                    slot,
                    record,
                    versions,
                } => self.put_back((object, slot), record, versions),
                Before::Body(place, body) => {
                    match body {
                        Some(body) => self.bodies.insert(place, body),
                        None => self.bodies.remove(&place),
                    };
                }
                Before::Cleared(record, references) => {
                    match references {
                        Some(references) => self.cleared.insert(record, references),
                        None => self.cleared.remove(&record),
                    };
                }
                Before::Begun { pending, waiting } => {
                    self.pending.truncate(pending);
                    self.journal.waiting.truncate(waiting);
                }
            }
        }
        if self.journal.marks.is_empty() {
            self.journal.side = None;
        }
    }

    fn put_back(&mut self, place: (usize, usize), record: Slot, versions: usize) {
        let Some(table) = self.tables.get_mut(place.0) else {
            return;
        };
        table.writes += 1;
        let Some(slot) = table.slots.get_mut(place.1) else {
            return;
        };
        table.used = replaced(table.used, &table.weight, slot, &record);
        let after = std::mem::replace(slot, record);
        self.indexes
            .replace(place, after.row.as_deref(), slot.row.as_deref());
        if versions == 0 {
            self.versions.remove(&place);
        } else if let Some(known) = self.versions.get_mut(&place) {
            known.truncate(versions);
        }
    }

    /// Notes a record that is about to be written.
    pub(super) fn note(&mut self, object: usize, slot: usize) {
        if self.journal.marks.is_empty() {
            return;
        }
        let record = self.slot(object, slot).cloned().unwrap_or_default();
        let versions = self.versions.get(&(object, slot)).map_or(0, Vec::len);
        self.journal.entries.push(Before::Record {
            object,
            slot,
            record,
            versions,
        });
    }

    /// Notes a body that is about to be written.
    pub(super) fn note_body(&mut self, place: (usize, usize, usize)) {
        if !self.journal.marks.is_empty() {
            let body = self.bodies.get(&place).cloned();
            self.journal.entries.push(Before::Body(place, body));
        }
    }

    /// Notes the cleared references of a record that are about to change.
    pub(super) fn note_references(&mut self, record: (usize, usize)) {
        if !self.journal.marks.is_empty() {
            let references = self.cleared.get(&record).cloned();
            self.journal
                .entries
                .push(Before::Cleared(record, references));
        }
    }
}
