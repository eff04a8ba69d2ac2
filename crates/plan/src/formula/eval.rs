//! A formula's value for a record; nothing for what is not known.

use rust_decimal::prelude::ToPrimitive as _;

use super::Scope;
use super::function::call;
use super::parser::{Node, Operator};
use super::value::Value;

/// The largest power that is worked out.
const EXPONENT_MAX: u64 = 32;

/// Whether a part holds. Of a conjunction one part that fails is enough to know, of a disjunction one that holds.
pub(super) fn truth(node: &Node, scope: &Scope<'_>) -> Option<bool> {
    match node {
        Node::Pair(Operator::And, left, right) => all([left.as_ref(), right], scope),
        Node::Pair(Operator::Or, left, right) => any([left.as_ref(), right], scope),
        Node::Not(inner) => not(inner, scope),
        node => match value(node, scope)? {
            Value::Truth(truth) => Some(truth),
            // A comparison with nothing.
            Value::Null => Some(false),
            _ => None,
        },
    }
}

pub(super) fn all<'n>(
    parts: impl IntoIterator<Item = &'n Node>,
    scope: &Scope<'_>,
) -> Option<bool> {
    let mut known = Some(true);
    for part in parts {
        match truth(part, scope) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = None,
        }
    }
    known
}

pub(super) fn any<'n>(
    parts: impl IntoIterator<Item = &'n Node>,
    scope: &Scope<'_>,
) -> Option<bool> {
    let mut known = Some(false);
    for part in parts {
        match truth(part, scope) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = None,
        }
    }
    known
}

/// No source says what the opposite of a comparison with nothing is.
pub(super) fn not(inner: &Node, scope: &Scope<'_>) -> Option<bool> {
    if is_logical(inner) {
        return truth(inner, scope).map(|truth| !truth);
    }
    match value(inner, scope)? {
        Value::Truth(truth) => Some(!truth),
        _ => None,
    }
}

fn is_logical(node: &Node) -> bool {
    matches!(
        node,
        Node::Pair(Operator::And | Operator::Or, ..) | Node::Not(_)
    )
}

pub(super) fn value(node: &Node, scope: &Scope<'_>) -> Option<Value> {
    match node {
        Node::Text(text) => Some(Value::text(text.as_str())),
        Node::Number(number) => Some(Value::Number(*number)),
        Node::Truth(truth) => Some(Value::Truth(*truth)),
        Node::Null => Some(Value::Null),
        Node::Field(name) => field(scope, name, scope.new),
        Node::Unknown { .. } => None,
        Node::Not(_) | Node::Pair(Operator::And | Operator::Or, ..) => {
            truth(node, scope).map(Value::Truth)
        }
        Node::Minus(inner) => match value(inner, scope)? {
            Value::Number(number) => Some(Value::Number(-number)),
            Value::Null => Some(Value::Null),
            _ => None,
        },
        Node::Pair(operator, left, right) => {
            pair(*operator, &value(left, scope)?, &value(right, scope)?)
        }
        Node::Call(function, parts) => call(*function, parts, scope),
    }
}

/// The value of a field in the record as it will be, or as it was.
pub(super) fn field(scope: &Scope<'_>, name: &str, row: &crate::restore::Row) -> Option<Value> {
    let field_type = scope.types.get(&name.to_ascii_lowercase())?;
    let exact = row.get(name);
    // Formulas may spell names in another case.
    let named = exact.or_else(|| {
        let mut fields = row.iter();
        fields.find_map(|(own, text)| own.eq_ignore_ascii_case(name).then_some(text))
    });
    Value::of(field_type, named.map(String::as_str))
}

fn pair(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    let ordered = |admits: fn(std::cmp::Ordering) -> bool| {
        if left.is_blank() || right.is_blank() {
            return Some(Value::Null);
        }
        Some(Value::Truth(admits(left.order(right)?)))
    };
    match operator {
        Operator::Equal => left.equals(right).map(Value::Truth),
        Operator::Unequal => left.equals(right).map(|same| Value::Truth(!same)),
        Operator::Less => ordered(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        Operator::Greater => ordered(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
        Operator::Join => Some(Value::text(left.printed()? + &right.printed()?)),
        Operator::Add => left.plus(right, 1),
        Operator::Subtract => left.plus(right, -1),
        Operator::Multiply | Operator::Divide | Operator::Power => {
            arithmetic(operator, left, right)
        }
        Operator::And | Operator::Or => None,
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    let (left, right) = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Some(Value::Null),
        (Value::Number(left), Value::Number(right)) => (*left, *right),
        _ => return None,
    };
    let result = match operator {
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        _ => {
            let times = right.is_integer().then(|| right.to_u64())?;
            let times = times.filter(|times| *times <= EXPONENT_MAX)?;
            (0..times).try_fold(rust_decimal::Decimal::ONE, |power, _| {
                power.checked_mul(left)
            })
        }
    };
    result.map(Value::Number)
}
