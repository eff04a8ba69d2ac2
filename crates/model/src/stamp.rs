//! Points in time, in milliseconds UTC.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Failure};

/// A point in time in whole milliseconds UTC. Salesforce system stamps are whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stamp(i64);

impl Stamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads an ISO 8601 datetime with `Z`, `+0000` or `+00:00`, as REST and Bulk print it.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        // REST prints the offset without a colon, which RFC 3339 demands.
        let millis = match text.strip_suffix("+0000") {
            Some(local) => format!("{local}Z").parse::<Timestamp>(),
            None => text.parse::<Timestamp>(),
        };
        millis
            .map(|time| Self(time.as_millisecond()))
            .map_err(|_| Failure::new(ErrorCode::DamagedAnswer, "datetime is not ISO 8601"))
    }

    /// The same time `seconds` earlier.
    #[must_use]
    pub const fn minus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_sub(seconds as i64 * 1000))
    }

    /// The same time `seconds` later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as i64 * 1000))
    }

    /// The same time with the fraction of the second cut off.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// The form that SOQL takes in a WHERE clause: `yyyy-MM-ddTHH:mm:ssZ`, fraction cut off.
    pub fn soql(self) -> String {
        let mut text = self.whole_second().to_string();
        text.replace_range(19.., "Z");
        text
    }
}

/// `yyyy-MM-ddTHH:mm:ss.SSSZ`
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

impl TryFrom<String> for Stamp {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        Self::parse(&text)
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> Self {
        stamp.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_and_bulk_spellings_mean_the_same_time() {
        let expected = Stamp::from_millis(1_685_222_109_007);
        for text in [
            "2023-05-27T21:15:09.007+0000",
            "2023-05-27T21:15:09.007Z",
            "2023-05-27T21:15:09.007+00:00",
        ] {
            assert_eq!(Stamp::parse(text).unwrap(), expected, "{text}");
        }
        assert_eq!(expected.to_string(), "2023-05-27T21:15:09.007Z");
        assert_eq!(expected.soql(), "2023-05-27T21:15:09Z");
    }

    #[test]
    fn a_date_without_a_zone_is_refused() {
        assert!(Stamp::parse("2023-05-27T21:15:09").is_err());
        assert!(Stamp::parse("2023-05-27").is_err());
    }
}
