//! Decides what the job reads, and writes it as the list of blocks that the state machine works off.

mod history;
mod poll;
mod refresh;

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::{Calls, Catalog, JobKind, ObjectItem, PlanRef, Settings};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, OrgName, Stamp, Transport};
use holdfast_plan::untouched::untouched_name;
use holdfast_plan::{ObjectState, Pace, group, plan_backup};
use holdfast_runtime::{Deadline, Environment, Protection};
use serde::{Deserialize, Serialize};

use crate::poll::Poll;

/// Record counts of some thousand objects and the beginnings of a hundred large ones, with room for repeats.
const CALLS: u64 = 120;

/// A hundredth fewer records than at the last plan are looked for.
const DROP_PER_SWEEP: u64 = 100;

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
    let begun = catalog.job(&org, &job).await?;
    let plan = match begun.plan {
        Some(plan) => plan,
        None => make_plan(environment, &org, &job, begun.kind).await?,
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
    kind: JobKind,
) -> Result<PlanRef, Failure> {
    let catalog = environment.catalog();
    let item = catalog.org(org).await?;
    let settings = item.settings.clone();
    let mut objects = catalog.objects(org).await?;
    objects.retain(|object| {
        object.is_readable() && !settings.exclude_objects.contains(&object.object)
    });
    let names: Vec<_> = objects.iter().map(|object| object.object.clone()).collect();
    let calls = CALLS + poll::calls(objects.len());
    let vault = environment.vault(org).await?;
    let (counts, server_now, poll, oldest) = environment
        .with_salesforce(
            org,
            item.settings.caps(),
            Calls::api(calls),
            async |client| {
                // Even with no object to count, an answer is needed for its clock.
                client.limits().await?;
                let now = client.server_time().ok_or_else(|| {
                    Failure::new(
                        ErrorCode::DamagedAnswer,
                        "salesforce's answers have no date",
                    )
                })?;
                let counts = client.record_counts(&names).await?;
                let poll = match kind {
                    JobKind::Backup => Poll::ask(client, &item, &objects, now).await?,
                    JobKind::Sync | JobKind::Compare | JobKind::RestorePlan | JobKind::Restore => {
                        Poll::default()
                    }
                };
                let oldest =
                    history::oldest(client, &vault, &item.settings, &objects, &counts).await?;
                Ok((counts, now, poll, oldest))
            },
        )
        .await?;
    if item.deletes_covered.is_none() {
        catalog.begin_deletes(org, server_now).await?;
    }
    let rests: BTreeSet<_> = objects
        .iter()
        .filter(|object| {
            // Asking all anew means those, too.
            kind == JobKind::Backup
                && item.polled_all_at.is_some()
                && is_read_less_often(object, &settings, server_now)
        })
        .map(|object| object.object.clone())
        .collect();
    refresh::begin_due(catalog, &settings, &mut objects, server_now).await?;
    let states: Vec<_> = objects
        .iter()
        .filter_map(|object| state(object, &counts, &oldest, kind))
        .filter(|state| !rests.contains(&state.object))
        .filter(|state| {
            let wanted = state.sweep || !state.refresh.is_empty();
            wanted || !poll.quiet.contains(&state.object)
        })
        .collect();
    let pace = Pace {
        overlap_seconds: settings.overlap_seconds,
        guard_seconds: settings.guard_seconds,
        backfill_rows: settings.backfill_block_rows,
    };
    let blocks = plan_backup(org, job, &states, pace, server_now);
    vault
        .put_document(&untouched_name(job), &poll.untouched)
        .await?;
    // The first plan of a job stays, whoever wrote it.
    let groups = group(blocks, settings.bulk_rows_min);
    let stored = vault.put_plan(job, groups).await?;
    let plan = PlanRef {
        key: stored.path,
        blocks: count(stored.blocks)?,
        objects: count(states.len())?,
        quiet: count(objects.len() - states.len())?,
        // The plan of an attempt that was killed ends earlier.
        until: Some(server_now.minus_seconds(settings.guard_seconds))
            .filter(|_| stored.is_new)
            .or(stored.heads_until),
        asked_all_at: Some(server_now).filter(|_| poll.asked_all && stored.is_new),
    };
    catalog.set_plan(org, job, &plan).await?;
    note_records(catalog, &objects, &counts).await?;
    Ok(plan)
}

/// What the next plan compares its counts with.
async fn note_records(
    catalog: &Catalog,
    objects: &[ObjectItem],
    counts: &BTreeMap<ObjectName, u64>,
) -> Result<(), Failure> {
    for item in objects {
        let records = counts.get(&item.object).copied();
        if let Some(records) = records.filter(|_| records != item.records) {
            catalog
                .put_object_records(&item.org, &item.object, records)
                .await?;
        }
    }
    Ok(())
}

fn count<N: TryInto<u32>>(number: N) -> Result<u32, Failure> {
    number.try_into().map_err(|_| {
        Failure::new(
            ErrorCode::Internal,
            "plan has more blocks than can be counted",
        )
    })
}

fn state(
    object: &ObjectItem,
    counts: &BTreeMap<ObjectName, u64>,
    oldest: &BTreeMap<ObjectName, Stamp>,
    kind: JobKind,
) -> Option<ObjectState> {
    let facts = object.facts.as_ref()?;
    let records = counts.get(&object.object).copied();
    Some(ObjectState {
        object: object.object.clone(),
        schema: facts.schema.clone()?,
        has_cursor: object.cursor_field().is_some(),
        coverage: object.coverage.clone(),
        rows_expected: records.unwrap_or(0),
        oldest: oldest.get(&object.object).copied(),
        refresh: refresh::left(object),
        sweep: Protection::Sweep.is_on()
            && (kind == JobKind::Sync || object.sweep_due || has_dropped(object.records, records)),
    })
}

/// An object whose every reading asks for the children of all parents.
fn is_read_less_often(object: &ObjectItem, settings: &Settings, now: Stamp) -> bool {
    let transport = object.facts.as_ref().map(|facts| &facts.transport);
    let head = object.coverage.head();
    let wanted = object.sweep_due || object.last_exception.is_some();
    transport == Some(&Transport::ByParent)
        && head.is_some_and(|head| now < head.plus_seconds(settings.quiet_poll_seconds))
        && !wanted
}

/// Whether so many records went since the last plan that somebody deleted many, or the log may not tell of all.
fn has_dropped(before: Option<u64>, now: Option<u64>) -> bool {
    let (Some(before), Some(now)) = (before, now) else {
        return false;
    };
    let dropped = before.saturating_sub(now);
    dropped > 0 && dropped >= before / DROP_PER_SWEEP
}
