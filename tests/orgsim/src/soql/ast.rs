//! The syntax tree of a query.

/// `SELECT … FROM …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// What is selected, in order.
    pub select: Vec<Item>,
    /// The object.
    pub from: Name,
    /// Another name for the object.
    pub alias: Option<String>,
    /// The WHERE clause.
    pub filter: Option<Condition>,
    /// The GROUP BY clause.
    pub group_by: Vec<Name>,
    /// The ORDER BY clause.
    pub order_by: Vec<Order>,
    /// The LIMIT clause.
    pub limit: Option<usize>,
    /// The OFFSET clause.
    pub offset: Option<usize>,
}

/// A dotted name and the character at which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// As written.
    pub path: String,
    /// Characters from the start of the statement.
    pub at: usize,
}

/// One element of the SELECT list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A field, perhaps of a parent.
    Field {
        /// The field.
        name: Name,
        /// Allowed only with GROUP BY.
        alias: Option<String>,
    },
    /// `COUNT()`
    Count,
    /// `COUNT(f)`, `SUM(f)` and the like.
    Aggregate {
        /// The function.
        function: Function,
        /// Its argument.
        name: Name,
        /// Another name for the result.
        alias: Option<String>,
    },
    /// `FIELDS(STANDARD)` and the like.
    Fields {
        /// `STANDARD`, `CUSTOM` or `ALL`.
        group: String,
        /// Where it stands.
        at: usize,
    },
    /// `(SELECT … FROM children)`
    Children {
        /// Where it stands.
        at: usize,
        /// What stands in the parentheses; it selects from a relationship.
        query: Box<Query>,
    },
    /// `TYPEOF … END`
    TypeOf(TypeOf),
}

/// `TYPEOF relation WHEN Object THEN … ELSE … END`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeOf {
    /// The relationship.
    pub relation: Name,
    /// Types of the parent, each with what is selected of it.
    pub cases: Vec<(Name, Vec<Name>)>,
    /// What is selected of parents of other types.
    pub otherwise: Vec<Name>,
    /// Where it stands.
    pub at: usize,
}

/// Aggregate functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Rows with a value.
    Count,
    /// Different values.
    CountDistinct,
    /// Total.
    Sum,
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
}

/// The WHERE clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// AND
    All(Vec<Self>),
    /// OR
    Any(Vec<Self>),
    /// NOT
    Not(Box<Self>),
    /// One comparison.
    Test {
        /// Left side.
        name: Name,
        /// In the middle.
        operator: Operator,
        /// Right side; several values only for lists.
        values: Vec<Literal>,
    },
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE`
    Like,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `INCLUDES`
    Includes,
    /// `EXCLUDES`
    Excludes,
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// Digits as written.
    Number(String),
    /// `'…'`, unescaped.
    Text(String),
    /// `2026-01-31`
    Date(String),
    /// `2026-01-31T10:15:00Z`
    DateTime(String),
    /// `TODAY`, `LAST_N_DAYS:3`
    Relative {
        /// In capitals.
        name: String,
        /// The number after the colon.
        count: Option<i64>,
    },
}

/// One element of ORDER BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The field.
    pub name: Name,
    /// DESC
    pub descending: bool,
    /// NULLS LAST; nulls come first otherwise, in both directions.
    pub nulls_last: bool,
}
