//! Behind a restore, and where one is gone.

use holdfast_catalog::{Caps, JobStatus, Outcome, Quiet as Open, QuietItem};
use holdfast_model::{Automation, ErrorCode, Failure, JobId, OrgName, Switch};
use holdfast_plan::restore::quiet::{Quiet, quiet_name};
use holdfast_runtime::{Deadline, Environment, is_running, now};
use tracing::{info, warn};

use crate::Pace;
use crate::switch::{CALLS, Switching};

/// Seconds until another job is looked after again that is switching.
pub(crate) const BESIDE_SECONDS: u32 = 30;
/// What is off must come on again also when jobs have used up their share of the day's calls.
const ALL_CALLS: Caps = Caps {
    api_percent: 100,
    bulk_percent: 100,
};

/// Switches on what the job switched off.
pub(crate) async fn on(
    environment: &Environment,
    deadline: Deadline,
    org: &OrgName,
    job: &JobId,
    execution: &str,
) -> Result<Pace, Failure> {
    let item = environment.catalog().quiet(org).await?;
    if item.quiet.as_ref().is_none_or(|quiet| quiet.job != *job) {
        return Ok(Pace::Done);
    }
    take_back(environment, deadline, item, execution).await
}

/// Switches on in all orgs what is off there though nobody is at it. One org stops no other.
pub(crate) async fn sweep(
    environment: &Environment,
    deadline: Deadline,
    execution: &str,
) -> Result<Pace, Failure> {
    let (mut waits, mut failed) = (None, None);
    for item in environment.catalog().quiets().await? {
        let Some(quiet) = &item.quiet else { continue };
        if is_busy(environment, quiet, execution).await? {
            continue;
        }
        // What is left of it stops then.
        let catalog = environment.catalog();
        catalog.finish_job(&item.org, &quiet.job, &gone()).await?;
        info!(
            org = item.org.as_str(),
            job = quiet.job.as_str(),
            "automation is off"
        );
        match take_back(environment, deadline, item, execution).await {
            Ok(Pace::Done) => {}
            Ok(pace) => waits = Some(pace),
            Err(failure) => failed = Some(failure),
        }
    }
    match (waits, failed) {
        (Some(pace), _) => Ok(pace),
        (None, Some(failure)) => Err(failure),
        (None, None) => Ok(Pace::Done),
    }
}

/// Switches on what a job has off, unless another execution is at it. Until that is done, the job has failed.
pub(crate) async fn take_back(
    environment: &Environment,
    deadline: Deadline,
    item: QuietItem,
    execution: &str,
) -> Result<Pace, Failure> {
    let catalog = environment.catalog();
    let Some(quiet) = item.quiet.clone() else {
        return Ok(Pace::Done);
    };
    if is_busy(environment, &quiet, execution).await? {
        return Ok(Pace::Wait(BESIDE_SECONDS));
    }
    let taken = Open {
        execution: execution.to_owned(),
        ..quiet.clone()
    };
    let item = catalog.save_quiet(&item, Some(taken)).await?;
    let org = item.org.clone();
    let vault = environment.vault(&org).await?;
    let record: Quiet = vault.document(&quiet_name(&quiet.job)).await?;
    let mut switching = Switching::new(catalog, item, &record, Switch::On);
    let work = async |client: &_| switching.go_on(client, deadline).await;
    let pace = environment
        .with_salesforce(&org, ALL_CALLS, CALLS, work)
        .await;
    match &pace {
        Ok(Pace::Done) => {
            catalog.clear_left_off(&org, &quiet.job).await?;
            catalog.save_quiet(&switching.item, None).await?;
        }
        Ok(_) => {}
        Err(failure) => {
            let left_off = left_off(&switching, failure);
            warn!(code = failure.code.name(), "automation is off");
            catalog
                .note_left_off(&org, &quiet.job, &left_off, now())
                .await?;
        }
    }
    pace
}

fn gone() -> Outcome {
    Outcome {
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

/// Whether another execution that still runs is at it.
async fn is_busy(
    environment: &Environment,
    quiet: &Open,
    execution: &str,
) -> Result<bool, Failure> {
    Ok(quiet.execution != execution && is_running(environment, &quiet.execution).await?)
}

/// As the job tells it, whatever stood in the way.
fn left_off(switching: &Switching<'_>, failure: &Failure) -> Failure {
    if failure.code == ErrorCode::AutomationLeftOff {
        return failure.clone();
    }
    let names = switching.record.switched.iter();
    let names: Vec<_> = names.map(Automation::to_string).collect();
    let names = names.join("`, `");
    let message = format!(
        "it is not known to be on again: {}: `{names}`",
        failure.code
    );
    Failure::new(ErrorCode::AutomationLeftOff, message)
}
