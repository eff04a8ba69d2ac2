//! GROUP BY and the aggregate functions.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ast::Function,
    bind::{Bound, Output},
    column::Column,
    filter::View,
    number::{Fixed, json_number},
    select::{Key, matching, sort_key},
};
use crate::api::json::scalar;

/// One element of an aggregate SELECT list.
#[derive(Debug)]
pub(crate) enum GroupColumn {
    /// A field that the query groups by.
    Key {
        /// Name in the result.
        name: String,
        /// Which of the GROUP BY fields.
        group: usize,
    },
    /// `COUNT()` beside other columns.
    Rows {
        /// Name in the result.
        name: String,
    },
    /// A function of a field.
    Value {
        /// Name in the result.
        name: String,
        /// Which function.
        function: Function,
        /// Of what.
        column: Box<Column>,
    },
}

impl GroupColumn {
    /// Name in the result.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Key { name, .. } | Self::Rows { name } | Self::Value { name, .. } => name,
        }
    }
}

/// One row of an aggregate result: names and JSON texts.
pub(crate) type Group = Vec<(String, String)>;

/// The groups of a query, in the order of their keys.
pub(crate) fn groups(view: View<'_>, bound: &Bound, all: bool) -> Vec<Group> {
    let Output::Groups { columns, by, order } = &bound.output else {
        return Vec::new();
    };
    let mut groups: BTreeMap<Vec<Key>, Vec<Tally>> = BTreeMap::new();
    let mut shown: BTreeMap<Vec<Key>, Vec<String>> = BTreeMap::new();
    let fresh = || columns.iter().map(|_| Tally::default()).collect::<Vec<_>>();
    if by.is_empty() {
        groups.insert(Vec::new(), fresh());
    }
    for (_, row) in matching(view, bound, all) {
        let keys: Vec<Key> = by
            .iter()
            .map(|c| sort_key(c.kind, view.value(&c.source, row)))
            .collect();
        if !groups.contains_key(&keys) {
            let texts = by
                .iter()
                .map(|c| scalar(c.kind, view.value(&c.source, row)));
            shown.insert(keys.clone(), texts.collect());
        }
        let tallies = groups.entry(keys).or_insert_with(fresh);
        for (tally, column) in tallies.iter_mut().zip(columns) {
            match column {
                GroupColumn::Value {
                    column, function, ..
                } => {
                    tally.add(*function, column, view.value(&column.source, row));
                }
                _ => tally.rows += 1,
            }
        }
    }
    let rows = groups.into_iter().map(|(keys, tallies)| {
        let texts = shown.remove(&keys).unwrap_or_default();
        let cells = columns
            .iter()
            .zip(tallies)
            .map(|(column, tally)| match column {
                GroupColumn::Key { name, group } => (
                    name.clone(),
                    texts
                        .get(*group)
                        .cloned()
                        .unwrap_or_else(|| "null".to_owned()),
                ),
                GroupColumn::Rows { name } => (name.clone(), tally.rows.to_string()),
                GroupColumn::Value {
                    name,
                    function,
                    column,
                } => (name.clone(), tally.result(*function, column)),
            });
        cells.collect()
    });
    let mut rows: Vec<Group> = rows.collect();
    for (column, descending) in order.iter().rev() {
        rows.sort_by(|one, other| {
            let by = |row: &Group| row.get(*column).map(|(_, text)| shown_key(text));
            if *descending {
                by(other).cmp(&by(one))
            } else {
                by(one).cmp(&by(other))
            }
        });
    }
    rows.into_iter()
        .skip(bound.offset)
        .take(bound.limit.unwrap_or(usize::MAX))
        .collect()
}

/// How a printed result sorts.
fn shown_key(text: &str) -> Key {
    match Fixed::parse(text) {
        Some(number) => Key::Number(number),
        None if text == "null" => Key::Null,
        None => Key::Text(text.to_lowercase()),
    }
}

/// What a function has seen so far.
#[derive(Debug)]
struct Tally {
    rows: usize,
    sum: Fixed,
    distinct: BTreeSet<Key>,
    smallest: Option<(Key, Vec<u8>)>,
    largest: Option<(Key, Vec<u8>)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            rows: 0,
            sum: Fixed::ZERO,
            distinct: BTreeSet::new(),
            smallest: None,
            largest: None,
        }
    }
}

impl Tally {
    fn add(&mut self, function: Function, column: &Column, cell: Option<&[u8]>) {
        let Some(cell) = cell else { return };
        self.rows += 1;
        let key = sort_key(column.kind, Some(cell));
        if let Key::Number(number) = &key {
            self.sum = self.sum.plus(*number);
        }
        if self
            .smallest
            .as_ref()
            .is_none_or(|(smallest, _)| key < *smallest)
        {
            self.smallest = Some((key.clone(), cell.to_vec()));
        }
        if self
            .largest
            .as_ref()
            .is_none_or(|(largest, _)| key > *largest)
        {
            self.largest = Some((key.clone(), cell.to_vec()));
        }
        // Only this function is worth remembering every value for.
        if function == Function::CountDistinct {
            self.distinct.insert(key);
        }
    }

    fn result(&self, function: Function, column: &Column) -> String {
        let cell = |found: &Option<(Key, Vec<u8>)>| {
            scalar(column.kind, found.as_ref().map(|(_, c)| c.as_slice()))
        };
        let number = |number: Fixed| match self.rows {
            0 => "null".to_owned(),
            _ => json_number(&number.to_string()),
        };
        match function {
            Function::Count => self.rows.to_string(),
            Function::CountDistinct => self.distinct.len().to_string(),
            Function::Sum => number(self.sum),
            Function::Avg => number(self.sum.over(self.rows)),
            Function::Min => cell(&self.smallest),
            Function::Max => cell(&self.largest),
        }
    }
}
