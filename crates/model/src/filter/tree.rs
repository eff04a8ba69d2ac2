//! The tree that both forms are read into.

use std::fmt;

use super::{LEVELS_MAX, LIST_VALUES_MAX, Place, Reason, Value};

/// Which records: a condition, or conditions joined. Prints as the WHERE clause of SOQL without the word WHERE.
///
/// Groups have two members at least; [`check`](Self::check) refuses others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every member holds.
    All(Vec<Self>),
    /// A member holds.
    Any(Vec<Self>),
    /// The inner one does not hold.
    Not(Box<Self>),
    /// One comparison.
    Test(Condition),
}

/// One comparison of a field with a value, or with a list of them.
#[derive(Debug, Clone, Eq)]
pub struct Condition {
    path: FieldPath,
    operator: Operator,
    values: Vec<Value>,
    place: Place,
}

impl Condition {
    /// `values` has one entry, more only for operators with a list.
    pub fn new(
        path: FieldPath,
        operator: Operator,
        values: Vec<Value>,
        place: Place,
    ) -> Result<Self, Reason> {
        match values.len() {
            0 => return Err(Reason::Empty),
            1 => {}
            _ if !operator.takes_list() => return Err(Reason::Expected("one value")),
            count if count > LIST_VALUES_MAX => {
                return Err(Reason::TooLong {
                    what: "number of values of a list",
                    max: LIST_VALUES_MAX,
                });
            }
            _ => {}
        }
        if !operator.takes_null() && values.iter().any(Value::is_null) {
            return Err(Reason::NullNeedsEquals);
        }
        let values = match operator {
            Operator::Like => values
                .into_iter()
                .map(Value::into_pattern)
                .collect::<Result<_, _>>()?,
            _ if values
                .iter()
                .any(|value| matches!(value, Value::Pattern(_))) =>
            {
                return Err(Reason::Expected("LIKE before a pattern"));
            }
            _ => values,
        };
        Ok(Self {
            path,
            operator,
            values,
            place,
        })
    }

    /// The field.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// The comparison.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// What the field is compared with; never empty.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Where it was written.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The same under the names of the schema.
    pub(super) fn renamed(&self, path: FieldPath) -> Self {
        Self {
            path,
            ..self.clone()
        }
    }
}

/// Where a condition was written is no part of its meaning.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, self.operator, &self.values) == (&other.path, other.operator, &other.values)
    }
}

/// A field of the object or, through relationships, of a parent: `Account.Owner.Name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Names of ASCII letters, digits and underscores with dots between them: nothing else can get into SOQL.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let names: Vec<&str> = text.split('.').collect();
        if !names.iter().all(|name| is_name(name)) || is_keyword(text) {
            return Err(Reason::Expected("a field"));
        }
        // One more than levels and field: the object itself may stand in front.
        if names.len() > LEVELS_MAX + 2 {
            return Err(Reason::TooLong {
                what: "number of relationships of a path",
                max: LEVELS_MAX,
            });
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    /// The names between the dots; never empty.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 80
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Words of the grammar, which cannot be read as a field.
fn is_keyword(name: &str) -> bool {
    [
        "AND", "OR", "NOT", "IN", "LIKE", "INCLUDES", "EXCLUDES", "NULL", "SELECT", "FROM", "WHERE",
    ]
    .iter()
    .any(|keyword| keyword.eq_ignore_ascii_case(name))
}

macro_rules! operators {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal;)+) => {
        /// SOQL: Comparison Operators.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operator {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Operator {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As both forms write it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

operators! {
    /// Equal; for a multi-select picklist, exactly these choices.
    Equal = "=";
    /// The opposite, so also for null.
    NotEqual = "!=";
    /// Smaller, never for null.
    Less = "<";
    /// Smaller or equal.
    LessOrEqual = "<=";
    /// Greater, never for null.
    Greater = ">";
    /// Greater or equal.
    GreaterOrEqual = ">=";
    /// Matches a pattern of `%` and `_`, never for null.
    Like = "LIKE";
    /// Equals one of the list.
    In = "IN";
    /// The opposite, so also for null.
    NotIn = "NOT IN";
    /// Has all choices of one of the values.
    Includes = "INCLUDES";
    /// The opposite, so also for null.
    Excludes = "EXCLUDES";
}

impl Operator {
    /// The operator of this text, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "<>" {
            return Some(Self::NotEqual);
        }
        let mut all = Self::ALL.iter().copied();
        all.find(|operator| operator.text().eq_ignore_ascii_case(text))
    }

    /// Whether values stand in parentheses.
    pub const fn takes_list(self) -> bool {
        matches!(
            self,
            Self::In | Self::NotIn | Self::Includes | Self::Excludes
        )
    }

    const fn takes_null(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::In | Self::NotIn)
    }
}
