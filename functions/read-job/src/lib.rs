//! Tells how far a job is, what it used, and what of each object is captured.

mod progress;

use std::collections::BTreeMap;

use holdfast_catalog::{BlockItem, Budget, Calls, Counts, JobItem, JobKind, JobStatus, ObjectItem};
use holdfast_model::{
    Authors, Block, Changes, ErrorCode, Failure, JobId, ObjectName, OrgName, Signal, Stamp,
};
use holdfast_runtime::{Deadline, Environment, each_planned, now};
use holdfast_vault::ObjectAddition;
use serde::{Deserialize, Serialize};

use crate::progress::{Amount, Pace};

/// Which job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    org: OrgName,
    /// The newest one, unless given.
    #[serde(default)]
    job: Option<JobId>,
}

/// How it stands.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    kind: JobKind,
    status: Status,
    started_at: Stamp,
    finished_at: Option<Stamp>,
    /// Since when it waits for the org to have calls left.
    suspended_since: Option<Stamp>,
    /// Why it failed, or the first reason why it is partial.
    error: Option<Failure>,
    /// What it did; zeros until it ended.
    counts: Counts,
    /// Signs of an accident or an attack; none until it ended.
    signals: Vec<Signal>,
    /// Of all objects together.
    #[serde(flatten)]
    amount: Amount,
    /// When it ends at the speed so far.
    estimated_end: Option<Stamp>,
    /// What of the org's limits was used by this job, if it is the newest one, and by jobs on each day (UTC).
    calls: Option<Calls>,
    calls_by_day: BTreeMap<String, Calls>,
    /// Those that it reads, in the order of reading.
    objects: Vec<ObjectProgress>,
}

/// As users see it: a job that waits is still running for the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Running,
    Suspended,
    Succeeded,
    Partial,
    Failed,
    Cancelled,
}

/// How far an object is.
#[derive(Debug, Serialize)]
struct ObjectProgress {
    object: ObjectName,
    state: ObjectState,
    #[serde(flatten)]
    amount: Amount,
    /// What became of its records; as far as it is known while the job runs.
    changes: Changes,
    /// Who changed, deleted or restored them; as far as it is known.
    authors: Authors,
    /// When this job is done with it, at its speed so far.
    estimated_end: Option<Stamp>,
    /// Everything up to here that was asked for as new is captured.
    captured_until: Option<Stamp>,
    /// Whether its history is captured from the beginning of time.
    is_complete: bool,
    /// Why something of it could not be captured, and has not been since.
    error: Option<Failure>,
    /// Jobs in a row with such an error.
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ObjectState {
    /// Nothing of it was asked for yet in this job.
    Waiting,
    /// At work.
    Reading,
    /// Captured and proven.
    Captured,
    /// Something of it could not be captured; the next job tries again.
    Exception,
    /// The same for three jobs in a row or more: somebody should look at it.
    Warning,
}

/// `JOB_UNKNOWN` when the org has no such job.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    catalog.org(&org).await?;
    let newest = catalog.jobs(&org, 1).await?.into_iter().next();
    let is_newest = |job: &JobId| newest.as_ref().is_some_and(|newest| newest.job == *job);
    let item = match job {
        Some(job) => catalog.job(&org, &job).await?,
        None => newest.clone().ok_or_else(|| {
            Failure::new(
                ErrorCode::JobUnknown,
                format!("the org has no job yet: `{org}`"),
            )
        })?,
    };
    let budget = catalog.budget(&org).await?;
    let mut read = Reading::default();
    if item.plan.is_some() {
        let vault = environment.vault(&org).await?;
        each_planned(catalog, &vault, &item.job, async |line, item| {
            read.add(line, item.as_ref());
            Ok(())
        })
        .await?;
    }
    if let Some(manifest) = &item.manifest {
        let vault = environment.vault(&org).await?;
        let (_, manifest) = vault.manifest(manifest.seq).await?;
        read.signals = manifest.addition.signals;
        for object in manifest.addition.objects {
            read.end(object);
        }
    }
    let objects = catalog.objects(&org).await?;
    Ok(output(
        item.clone(),
        &budget,
        read,
        &objects,
        is_newest(&item.job),
    ))
}

/// The blocks of a job by object, in the order of its plan.
#[derive(Debug, Default)]
struct Reading {
    order: Vec<ObjectName>,
    amounts: BTreeMap<ObjectName, Amount>,
    changes: BTreeMap<ObjectName, (Changes, Authors)>,
    signals: Vec<Signal>,
}

impl Reading {
    fn add(&mut self, line: &Block, item: Option<&BlockItem>) {
        if !self.amounts.contains_key(&line.object) {
            self.order.push(line.object.clone());
        }
        let amount = self.amounts.entry(line.object.clone()).or_default();
        amount.blocks += 1;
        // Parts share the estimate of their block.
        amount.rows_expected += if line.part == 0 {
            line.rows_expected
        } else {
            0
        };
        let Some(item) = item else {
            return;
        };
        amount.blocks_begun += 1;
        amount.blocks_done += u64::from(item.is_committed() || item.exception().is_some());
        amount.rows_received += item.progress.rows_received;
        let (changes, authors) = self.changes.entry(line.object.clone()).or_default();
        changes.add(item.progress.changes);
        authors.add(&item.progress.authors);
    }

    /// What the job says at its end counts: deletions are in no plan, and what failed jobs left is in none of its blocks.
    fn end(&mut self, told: ObjectAddition) {
        if !self.amounts.contains_key(&told.object) {
            self.order.push(told.object.clone());
        }
        self.changes
            .insert(told.object, (told.changes, told.authors));
    }
}

fn output(
    item: JobItem,
    budget: &Budget,
    read: Reading,
    objects: &[ObjectItem],
    is_newest: bool,
) -> Output {
    let running = item.status == JobStatus::Running;
    let suspended_since = budget.suspended_since.filter(|_| running && is_newest);
    let mut total = Amount::default();
    for amount in read.amounts.values() {
        total.add(*amount);
    }
    let mut pace = running.then(|| Pace::of(total, item.started_at, now()));
    let by_name: BTreeMap<_, _> = objects
        .iter()
        .map(|object| (&object.object, object))
        .collect();
    let in_order = read.order.iter().map(|name| {
        let amount = read.amounts.get(name).copied().unwrap_or_default();
        let estimated_end = pace.as_mut().and_then(|pace| pace.end_of(amount));
        let changes = read.changes.get(name).cloned().unwrap_or_default();
        let item = by_name.get(name).copied();
        object(name, amount, &changes, estimated_end, item)
    });
    let objects: Vec<_> = in_order.collect();
    Output {
        status: match item.status {
            JobStatus::Running if suspended_since.is_some() => Status::Suspended,
            JobStatus::Running => Status::Running,
            JobStatus::Succeeded => Status::Succeeded,
            JobStatus::Partial => Status::Partial,
            JobStatus::Failed => Status::Failed,
            JobStatus::Cancelled => Status::Cancelled,
        },
        estimated_end: objects
            .iter()
            .filter_map(|object| object.estimated_end)
            .max(),
        org: item.org,
        job: item.job,
        kind: item.kind,
        started_at: item.started_at,
        finished_at: item.finished_at,
        suspended_since,
        error: item.error,
        counts: item.counts,
        signals: read.signals,
        amount: total,
        calls: is_newest.then_some(budget.job),
        calls_by_day: budget.days.clone(),
        objects,
    }
}

fn object(
    name: &ObjectName,
    amount: Amount,
    (changes, authors): &(Changes, Authors),
    estimated_end: Option<Stamp>,
    item: Option<&ObjectItem>,
) -> ObjectProgress {
    let exception = item.and_then(|item| item.last_exception.as_ref());
    let state = match exception {
        Some(_) if item.is_some_and(ObjectItem::is_in_warning) => ObjectState::Warning,
        Some(_) => ObjectState::Exception,
        None if amount.is_done() => ObjectState::Captured,
        None if amount.blocks_begun > 0 => ObjectState::Reading,
        None => ObjectState::Waiting,
    };
    ObjectProgress {
        object: name.clone(),
        state,
        amount,
        changes: *changes,
        authors: authors.clone(),
        estimated_end,
        captured_until: item.and_then(|item| item.coverage.head()),
        is_complete: item.is_some_and(|item| item.coverage.is_complete()),
        error: exception.map(|exception| exception.failure.clone()),
        failures: exception.map_or(0, |exception| exception.times),
    }
}
