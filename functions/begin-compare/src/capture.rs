//! A live side is what a backup captures that began after the question was asked.

use holdfast_catalog::{Capture, JobItem, JobKind, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, OrgName, Stamp};
use holdfast_runtime::{Environment, now};
use serde::Serialize;
use uuid::Uuid;

/// Jobs among which the backup is looked for; more than can begin while one runs.
const JOBS_LOOKED_AT: u16 = 20;
/// Seconds between two looks at a backup that somebody else started.
const OTHER_JOB_SECONDS: i64 = 30;

/// A backup that is needed.
#[derive(Debug, Serialize)]
pub struct Need {
    /// Seconds until it can capture the moment.
    wait_seconds: i64,
    /// Name of its execution.
    name: JobId,
    /// Its input.
    backup: Backup,
}

#[derive(Debug, Serialize)]
struct Backup {
    org: OrgName,
}

/// What must be captured before an org can be compared as it was when the job began; nothing when that was done.
pub(crate) async fn need(
    environment: &Environment,
    compare: &JobItem,
    org: &OrgName,
) -> Result<Option<Need>, Failure> {
    let catalog = environment.catalog();
    let item = catalog.org(org).await?;
    // A backup reads up to a few seconds before its beginning.
    let fresh = compare
        .started_at
        .plus_seconds(item.settings.guard_seconds + 1);
    let newest = catalog.jobs(org, JOBS_LOOKED_AT).await?;
    if newest.iter().any(|job| captures(job, fresh)) {
        return Ok(None);
    }
    if item.settings.paused {
        return Err(Failure::new(
            ErrorCode::InputInvalid,
            format!("jobs of the org are paused, so it cannot be compared as it is now: `{org}`"),
        ));
    }
    // Objects that did not change for long are not asked about every time. This time they are.
    catalog.ask_all_anew(org).await?;
    let until_fresh = (fresh.millis() - now().millis()).max(0) / 1_000 + 1;
    let other = newest
        .first()
        .is_some_and(|job| job.status == JobStatus::Running);
    let capture = Capture {
        org: org.clone(),
        job: JobId::parse(Uuid::now_v7().to_string())?,
    };
    catalog
        .set_capture(&compare.org, &compare.job, &capture)
        .await?;
    Ok(Some(Need {
        wait_seconds: until_fresh.max(if other { OTHER_JOB_SECONDS } else { 0 }),
        name: capture.job,
        backup: Backup { org: org.clone() },
    }))
}

/// Whether the job has captured everything up to the moment, also of objects that do not change often.
fn captures(job: &JobItem, fresh: Stamp) -> bool {
    let asked_all = job
        .plan
        .as_ref()
        .is_some_and(|plan| plan.asked_all_at.is_some());
    job.started_at >= fresh && job.manifest.is_some() && (asked_all || job.kind == JobKind::Sync)
}
