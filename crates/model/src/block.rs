//! The unit of extraction.

use serde::{Deserialize, Serialize};

use crate::{JobId, ObjectName, OrgName, Window};

/// Blocks that one execution works off: a line of the plan, and the input of `extract-block`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockGroup {
    /// The org.
    pub org: OrgName,
    /// The job that planned them.
    pub job: JobId,
    /// One, or several with few rows each.
    pub blocks: Vec<Block>,
}

/// One object and one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The org.
    pub org: OrgName,
    /// The job that planned it.
    pub job: JobId,
    /// Number within the job, from 0.
    pub block: u32,
    /// What a block leaves of its window is the next part; the plan has first parts only.
    #[serde(default, skip_serializing_if = "is_first")]
    pub part: u32,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_first(part: &u32) -> bool {
    *part == 0
}

impl Block {
    /// Number of the block with the tombstones of an object's delete log.
    pub const TOMBSTONES: u32 = u32::MAX;
    /// Number of the block that says that the delete log of an object has a hole.
    pub const LOG_HOLE: u32 = u32::MAX - 1;
    /// Number of the block that says which windows a sweep found to be incomplete.
    pub const SWEEP_LOSS: u32 = u32::MAX - 2;
    /// Numbers of the blocks that are in no plan; an object has at most one of each in a job.
    pub const UNPLANNED: [u32; 3] = [Self::TOMBSTONES, Self::LOG_HOLE, Self::SWEEP_LOSS];

    /// What is left of the block when it captured this window: a query that Salesforce does not finish is asked for less.
    pub fn rest(&self, captured: Window) -> Option<Self> {
        let has_windows = matches!(self.lane, Lane::Head | Lane::Backfill | Lane::Refresh);
        (has_windows && captured.until < self.window.until).then(|| Self {
            part: self.part + 1,
            window: Window {
                from: Some(captured.until),
                until: self.window.until,
            },
            ..self.clone()
        })
    }
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
    /// Once more, because values changed that no stamp shows: formulas, or fields that could not be read before.
    Refresh,
    /// Every Id of the object, next to those of the vault before the window's end; reads no fields.
    Sweep,
    /// Records that Salesforce's delete log says are gone; in no plan, one for each object that has any.
    Deletes,
}
