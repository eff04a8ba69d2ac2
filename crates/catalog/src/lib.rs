//! The catalog: one `DynamoDB` table with orgs, leases, jobs, cursors, blocks and API budgets.
//!
//! The only room that knows the table's keys (all of them in `keys.rs`) and the only one that changes it.
//! Every read is strongly consistent. Every write is conditional on what was read, so a repeat is a no-op and
//! of two writers one wins (of new Ids alone the last one counts). Everything here can be rebuilt from the manifests of the vault, except what only
//! matters while a job runs (leases, budgets, open blocks).
//!
//! The catalog reads no clock: times come from the caller.

mod block;
mod budget;
mod commit;
mod comparison;
mod fault;
mod job;
mod keys;
mod lease;
mod object;
mod org;
mod quiet;
mod record;
mod restore;
mod settings;
mod table;

pub use block::{BlockItem, BlockState, Progress, SEGMENTS_PER_BLOCK_MAX, Way};
pub use budget::{Budget, Calls, Caps, Settlement, Usage};
pub use comparison::{ComparisonCounts, ComparisonItem, ComparisonProgress, ComparisonState};
pub use job::{
    Capture, Counts, Ending, JobItem, JobKind, JobStatus, ManifestRef, Outcome, PlanRef,
};
pub use lease::{Lease, LeaseOutcome};
pub use object::{ObjectException, ObjectFacts, ObjectItem, Refresh, TextHistory};
pub use org::{Connection, OrgItem};
pub use quiet::{Quiet, QuietItem, Sent};
pub use restore::{MadeAs, RunItem, RunProgress};
pub use settings::Settings;

/// The table, opened. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    table: table::Table,
}

impl Catalog {
    /// Uses the table of that name: partition key `pk`, sort key `sk`, both strings.
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self {
            table: table::Table::new(client, table.into()),
        }
    }
}
