//! A filter against the schema of its object.

use std::collections::BTreeSet;

use super::kind::{Kind, suits};
use super::resolve::{Schemas, Target, resolve};
use super::{
    CONDITIONS_MAX, Calendar, Condition, DEPTH_MAX, FILTER_CHARS_MAX, Filter, FilterError, Place,
    RELATIONSHIPS_MAX, Reason, Selection,
};
use crate::ObjectName;

/// A filter whose fields are there, may be filtered by and have the types of their values.
///
/// Prints as the WHERE clause for Salesforce, with the names of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFilter {
    pub(super) object: ObjectName,
    pub(super) filter: Filter,
    /// Of every condition, in the order of the tree.
    pub(super) targets: Vec<(Target, Kind)>,
}

impl Filter {
    /// Checks the filter for records of an object. `schemas` are those of one snapshot: of the object, and of the
    /// parents that paths lead to.
    pub fn check(
        &self,
        object: &ObjectName,
        schemas: &Schemas,
    ) -> Result<CheckedFilter, FilterError> {
        let mut check = Check {
            object,
            schemas,
            targets: Vec::new(),
        };
        let filter = check.filter(self, 0)?;
        let targets = check.targets;
        let relationships: BTreeSet<_> = targets
            .iter()
            .flat_map(|(target, _)| {
                let names = target.path.names();
                (1..names.len()).filter_map(|length| names.get(..length))
            })
            .collect();
        if relationships.len() > RELATIONSHIPS_MAX {
            return Err(too_long("number of relationships", RELATIONSHIPS_MAX));
        }
        if filter.to_string().chars().count() > FILTER_CHARS_MAX {
            return Err(too_long(
                "number of characters of a filter",
                FILTER_CHARS_MAX,
            ));
        }
        Ok(CheckedFilter {
            object: object.clone(),
            filter,
            targets,
        })
    }
}

impl CheckedFilter {
    /// The object whose records it chooses from.
    pub fn object(&self) -> &ObjectName {
        &self.object
    }

    /// The tree, in the names of the schema.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// What it means at a time, for stored records.
    pub fn at(&self, calendar: &Calendar) -> Selection {
        Selection::new(self, calendar)
    }
}

/// The WHERE clause, without the word WHERE.
impl std::fmt::Display for CheckedFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.filter.fmt(f)
    }
}

fn too_long(what: &'static str, max: usize) -> FilterError {
    FilterError {
        place: Place::Unknown,
        field: None,
        reason: Reason::TooLong { what, max },
    }
}

struct Check<'a> {
    object: &'a ObjectName,
    schemas: &'a Schemas,
    targets: Vec<(Target, Kind)>,
}

impl Check<'_> {
    /// The same filter in the names of the schema.
    fn filter(&mut self, filter: &Filter, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEPTH_MAX && !matches!(filter, Filter::Test(_)) {
            return Err(too_long("depth of groups", DEPTH_MAX));
        }
        Ok(match filter {
            Filter::All(members) => Filter::All(self.members(members, depth)?),
            Filter::Any(members) => Filter::Any(self.members(members, depth)?),
            Filter::Not(inner) => Filter::Not(Box::new(self.filter(inner, depth + 1)?)),
            Filter::Test(condition) => {
                if self.targets.len() == CONDITIONS_MAX {
                    return Err(too_long("number of conditions", CONDITIONS_MAX));
                }
                Filter::Test(self.condition(condition).map_err(|reason| FilterError {
                    place: condition.place().clone(),
                    field: Some(condition.path().to_string()),
                    reason,
                })?)
            }
        })
    }

    fn members(&mut self, members: &[Filter], depth: usize) -> Result<Vec<Filter>, FilterError> {
        if members.len() < 2 {
            return Err(FilterError {
                place: Place::Unknown,
                field: None,
                reason: Reason::Empty,
            });
        }
        members
            .iter()
            .map(|member| self.filter(member, depth + 1))
            .collect()
    }

    fn condition(&mut self, condition: &Condition) -> Result<Condition, Reason> {
        let target = resolve(self.schemas, self.object, condition.path())?;
        let kind = suits(&target.field_type, target.case_sensitive, condition)?;
        let renamed = condition.renamed(target.path.clone());
        self.targets.push((target, kind));
        Ok(renamed)
    }
}
