//! Before a restore.

use std::collections::BTreeSet;

use holdfast_catalog::JobStatus;
use holdfast_model::{
    AutomationKind, Failure, JobId, ObjectName, ObjectSchema, SalesforceId, Switch,
};
use holdfast_plan::restore::plan::{Counts, Plan, counts_name, plan_name};
use holdfast_plan::restore::preflight::{ObjectCheck, object_check_name};
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
    let objects = concerned(&written(vault, request, &plan).await?);
    let owners = inactive_owners(vault, request, &plan).await?;
    let caps = catalog.org(org).await?.settings.caps();
    let look = async |client: &holdfast_salesforce::Client| {
        let entities = client.entities(&objects).await?;
        let entities = entities.with_users(owners.clone());
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

/// The objects that the run writes, and those of which it may have to empty lookups that come back with records.
async fn written(
    vault: &Vault,
    request: &RunRequest,
    plan: &Plan,
) -> Result<Vec<ObjectSchema>, Failure> {
    let (mut written, mut back) = (Vec::new(), Vec::new());
    for planned in &plan.objects {
        let object = &planned.turn.object;
        let counts: Counts = vault.document(&counts_name(&request.plan, object)).await?;
        if counts.writes() > 0 {
            let schema = vault.schema(object, &planned.schema_now).await?;
            if counts.undelete > 0 {
                back.push(schema.clone());
            }
            written.push(schema);
        }
    }
    let is_child = |object: &ObjectName| {
        let mut children = back.iter().flat_map(|back| &back.children);
        children.any(|one| one.child == object.as_str())
    };
    let children = plan.whole.iter().filter(|(object, _)| is_child(object));
    let children = children.map(|(object, hash)| (object.clone(), hash.clone()));
    for schema in vault.schemas(children).await?.into_values() {
        if back
            .iter()
            .any(|back| !plan.refilled(back, &schema).is_empty())
        {
            written.push(schema);
        }
    }
    Ok(written)
}

/// Users that the check of the plan found inactive, though records are to be theirs.
async fn inactive_owners(
    vault: &Vault,
    request: &RunRequest,
    plan: &Plan,
) -> Result<BTreeSet<SalesforceId>, Failure> {
    let mut owners = BTreeSet::new();
    if !request.quiet.contains(&AutomationKind::InactiveOwners) {
        return Ok(owners);
    }
    for planned in &plan.objects {
        let name = object_check_name(&request.plan, &planned.turn.object);
        let check: Option<ObjectCheck> = vault.find_document(&name).await?;
        let obstacles = check.unwrap_or_default().obstacles.into_iter();
        owners.extend(obstacles.filter_map(|tally| tally.obstacle.owner));
    }
    Ok(owners)
}
