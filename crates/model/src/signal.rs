//! Signs of an accident or an attack in what a job captured (docs/SIGNALS.md).

use serde::{Deserialize, Serialize};

use crate::authors::Author;
use crate::{ObjectName, SalesforceId};

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Signal {
    /// Many of an object's records were deleted.
    ManyDeleted {
        /// The object.
        object: ObjectName,
        /// So many.
        records: u64,
        /// Of so many that were live before.
        of: u64,
        /// Who changed or deleted most of the object's records in this job.
        by: Option<Author>,
    },
    /// Many of an object's records were changed.
    ManyModified {
        /// The object.
        object: ObjectName,
        /// So many.
        records: u64,
        /// Of so many that were live before.
        of: u64,
        /// As above.
        by: Option<Author>,
    },
    /// Text that came says much more per byte than what the object had before: it may be encrypted.
    TextBecameNoise {
        /// The object.
        object: ObjectName,
        /// Hundredths of a bit per byte, in what earlier jobs captured.
        before: u32,
        /// The same, in what this one captured.
        now: u32,
        /// As above.
        by: Option<Author>,
    },
    /// One user changed or deleted many of all records of the org.
    OneAuthor {
        /// Who.
        user: SalesforceId,
        /// So many.
        records: u64,
        /// Of so many that were live before.
        of: u64,
    },
}

/// From when on something is a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Fewer records are none.
    pub records_min: u64,
    /// Share of the live records of an object that were deleted, in percent; 0 is never.
    pub deleted_percent: u8,
    /// Share of the live records of an object that were changed, in percent; 0 is never.
    pub modified_percent: u8,
    /// Share of the live records of the org that one user changed or deleted, in percent; 0 is never.
    pub author_percent: u8,
    /// Hundredths of a bit per byte by which text says more than before; 0 is never.
    pub entropy_centibits: u32,
}
