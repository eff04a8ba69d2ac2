//! Learns which records are gone for good: hard deletes and what left the Recycle Bin, which no query shows any more.
//!
//! Salesforce's delete log is asked from where the last answers ended, when the job asked about all objects. What the
//! vault takes for alive and the log for deleted is looked up once more; what no query finds gets a tombstone.

mod tombstones;

use std::collections::BTreeMap;

use holdfast_catalog::{Calls, JobKind, ObjectItem};
use holdfast_model::{
    Block, ErrorClass, ErrorCode, Failure, JobId, Lane, OrgName, SalesforceId, Stamp, Window,
};
use holdfast_plan::untouched::{Untouched, untouched_name};
use holdfast_runtime::{Deadline, Environment};
use holdfast_salesforce::{Client, DELETE_WINDOW_SECONDS_MIN, DeleteLog, OBJECTS_PER_CALL};
use serde::{Deserialize, Serialize};

use crate::tombstones::Tombstones;

/// Calls beside those for the log: looking up what it tells, with room for repeats.
const CALLS_TO_LOOK_UP: u64 = 40;
/// The log reaches back 15 days (SOAP guide, `getDeleted()`); an hour is left for clocks and waiting.
const LOG_SECONDS_MAX: u32 = 15 * 86_400 - 3_600;
/// What stays unread in the Recycle Bin for longer is left to a comparison of all Ids.
const PENDING_SECONDS_MAX: u32 = 86_400;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    org: OrgName,
    job: JobId,
}

/// What was learned.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    /// Tombstones that are new to the vault.
    tombstones: u64,
    /// Objects whose log has a hole.
    incomplete: u64,
}

/// A repeat finds the tombstones that are there, and asks from the same moment until all of them are.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    catalog.assert_lease(&org, &job).await?;
    let mut output = Output {
        org: org.clone(),
        job: job.clone(),
        tombstones: 0,
        incomplete: 0,
    };
    let begun = catalog.job(&org, &job).await?;
    let asks_all = begun.plan.is_some_and(|plan| plan.asked_all_at.is_some());
    if begun.kind != JobKind::Sync && !asks_all {
        return Ok(output);
    }
    let item = catalog.org(&org).await?;
    let mut objects = catalog.objects(&org).await?;
    objects.retain(|object| {
        object.is_readable()
            && object.coverage.head().is_some()
            && !item.settings.exclude_objects.contains(&object.object)
    });
    let from = item.deletes_covered.ok_or_else(|| {
        Failure::new(
            ErrorCode::Internal,
            "the plan did not say from when deletions matter",
        )
    })?;
    let vault = environment.vault(&org).await?;
    let untouched: Untouched = vault.document(&untouched_name(&job)).await?;
    // The plan asked about those already, for as long a time.
    let readable = objects.len();
    objects.retain(|object| {
        let asked = object.coverage.head();
        let asked = asked.map(|head| head.minus_seconds(item.settings.overlap_seconds));
        !untouched.objects.contains(&object.object) || asked > Some(from)
    });
    let calls = objects.len().div_ceil(OBJECTS_PER_CALL) as u64 + CALLS_TO_LOOK_UP;
    let covered = environment
        .with_salesforce(
            &org,
            item.settings.caps(),
            Calls::api(calls),
            async |client| {
                let mut work = Work {
                    environment,
                    client,
                    org: &org,
                    job: &job,
                    output: &mut output,
                };
                work.all(&objects, from).await
            },
        )
        .await?;
    let by_plan = untouched.covered.filter(|_| objects.len() < readable);
    let covered = by_plan.into_iter().fold(covered, Stamp::min);
    catalog.set_deletes_covered(&org, covered).await?;
    Ok(output)
}

struct Work<'a> {
    environment: &'a Environment,
    client: &'a Client,
    org: &'a OrgName,
    job: &'a JobId,
    output: &'a mut Output,
}

impl Work<'_> {
    /// Asks for all objects; gives the moment up to which all answers reach.
    async fn all(&mut self, objects: &[ObjectItem], from: Stamp) -> Result<Stamp, Failure> {
        // An answer is needed for its clock, which may be days ahead of the last one that this process saw.
        self.client.limits().await?;
        let now = self.client.server_time().ok_or_else(|| {
            Failure::new(
                ErrorCode::DamagedAnswer,
                "salesforce's answers have no date",
            )
        })?;
        let oldest = now.minus_seconds(LOG_SECONDS_MAX);
        let newest = now.minus_seconds(DELETE_WINDOW_SECONDS_MIN);
        let window = Window {
            from: Some(from.clamp(oldest, newest)),
            until: now,
        };
        let mut covered = now;
        for some in objects.chunks(OBJECTS_PER_CALL) {
            for (object, log) in some.iter().zip(self.logs(some, window).await?) {
                match log {
                    // Asked again by the next job, from the same moment.
                    DeleteLog::Unreadable => {
                        self.incomplete(object, window).await?;
                        covered = covered.min(from);
                    }
                    DeleteLog::Unsupported(_) => {}
                    DeleteLog::Incomplete => self.incomplete(object, window).await?,
                    DeleteLog::Deleted {
                        records,
                        covered: until,
                    } => {
                        covered = covered.min(until);
                        if let Some(first) = self.object(object, records, window).await? {
                            covered = covered.min(self.pending(object, first, now).await?);
                        }
                        if from < oldest {
                            self.incomplete(object, window).await?;
                        }
                    }
                }
            }
        }
        Ok(covered)
    }

    /// The logs of some objects; one that cannot be read, or is too large, does not hide the others.
    async fn logs(
        &self,
        objects: &[ObjectItem],
        window: Window,
    ) -> Result<Vec<DeleteLog>, Failure> {
        let from = window.from.unwrap_or(window.until);
        let asked: Vec<_> = objects.iter().map(|item| (&item.object, from)).collect();
        match self.client.deleted(&asked, window.until).await {
            Err(failure) if failure.class() == ErrorClass::Integrity => {}
            logs => return logs,
        }
        let mut logs = Vec::new();
        for one in asked.chunks(1) {
            match self.client.deleted(one, window.until).await {
                Err(failure) if failure.class() == ErrorClass::Integrity => {
                    logs.push(DeleteLog::Unreadable);
                }
                log => logs.extend(log?),
            }
        }
        Ok(logs)
    }

    /// Puts a tombstone where a record is gone and the vault does not know it. Gives the first deletion that is left to the
    /// next job: its record is in the Recycle Bin, and was not read there.
    async fn object(
        &mut self,
        object: &ObjectItem,
        records: Vec<(SalesforceId, Stamp)>,
        window: Window,
    ) -> Result<Option<Stamp>, Failure> {
        if records.is_empty() {
            return Ok(None);
        }
        let block = self.block(object, window, Block::TOMBSTONES);
        let tombstones = Tombstones::open(self.environment, &block).await?;
        let mut deleted: BTreeMap<_, _> = records.into_iter().collect();
        tombstones.keep_alive(&mut deleted).await?;
        let pending = tombstones.drop_findable(self.client, &mut deleted).await?;
        self.output.tombstones += tombstones.commit(&deleted).await?;
        Ok(pending)
    }

    /// Up to when deletions are in the vault, as far as those go that are left to the next job.
    async fn pending(
        &self,
        object: &ObjectItem,
        first: Stamp,
        now: Stamp,
    ) -> Result<Stamp, Failure> {
        if first > now.minus_seconds(PENDING_SECONDS_MAX) {
            return Ok(first);
        }
        let catalog = self.environment.catalog();
        catalog.set_sweep_due(self.org, &object.object).await?;
        Ok(now)
    }

    /// What the log does not tell makes the job partial, with the object and the reason.
    async fn incomplete(&mut self, object: &ObjectItem, window: Window) -> Result<(), Failure> {
        self.output.incomplete += 1;
        let message = format!(
            "the delete log of `{}` does not reach back to the last job",
            object.object
        );
        let failure = Failure::new(ErrorCode::DeleteLogIncomplete, message);
        let catalog = self.environment.catalog();
        // The job is partial, and the next one compares every Id.
        catalog.set_sweep_due(self.org, &object.object).await?;
        let block = self.block(object, window, Block::LOG_HOLE);
        catalog.fail_block(&block, &failure).await?;
        Ok(())
    }

    fn block(&self, object: &ObjectItem, window: Window, number: u32) -> Block {
        let schema = object.facts.as_ref().and_then(|facts| facts.schema.clone());
        Block {
            org: self.org.clone(),
            job: self.job.clone(),
            block: number,
            part: 0,
            object: object.object.clone(),
            lane: Lane::Deletes,
            window,
            schema: schema.unwrap_or_default(),
            rows_expected: 0,
        }
    }
}
