//! Names that go into paths and queries, parsed once.

use std::fmt;
use std::sync::Arc;

use holdfast_model::{ErrorCode, Failure, ObjectSchema};
use serde::{Deserialize, Serialize};

/// An API version as it stands in paths, `v62.0`.
///
/// A bulk job must be read under the version that created it (409 otherwise; Bulk API 2.0 guide, Get Results).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiVersion(String);

impl ApiVersion {
    /// Least version: columns of a bulk result come in the order of the SELECT since v50.0,
    /// `associateEntityType` since v50.0.
    const LEAST: u16 = 50;

    /// Accepts `v50.0` and later.
    pub fn parse(text: impl Into<String>) -> Result<Self, Failure> {
        let text = text.into();
        let number = text
            .strip_prefix('v')
            .and_then(|rest| rest.strip_suffix(".0"))
            .filter(|digits| digits.len() <= 3 && digits.bytes().all(|c| c.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u16>().ok());
        if number.is_some_and(|number| number >= Self::LEAST) {
            Ok(Self(text))
        } else {
            Err(Failure::new(
                ErrorCode::SettingInvalid,
                "api version must be `v50.0` or later, in that form",
            ))
        }
    }

    /// The version, with `v`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self("v62.0".to_owned())
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        Self::parse(text)
    }
}

impl From<ApiVersion> for String {
    fn from(version: ApiVersion) -> Self {
        version.0
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a bulk query job, 15 or 18 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BulkJobId(String);

impl BulkJobId {
    /// Checks length and characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, Failure> {
        let text = text.into();
        let valid =
            matches!(text.len(), 15 | 18) && text.bytes().all(|c| c.is_ascii_alphanumeric());
        if valid {
            Ok(Self(text))
        } else {
            Err(Failure::new(
                ErrorCode::DamagedAnswer,
                "bulk job id is not 15 or 18 letters and digits",
            ))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BulkJobId {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        Self::parse(text)
    }
}

impl From<BulkJobId> for String {
    fn from(id: BulkJobId) -> Self {
        id.0
    }
}

impl fmt::Display for BulkJobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The columns that a query selects, in order; every answer is checked against them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Arc<[String]>);

impl Columns {
    /// The stored fields of an object, as [`soql::select`](crate::soql::select) selects them.
    pub fn of(schema: &ObjectSchema) -> Self {
        schema
            .stored_fields()
            .map(|field| field.name.clone())
            .collect()
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl FromIterator<String> for Columns {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_version_is_one_that_keeps_the_order_of_columns() {
        for text in ["v50.0", "v62.0", "v100.0"] {
            assert_eq!(ApiVersion::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "v49.0", "62.0", "v62", "v62.1", "v+62.0", "v6200.0", "v62.0/..", "",
        ] {
            let failure = ApiVersion::parse(text).unwrap_err();
            assert_eq!(failure.code, ErrorCode::SettingInvalid, "{text}");
        }
    }

    #[test]
    fn a_job_id_cannot_leave_its_path() {
        assert!(BulkJobId::parse("750R0000000zxr8IAA").is_ok());
        for text in ["", "../../limits", "750R0000000zxr8/../", "750R0000000zxr"] {
            assert!(BulkJobId::parse(text).is_err(), "{text}");
        }
    }
}
