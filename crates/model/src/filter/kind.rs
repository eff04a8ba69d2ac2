//! The types of fields: what they are compared with, and what their text says.

use jiff::civil::{Date, Time};

use super::decimal::Decimal;
use super::{Condition, Operator, Reason, Value};
use crate::{SalesforceId, Stamp};

/// How values of a field compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Boolean,
    Number,
    Date,
    DateTime,
    Time,
    /// Case counts only in fields that describe says so of (SOQL: Comparison Operators).
    Text {
        case_sensitive: bool,
    },
    /// A multi-select picklist (SOQL: Querying Multi-Select Picklists).
    Choices,
}

/// The kind of a field of this describe type, if the condition suits it.
pub(super) fn suits(
    field_type: &str,
    case_sensitive: bool,
    condition: &Condition,
) -> Result<Kind, Reason> {
    let kind = match field_type {
        "id" | "reference" => Kind::Id,
        "boolean" => Kind::Boolean,
        "int" | "long" | "double" | "currency" | "percent" => Kind::Number,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        "time" => Kind::Time,
        "multipicklist" => Kind::Choices,
        "string"
        | "textarea"
        | "picklist"
        | "combobox"
        | "phone"
        | "url"
        | "email"
        | "encryptedstring"
        | "datacategorygroupreference" => Kind::Text { case_sensitive },
        _ => {
            return Err(Reason::NotFilterable {
                field_type: field_type.to_owned(),
            });
        }
    };
    let operator = condition.operator();
    if !kind.takes(operator) {
        let field_type = field_type.to_owned();
        return Err(Reason::WrongOperator {
            operator: operator.text(),
            field_type,
        });
    }
    if condition.values().iter().all(|value| kind.suits(value)) {
        return Ok(kind);
    }
    Err(Reason::WrongType {
        field_type: field_type.to_owned(),
        wanted: kind.wanted(),
    })
}

impl Kind {
    const fn takes(self, operator: Operator) -> bool {
        use Operator::{Equal, Excludes, In, Includes, Like, NotEqual, NotIn};
        match (self, operator) {
            (Self::Choices, operator) => matches!(operator, Equal | NotEqual | Includes | Excludes),
            (_, Includes | Excludes) => false,
            (Self::Text { .. }, _) => true,
            (_, Like) => false,
            (Self::Boolean, operator) => matches!(operator, Equal | NotEqual | In | NotIn),
            _ => true,
        }
    }

    fn suits(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null)
            | (Self::Boolean, Value::Boolean(_))
            | (Self::Number, Value::Number(_))
            | (Self::Date, Value::Date(_) | Value::Span(_))
            | (Self::DateTime, Value::DateTime(_) | Value::Span(_))
            | (Self::Time, Value::Time(_))
            | (Self::Text { .. }, Value::Text(_) | Value::Pattern(_))
            | (Self::Choices, Value::Text(_)) => true,
            (Self::Id, Value::Text(text)) => {
                text.is_empty() || SalesforceId::parse(text.as_bytes()).is_ok()
            }
            _ => false,
        }
    }

    const fn wanted(self) -> &'static str {
        match self {
            Self::Id => "an Id of 15 or 18 characters in quotes",
            Self::Boolean => "true or false, without quotes",
            Self::Number => "a number, without quotes",
            Self::Date => "a date (YYYY-MM-DD) or a date literal, without quotes",
            Self::DateTime => "a time (YYYY-MM-DDThh:mm:ssZ) or a date literal, without quotes",
            Self::Time => "a time of day (hh:mm:ss.SSSZ), without quotes",
            Self::Text { .. } | Self::Choices => "a text in quotes",
        }
    }

    /// What the text of a field says; nothing if it is not of this kind.
    pub(super) fn read(self, text: &str) -> Option<Scalar> {
        Some(match self {
            Self::Id => Scalar::Id(SalesforceId::parse(text.as_bytes()).ok()?),
            Self::Boolean => Scalar::Flag(text.parse().ok()?),
            Self::Number => Scalar::Number(Decimal::parse(text)?),
            Self::Date => Scalar::Moment(day_number(text.parse().ok()?)),
            Self::DateTime => Scalar::Moment(Stamp::parse(text).ok()?.millis()),
            Self::Time => Scalar::Moment(millisecond(text.strip_suffix('Z')?.parse().ok()?)),
            Self::Text { .. } => Scalar::Text(self.fold(text)),
            Self::Choices => Scalar::Choices(self.choices(text)),
        })
    }

    pub(super) fn fold(self, text: &str) -> String {
        match self {
            Self::Text {
                case_sensitive: true,
            } => text.to_owned(),
            _ => text.to_lowercase(),
        }
    }

    fn choices(self, text: &str) -> Vec<String> {
        let mut choices: Vec<_> = self.fold(text).split(';').map(str::to_owned).collect();
        choices.sort_unstable();
        choices
    }
}

/// A value that can be put in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scalar {
    Id(SalesforceId),
    Flag(bool),
    Number(Decimal),
    /// Days for a date, milliseconds for a time.
    Moment(i64),
    Text(String),
    Choices(Vec<String>),
}

pub(super) fn day_number(day: Date) -> i64 {
    let epoch = Date::new(1970, 1, 1).unwrap_or_default();
    i64::from(day.since(epoch).map_or(0, |span| span.get_days()))
}

pub(super) fn millisecond(time: Time) -> i64 {
    time.duration_since(Time::midnight())
        .as_millis()
        .try_into()
        .unwrap_or(0)
}
