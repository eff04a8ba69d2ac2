//! What a formula works with.

use std::{borrow::Cow, cmp::Ordering};

use jiff::civil;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::FormulaError;
use crate::{
    clock::utc_datetime,
    id,
    schema::{Field, Kind},
    store::parse_datetime,
};

/// A value while a formula is worked out. An empty text is a null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A text; Ids have 15 characters in formulas.
    Text(Cow<'a, str>),
    /// A number, to the digit.
    Number(Decimal),
    /// A truth.
    Truth(bool),
    /// A day.
    Date(civil::Date),
    /// A moment, milliseconds since 1970.
    Moment(i64),
}

const DAY_MS: i64 = 86_400_000;

impl<'a> Value<'a> {
    /// A stored text as a formula sees it.
    pub(super) fn of(field: &Field, text: Option<&'a str>) -> Self {
        let Some(text) = text else {
            return match field.kind {
                Kind::Boolean => Self::Truth(false),
                _ => Self::Null,
            };
        };
        match field.kind {
            Kind::Boolean => Self::Truth(text == "true"),
            // A percentage counts as the fraction that it means.
            Kind::Percent => number(text).map_or(Self::Null, |number| {
                Self::Number(number / Decimal::ONE_HUNDRED)
            }),
            kind if kind.numeric() => number(text).map_or(Self::Null, Self::Number),
            Kind::Date => text.parse().map_or(Self::Null, Self::Date),
            Kind::DateTime => parse_datetime(text.as_bytes()).map_or(Self::Null, Self::Moment),
            Kind::Id | Kind::Reference => Self::Text(Cow::Borrowed(text.get(..15).unwrap_or(text))),
            _ => Self::text(text),
        }
    }

    /// A text, or null when it is empty.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(text)
        }
    }

    /// Null counts as false.
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Truth(true))
    }

    /// The value as Bulk CSV prints it in a field of this kind; nothing for null.
    pub(crate) fn stored(&self, field: &Field) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Text(text) if field.kind == Kind::Reference => {
                id::parse(text).map_or_else(|| text.to_string(), |parsed| id::long(&parsed))
            }
            Self::Text(text) => text.to_string(),
            Self::Number(number) if field.kind == Kind::Percent => {
                let percent = number.checked_mul(Decimal::ONE_HUNDRED);
                percent.unwrap_or(Decimal::MAX).to_string()
            }
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Date(date) if field.kind == Kind::DateTime => format!("{date}T00:00:00.000Z"),
            Self::Date(date) => date.to_string(),
            Self::Moment(ms) if field.kind == Kind::Date => day(*ms)?.to_string(),
            Self::Moment(ms) => utc_datetime(*ms),
        })
    }

    /// As `TEXT()` prints it.
    pub(super) fn printed(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.normalize().to_string()),
            Self::Truth(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::Moment(ms) => {
                let iso = utc_datetime(*ms);
                let (date, time) = iso.split_once('T').unwrap_or((&iso, ""));
                Cow::Owned(format!("{date} {}Z", time.get(..8).unwrap_or(time)))
            }
        }
    }

    pub(super) fn number(&self) -> Result<Option<Decimal>, FormulaError> {
        match self {
            Self::Null => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            other => Err(wrong("Number", other)),
        }
    }

    pub(super) fn string(&self) -> Result<&str, FormulaError> {
        match self {
            Self::Null => Ok(""),
            Self::Text(text) => Ok(text),
            other => Err(wrong("Text", other)),
        }
    }

    pub(super) fn date(&self) -> Result<Option<civil::Date>, FormulaError> {
        match self {
            Self::Null => Ok(None),
            Self::Date(date) => Ok(Some(*date)),
            other => Err(wrong("Date", other)),
        }
    }

    pub(super) fn moment(&self) -> Result<Option<i64>, FormulaError> {
        match self {
            Self::Null => Ok(None),
            Self::Moment(ms) => Ok(Some(*ms)),
            other => Err(wrong("DateTime", other)),
        }
    }

    /// Nothing equals only nothing.
    pub(super) fn equals(&self, other: &Self) -> Result<bool, FormulaError> {
        match (self, other) {
            (Self::Null, other) | (other, Self::Null) => Ok(*other == Self::Null),
            _ => Ok(self.compare(other)? == Some(Ordering::Equal)),
        }
    }

    /// Nothing when either is nothing.
    pub(super) fn compare(&self, other: &Self) -> Result<Option<Ordering>, FormulaError> {
        Ok(match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Truth(a), Self::Truth(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Moment(a), Self::Moment(b)) => Some(a.cmp(b)),
            (a, b) => return Err(wrong(a.kind(), b)),
        })
    }

    pub(super) fn add(&self, other: &Self, sign: i64) -> Result<Value<'static>, FormulaError> {
        let whole = |number: &Decimal| number.trunc().to_i64().unwrap_or(0) * sign;
        let ms = |days: &Decimal| {
            let ms = days.checked_mul(Decimal::from(DAY_MS))?;
            ms.round().to_i64()?.checked_mul(sign)
        };
        Ok(match (self, other) {
            (Self::Null, _) | (_, Self::Null) => match (self, other) {
                // Joining with nothing leaves the text.
                (Self::Text(text), _) | (_, Self::Text(text)) if sign > 0 => {
                    Value::text(text.to_string())
                }
                _ => Value::Null,
            },
            (Self::Number(a), Self::Number(b)) => checked(if sign > 0 {
                a.checked_add(*b)
            } else {
                a.checked_sub(*b)
            })?,
            (Self::Text(a), Self::Text(b)) if sign > 0 => Value::text(format!("{a}{b}")),
            (Self::Date(date), Self::Number(days)) => date
                .checked_add(
                    jiff::Span::new()
                        .try_days(whole(days))
                        .map_err(out_of_range)?,
                )
                .map(Value::Date)
                .map_err(out_of_range)?,
            (Self::Number(_), Self::Date(_) | Self::Moment(_)) if sign > 0 => {
                return other.add(self, sign);
            }
            (Self::Date(a), Self::Date(b)) if sign < 0 => {
                let days = (midnight(*a) - midnight(*b)) / DAY_MS;
                Value::Number(Decimal::from(days))
            }
            (Self::Moment(moment), Self::Number(days)) => {
                let by = ms(days).and_then(|by| moment.checked_add(by));
                Value::Moment(by.ok_or_else(|| FormulaError::new("Date out of range"))?)
            }
            (Self::Moment(a), Self::Moment(b)) if sign < 0 => {
                let ms = Decimal::from(*a) - Decimal::from(*b);
                Value::Number(ms / Decimal::from(DAY_MS))
            }
            (a, b) => return Err(wrong(a.kind(), b)),
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Text(_) => "Text",
            Self::Number(_) => "Number",
            Self::Truth(_) => "Boolean",
            Self::Date(_) => "Date",
            Self::Moment(_) => "DateTime",
        }
    }

    /// The same without borrowing.
    pub(super) fn owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Value::Number(number),
            Self::Truth(truth) => Value::Truth(truth),
            Self::Date(date) => Value::Date(date),
            Self::Moment(ms) => Value::Moment(ms),
        }
    }
}

/// A result, or what the platform says of one that has too many digits.
pub(super) fn checked(number: Option<Decimal>) -> Result<Value<'static>, FormulaError> {
    number
        .map(Value::Number)
        .ok_or_else(|| FormulaError::new("Number out of range"))
}

/// Milliseconds of the day's beginning.
pub(super) fn midnight(date: civil::Date) -> i64 {
    let moment = jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0));
    moment.map_or(0, jiff::Timestamp::as_millisecond)
}

/// The day that a moment lies in, in UTC.
pub(super) fn day(ms: i64) -> Option<civil::Date> {
    let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(moment).date())
}

fn number(text: &str) -> Option<Decimal> {
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(text).ok())
}

fn out_of_range(_: jiff::Error) -> FormulaError {
    FormulaError::new("Date out of range")
}

fn wrong(expected: &str, found: &Value<'_>) -> FormulaError {
    FormulaError::new(format!(
        "Incorrect parameter type. Expected {expected}, received {}",
        found.kind()
    ))
}
