//! The run of a restore: its passes, and what it counts.

use serde::{Deserialize, Serialize};

/// A pass over the whole plan.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Records come out of the Recycle Bin, with their Ids and their children.
    #[default]
    Undelete,
    /// Fields that differ get their values.
    Update,
    /// Records that are gone are made anew, parents before children.
    Insert,
    /// Lookups that had to wait are filled.
    Link,
    /// What was created since goes, children before parents.
    Delete,
    /// Everything that was written is read back.
    Verify,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Undelete,
        Self::Update,
        Self::Insert,
        Self::Link,
        Self::Delete,
        Self::Verify,
    ];

    /// The one behind this one.
    pub fn next(self) -> Option<Self> {
        let mut behind = Self::ALL.into_iter().skip_while(|phase| *phase != self);
        behind.nth(1)
    }

    /// Its name in the path of receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undelete => "undelete",
            Self::Update => "update",
            Self::Insert => "insert",
            Self::Link => "link",
            Self::Delete => "delete",
            Self::Verify => "verify",
        }
    }
}

/// Records by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCounts {
    /// Out of the Recycle Bin.
    pub undeleted: u64,
    /// With new values. A record that a repeat finds so already is not counted.
    pub updated: u64,
    /// Made anew.
    pub inserted: u64,
    /// With lookups that had to wait.
    pub linked: u64,
    /// To the Recycle Bin.
    pub deleted: u64,
    /// Left alone as somebody changed them since the plan, or deleted them.
    pub conflicts: u64,
    /// That Salesforce refused.
    pub refused: u64,
    /// Read back and found as they were to be.
    pub equal: u64,
    /// Read back and found otherwise, or not found.
    pub different: u64,
    /// Values of the records that were read back.
    pub fields: Fidelity,
    /// Lookups of the records that were read back.
    pub lookups: Fidelity,
}

/// Written values, by what they are when they are read back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fidelity {
    /// As they were to be.
    pub equal: u64,
    /// Otherwise, or their record is not there.
    pub different: u64,
}

impl RunCounts {
    /// Whether all records became what they were to become.
    pub const fn is_whole(&self) -> bool {
        self.conflicts == 0 && self.refused == 0 && self.different == 0
    }
}
