//! The rows of a query.

use std::cmp::Ordering;

use super::{
    bind::{Bound, Sorting},
    filter::View,
    number::Fixed,
};
use crate::{schema::Kind, store::Slot};

/// The slots that match, in order, after OFFSET and LIMIT. `all` adds the Recycle Bin and the archive.
pub(crate) fn select(view: View<'_>, bound: &Bound, all: bool) -> Vec<usize> {
    in_order(view, bound, matching(view, bound, all))
        .skip(bound.offset)
        .take(bound.limit.unwrap_or(usize::MAX))
        .collect()
}

/// The slots of `rows` as ORDER BY wants them.
pub(super) fn in_order<'a>(
    view: View<'a>,
    bound: &'a Bound,
    rows: impl Iterator<Item = (usize, &'a [u8])> + 'a,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    if bound.order.is_empty() {
        return Box::new(rows.map(|(slot, _)| slot));
    }
    let mut keyed: Vec<(Vec<Key>, usize)> = rows
        .map(|(slot, row)| {
            (
                bound.order.iter().map(|by| key(view, by, row)).collect(),
                slot,
            )
        })
        .collect();
    keyed.sort_by(|(one, one_slot), (other, other_slot)| {
        let keys = bound.order.iter().zip(one.iter().zip(other));
        let decided = keys
            .map(|(by, (one, other))| compare(by, one, other))
            .find(|order| order.is_ne());
        decided.unwrap_or_else(|| one_slot.cmp(other_slot))
    });
    Box::new(keyed.into_iter().map(|(_, slot)| slot))
}

/// How many rows match, after OFFSET and LIMIT.
pub(crate) fn count(view: View<'_>, bound: &Bound, all: bool) -> usize {
    matching(view, bound, all)
        .skip(bound.offset)
        .take(bound.limit.unwrap_or(usize::MAX))
        .count()
}

/// Slots and rows that match, in the order of the Ids.
pub(super) fn matching<'a>(
    view: View<'a>,
    bound: &'a Bound,
    all: bool,
) -> impl Iterator<Item = (usize, &'a [u8])> {
    let slots = view
        .store
        .table(bound.object)
        .map_or(&[][..], |table| table.slots());
    let stamp_field = view.schema.object(bound.object).and_then(|o| o.stamp_field);
    // The stamp lies beside each row, so a time window passes over most rows without opening them.
    let (from, until) = bound
        .filter
        .as_ref()
        .map_or((i64::MIN, i64::MAX), |f| f.window(stamp_field));
    let inside = move |slot: &Slot| from <= slot.stamp_ms && slot.stamp_ms < until;
    slots.iter().enumerate().filter_map(move |(at, slot)| {
        let row: &[u8] = slot.visible(all).filter(|_| inside(slot))?;
        bound
            .filter
            .as_ref()
            .is_none_or(|filter| view.holds(filter, row))
            .then_some((at, row))
    })
}

/// A value that sorts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Null,
    Number(Fixed),
    Text(String),
}

/// The value of a column as it sorts: numbers by size, Ids and dates as they are, text by letter.
pub(super) fn sort_key(kind: Kind, cell: Option<&[u8]>) -> Key {
    let Some(text) = cell.map(String::from_utf8_lossy) else {
        return Key::Null;
    };
    match kind {
        kind if kind.numeric() => Fixed::parse(&text).map_or(Key::Null, Key::Number),
        kind if kind.textual() => Key::Text(text.to_lowercase()),
        _ => Key::Text(text.into_owned()),
    }
}

fn key(view: View<'_>, by: &Sorting, row: &[u8]) -> Key {
    sort_key(by.kind, view.value(&by.source, row))
}

fn compare(by: &Sorting, one: &Key, other: &Key) -> Ordering {
    match (one, other) {
        (Key::Null, Key::Null) => Ordering::Equal,
        (Key::Null, _) if by.nulls_last => Ordering::Greater,
        (Key::Null, _) => Ordering::Less,
        (_, Key::Null) if by.nulls_last => Ordering::Less,
        (_, Key::Null) => Ordering::Greater,
        _ if by.descending => other.cmp(one),
        _ => one.cmp(other),
    }
}
