//! Which records: one tree, two equivalent forms, one meaning.
//!
//! A filter is written as the WHERE clause of SOQL ([`Filter::parse`], `Display`) or as JSON
//! ([`Filter::from_declarative`], [`Filter::to_declarative`]); both are read into the same tree and print as each
//! other. [`CheckedFilter`] is a filter whose names and types hold for a schema snapshot: it prints the SOQL that
//! Salesforce is sent, and as a [`Selection`] it decides about stored records with the same meaning.
//!
//! Sources are the pages of the SOQL and SOSL Reference that the items name. What is refused, and why, is in
//! `docs/FILTERS.md`.

mod calendar;
mod check;
mod compare;
mod decimal;
mod declarative;
mod error;
mod kind;
mod like;
mod literal;
mod parents;
mod parse;
mod print;
mod resolve;
mod selection;
mod token;
mod tree;
mod value;

#[cfg(test)]
mod tests;

pub use calendar::{Calendar, CalendarRequest};
pub use check::CheckedFilter;
pub use error::{FilterError, Place, Reason};
pub use literal::{DateLiteral, Unit};
pub use parents::{IdSet, Parents, Step};
pub use selection::{Record, Selection};
pub use tree::{Condition, FieldPath, Filter, Operator};
pub use value::{Number, Value};

/// Characters of a filter as SOQL: those of a whole statement (SOQL and SOSL limits).
pub const FILTER_CHARS_MAX: usize = 100_000;
/// Characters of a filter as JSON: room for every filter that is short enough as SOQL.
pub const DECLARATIVE_CHARS_MAX: usize = 1_000_000;
/// Characters of one text (SOQL and SOSL limits: a string in a WHERE clause).
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Groups within groups. Ours: it bounds the stack, and nobody reads more.
pub const DEPTH_MAX: usize = 32;
/// Conditions of one filter. Ours: each is looked at for every record.
pub const CONDITIONS_MAX: usize = 1_000;
/// Values of one list. Ours; as many Ids as fit into a statement are fewer than 5,000.
pub const LIST_VALUES_MAX: usize = 10_000;
/// Relationships from the object up to the field (SOQL: Understanding Relationship Query Limitations).
pub const LEVELS_MAX: usize = 5;
/// Different relationships of one filter (the same page).
pub const RELATIONSHIPS_MAX: usize = 55;
