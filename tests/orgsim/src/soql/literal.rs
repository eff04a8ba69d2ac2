//! Literals against the type of the field that they are compared with.

use super::{
    ast::{Literal, Operator},
    dates,
    filter::Value,
    number::Fixed,
};
use crate::{id, schema::Kind};

const DAY_MS: i64 = 86_400_000;

/// Why a literal cannot be compared with a field.
#[derive(Debug)]
pub(super) enum Mismatch {
    /// The type that the field has, and whether its literals stand in quotes.
    Type(&'static str, bool),
    /// A text that is not an Id.
    Id(String),
}

/// The value of `literal` for a field of type `kind`, in whose texts `case` counts, at the time `now_ms`.
pub(super) fn typed(
    kind: Kind,
    case: bool,
    operator: Operator,
    literal: &Literal,
    now_ms: i64,
) -> Result<Value, Mismatch> {
    let wrong = || mismatch(kind);
    match (kind, literal) {
        (Kind::Boolean, Literal::Null) => Ok(Value::Text("false".to_owned())),
        (_, Literal::Null) => Ok(Value::Null),
        // An empty text is null, of which no Id is one, as recorded.
        (kind, Literal::Text(text))
            if text.is_empty()
                && operator != Operator::Like
                && (kind.textual() || matches!(kind, Kind::Id | Kind::Reference)) =>
        {
            Ok(Value::Null)
        }
        (Kind::Id | Kind::Reference, Literal::Text(text)) => {
            let parsed = id::parse(text).map(Value::Id);
            parsed.ok_or_else(|| Mismatch::Id(text.clone()))
        }
        (Kind::Boolean, Literal::Boolean(flag)) => Ok(Value::Text(flag.to_string())),
        (kind, Literal::Number(text)) if kind.numeric() => {
            Fixed::parse(text).map(Value::Number).ok_or_else(wrong)
        }
        (Kind::Date | Kind::DateTime, Literal::Relative { name, count }) => {
            let span = dates::span(name, *count, now_ms);
            span.map(|(from, until)| Value::Span(from, until))
                .ok_or_else(wrong)
        }
        (Kind::Date, Literal::Date(text)) => {
            let day = dates::date(text).map(|from| Value::Span(from, from + DAY_MS));
            day.ok_or_else(wrong)
        }
        (Kind::DateTime, Literal::DateTime(text)) => {
            let moment = text
                .parse::<jiff::Timestamp>()
                .ok()
                .or_else(|| compact_offset(text));
            let moment = moment.map(jiff::Timestamp::as_millisecond);
            moment.map(|ms| Value::Span(ms, ms + 1)).ok_or_else(wrong)
        }
        (Kind::Time, Literal::Number(text)) => Ok(Value::Text(text.to_lowercase())),
        (kind, Literal::Text(text)) if kind.textual() && operator == Operator::Like => {
            Ok(Value::pattern(text, case))
        }
        (kind, Literal::Text(text)) if kind.textual() => Ok(Value::Text(if case {
            text.clone()
        } else {
            text.to_lowercase()
        })),
        _ => Err(wrong()),
    }
}

const fn mismatch(kind: Kind) -> Mismatch {
    match kind {
        Kind::Id | Kind::Reference => Mismatch::Type("ID", true),
        Kind::Boolean => Mismatch::Type("boolean", false),
        Kind::Date => Mismatch::Type("date", false),
        Kind::DateTime => Mismatch::Type("dateTime", false),
        Kind::Time => Mismatch::Type("time", false),
        kind if kind.numeric() => Mismatch::Type("double", false),
        _ => Mismatch::Type("string", true),
    }
}

/// `+0000`, which the API prints and accepts, but which is not RFC 3339.
fn compact_offset(text: &str) -> Option<jiff::Timestamp> {
    let (head, minutes) = text.split_at_checked(text.len().checked_sub(2)?)?;
    format!("{head}:{minutes}").parse().ok()
}
