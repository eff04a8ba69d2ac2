//! Decides what the job reads, and writes it as the list of blocks that the state machine works off.

use std::collections::BTreeMap;

use holdfast_catalog::{ObjectItem, PlanRef, Settings};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, OrgName, Stamp};
use holdfast_plan::{ObjectState, Pace, plan_backup};
use holdfast_runtime::{Deadline, Environment};
use serde::{Deserialize, Serialize};

/// Record counts of some thousand objects, with room for repeats.
const CALLS: u64 = 20;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    org: OrgName,
    job: JobId,
}

/// Where the plan is.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    bucket: String,
    key: String,
    blocks: u32,
}

/// A repeat gives back the plan that the job already has.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    catalog.assert_lease(&org, &job).await?;
    let plan = match catalog.job(&org, &job).await?.plan {
        Some(plan) => plan,
        None => make_plan(environment, &org, &job).await?,
    };
    let bucket = environment.settings().bucket.clone();
    Ok(Output {
        org,
        job,
        bucket,
        key: plan.key,
        blocks: plan.blocks,
    })
}

async fn make_plan(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
) -> Result<PlanRef, Failure> {
    let catalog = environment.catalog();
    let item = catalog.org(org).await?;
    let settings = item.settings;
    let mut objects = catalog.objects(org).await?;
    objects.retain(|object| {
        object.is_readable() && !settings.exclude_objects.contains(&object.object)
    });
    let names: Vec<_> = objects.iter().map(|object| object.object.clone()).collect();
    let (counts, server_now) = environment
        .with_salesforce(org, settings.api_cap_percent, CALLS, async |client| {
            // Even with no object to count, an answer is needed for its clock.
            client.limits().await?;
            let counts = client.record_counts(&names).await?;
            Ok((counts, client.server_time()))
        })
        .await?;
    let server_now = server_now.ok_or_else(|| {
        Failure::new(
            ErrorCode::DamagedAnswer,
            "salesforce's answers have no date",
        )
    })?;
    if item.deletes_covered.is_none() {
        catalog.begin_deletes(org, server_now).await?;
    }
    write_plan(
        environment,
        org,
        job,
        &settings,
        &objects,
        &counts,
        server_now,
    )
    .await
}

async fn write_plan(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
    settings: &Settings,
    objects: &[ObjectItem],
    counts: &BTreeMap<ObjectName, u64>,
    server_now: Stamp,
) -> Result<PlanRef, Failure> {
    let states: Vec<_> = objects
        .iter()
        .filter_map(|object| state(object, counts))
        .collect();
    let pace = Pace {
        overlap_seconds: settings.overlap_seconds,
        guard_seconds: settings.guard_seconds,
    };
    let blocks = plan_backup(org, job, &states, pace, server_now);
    // The first plan of a job stays, whoever wrote it.
    let vault = environment.vault(org).await?;
    let stored = vault.put_plan(job, blocks).await?;
    let plan = PlanRef {
        key: stored.path,
        blocks: count(stored.blocks)?,
        objects: count(states.len())?,
    };
    environment.catalog().set_plan(org, job, &plan).await?;
    Ok(plan)
}

fn count<N: TryInto<u32>>(number: N) -> Result<u32, Failure> {
    number.try_into().map_err(|_| {
        Failure::new(
            ErrorCode::Internal,
            "plan has more blocks than can be counted",
        )
    })
}

fn state(object: &ObjectItem, counts: &BTreeMap<ObjectName, u64>) -> Option<ObjectState> {
    let facts = object.facts.as_ref()?;
    Some(ObjectState {
        object: object.object.clone(),
        schema: facts.schema.clone()?,
        has_cursor: facts.cursor_field.is_some(),
        coverage: object.coverage.clone(),
        rows_expected: counts.get(&object.object).copied().unwrap_or(0),
    })
}
