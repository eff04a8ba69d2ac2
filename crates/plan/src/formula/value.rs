//! What a formula works with.

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

const DAY_MS: i64 = 86_400_000;

/// A value. An empty text is nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Text(String),
    Number(Decimal),
    Truth(bool),
    Date(Date),
    /// Milliseconds since 1970.
    Moment(i64),
}

impl Value {
    /// A stored text of a field of this type; nothing when it is none of the type.
    pub(super) fn of(field_type: &str, text: Option<&str>) -> Option<Self> {
        let text = text.unwrap_or_default();
        if field_type == "boolean" {
            return Some(Self::Truth(text.eq_ignore_ascii_case("true")));
        }
        if text.is_empty() {
            return Some(Self::Null);
        }
        Some(match field_type {
            // A percentage counts as the fraction that it means.
            "percent" => Self::Number(number(text)?.checked_div(Decimal::ONE_HUNDRED)?),
            "int" | "long" | "double" | "currency" => Self::Number(number(text)?),
            "date" => Self::Date(text.parse().ok()?),
            "datetime" => Self::Moment(moment(text)?),
            // Ids have 15 characters in formulas.
            "id" | "reference" => Self::Text(text.get(..15)?.to_owned()),
            "time" | "address" | "location" | "base64" | "encryptedstring" => return None,
            _ => Self::Text(text.to_owned()),
        })
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(text)
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        *self == Self::Null
    }

    /// As a text; nothing for what prints in the user's own way.
    pub(super) fn string(&self) -> Option<&str> {
        match self {
            Self::Null => Some(""),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As `TEXT()` and `&` print it.
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Null => Some(String::new()),
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.normalize().to_string()),
            Self::Date(date) => Some(date.to_string()),
            Self::Truth(_) | Self::Moment(_) => None,
        }
    }

    /// Nothing equals only nothing.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Null, other) | (other, Self::Null) => Some(other.is_blank()),
            _ => Some(self.order(other)? == Ordering::Equal),
        }
    }

    /// Nothing for values of two kinds.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Truth(a), Self::Truth(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Moment(a), Self::Moment(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The sum, or the difference with a negative sign.
    pub(super) fn plus(&self, other: &Self, sign: i64) -> Option<Self> {
        let signed = |number: &Decimal| number.checked_mul(Decimal::from(sign));
        Some(match (self, other) {
            (Self::Text(a), Self::Text(b)) if sign > 0 => Self::text(format!("{a}{b}")),
            (Self::Null, _) | (_, Self::Null) => match (self, other) {
                (Self::Text(text), _) | (_, Self::Text(text)) if sign > 0 => {
                    Self::text(text.clone())
                }
                _ => Self::Null,
            },
            (Self::Number(a), Self::Number(b)) => Self::Number(a.checked_add(signed(b)?)?),
            (Self::Date(date), Self::Number(days)) => {
                let days = Span::new().try_days(signed(days)?.trunc().to_i64()?).ok()?;
                Self::Date(date.checked_add(days).ok()?)
            }
            (Self::Moment(ms), Self::Number(days)) => {
                let by = signed(days)?.checked_mul(Decimal::from(DAY_MS))?;
                Self::Moment(ms.checked_add(by.round().to_i64()?)?)
            }
            (Self::Number(_), Self::Date(_) | Self::Moment(_)) if sign > 0 => {
                other.plus(self, 1)?
            }
            (Self::Date(a), Self::Date(b)) if sign < 0 => {
                Self::Number(Decimal::from((midnight(*a)? - midnight(*b)?) / DAY_MS))
            }
            (Self::Moment(a), Self::Moment(b)) if sign < 0 => {
                let ms = Decimal::from(a.checked_sub(*b)?);
                Self::Number(ms.checked_div(Decimal::from(DAY_MS))?)
            }
            _ => return None,
        })
    }
}

pub(super) fn number(text: &str) -> Option<Decimal> {
    let plain = text.parse().ok();
    plain.or_else(|| Decimal::from_scientific(text).ok())
}

/// The day that a moment lies in, in UTC.
pub(super) fn day(ms: i64) -> Option<Date> {
    let moment = Timestamp::from_millisecond(ms).ok()?;
    Some(Offset::UTC.to_datetime(moment).date())
}

fn midnight(date: Date) -> Option<i64> {
    let moment = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(moment.as_millisecond())
}

fn moment(text: &str) -> Option<i64> {
    holdfast_model::Stamp::parse(text)
        .ok()
        .map(holdfast_model::Stamp::millis)
}
