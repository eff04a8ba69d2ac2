//! What comparing an object's Ids with the vault came to.

use serde::{Deserialize, Serialize};

use crate::IdDigest;

/// All records of an object that Salesforce lists, next to those of the vault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Records that Salesforce lists, those in its Recycle Bin too.
    pub listed: u64,
    /// Digest over their ids.
    pub digest: IdDigest,
    /// Records that the vault held and no query shows any more: each got a tombstone.
    pub gone: u64,
    /// Records whose listed state the vault did not hold: their windows are read again.
    pub missing: u64,
}
