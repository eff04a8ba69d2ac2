//! Names that end up in keys, paths and queries: parsed once at the edge, never empty, never surprising.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Failure};

macro_rules! name {
    ($(#[doc = $doc:literal])+ $type:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks the rule of this name.
            pub fn parse(text: impl Into<String>) -> Result<Self, Failure> {
                let text = text.into();
                let valid: fn(&[u8]) -> bool = $valid;
                if valid(text.as_bytes()) {
                    Ok(Self(text))
                } else {
                    let shown: String = text.chars().take(100).collect();
                    Err(Failure::new(
                        ErrorCode::InputInvalid,
                        format!(concat!($what, " must be ", $rule, ", got `{}`"), shown.escape_debug()),
                    ))
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = Failure;

            fn try_from(text: String) -> Result<Self, Failure> {
                Self::parse(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A connected org, as its owner calls it: part of every key and path.
    OrgName, "org", "1 to 40 of a-z, 0-9 and -, starting with a letter or digit",
    |text| (1..=40).contains(&text.len())
        && text.first() != Some(&b'-')
        && text.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
}

name! {
    /// A job: the name of its state machine execution, so that every repeat means the same job.
    JobId, "job", "1 to 80 of A-Z, a-z, 0-9, - and _",
    |text| (1..=80).contains(&text.len())
        && text.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

name! {
    /// The API name of a Salesforce object or field, e.g. `Account` or `Invoice__c`.
    ObjectName, "object", "a Salesforce API name",
    |text| (1..=80).contains(&text.len())
        && text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_org_name_cannot_leave_its_folder() {
        for text in ["", "-a", "A", "a/b", "..", "a b", "ä"] {
            assert!(OrgName::parse(text).is_err(), "{text}");
        }
        assert!(OrgName::parse("acme-prod-2").is_ok());
    }

    #[test]
    fn an_object_name_cannot_carry_soql() {
        for text in ["", "Account;", "Account WHERE", "1a", "a'b"] {
            assert!(ObjectName::parse(text).is_err(), "{text}");
        }
        assert!(ObjectName::parse("ns__Invoice__c").is_ok());
    }
}
