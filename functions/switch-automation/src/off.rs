//! Before a restore.

use holdfast_catalog::JobStatus;
use holdfast_model::{Failure, JobId, Switch};
use holdfast_plan::restore::plan::{Counts, Plan, counts_name, plan_name};
use holdfast_plan::restore::quiet::{Quiet, concerned, kinds, quiet_name};
use holdfast_plan::restore::run::RunRequest;
use holdfast_runtime::{Deadline, Environment};
use holdfast_vault::Vault;

use crate::Pace;
use crate::on::{BESIDE_SECONDS, take_back};
use crate::switch::{CALLS, Switching};

/// Switches off what the request names. What an older job left off is switched on before.
pub(crate) async fn off(
    environment: &Environment,
    deadline: Deadline,
    request: &RunRequest,
    job: &JobId,
    execution: &str,
) -> Result<Pace, Failure> {
    let (catalog, org) = (environment.catalog(), &request.org);
    // Somebody cancelled it; the next state sees so, too.
    if catalog.job(org, job).await?.status != JobStatus::Running {
        return Ok(Pace::Done);
    }
    catalog.assert_lease(org, job).await?;
    let item = catalog.quiet(org).await?;
    if item.quiet.as_ref().is_some_and(|quiet| quiet.job != *job) {
        match take_back(environment, deadline, item, execution).await? {
            Pace::Done => {}
            pace => return Ok(pace),
        }
    }
    if request.quiet.is_empty() {
        return Ok(Pace::Done);
    }
    let vault = environment.vault(org).await?;
    let record = record(environment, &vault, request, job).await?;
    if record.switched.is_empty() {
        return Ok(Pace::Done);
    }
    let item = catalog.open_quiet(org, job, execution).await?;
    if item.quiet.as_ref().is_none_or(|quiet| quiet.job != *job) {
        return Ok(Pace::Wait(BESIDE_SECONDS));
    }
    let caps = catalog.org(org).await?.settings.caps();
    let mut switching = Switching::new(catalog, item, &record, Switch::Off);
    let work = async |client: &_| switching.go_on(client, deadline).await;
    environment.with_salesforce(org, caps, CALLS, work).await
}

/// What is on now; or what was, when the job looked first.
async fn record(
    environment: &Environment,
    vault: &Vault,
    request: &RunRequest,
    job: &JobId,
) -> Result<Quiet, Failure> {
    let (catalog, org, name) = (environment.catalog(), &request.org, quiet_name(job));
    if let Some(record) = vault.find_document(&name).await? {
        return Ok(record);
    }
    let plan: Plan = vault.document(&plan_name(&request.plan)).await?;
    let mut schemas = Vec::new();
    for planned in &plan.objects {
        let object = &planned.turn.object;
        let counts: Counts = vault.document(&counts_name(&request.plan, object)).await?;
        if counts.writes() > 0 {
            schemas.push(vault.schema(object, &planned.schema_now).await?);
        }
    }
    let objects = concerned(&schemas);
    let caps = catalog.org(org).await?.settings.caps();
    let look = async |client: &holdfast_salesforce::Client| {
        let entities = client.entities(&objects).await?;
        let mut record = Quiet::default();
        for kind in kinds(Switch::Off) {
            if !request.quiet.contains(&kind) {
                continue;
            }
            let found = client.automation(kind, &entities).await?.into_iter();
            let (managed, switched): (Vec<_>, Vec<_>) = found
                .filter(|found| found.is_on)
                .partition(|found| found.is_managed);
            record
                .managed
                .extend(managed.into_iter().map(|found| found.automation));
            record
                .switched
                .extend(switched.into_iter().map(|found| found.automation));
        }
        Ok(record)
    };
    let record = environment.with_salesforce(org, caps, CALLS, look).await?;
    vault.put_document(&name, &record).await?;
    // Whoever stored one first is right.
    vault.document(&name).await
}
