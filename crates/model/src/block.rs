//! The unit of extraction.

use serde::{Deserialize, Serialize};

use crate::{JobId, ObjectName, OrgName, Window};

/// One object and one window: a line of the plan, and the input of `extract-block`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The org.
    pub org: OrgName,
    /// The job that planned it.
    pub job: JobId,
    /// Number within the job, from 0.
    pub block: u32,
    /// The object.
    pub object: ObjectName,
    /// Why it is read now.
    pub lane: Lane,
    /// Which stamps are read; an object without a cursor field is read whole whatever the window.
    #[serde(flatten)]
    pub window: Window,
    /// Hash of the object's schema at planning time.
    pub schema: String,
    /// How many rows Salesforce estimates for the whole object; decides between Bulk and REST.
    pub rows_expected: u64,
}

/// The lane that a block runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What is new since the last job.
    Head,
    /// History older than the first head.
    Backfill,
    /// The whole object, because it has no cursor field.
    Whole,
    /// Records that Salesforce's delete log says are gone; in no plan, one for each object that has any.
    Deletes,
}
