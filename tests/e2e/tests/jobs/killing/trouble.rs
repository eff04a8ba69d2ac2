//! What brings a job into a state that a healthy one never enters.

use holdfast_catalog::JobStatus;
use holdfast_e2e::Execution;
use serde_json::{Value, json};

use crate::world::Org;

/// The function that reads blocks.
const READER: &str = "extract-block";
/// The function that writes down what went wrong.
const RECORDER: &str = "fail-job";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// None: a healthy job comes by.
    None,
    /// Another job of the org is at work.
    JobBeside,
    /// Salesforce refuses what the description of the org begins with.
    DescribeRefused,
    /// The function that reads blocks is not served.
    BlocksUnread,
    /// Besides, that cannot be written down.
    BlocksUnreadAndUnrecorded,
}

/// States that a healthy job never enters.
pub(crate) const OFF_THE_WAY: [(&str, Trouble); 5] = [
    ("BlockLost", Trouble::BlocksUnreadAndUnrecorded),
    ("FailJob", Trouble::DescribeRefused),
    ("JobFailed", Trouble::DescribeRefused),
    ("RecordException", Trouble::BlocksUnread),
    ("Skipped", Trouble::JobBeside),
];

impl Trouble {
    pub(crate) fn on_the_way_to(state: &str) -> Self {
        let known = OFF_THE_WAY.iter().find(|(name, _)| *name == state);
        known.map_or(Self::None, |(_, trouble)| *trouble)
    }

    /// Makes it for the next job. What comes back is the job that was started for it.
    pub(crate) async fn begin(self, org: &Org<'_>) -> Option<Execution> {
        match self {
            Self::None => {}
            Self::JobBeside => {
                at_first_call(org, json!("stall")).await;
                let beside = org.start_backup().await;
                org.until("a stalled call", |state| state["stalled"] == 1)
                    .await;
                return Some(beside);
            }
            Self::DescribeRefused => {
                let body = json!([{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]);
                at_first_call(org, json!({"status": {"code": 403, "body": body}})).await;
            }
            Self::BlocksUnread => serve(org, &[READER], Some(0)).await,
            Self::BlocksUnreadAndUnrecorded => serve(org, &[READER, RECORDER], Some(0)).await,
        }
        None
    }

    /// Ends all of it, and the job that was started for it.
    pub(crate) async fn end(self, org: &Org<'_>, beside: Option<Execution>) {
        // Whoever is stalled goes on.
        org.clear_faults().await;
        match self {
            Self::BlocksUnread => serve(org, &[READER], None).await,
            Self::BlocksUnreadAndUnrecorded => serve(org, &[READER, RECORDER], None).await,
            _ => {}
        }
        if let Some(beside) = beside {
            assert_eq!(org.finish(&beside).await.status, JobStatus::Succeeded);
        }
    }
}

async fn at_first_call(org: &Org<'_>, action: Value) {
    let rule = json!({"match": {"path_contains": "/limits"}, "times": 1, "action": action});
    org.control("faults", rule).await;
}

/// Lets so many calls of the functions run at once; all, without a number.
async fn serve(org: &Org<'_>, functions: &[&str], at_once: Option<i32>) {
    let stack = org.world.stack().await;
    for function in functions {
        stack.allow_calls(function, at_once).await.unwrap();
    }
}
