//! What the catalog and the manifest say about a sealed segment.

use serde::{Deserialize, Serialize};

use crate::{IdDigest, SalesforceId, Stamp};

/// A segment that a block added to the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Object key in the bucket: `<org>/segments/<object>/<uuid>.parquet`.
    pub path: String,
    /// Bytes of the sealed object.
    pub bytes: u64,
    /// SHA-256 of the sealed object, hex.
    pub sha256: String,
    /// Versions in it.
    pub rows: u64,
    /// Least and greatest Id.
    pub ids: (SalesforceId, SalesforceId),
    /// Least and greatest stamp.
    pub stamps: (Stamp, Stamp),
    /// Digest over the ids of its rows.
    pub digest: IdDigest,
    /// Hash of the schema that its text belongs to.
    pub schema: String,
    /// Its key, wrapped.
    pub key: WrappedKey,
}

/// A 256-bit object key, wrapped by AES-256-GCM under a key of the org with the object's path as associated data.
///
/// Base64 of nonce (12 bytes), ciphertext (32) and tag (16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrappedKey(pub String);
