//! Salesforce record ids: 15 case-sensitive characters and a 3-character checksum.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Failure};

/// A record id in its 18-character form.
///
/// Orders as Salesforce orders ids: byte-wise, digits before upper case before lower case
/// (salesforce-api reference, appendix B.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SalesforceId([u8; 18]);

impl SalesforceId {
    /// Reads the 15- or 18-character form. The checksum of an 18-character id must be right.
    pub fn parse(text: &[u8]) -> Result<Self, Failure> {
        let (Some(base), Some(suffix)) = (text.first_chunk::<15>(), text.get(15..)) else {
            return Err(malformed());
        };
        if !base.iter().all(u8::is_ascii_alphanumeric) {
            return Err(malformed());
        }
        let checksum = checksum(base);
        if !suffix.is_empty() && suffix != checksum {
            return Err(malformed());
        }
        let mut id = [0; 18];
        for (to, from) in id.iter_mut().zip(base.iter().chain(&checksum)) {
            *to = *from;
        }
        Ok(Self(id))
    }

    /// The 18 characters.
    pub fn as_bytes(&self) -> &[u8; 18] {
        &self.0
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn malformed() -> Failure {
    Failure::new(ErrorCode::DamagedAnswer, "record id is malformed")
}

/// Per group of five characters, one symbol that says which of them are upper case.
fn checksum(base: &[u8; 15]) -> [u8; 3] {
    let mut sum = [0; 3];
    for (symbol, group) in sum.iter_mut().zip(base.chunks(5)) {
        let bits = group.iter().enumerate().fold(0_u8, |bits, (i, c)| {
            bits | u8::from(c.is_ascii_uppercase()) << i
        });
        *symbol = if bits < 26 {
            b'A' + bits
        } else {
            b'0' + (bits - 26)
        };
    }
    sum
}

impl TryFrom<String> for SalesforceId {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        Self::parse(text.as_bytes())
    }
}

impl From<SalesforceId> for String {
    fn from(id: SalesforceId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of ids printed in the Salesforce documentation.
    #[test]
    fn fifteen_characters_get_the_documented_checksum() {
        for (base, suffix) in [
            ("001D000000K0fXO", "IAZ"),
            ("04gD0000000CvmZ", "IAS"),
            ("0035e00000Piemm", "AAB"),
            ("001xx0000004GxD", "AAU"),
            ("003RM0000068xV6", "YAI"),
            ("068D00000000pgO", "IAQ"),
            ("750R0000000zxr8", "IAA"),
            ("015D0000000N3ZZ", "IA0"),
        ] {
            assert_eq!(
                SalesforceId::parse(base.as_bytes()).unwrap().as_str(),
                format!("{base}{suffix}")
            );
        }
    }

    #[test]
    fn a_wrong_checksum_length_or_character_is_refused() {
        for text in [
            "001D000000K0fXOIAA",
            "001D000000K0fX",
            "001D000000K0fXOIAZ0",
            "001D000000K0f-O",
            "",
        ] {
            assert!(SalesforceId::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn ids_order_by_base_62_digits() {
        let id = |text: &str| SalesforceId::parse(text.as_bytes()).unwrap();
        assert!(id("001D00000000009") < id("001D0000000000A"));
        assert!(id("001D0000000000Z") < id("001D0000000000a"));
    }
}
