//! SOQL: text to syntax tree ([`parse`]), names to fields ([`bind`]), and the rows that match
//! ([`select`]).
//!
//! Source: SOQL and SOSL Reference, v65.0.

mod aggregate;
mod ast;
mod bind;
mod children;
mod column;
mod dates;
mod error;
mod filter;
mod lexer;
mod literal;
mod number;
mod parser;
mod select;
mod type_of;

pub(crate) use aggregate::groups;
pub(crate) use ast::{Item, Query as Ast};
pub(crate) use bind::{Bound, Output, bind};
pub(crate) use children::of_parents;
pub(crate) use column::Column;
pub(crate) use error::SoqlError;
pub(crate) use filter::{Source, View};
pub(crate) use number::json_number;
pub(crate) use parser::parse;
pub(crate) use select::{count, select};

/// Longest statement: LIM, SOQL and SOSL Limits.
pub(crate) const STATEMENT_CHARACTERS_MAX: usize = 100_000;

#[cfg(test)]
mod tests;
