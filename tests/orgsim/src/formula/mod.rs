//! The formula language: conditions of rules, values of field updates, formula fields.
//!
//! Sources: Salesforce Help, Formula Operators and Functions; Metadata API Developer Guide, `ValidationRule`
//! (`errorConditionFormula`) and `CustomField` (`formula`).

mod bind;
mod bound;
mod call;
mod function;
mod lexer;
mod parser;
mod scope;
mod value;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(crate) use bound::Bound;
pub(crate) use scope::{Record, Scope};
pub(crate) use value::Value;

/// What the platform says of a formula that cannot be read, or that cannot be worked out for a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FormulaError(pub String);

impl FormulaError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A formula as written, and what it means. Its names are looked up when it is bound to an object.
#[derive(Clone)]
pub(crate) struct Formula {
    text: String,
    expression: Arc<parser::Expression>,
}

impl Formula {
    /// Reads a formula.
    pub(crate) fn parse(text: &str) -> Result<Self, FormulaError> {
        Ok(Self {
            text: text.to_owned(),
            expression: Arc::new(parser::parse(text)?),
        })
    }

    /// As written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Looks the names up, seen from object number `at`.
    pub(crate) fn bind(
        &self,
        schema: &crate::schema::Schema,
        at: usize,
    ) -> Result<Bound, FormulaError> {
        bind::bind(schema, at, &self.expression)
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Formula({})", self.text)
    }
}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
