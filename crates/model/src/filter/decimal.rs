//! Numbers compared digit by digit, because a double would lose some of eighteen.

use std::cmp::Ordering;

/// Digits of an exponent that Salesforce prints never come near this; more is no number.
const EXPONENT_MAX: i32 = 400;

/// A decimal number; its digits without zeros at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// The first digit; empty for zero.
    digits: Vec<u8>,
    /// Where the point stands, in digits from the start.
    point: i32,
}

impl Decimal {
    /// Reads `-1234.50`, and `1.2345E7` as REST prints large numbers.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['E', 'e']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, magnitude) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) || exponent.abs() > EXPONENT_MAX {
            return None;
        }
        let leading = all.iter().take_while(|digit| **digit == b'0').count();
        let end = all
            .iter()
            .rposition(|digit| *digit != b'0')
            .map_or(leading, |last| last + 1);
        let digits = all.get(leading..end)?.to_vec();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                point: 0,
            });
        }
        let point = i32::try_from(whole.len()).ok()? - i32::try_from(leading).ok()? + exponent;
        Some(Self {
            negative,
            digits,
            point,
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = self
            .point
            .cmp(&other.point)
            .then_with(|| self.digits.cmp(&other.digits));
        match (sign(self), sign(other)) {
            (1, 1) => magnitude,
            (-1, -1) => magnitude.reverse(),
            (own, others) => own.cmp(&others),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_and_lose_no_digit() {
        let ascending = [
            "-1.0E10",
            "-12",
            "-1.5",
            "-1.49",
            "-0.000000000000000001",
            "0",
            "1E-18",
            "0.5",
            "1.5",
            "15",
            "123456789012345677",
            "123456789012345678",
            "123456789012345678.1",
            "1.3E18",
        ];
        let numbers = ascending.map(|text| Decimal::parse(text).unwrap());
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for (a, b) in [
            ("1.50", "1.5"),
            ("-0", "0.00"),
            ("3.5E8", "350000000.0"),
            ("007", "7"),
        ] {
            assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
        }
        for text in ["", "-", ".", "1x", "E5", "1E999999999999"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
