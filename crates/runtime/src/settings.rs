//! Settings of the deployment, from environment variables that the template sets.

use holdfast_model::{ErrorCode, Failure};

/// Least and greatest value of `HOLDFAST_SEGMENT_BYTES`: below, segments are too many; above, a block that
/// holds text, sorted columns and the sealed bytes at once does not fit the memory of the function.
const SEGMENT_BYTES: std::ops::RangeInclusive<usize> = 1 << 20..=128 << 20;

/// What the template says about this deployment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `HOLDFAST_TABLE`: the catalog.
    pub table: String,
    /// `HOLDFAST_BUCKET`: the vault.
    pub bucket: String,
    /// `HOLDFAST_KEY_ID`: the KMS key, as id or ARN.
    pub key_id: String,
    /// `HOLDFAST_SEGMENT_BYTES`: bytes of row text gathered before a segment is sealed; 32 MiB unless set.
    pub segment_bytes: usize,
}

impl Settings {
    /// Reads the environment. A missing or malformed variable is named.
    pub fn from_environment() -> Result<Self, Failure> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let required = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| {
                    Failure::new(
                        ErrorCode::SettingInvalid,
                        format!("environment variable {name} is not set"),
                    )
                })
        };
        let segment_bytes = match variable("HOLDFAST_SEGMENT_BYTES") {
            None => 32 << 20,
            Some(text) => text.parse().ok().filter(|bytes| SEGMENT_BYTES.contains(bytes)).ok_or_else(|| {
                let (least, most) = (SEGMENT_BYTES.start(), SEGMENT_BYTES.end());
                let message = format!("environment variable HOLDFAST_SEGMENT_BYTES must be a number from {least} to {most}, got `{text}`");
                Failure::new(ErrorCode::SettingInvalid, message)
            })?,
        };
        Ok(Self {
            table: required("HOLDFAST_TABLE")?,
            bucket: required("HOLDFAST_BUCKET")?,
            key_id: required("HOLDFAST_KEY_ID")?,
            segment_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(segment_bytes: Option<&str>, bucket: Option<&str>) -> Result<Settings, Failure> {
        Settings::from_variables(|name| match name {
            "HOLDFAST_SEGMENT_BYTES" => segment_bytes.map(str::to_owned),
            "HOLDFAST_BUCKET" => bucket.map(str::to_owned),
            _ => Some("x".to_owned()),
        })
    }

    #[test]
    fn a_missing_or_malformed_variable_is_named() {
        for (failure, name) in [
            (settings(None, None), "HOLDFAST_BUCKET"),
            (settings(Some("12 MB"), Some("b")), "HOLDFAST_SEGMENT_BYTES"),
            (settings(Some("1"), Some("b")), "HOLDFAST_SEGMENT_BYTES"),
        ] {
            let failure = failure.unwrap_err();
            assert_eq!(failure.code, ErrorCode::SettingInvalid);
            assert!(failure.message.contains(name), "{}", failure.message);
        }
    }

    #[test]
    fn segments_gather_32_mib_unless_set() {
        assert_eq!(settings(None, Some("b")).unwrap().segment_bytes, 33_554_432);
    }
}
