//! Takes the org's lease and opens the job, or says that another job is at work.

use holdfast_catalog::{JobKind, JobStatus, LeaseOutcome, Outcome as JobEnd};
use holdfast_model::{ErrorCode, Failure, JobId, OrgName};
use holdfast_runtime::{Deadline, Environment, is_running, now};
use serde::{Deserialize, Serialize};
use tracing::info;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What the execution was started with.
    request: Request,
    /// Name of the execution.
    job: JobId,
    /// ARN of the execution.
    execution: String,
}

/// What a job is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    org: OrgName,
    #[serde(default = "backup")]
    kind: JobKind,
}

const fn backup() -> JobKind {
    JobKind::Backup
}

/// Whether the job goes on.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Outcome,
    org: OrgName,
    job: JobId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The job holds the org.
    Started,
    /// Another job holds it and still runs, or the org is paused.
    Skipped,
    /// It has already ended.
    Ended,
}

/// A repeat of a running job is started again with what it has; a repeat of an ended one is not. A pause is for what captures.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let catalog = environment.catalog();
    let Input {
        request: Request { org, kind },
        job,
        execution,
    } = input;
    let paused = catalog.org(&org).await?.settings.paused;
    let status = catalog.find_job(&org, &job).await?.map(|job| job.status);
    let outcome = if status.is_some_and(|status| status != JobStatus::Running) {
        Outcome::Ended
    } else if paused && kind.captures() && status.is_none()
        || !holds(environment, &org, &job, &execution).await?
    {
        Outcome::Skipped
    } else {
        // Whoever reserved calls under an earlier lease is gone; Salesforce's own count corrects the rest.
        catalog.reset_reservations(&org).await?;
        catalog
            .begin_job(&org, &job, kind, &execution, now())
            .await?;
        Outcome::Started
    };
    Ok(Output { outcome, org, job })
}

fn ended() -> JobEnd {
    JobEnd {
        status: JobStatus::Failed,
        finished_at: now(),
        counts: None,
        manifest: None,
        error: Some(Failure::new(
            ErrorCode::LeaseLost,
            "its execution ended before the job did",
        )),
    }
}

async fn holds(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
    execution: &str,
) -> Result<bool, Failure> {
    let catalog = environment.catalog();
    let holder = match catalog.take_lease(org, job, execution).await? {
        LeaseOutcome::Taken => return Ok(true),
        LeaseOutcome::HeldBy(holder) => holder,
    };
    if is_running(environment, &holder.execution).await? {
        info!(holder = holder.job.as_str(), "another job is at work");
        return Ok(false);
    }
    info!(
        holder = holder.job.as_str(),
        "the holder of the lease no longer runs"
    );
    // Its committed blocks stay; the next manifest takes them in.
    match catalog.finish_job(org, &holder.job, &ended()).await {
        // It ended between taking the lease and beginning its job.
        Err(unbegun) if unbegun.code == ErrorCode::JobUnknown => {}
        other => drop(other?),
    }
    let outcome = catalog.replace_lease(org, &holder, job, execution).await?;
    Ok(outcome == LeaseOutcome::Taken)
}
