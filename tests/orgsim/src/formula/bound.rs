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

    /// The numbers of the record's own fields that the formula reads, references to parents included.
    pub(crate) fn reads(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.0.reads(&mut found);
        found
    }

    /// Fields of parents that the formula reads: the own reference field, and the parent's object and field.
    pub(crate) fn reads_of_parents(&self) -> Vec<(usize, (usize, usize))> {
        let mut found = Vec::new();
        self.0.reads_of_parents(&mut found);
        found
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

    /// The numbers of the record's own fields that the formula reads.
    pub(super) fn reads(&self, found: &mut Vec<usize>) {
        match self {
            Self::Name(Source::Record(path)) => {
                let first = path.first().and_then(|Hop(fields)| fields.first());
                found.extend(first.map(|(_, number)| *number));
            }
            Self::Call(_, parts) => parts.iter().for_each(|part| part.reads(found)),
            Self::Pair(_, left, right) => {
                left.reads(found);
                right.reads(found);
            }
            Self::Not(inner) | Self::Minus(inner) => inner.reads(found),
            _ => {}
        }
    }

    /// Fields of other records that the formula reads: the own reference field, and object and field at its end.
    pub(super) fn reads_of_parents(&self, found: &mut Vec<(usize, (usize, usize))>) {
        match self {
            Self::Name(Source::Record(path)) => {
                if let [Hop(own), Hop(parent)] = path.as_slice()
                    && let Some((_, reference)) = own.first()
                {
                    found.extend(parent.iter().map(|end| (*reference, *end)));
                }
            }
            Self::Call(_, parts) => parts.iter().for_each(|part| part.reads_of_parents(found)),
            Self::Pair(_, left, right) => {
                left.reads_of_parents(found);
                right.reads_of_parents(found);
            }
            Self::Not(inner) | Self::Minus(inner) => inner.reads_of_parents(found),
            _ => {}
        }
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
