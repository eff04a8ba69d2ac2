//! Money and quantities: hundredths, as the price fields of standard objects have two digits after the point.

use std::fmt;

/// A number of hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount(i128);

impl Amount {
    /// Reads a stored decimal; what is no number counts as nothing.
    pub(super) fn read(text: Option<&str>) -> Self {
        let parsed = text.and_then(|text| {
            let (negative, digits) = match text.strip_prefix('-') {
                Some(digits) => (true, digits),
                None => (false, text),
            };
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let cents: String = fraction.chars().chain("00".chars()).take(2).collect();
            let value: i128 = format!("{whole}{cents}").parse().ok()?;
            Some(if negative { -value } else { value })
        });
        Self(parsed.unwrap_or(0))
    }

    /// The sum.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference.
    pub(super) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, half rounded away from zero.
    pub(super) fn times(self, other: Self) -> Self {
        Self(divide(self.0.saturating_mul(other.0), 100))
    }

    /// The quotient, half rounded away from zero; nothing by zero.
    pub(super) fn over(self, other: Self) -> Option<Self> {
        (other.0 != 0).then(|| Self(divide(self.0.saturating_mul(100), other.0)))
    }

    /// So many percent of it.
    pub(super) fn percent(self, percent: Self) -> Self {
        Self(divide(self.0.saturating_mul(percent.0), 10_000))
    }
}

fn divide(value: i128, by: i128) -> i128 {
    let half = by.abs() / 2;
    let magnitude = (value.abs() + half) / by.abs().max(1);
    if (value < 0) == (by < 0) {
        magnitude
    } else {
        -magnitude
    }
}

impl fmt::Display for Amount {
    /// As the store keeps decimals: one digit after the point or more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let cents = format!("{:02}", magnitude % 100);
        let shown = match cents.trim_end_matches('0') {
            "" => "0",
            shown => shown,
        };
        write!(f, "{sign}{}.{shown}", magnitude / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_multiplied_and_divided_to_the_cent() {
        let read = |text| Amount::read(Some(text));
        assert_eq!(read("12.5").times(read("3.0")).to_string(), "37.5");
        assert_eq!(read("0.05").times(read("0.5")).to_string(), "0.03");
        assert_eq!(read("-0.05").times(read("0.5")).to_string(), "-0.03");
        assert_eq!(read("10.0").over(read("3.0")).unwrap().to_string(), "3.33");
        assert_eq!(read("10.0").over(read("0.0")), None);
        assert_eq!(read("200.0").percent(read("75.0")).to_string(), "150.0");
        assert_eq!(Amount::read(None).to_string(), "0.0");
        assert_eq!(
            read("9999999999999999.99")
                .times(read("9999999999999999.99"))
                .to_string(),
            "99999999999999999800000000000000.0"
        );
    }
}
