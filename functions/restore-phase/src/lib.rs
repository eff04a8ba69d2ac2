//! Runs the plan of a restore: pass by pass, object by object, a batch of records after the other.
//!
//! A batch is written to Salesforce, then its new Ids and its receipts are stored, then it is counted. Who is killed goes on
//! with the batch that is not counted; of records that it may have made already it finds those first.

mod batch;
mod delete;
mod insert;
mod rows;
mod run;
mod undelete;
mod unlink;
mod update;
mod verify;

use std::collections::BTreeSet;

use holdfast_catalog::{Calls, Caps, JobStatus, Outcome};
use holdfast_model::{ErrorCode, Failure, JobId, OrgName, RunCounts};
use holdfast_plan::restore::run::RunRequest;
use holdfast_runtime::{Deadline, Environment, now};
use serde::{Deserialize, Serialize};

use crate::run::{Pace, Run};

/// Calls that are reserved at a time.
const CALLS: Calls = Calls {
    api: 400,
    bulk_jobs: 0,
};

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What the execution was started with.
    request: RunRequest,
    /// Name of the execution.
    job: JobId,
}

/// Whether to call again.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Progress,
    /// Seconds before that.
    wait_seconds: u32,
    counts: RunCounts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// Time was nearly up.
    More,
    /// Salesforce may still be at work on a request whose answer was lost.
    Wait,
    /// The restore has run to its end, or the job had ended before.
    Done,
}

/// A repeat goes on where the last call ended.
///
/// # Errors
/// `INPUT_INVALID`; `JOB_HAS_NO_RESULT` when the plan did not end well; `LEASE_LOST`; `API_BUDGET_EXHAUSTED`.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { request, job } = input;
    let (org, catalog) = (request.org.clone(), environment.catalog());
    let mut run = Run::open(environment, request, &job).await?;
    if catalog.job(&org, &job).await?.status != JobStatus::Running {
        catalog.release_lease(&org, &job).await?;
        return Ok(Output::new(Progress::Done, 0, &run));
    }
    catalog.assert_lease(&org, &job).await?;
    run.check()?;
    let caps = catalog.org(&org).await?.settings.caps();
    if let Some(wait_seconds) = settle_last(environment, &org, &job, caps).await? {
        return Ok(Output::new(Progress::Wait, wait_seconds, &run));
    }
    let pace = loop {
        let work = async |client: &_| run.go_on(client, deadline).await;
        let pace = environment.with_salesforce(&org, caps, CALLS, work);
        match pace.await? {
            Pace::OutOfCalls => {}
            pace => break pace,
        }
    };
    let (outcome, wait_seconds) = match pace {
        Pace::OutOfCalls | Pace::OutOfTime => (Progress::More, 0),
        Pace::Wait(seconds) => (Progress::Wait, seconds),
        Pace::Done => {
            catalog
                .finish_job(&org, &job, &ended(&run.counts()))
                .await?;
            catalog.release_lease(&org, &job).await?;
            (Progress::Done, 0)
        }
    };
    Ok(Output::new(outcome, wait_seconds, &run))
}

/// A run before this one may have made records without learning of it: they are found first, or they would be made twice.
/// Gives the seconds to wait before.
async fn settle_last(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
    caps: Caps,
) -> Result<Option<u32>, Failure> {
    let catalog = environment.catalog();
    let last = catalog.last_run(org).await?.filter(|last| last != job);
    let Some(last) = last else { return Ok(None) };
    let item = catalog.run(org, &last).await?;
    let Some(item) = item.filter(|item| item.progress.sent_at.is_some()) else {
        return Ok(None);
    };
    let request = RunRequest {
        org: org.clone(),
        plan: item.plan,
        overwrite: false,
        delete: 0,
        quiet: BTreeSet::new(),
    };
    let mut run = Run::open(environment, request, &last).await?;
    let work = async |client: &_| run.settle_last(client).await;
    environment.with_salesforce(org, caps, CALLS, work).await
}

impl Output {
    fn new(outcome: Progress, wait_seconds: u32, run: &Run<'_>) -> Self {
        Self {
            outcome,
            wait_seconds,
            counts: run.counts(),
        }
    }
}

fn ended(counts: &RunCounts) -> Outcome {
    let RunCounts {
        refused,
        conflicts,
        different,
        ..
    } = counts;
    let incomplete = || {
        Failure::new(
            ErrorCode::RestoreIncomplete,
            format!(
                "records that Salesforce refused: `{refused}`; that were changed since the plan: `{conflicts}`; that are not as they \
                 were to be: `{different}`"
            ),
        )
    };
    Outcome {
        status: if counts.is_whole() {
            JobStatus::Succeeded
        } else {
            JobStatus::Partial
        },
        finished_at: now(),
        counts: None,
        manifest: None,
        error: (!counts.is_whole()).then(incomplete),
    }
}
