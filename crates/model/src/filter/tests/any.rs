//! Any filter at all, whether a schema knows its fields or not.

use jiff::civil::{Date, Time};
use proptest::prelude::*;

use crate::Stamp;
use crate::filter::{
    Condition, DateLiteral, FieldPath, Filter, Number, Operator, Place, Unit, Value,
};

pub(super) fn filter() -> impl Strategy<Value = Filter> {
    condition()
        .prop_map(Filter::Test)
        .prop_recursive(5, 40, 5, |inner| {
            let members = prop::collection::vec(inner.clone(), 2..5);
            prop_oneof![
                members.clone().prop_map(Filter::All),
                members.prop_map(Filter::Any),
                inner.prop_map(|inner| Filter::Not(Box::new(inner))),
            ]
        })
}

fn condition() -> impl Strategy<Value = Condition> {
    let operator = prop::sample::select(Operator::ALL);
    (path(), operator).prop_flat_map(|(path, operator)| {
        let count = if operator.takes_list() { 1..5 } else { 1..2 };
        let value = match operator {
            Operator::Like => pattern().boxed(),
            Operator::Equal | Operator::NotEqual | Operator::In | Operator::NotIn => {
                prop_oneof![Just(Value::Null), Just(Value::Text(String::new())), value()].boxed()
            }
            _ => value().boxed(),
        };
        prop::collection::vec(value, count).prop_map(move |values| {
            Condition::new(path.clone(), operator, values, Place::Unknown).unwrap()
        })
    })
}

fn path() -> impl Strategy<Value = FieldPath> {
    // Also names that begin like keywords and literals.
    let name = "[A-Z][A-Za-z0-9_]{0,9}|Not__c|Today__c|Account__r|N_DAYS_AGO|ORder__c";
    prop::collection::vec(name, 1..7).prop_filter_map("a keyword is no field", |names| {
        FieldPath::parse(&names.join(".")).ok()
    })
}

/// A text of everything that has a meaning in SOQL, and of anything else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(&PIECES[..]), 1..8).prop_map(|all| all.concat()),
        prop::collection::vec(any::<char>(), 1..8).prop_map(String::from_iter),
    ]
}

const PIECES: [&str; 20] = [
    "'", "\"", "\\", "\\n", "\n", "\r", "\t", "\u{8}", "\u{c}", "\0", "\u{7f}", "%", "_", ") OR (",
    "--", "a", "Ä", "😀", "\\u0027", " ",
];

fn pattern() -> impl Strategy<Value = Value> {
    let piece = prop::sample::select(&["%", "_", "\\%", "\\_", "a", "'", "\n", "ß", "\0"][..]);
    prop::collection::vec(piece, 1..8).prop_map(|pieces| Value::Text(pieces.concat()))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        "[+-]?[0-9]{1,18}(\\.[0-9]{0,18})?|\\.[0-9]{1,5}"
            .prop_map(|text| Value::Number(Number::parse(&text).unwrap())),
        text().prop_map(Value::Text),
        (1700..4001_i16, 1..13_i8, 1..29_i8)
            .prop_map(|(year, month, day)| Value::Date(Date::new(year, month, day).unwrap())),
        (-8_520_000_000_000..64_000_000_000_000_i64, any::<bool>()).prop_map(|(millis, whole)| {
            let stamp = Stamp::from_millis(millis);
            Value::DateTime(if whole { stamp.whole_second() } else { stamp })
        }),
        (0..24_i8, 0..60_i8, 0..60_i8, 0..1000_i32).prop_map(|(hour, minute, second, millis)| {
            Value::Time(Time::new(hour, minute, second, millis * 1_000_000).unwrap())
        }),
        literal().prop_map(Value::Span),
    ]
}

pub(super) fn literal() -> impl Strategy<Value = DateLiteral> {
    (0..8, prop::sample::select(&Unit::ALL[..]), 0..10_000_u16).prop_map(|(form, unit, count)| {
        match form {
            0 => DateLiteral::Last(unit),
            1 => DateLiteral::This(unit),
            2 => DateLiteral::Next(unit),
            3 => DateLiteral::Last90Days,
            4 => DateLiteral::Next90Days,
            5 => DateLiteral::LastN(unit, count),
            6 => DateLiteral::NextN(unit, count),
            _ => DateLiteral::Ago(unit, count),
        }
    })
}
