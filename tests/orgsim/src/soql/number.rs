//! Decimals without loss: fixed point with 18 digits on either side, as fields have at most.

use std::fmt;

const FRACTION_DIGITS: u32 = 18;
const ONE: i128 = 10_i128.pow(FRACTION_DIGITS);

/// A decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fixed(i128);

impl Fixed {
    /// Zero.
    pub(crate) const ZERO: Self = Self(0);

    /// Reads digits with an optional sign, point and exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut value = 0_i128;
        for digit in whole.chars().chain(fraction.chars()) {
            value = value
                .checked_mul(10)?
                .checked_add(i128::from(digit.to_digit(10)?))?;
        }
        let places = i32::try_from(fraction.len()).ok()?;
        let shift = i32::try_from(FRACTION_DIGITS)
            .ok()?
            .checked_add(exponent)?
            .checked_sub(places)?;
        let power = 10_i128.checked_pow(shift.unsigned_abs())?;
        let value = if shift >= 0 {
            value.checked_mul(power)?
        } else {
            value / power
        };
        Some(Self(if negative { -value } else { value }))
    }

    /// The sum; the largest number instead of an overflow.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The mean of a sum over `count` values.
    pub(crate) fn over(self, count: usize) -> Self {
        Self(self.0 / i128::try_from(count.max(1)).unwrap_or(1))
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let fraction = format!("{:018}", magnitude % one);
        let trimmed = fraction.trim_end_matches('0');
        let shown = if trimmed.is_empty() { "0" } else { trimmed };
        write!(f, "{sign}{}.{shown}", magnitude / one)
    }
}

/// A stored decimal as REST JSON prints it: large and small numbers with an exponent, as a double's
/// text has it, unless that would cost digits.
pub(crate) fn json_number(text: &str) -> String {
    let digits = text.trim_start_matches('-');
    let sign = if digits.len() < text.len() { "-" } else { "" };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    let all = format!("{whole}{fraction}");
    let significant = all.trim_matches('0');
    let plain = format!(
        "{sign}{}.{}",
        if whole.is_empty() { "0" } else { whole },
        if fraction.is_empty() { "0" } else { fraction }
    );
    let leading_zeros = fraction.len() - fraction.trim_start_matches('0').len();
    let small = whole.is_empty() && leading_zeros >= 3;
    if significant.is_empty() || significant.len() > 15 || !(whole.len() > 7 || small) {
        return plain;
    }
    let (first, rest) = significant.split_at(1);
    let rest = if rest.is_empty() { "0" } else { rest };
    if small {
        format!("{sign}{first}.{rest}E-{}", leading_zeros + 1)
    } else {
        format!("{sign}{first}.{rest}E{}", whole.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive() {
        for text in [
            "123456789012345678.0",
            "-0.000000000000000001",
            "12345678901234.56",
            "0.0",
        ] {
            assert_eq!(Fixed::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Fixed::parse("1.5e3").unwrap().to_string(), "1500.0");
        assert_eq!(Fixed::parse("12e-1").unwrap().to_string(), "1.2");
        for text in ["", "-", "1x", "1e99", "."] {
            assert_eq!(Fixed::parse(text), None, "{text}");
        }
    }

    #[test]
    fn json_has_the_exponents_of_a_double_only_where_no_digit_is_lost() {
        for (stored, json) in [
            ("350000000.0", "3.5E8"),
            ("1234.5", "1234.5"),
            ("1234567.0", "1234567.0"),
            ("12345678.0", "1.2345678E7"),
            ("123456789012345678.0", "123456789012345678.0"),
            ("0.00012", "1.2E-4"),
            ("-0.5", "-0.5"),
            ("0.0", "0.0"),
        ] {
            assert_eq!(json_number(stored), json);
            if stored != json {
                assert_eq!(Fixed::parse(stored), Fixed::parse(json));
            }
        }
    }
}
