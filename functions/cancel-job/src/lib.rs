//! Stops a job: nothing that it found is shown, and nothing of it goes on.

use holdfast_catalog::{JobItem, JobKind, JobStatus, Outcome};
use holdfast_model::{Failure, JobId, OrgName};
use holdfast_runtime::{Deadline, Environment, now, stop};
use serde::{Deserialize, Serialize};

/// Which job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    org: OrgName,
    job: JobId,
}

/// How the job ended.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    /// Not `cancelled` when it had ended before.
    status: JobStatus,
}

/// A backup that is cancelled keeps what it captured; the next one takes the org over. `JOB_UNKNOWN` for a job that
/// was never begun.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    // First of all: functions that are at work see it and stop by themselves.
    let item = catalog.finish_job(&org, &job, &cancelled()).await?;
    // The execution of a restore ends by itself, behind switching on what it switched off.
    if item.status == JobStatus::Cancelled && item.kind != JobKind::Restore {
        stop(environment, &item.execution).await?;
        if let Some(capture) = capture(environment, &item).await? {
            catalog
                .finish_job(&capture.org, &capture.job, &cancelled())
                .await?;
            stop(environment, &capture.execution).await?;
        }
    }
    Ok(Output {
        org,
        job,
        status: item.status,
    })
}

/// The backup that the job had started, if it was begun.
async fn capture(environment: &Environment, job: &JobItem) -> Result<Option<JobItem>, Failure> {
    match &job.capture {
        Some(capture) => {
            environment
                .catalog()
                .find_job(&capture.org, &capture.job)
                .await
        }
        None => Ok(None),
    }
}

fn cancelled() -> Outcome {
    Outcome {
        status: JobStatus::Cancelled,
        finished_at: now(),
        counts: None,
        manifest: None,
        error: None,
    }
}
