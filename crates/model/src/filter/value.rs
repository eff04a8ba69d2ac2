//! What a field is compared with.

use jiff::civil::{Date, Time};

use super::{DateLiteral, Reason};
use crate::Stamp;

/// Digits and point of a number; a field has 18 digits.
const NUMBER_CHARS_MAX: usize = 40;

/// A literal of SOQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// `1000.50`
    Number(Number),
    /// `'Acme'`, unescaped.
    Text(String),
    /// What stands behind LIKE, unescaped but for `\\%` and `\\_`, which are no wildcards.
    Pattern(String),
    /// `2024-01-31`
    Date(Date),
    /// `2024-01-31T10:15:00+01:00`: a point in time, whatever zone it was written in.
    DateTime(Stamp),
    /// `10:15:00.000Z`
    Time(Time),
    /// `LAST_N_DAYS:30`
    Span(DateLiteral),
}

impl Value {
    /// Whether it stands for an empty field: Salesforce stores an empty text as null.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) | Self::Pattern(text) => text.is_empty(),
            _ => false,
        }
    }

    /// The same behind LIKE.
    pub(super) fn into_pattern(self) -> Result<Self, Reason> {
        let Self::Text(text) = self else {
            // The type is the business of the check.
            return Ok(self);
        };
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c == '\\' && !matches!(rest.next(), Some('%' | '_')) {
                return Err(Reason::WrongPattern);
            }
        }
        Ok(Self::Pattern(text))
    }
}

/// A decimal number, as digits: no digit is lost on its way into a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Digits with an optional sign and point. What it keeps is a number in SOQL and in JSON.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        if digits.len() > NUMBER_CHARS_MAX
            || (whole.is_empty() && fraction.is_empty())
            || !is_digits(whole)
            || !is_digits(fraction)
        {
            return Err(Reason::WrongNumber);
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let point = if fraction.is_empty() { "" } else { "." };
        Ok(Self(format!("{sign}{whole}{point}{fraction}")))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
