//! Formulas of validation rules, worked out for a record that is to be saved (Salesforce Help, Formula Operators and Functions).
//!
//! What is not known here - other records, the user, functions that are not listed - stays unknown, and so does
//! everything that depends on it: a verdict is certain or none.

mod eval;
mod function;
mod lexer;
mod parser;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use parser::Node;

use crate::restore::Row;

/// A formula that can be worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula(Node);

/// Why a text is no formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAFormula;

/// What a condition comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// Nobody can tell from here.
    Unknown,
}

/// A record that is to be saved, and as it was.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'s> {
    /// How it will be.
    pub new: &'s Row,
    /// How it is; nothing for one that is made.
    pub old: Option<&'s Row>,
    /// The types of the fields, as a describe calls them, by their names in lower case; fields whose value is not known are absent.
    pub types: &'s BTreeMap<String, String>,
    /// The moment, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Formula {
    /// Reads a formula. Its length and depth are limited.
    pub fn parse(text: &str) -> Result<Self, NotAFormula> {
        parser::parse(lexer::words(text)?).map(Self)
    }

    /// The fields of the record that it reads, in its own spelling; the ways to other records begin with one, too.
    pub fn fields(&self) -> BTreeSet<&str> {
        let mut fields = BTreeSet::new();
        self.0.fields(&mut fields);
        fields
    }

    /// Whether it holds for a record; nothing counts as false.
    pub fn verdict(&self, scope: Scope<'_>) -> Verdict {
        match eval::truth(&self.0, &scope) {
            Some(true) => Verdict::Holds,
            Some(false) => Verdict::Fails,
            None => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
