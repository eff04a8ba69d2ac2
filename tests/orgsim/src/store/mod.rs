//! The org's records: per object a dense table of packed rows, older versions of what changed, and
//! changes that were made but not committed.

mod index;
mod journal;
mod redo;
pub(crate) mod row;
mod shared;
mod usage;
mod widen;

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use crate::{
    clock::utc_datetime,
    schema::{Object, Schema},
    store::row::{Row, RowWriter, cell, cells},
};
use index::Indexes;
use journal::Journal;
use redo::Redo;
pub(crate) use shared::Shared;
pub(crate) use usage::Storage;
use usage::{Weight, replaced};

/// All records of the org.
#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: Vec<Table>,
    versions: HashMap<(usize, usize), Vec<Version>>,
    pending: Vec<Pending>,
    bodies: HashMap<(usize, usize, usize), Bytes>,
    cleared: HashMap<(usize, usize), Vec<Reference>>,
    indexes: Indexes,
    journal: Journal,
    /// All the storage that there is, when it has an end.
    pub(crate) room: Option<Storage>,
    /// Records that a test holds, as if another transaction were writing them.
    pub(crate) held: HashSet<(usize, usize)>,
    /// What writers noted with their pieces before a restart, by key.
    progress: HashMap<String, Vec<Bytes>>,
}

/// A reference field of a record: object, slot and field number.
pub(crate) type Reference = (usize, usize, usize);

/// The records of one object; the slot follows from the Id.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    /// Fields that the object has; rows may be older and end earlier.
    width: usize,
    writes: u64,
    stamp_field: Option<usize>,
    deleted_field: Option<usize>,
    archived_field: Option<usize>,
    weight: Weight,
    used: Storage,
}

/// One record as queries see it now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// Absent: never committed, or deleted for good.
    pub row: Option<Row>,
    /// The object's stamp field in milliseconds.
    pub stamp_ms: i64,
    /// In the Recycle Bin.
    pub deleted: bool,
    /// An archived activity.
    pub archived: bool,
}

/// A version that the record once had.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The values; absent when the record was deleted for good.
    pub row: Option<Row>,
    /// When this version became visible, or the record was made.
    pub visible_ms: i64,
}

/// A version that exists but is not visible yet.
#[derive(Debug)]
struct Pending {
    object: usize,
    slot: usize,
    row: Row,
    /// Absent: until a commit is asked for.
    visible_ms: Option<i64>,
}

/// When a change becomes visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visible {
    /// At once.
    Now,
    /// When the org's clock says so.
    At(i64),
    /// When [`Store::commit`] is called.
    Held,
}

/// New values by field number.
pub(crate) type Changes = BTreeMap<usize, Option<String>>;

impl Table {
    fn new(object: &Object) -> Self {
        let number = |name| object.field(name).map(|(at, _)| at);
        Self {
            slots: Vec::new(),
            width: object.fields.len(),
            writes: 0,
            stamp_field: object.stamp_field,
            deleted_field: number("IsDeleted"),
            archived_field: number("IsArchived").filter(|_| number("ActivityDate").is_some()),
            weight: Weight::of(object),
            used: Storage::default(),
        }
    }

    /// All slots, in the order of the Ids.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Grows with every write; what was derived from the rows is good for as long as this stays.
    pub(crate) const fn writes(&self) -> u64 {
        self.writes
    }

    /// Adds a row at the end.
    pub(crate) fn push(&mut self, row: Row) {
        let slot = self.read(row);
        self.used = replaced(self.used, &self.weight, &Slot::default(), &slot);
        self.slots.push(slot);
    }

    /// Reserves room for `count` rows.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.slots.reserve_exact(count);
    }

    fn read(&self, row: Row) -> Slot {
        let mut slot = Slot::default();
        for (at, value) in cells(&row).enumerate() {
            let at = Some(at);
            if at == self.stamp_field {
                slot.stamp_ms = value.and_then(parse_datetime).unwrap_or(0);
            } else if at == self.deleted_field {
                slot.deleted = value == Some(b"true");
            } else if at == self.archived_field {
                slot.archived = value == Some(b"true");
            }
        }
        slot.row = Some(row);
        slot
    }
}

impl Slot {
    /// What a query sees; `all` adds the Recycle Bin and the archive.
    pub(crate) fn visible(&self, all: bool) -> Option<&Row> {
        self.row
            .as_ref()
            .filter(|_| all || !(self.deleted || self.archived))
    }
}

impl Store {
    /// An empty store for the objects of `schema`.
    pub(crate) fn new(schema: &Schema) -> Self {
        Self {
            tables: schema.objects.iter().map(|o| Table::new(o)).collect(),
            ..Self::default()
        }
    }

    /// The table of object number `object`.
    pub(crate) fn table(&self, object: usize) -> Option<&Table> {
        self.tables.get(object)
    }

    /// The table of object number `object`.
    pub(crate) fn table_mut(&mut self, object: usize) -> Option<&mut Table> {
        self.tables.get_mut(object)
    }

    /// One record.
    pub(crate) fn slot(&self, object: usize, slot: usize) -> Option<&Slot> {
        self.tables.get(object)?.slots.get(slot)
    }

    /// Records that queries see.
    pub(crate) fn count(&self, object: usize, all: bool) -> usize {
        let slots = self.tables.get(object).map_or(&[][..], Table::slots);
        slots
            .iter()
            .filter(|slot| slot.visible(all).is_some())
            .count()
    }

    /// The slot that the next record of `object` takes.
    pub(crate) fn next_slot(&self, object: usize) -> usize {
        self.tables.get(object).map_or(0, |table| table.slots.len())
    }

    /// Adds a record. The slot is taken at once, also when the record becomes visible later.
    pub(crate) fn insert(
        &mut self,
        object: usize,
        row: Row,
        visible: Visible,
        now_ms: i64,
    ) -> Option<usize> {
        let table = self.tables.get_mut(object)?;
        let slot = table.slots.len();
        table.slots.push(Slot::default());
        self.write(object, slot, row, visible, now_ms);
        Some(slot)
    }

    /// Gives a record new values; false when there is no such record.
    pub(crate) fn change(
        &mut self,
        (object, slot): (usize, usize),
        changes: &Changes,
        visible: Visible,
        now_ms: i64,
    ) -> bool {
        let Some(old) = self.slot(object, slot).and_then(|slot| slot.row.clone()) else {
            return false;
        };
        let mut writer = RowWriter::default();
        let mut known = 0;
        for (at, value) in cells(&old).enumerate() {
            match changes.get(&at) {
                Some(new) => writer.cell(new.as_deref().map(str::as_bytes)),
                None => writer.cell(value),
            }
            known = at + 1;
        }
        // The row may be older than its last fields.
        if let Some((last, _)) = changes.last_key_value() {
            for at in known..=*last {
                let new = changes.get(&at).and_then(Option::as_deref);
                writer.cell(new.map(str::as_bytes));
            }
        }
        self.write(object, slot, writer.finish(), visible, now_ms);
        true
    }

    /// The slots of the records of `object`, deleted ones included, that have `value` in a field; case does not matter.
    pub(crate) fn with_value(&mut self, object: usize, field: usize, value: &[u8]) -> Vec<usize> {
        match self.tables.get(object) {
            Some(table) => self.indexes.slots(table, object, field, value),
            None => Vec::new(),
        }
    }

    /// Remembers references that the deletion of a record cleared.
    pub(crate) fn note_cleared(&mut self, deleted: (usize, usize), references: Vec<Reference>) {
        if !references.is_empty() {
            self.note_references(deleted);
            self.journal.log(|| Redo::Cleared {
                record: deleted,
                references: Some(references.clone()),
            });
            self.cleared.insert(deleted, references);
        }
    }

    /// The references that the deletion of a record cleared; forgets them.
    pub(crate) fn take_cleared(&mut self, deleted: (usize, usize)) -> Vec<Reference> {
        if !self.cleared.contains_key(&deleted) {
            return Vec::new();
        }
        self.note_references(deleted);
        self.journal.log(|| Redo::Cleared {
            record: deleted,
            references: None,
        });
        self.cleared.remove(&deleted).unwrap_or_default()
    }

    /// Removes a record for good; false when there is none.
    pub(crate) fn remove(&mut self, object: usize, slot: usize, now_ms: i64) -> bool {
        self.note(object, slot);
        let Some(table) = self.tables.get_mut(object) else {
            return false;
        };
        table.writes += 1;
        let Some(place) = table.slots.get_mut(slot) else {
            return false;
        };
        table.used = replaced(table.used, &table.weight, place, &Slot::default());
        let Some(old) = std::mem::take(place).row else {
            return false;
        };
        self.indexes.replace((object, slot), Some(&old), None);
        self.journal.log(|| Redo::Row {
            record: (object, slot),
            row: None,
            now_ms,
        });
        self.remember(object, slot, old, None, now_ms);
        true
    }

    /// Makes every pending change visible whose time has come, or all of them. Returns how many.
    pub(crate) fn commit(&mut self, now_ms: i64, all: bool) -> usize {
        let due = |p: &Pending| all || p.visible_ms.is_some_and(|at| at <= now_ms);
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(due);
        self.pending = waiting;
        let count = ready.len();
        if count > 0 {
            self.journal.log(|| Redo::Commit { now_ms, all });
        }
        // The log says it in one word, and need not be told the rows again.
        let redo = self.journal.redo.take();
        for change in ready {
            let gone = self
                .slot(change.object, change.slot)
                .is_none_or(|slot| slot.row.is_none());
            let was_there = self.versions.contains_key(&(change.object, change.slot));
            if gone && was_there {
                // Deleted for good before its change was committed.
                continue;
            }
            self.write(change.object, change.slot, change.row, Visible::Now, now_ms);
        }
        self.journal.redo = redo;
        count
    }

    /// True when [`Store::commit`] would do something at `now_ms`.
    pub(crate) fn commit_due(&self, now_ms: i64) -> bool {
        // Not inside a transaction, which might take back what it did not make.
        !self.journal.is_open()
            && self
                .pending
                .iter()
                .any(|p| p.visible_ms.is_some_and(|at| at <= now_ms))
    }

    /// When the oldest change that is not visible yet was made.
    pub(crate) fn oldest_pending_ms(&self) -> Option<i64> {
        let stamp = |change: &Pending| {
            let table = self.tables.get(change.object)?;
            Some(table.read(Row::clone(&change.row)).stamp_ms)
        };
        self.pending.iter().filter_map(stamp).min()
    }

    /// Changes that are not visible yet.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Every version of a record that was visible, oldest first.
    pub(crate) fn versions(&self, object: usize, slot: usize) -> Vec<Version> {
        if let Some(versions) = self.versions.get(&(object, slot)) {
            return versions.clone();
        }
        let row = self.slot(object, slot).and_then(|slot| slot.row.clone());
        row.map(|row| Version {
            row: Some(row),
            visible_ms: 0,
        })
        .into_iter()
        .collect()
    }

    /// A body that a test put in place of the generated one.
    pub(crate) fn body(&self, object: usize, slot: usize, field: usize) -> Option<Bytes> {
        self.bodies.get(&(object, slot, field)).cloned()
    }

    /// Replaces a generated body.
    pub(crate) fn set_body(&mut self, object: usize, slot: usize, field: usize, body: Bytes) {
        self.note_body((object, slot, field));
        self.journal.log(|| Redo::Body {
            record: (object, slot),
            field,
            body: body.clone(),
        });
        self.bodies.insert((object, slot, field), body);
    }

    fn write(&mut self, object: usize, slot: usize, row: Row, visible: Visible, now_ms: i64) {
        let visible_ms = match visible {
            Visible::Now => {
                self.note(object, slot);
                self.journal.log(|| Redo::Row {
                    record: (object, slot),
                    row: Some(Row::clone(&row)),
                    now_ms,
                });
                let Some(table) = self.tables.get_mut(object) else {
                    return;
                };
                table.writes += 1;
                let new = table.read(Row::clone(&row));
                let Some(place) = table.slots.get_mut(slot) else {
                    return;
                };
                table.used = replaced(table.used, &table.weight, place, &new);
                let old = std::mem::replace(place, new).row;
                self.indexes
                    .replace((object, slot), old.as_deref(), Some(&row));
                if let Some(old) = old {
                    self.remember(object, slot, old, Some(row), now_ms);
                } else {
                    let version = Version {
                        row: Some(row),
                        visible_ms: now_ms,
                    };
                    self.versions
                        .entry((object, slot))
                        .or_default()
                        .push(version);
                }
                return;
            }
            Visible::At(at) => Some(at),
            Visible::Held => None,
        };
        self.journal.log(|| Redo::Late {
            record: (object, slot),
            row: Row::clone(&row),
            visible_ms,
        });
        self.pending.push(Pending {
            object,
            slot,
            row,
            visible_ms,
        });
    }

    fn remember(&mut self, object: usize, slot: usize, old: Row, new: Option<Row>, now_ms: i64) {
        let versions = self.versions.entry((object, slot)).or_default();
        if versions.is_empty() {
            versions.push(Version {
                row: Some(old),
                visible_ms: 0,
            });
        }
        versions.push(Version {
            row: new,
            visible_ms: now_ms,
        });
    }
}

/// Milliseconds of a stored datetime.
pub(crate) fn parse_datetime(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_millisecond)
}

/// The changes that an update at `stamp_ms` makes besides the caller's own.
pub(crate) fn audit(object: &Object, stamp_ms: i64, user: &str) -> Changes {
    let mut changes = Changes::new();
    let stamp = utc_datetime(stamp_ms);
    for (name, value) in [
        ("SystemModstamp", stamp.as_str()),
        ("LastModifiedDate", &stamp),
        ("LastModifiedById", user),
    ] {
        if let Some((at, _)) = object.field(name) {
            changes.insert(at, Some(value.to_owned()));
        }
    }
    changes
}

/// The Id in a packed row.
pub(crate) fn id_of(row: &[u8]) -> &str {
    cell(row, 0)
        .and_then(|id| std::str::from_utf8(id).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
