//! Sub-selects: the children of each row, by a relationship of describe.
//!
//! Source: SOQL and SOSL Reference, Relationship Queries.

use std::collections::{BTreeMap, HashSet};

use super::{
    SoqlError,
    ast::{Item, Name, Query},
    bind::{Binder, Bound},
    filter::View,
    select::{in_order, matching},
};
use crate::{
    schema::{Field, Object},
    store::row::cell,
};

/// Sub-selects of one query: SOQL, Relationship Query Limitations.
const CHILDREN_MAX: usize = 20;

/// A sub-select that can run.
#[derive(Debug)]
pub(crate) struct Children {
    /// The relationship, spelled as in describe.
    pub name: String,
    /// So many columns stand before it in the SELECT list.
    pub after: usize,
    /// Number of the children's field that points to the parent.
    reference: usize,
    /// The query of the children.
    pub bound: Bound,
}

impl Binder<'_> {
    /// The sub-selects of the SELECT list.
    pub(super) fn children(&self) -> Result<Vec<Children>, SoqlError> {
        let mut found: Vec<Children> = Vec::new();
        for (place, item) in self.query.select.iter().enumerate() {
            let Item::Children { query, .. } = item else {
                continue;
            };
            let before = self.query.select.get(..place).unwrap_or_default();
            let children = self.child(query, self.width(before)?)?;
            if found.iter().any(|known| known.name == children.name) {
                let message = format!(
                    "Cannot follow the same aggregate relationship twice: {}",
                    children.name
                );
                return Err(self.error("MALFORMED_QUERY", query.from.at, &message));
            }
            found.push(children);
        }
        if found.len() > CHILDREN_MAX {
            return Err(SoqlError::malformed(format!(
                "A query may follow at most {CHILDREN_MAX} relationships to children"
            )));
        }
        Ok(found)
    }

    /// How many columns a part of the SELECT list makes.
    fn width(&self, items: &[Item]) -> Result<usize, SoqlError> {
        let mut width = 0;
        for item in items {
            width += match item {
                Item::Fields { group, at } => self.field_group(group, *at)?.len(),
                Item::Children { .. } => 0,
                _ => 1,
            };
        }
        Ok(width)
    }

    fn child(&self, query: &Query, after: usize) -> Result<Children, SoqlError> {
        let refused = |at: usize, message: &str| Err(self.error("MALFORMED_QUERY", at, message));
        let (at, object, number, field) = self.follow(&query.from)?;
        for item in &query.select {
            match item {
                Item::Children { at, .. } => {
                    return refused(
                        *at,
                        "SOQL statements cannot query aggregate relationships more than 1 level away from the root \
                         entity object.",
                    );
                }
                Item::Count | Item::Aggregate { .. } => {
                    return refused(
                        query.from.at,
                        "aggregate functions are not supported in a sub-select of children",
                    );
                }
                _ => {}
            }
        }
        if !query.group_by.is_empty() {
            return refused(
                query.from.at,
                "GROUP BY is not supported in a sub-select of children",
            );
        }
        if query.offset.is_some() && self.query.limit != Some(1) {
            return refused(
                query.from.at,
                "OFFSET in a sub-select of children needs a parent query with LIMIT 1",
            );
        }
        let bound = Binder {
            query,
            at,
            object,
            ..*self
        }
        .bound()?;
        Ok(Children {
            name: field.child_relationship.clone().unwrap_or_default(),
            after,
            reference: number,
            bound,
        })
    }

    /// The children behind a relationship: number and declaration of their object and of their reference.
    fn follow(&self, from: &Name) -> Result<(usize, &Object, usize, &Field), SoqlError> {
        let name = match from.path.split_once('.') {
            Some((parent, name)) if self.is_own(parent) => name,
            _ => &from.path,
        };
        let mut known = self.schema.children(self.at).filter_map(|(at, number)| {
            let declared = self.schema.object(at)?;
            // What the user may not see has a number and no name.
            let (at, object) = self.schema.find(&declared.name)?;
            Some((at, object, number, object.fields.get(number)?))
        });
        let found = known.find(|(_, _, _, field)| {
            let relationship = field.child_relationship.as_deref();
            relationship.is_some_and(|known| known.eq_ignore_ascii_case(name))
        });
        found.ok_or_else(|| {
            self.error(
                "INVALID_FIELD",
                from.at,
                &format!(
                    "Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to use a \
                     custom relationship, be sure to append the '__r' after the custom relationship name. Please \
                     reference your WSDL or the describe call for the appropriate names."
                ),
            )
        })
    }
}

/// The slots of the children of each of `parents`, which are slots of object number `object`, after OFFSET and LIMIT.
/// A parent without children is not among the answers.
pub(crate) fn of_parents(
    view: View<'_>,
    children: &Children,
    (object, parents): (usize, &[usize]),
    all: bool,
) -> BTreeMap<usize, Vec<usize>> {
    let wanted: HashSet<usize> = parents.iter().copied().collect();
    let bound = &children.bound;
    let parent = |row: &[u8]| {
        let (at, slot) = view.schema.locate(cell(row, children.reference)?)?;
        (at == object && wanted.contains(&slot)).then_some(slot)
    };
    let rows = matching(view, bound, all).filter(|(_, row)| parent(row).is_some());
    let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for slot in in_order(view, bound, rows) {
        let row = view.store.slot(bound.object, slot);
        let row = row.and_then(|slot| slot.row.as_deref());
        if let Some(parent) = row.and_then(parent) {
            found.entry(parent).or_default().push(slot);
        }
    }
    for slots in found.values_mut() {
        slots.drain(..bound.offset.min(slots.len()));
        slots.truncate(bound.limit.unwrap_or(usize::MAX));
    }
    found.retain(|_, slots| !slots.is_empty());
    found
}
