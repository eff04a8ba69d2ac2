//! Which records have a value in a field. An index is built when it is first asked for and kept up to date from
//! then on, so that an org that is only read pays nothing.

use std::collections::{BTreeSet, HashMap};

use super::{Table, row::cell};

/// Indexes by object and field number.
#[derive(Debug, Default)]
pub(super) struct Indexes(HashMap<usize, HashMap<usize, Index>>);

/// Slots by value, in lower case: Ids of 18 characters and unique texts do not differ in case alone.
type Index = HashMap<Vec<u8>, BTreeSet<usize>>;

impl Indexes {
    /// The slots of the records, deleted ones included, that have the value.
    pub(super) fn slots(
        &mut self,
        table: &Table,
        object: usize,
        field: usize,
        value: &[u8],
    ) -> Vec<usize> {
        let index = self
            .0
            .entry(object)
            .or_default()
            .entry(field)
            .or_insert_with(|| build(table, field));
        let slots = index.get(&value.to_ascii_lowercase());
        slots.into_iter().flatten().copied().collect()
    }

    /// A record has other values now; nothing stands for no record.
    pub(super) fn replace(
        &mut self,
        (object, slot): (usize, usize),
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) {
        for (field, index) in self.0.get_mut(&object).into_iter().flatten() {
            let value = |row: Option<&[u8]>| {
                row.and_then(|row| cell(row, *field))
                    .map(<[u8]>::to_ascii_lowercase)
            };
            let (before, after) = (value(old), value(new));
            if before == after {
                continue;
            }
            if let Some(slots) = before.and_then(|value| index.get_mut(&value)) {
                slots.remove(&slot);
            }
            if let Some(value) = after {
                index.entry(value).or_default().insert(slot);
            }
        }
    }
}

fn build(table: &Table, field: usize) -> Index {
    let mut index = Index::new();
    for (slot, found) in table.slots().iter().enumerate() {
        if let Some(value) = found.row.as_deref().and_then(|row| cell(row, field)) {
            index
                .entry(value.to_ascii_lowercase())
                .or_default()
                .insert(slot);
        }
    }
    index
}
