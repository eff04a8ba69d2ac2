//! The HTTP interfaces of the org, with Salesforce's paths, keys, codes and texts.

pub(crate) mod bulk;
pub(crate) mod collections;
pub(crate) mod csv;
pub(crate) mod describe;
pub(crate) mod error;
pub(crate) mod gate;
pub(crate) mod job;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod oauth;
pub(crate) mod query;
pub(crate) mod replication;
pub(crate) mod restriction;
pub(crate) mod rows;
pub(crate) mod session;
pub(crate) mod write;

/// Versions that answer; older ones answer 410.
pub(crate) const VERSIONS: std::ops::RangeInclusive<u32> = 31..=67;

/// Reads `v60.0`.
pub(crate) fn version_number(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()
}
