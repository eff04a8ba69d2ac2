//! A formula whose names are looked up, and its value for one record.

use rust_decimal::{Decimal, MathematicalOps};

use super::{FormulaError, Scope, Value, function::Function, parser::Operator, value::checked};

/// One step of a path: the field to read, per object that the step can be at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hop(pub(super) Vec<(usize, usize)>);

/// Where a name's value lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The record, or what it refers to.
    Record(Vec<Hop>),
    /// The running user.
    User(Vec<Hop>),
    /// The org's own row.
    Organization(usize, Vec<Hop>),
    /// A hierarchy custom setting: object and field number.
    Setting(usize, usize),
    /// A custom permission.
    Permission(String),
}

/// A formula that can be worked out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound(pub(super) Node);

/// A part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A text as written.
    Text(String),
    /// A number as written.
    Number(Decimal),
    /// `TRUE` or `FALSE`.
    Truth(bool),
    /// `NULL`
    Null,
    /// A field or a global.
    Name(Source),
    /// A function with its arguments.
    Call(Function, Vec<Node>),
    /// Two operands.
    Pair(Operator, Box<Node>, Box<Node>),
    /// `NOT`
    Not(Box<Node>),
    /// A number with the other sign.
    Minus(Box<Node>),
}

impl Bound {
    /// True for a record that the condition describes; nothing counts as false.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, FormulaError> {
        self.0.holds(scope)
    }

    /// The formula's value for a record.
    pub(crate) fn value<'v>(&'v self, scope: &Scope<'v>) -> Result<Value<'v>, FormulaError> {
        self.0.value(scope)
    }
}

impl Node {
    /// True for a record that the condition describes; nothing counts as false.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> Result<bool, FormulaError> {
        Ok(self.value(scope)?.holds())
    }

    /// The formula's value for a record.
    pub(super) fn value<'v>(&'v self, scope: &Scope<'v>) -> Result<Value<'v>, FormulaError> {
        Ok(match self {
            Self::Text(text) => Value::text(text.as_str()),
            Self::Number(number) => Value::Number(*number),
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Null => Value::Null,
            Self::Name(source) => scope.value(source),
            Self::Not(inner) => Value::Truth(!inner.holds(scope)?),
            Self::Minus(inner) => match inner.value(scope)?.number()? {
                Some(number) => Value::Number(-number),
                None => Value::Null,
            },
            Self::Pair(operator, left, right) => pair(*operator, left, right, scope)?,
            Self::Call(function, arguments) => function.call(arguments, scope)?,
        })
    }
}

fn pair<'v>(
    operator: Operator,
    left: &'v Node,
    right: &'v Node,
    scope: &Scope<'v>,
) -> Result<Value<'v>, FormulaError> {
    // The right side of these is not looked at when the left side decides.
    match operator {
        Operator::And => {
            return Ok(Value::Truth(left.holds(scope)? && right.holds(scope)?));
        }
        Operator::Or => {
            return Ok(Value::Truth(left.holds(scope)? || right.holds(scope)?));
        }
        _ => {}
    }
    let (left, right) = (left.value(scope)?, right.value(scope)?);
    let ordered = |admits: fn(std::cmp::Ordering) -> bool| {
        Ok(left
            .compare(&right)?
            .map_or(Value::Null, |order| Value::Truth(admits(order))))
    };
    match operator {
        Operator::Equal => Ok(Value::Truth(left.equals(&right)?)),
        Operator::Unequal => Ok(Value::Truth(!left.equals(&right)?)),
        Operator::Less => ordered(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        Operator::Greater => ordered(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
        Operator::Join => Ok(Value::text(format!(
            "{}{}",
            left.printed(),
            right.printed()
        ))),
        Operator::Add => left.add(&right, 1),
        Operator::Subtract => left.add(&right, -1),
        _ => match (left.number()?, right.number()?) {
            (Some(left), Some(right)) => arithmetic(operator, left, right),
            _ => Ok(Value::Null),
        },
    }
}

fn arithmetic(
    operator: Operator,
    left: Decimal,
    right: Decimal,
) -> Result<Value<'static>, FormulaError> {
    match operator {
        Operator::Multiply => checked(left.checked_mul(right)),
        Operator::Divide if right.is_zero() => Err(FormulaError::new("Division by zero")),
        Operator::Divide => checked(left.checked_div(right)),
        _ => checked(left.checked_powd(right)),
    }
}
