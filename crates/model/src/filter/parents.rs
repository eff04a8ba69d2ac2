//! What is known of parents before the records themselves are read.

use std::collections::BTreeMap;

use super::selection::Test;
use super::{Record, Selection};
use crate::{ErrorCode, Failure, ObjectName, SalesforceId};

/// One reading of parents: which of them make a condition come out otherwise than no parent does.
///
/// That set, and not the one of the parents that the condition holds for: the answer for a record whose reference is
/// empty, or leads to what is not stored, then needs no set, whatever the operator. `!=` keeps the few it excludes.
#[derive(Debug, Clone, Copy)]
pub struct Step<'s> {
    pub(super) selection: &'s Selection,
    pub(super) number: usize,
    pub(super) hop: usize,
}

impl<'s> Step<'s> {
    /// The objects to be read.
    pub fn objects(&self) -> &'s [ObjectName] {
        self.test()
            .and_then(|test| test.target.hops.get(self.hop))
            .map_or(&[], |hop| &hop.objects)
    }

    /// The column that is needed of one of them.
    pub fn column(&self, object: &ObjectName) -> Option<&'s str> {
        let target = &self.test()?.target;
        match target.hops.get(self.hop + 1) {
            Some(next) => Some(&next.reference),
            None => target.columns.get(object).map(String::as_str),
        }
    }

    /// Whether a record of the object belongs to the set.
    pub fn selects(&self, object: &ObjectName, record: &impl Record, parents: &Parents) -> bool {
        let (Some(test), Some(column)) = (self.test(), self.column(object)) else {
            return false;
        };
        let value = record.text(column);
        if test.target.hops.len() > self.hop + 1 {
            return parents.contains(self.number, self.hop + 1, value);
        }
        test.holds(value) != test.holds(None)
    }

    fn test(&self) -> Option<&'s Test> {
        self.selection.tests.get(self.number)
    }
}

/// The sets of all steps of one selection; empty for a selection without relationships.
#[derive(Debug, Clone, Default)]
pub struct Parents {
    sets: BTreeMap<(usize, usize), Vec<SalesforceId>>,
}

impl Parents {
    /// Keeps what a step found. Steps must be taken in their order, each once.
    pub fn put(&mut self, step: &Step<'_>, set: IdSet) {
        let mut ids = set.ids;
        // Ids of one object come in order already; those of several do not.
        ids.sort_unstable();
        self.sets.insert((step.number, step.hop), ids);
    }

    /// Ids in all sets.
    pub fn len(&self) -> usize {
        self.sets.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn contains(&self, number: usize, hop: usize, reference: Option<&str>) -> bool {
        let id = reference.and_then(|text| SalesforceId::parse(text.as_bytes()).ok());
        let set = self.sets.get(&(number, hop));
        id.zip(set)
            .is_some_and(|(id, set)| set.binary_search(&id).is_ok())
    }
}

/// Ids of parents, 18 bytes each, and no more than there is room for.
#[derive(Debug, Clone)]
pub struct IdSet {
    ids: Vec<SalesforceId>,
    ids_max: usize,
}

impl IdSet {
    /// Room for so many.
    pub fn with_room(ids_max: usize) -> Self {
        Self {
            ids: Vec::new(),
            ids_max,
        }
    }

    /// `FILTER_TOO_WIDE` if there is no room for one more.
    pub fn add(&mut self, id: SalesforceId) -> Result<(), Failure> {
        if self.ids.len() == self.ids_max {
            let message =
                "filter: a condition on a parent chooses too many parents to be kept in memory";
            return Err(Failure::new(ErrorCode::FilterTooWide, message));
        }
        self.ids.push(id);
        Ok(())
    }
}
