//! Why a filter is refused: where, which field, for what reason. Never a value.

use std::fmt;

use crate::{ErrorCode, Failure};

/// A filter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FilterError {
    /// Where in the text that was read.
    pub place: Place,
    /// The field as it was written, when the reason concerns one.
    pub field: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        match &self.place {
            Place::Unknown => Ok(()),
            Place::Character(number) => write!(f, ", at character `{number}`"),
            Place::Member(path) => write!(f, ", at `{path}`"),
        }
    }
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        let code = match error.reason {
            Reason::Unsupported(_) => ErrorCode::FilterUnsupported,
            _ => ErrorCode::FilterInvalid,
        };
        Self::new(code, format!("filter: {error}"))
    }
}

/// Where something stands in the text of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The filter was not read from a text.
    Unknown,
    /// Characters of the SOQL from its start, from 1.
    Character(usize),
    /// The member of the JSON, e.g. `and[1].or[0]`; `$` for the whole.
    Member(String),
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Something else stands where this has to.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The text is not JSON of the declarative form.
    #[error(
        "not a declarative filter: it is JSON with `and`, `or`, `not`, or `field`, `operator` and `value`"
    )]
    NotDeclarative,
    /// SOQL: Logical Operators, "Parentheses are required whenever you mix the operators".
    #[error("AND, OR and NOT on one level need parentheses")]
    MixedOperators,
    /// A backslash before a character that takes none.
    #[error(
        "a backslash stands before n, r, t, b, f, ', \", \\ or uXXXX only, in LIKE before % and _ too"
    )]
    WrongEscape,
    /// SOQL: Comparison Operators, about LIKE: no backslash in a search except to escape a special character.
    #[error("a pattern of LIKE has a backslash before % and _ only")]
    WrongPattern,
    /// Neither digits with a point nor a date.
    #[error("a number has digits and at most one point, no exponent, and at most 40 characters")]
    WrongNumber,
    /// Looks like a date and is none, or one that Salesforce does not store.
    #[error(
        "not a date or time from 1700-01-01 to 4000-12-31 in the form YYYY-MM-DD, YYYY-MM-DDThh:mm:ssZ (or +hh:mm) or hh:mm:ss.SSSZ"
    )]
    WrongDate,
    /// A word that is no date literal, or one with a wrong count.
    #[error(
        "not a date literal; one that ends in `:n` takes a whole number up to 9999, the others none"
    )]
    WrongDateLiteral,
    /// More than may be.
    #[error("{what} is more than {max}")]
    TooLong {
        /// What there is too much of.
        what: &'static str,
        /// How much may be.
        max: usize,
    },
    /// A group of nothing, or a list of nothing.
    #[error("a group needs two conditions, a list one value")]
    Empty,
    /// SOQL has it; we do not.
    #[error("{0} are not supported")]
    Unsupported(&'static str),
    /// SOQL: fieldExpression Syntax; an empty text is null.
    #[error("null and the empty text take =, !=, IN and NOT IN only")]
    NullNeedsEquals,
    /// The object has no such field, or this user may not see it.
    #[error("`{object}` has no such field")]
    UnknownField {
        /// The object at the end of the path.
        object: String,
    },
    /// The object has no such relationship to a parent.
    #[error("`{object}` has no relationship `{relationship}`")]
    UnknownRelationship {
        /// The object that was reached.
        object: String,
        /// The name that leads nowhere.
        relationship: String,
    },
    /// The schema snapshot does not hold the object.
    #[error("object `{object}` is not in the schema")]
    UnknownObject {
        /// The object.
        object: String,
    },
    /// The describe says so: long text, encrypted, binary, compound.
    #[error("a field of type `{field_type}` like this one cannot be filtered by")]
    NotFilterable {
        /// Describe type.
        field_type: String,
    },
    /// The operator does not go with the type of the field.
    #[error("operator `{operator}` does not go with type `{field_type}`")]
    WrongOperator {
        /// The operator.
        operator: &'static str,
        /// Describe type.
        field_type: String,
    },
    /// The value does not go with the type of the field.
    #[error("type `{field_type}` is compared with {wanted}")]
    WrongType {
        /// Describe type.
        field_type: String,
        /// What has to stand there.
        wanted: &'static str,
    },
}
