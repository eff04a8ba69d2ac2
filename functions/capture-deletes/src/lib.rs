//! Learns which records are gone for good: hard deletes and what left the Recycle Bin, which no query shows any more.
//!
//! Salesforce's delete log is asked from where the last job's answers ended. What the vault takes for alive and the
//! log for deleted is looked up once more; what no query finds gets a tombstone.

mod tombstones;

use std::collections::BTreeMap;

use holdfast_catalog::{Calls, ObjectItem};
use holdfast_model::{
    Block, ErrorClass, ErrorCode, Failure, JobId, Lane, ObjectName, OrgName, SalesforceId, Stamp,
    Window,
};
use holdfast_runtime::{Deadline, Environment};
use holdfast_salesforce::{Client, DeleteLog, OBJECTS_PER_CALL};
use serde::{Deserialize, Serialize};

use crate::tombstones::Tombstones;

/// Calls beside those for the log: looking up what it tells, with room for repeats.
const CALLS_TO_LOOK_UP: u64 = 40;
/// The log reaches back 15 days (SOAP guide, `getDeleted()`); an hour is left for clocks and waiting.
const LOG_SECONDS_MAX: u32 = 15 * 86_400 - 3_600;
/// Salesforce cuts off the seconds of a window and refuses one that is shorter than a minute.
const MINUTE_SECONDS: u32 = 60;

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
    let item = catalog.org(&org).await?;
    let mut objects = catalog.objects(&org).await?;
    objects.retain(|object| {
        object.is_readable()
            && object.coverage.head().is_some()
            && !item.settings.exclude_objects.contains(&object.object)
    });
    let mut output = Output {
        org: org.clone(),
        job: job.clone(),
        tombstones: 0,
        incomplete: 0,
    };
    let from = item.deletes_covered.ok_or_else(|| {
        Failure::new(
            ErrorCode::Internal,
            "the plan did not say from when deletions matter",
        )
    })?;
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
                    quiet_poll_seconds: item.settings.quiet_poll_seconds,
                    output: &mut output,
                };
                work.all(&objects, from).await
            },
        )
        .await?;
    if let Some(covered) = covered {
        catalog.set_deletes_covered(&org, covered).await?;
    }
    Ok(output)
}

struct Work<'a> {
    environment: &'a Environment,
    client: &'a Client,
    org: &'a OrgName,
    job: &'a JobId,
    /// How long after the last answers it is asked again.
    quiet_poll_seconds: u32,
    output: &'a mut Output,
}

impl Work<'_> {
    /// Asks for all objects; gives the moment up to which all answers reach.
    async fn all(&mut self, objects: &[ObjectItem], from: Stamp) -> Result<Option<Stamp>, Failure> {
        // An answer is needed for its clock, which may be days ahead of the last one that this process saw.
        self.client.limits().await?;
        let now = self.client.server_time().ok_or_else(|| {
            Failure::new(
                ErrorCode::DamagedAnswer,
                "salesforce's answers have no date",
            )
        })?;
        let oldest = now.minus_seconds(LOG_SECONDS_MAX);
        let window = Window {
            from: Some(from.max(oldest)),
            until: now,
        };
        let period = self.quiet_poll_seconds.max(2 * MINUTE_SECONDS);
        if now < from.plus_seconds(period) {
            return Ok(None);
        }
        let mut covered = now;
        for some in objects.chunks(OBJECTS_PER_CALL) {
            let names: Vec<ObjectName> = some.iter().map(|object| object.object.clone()).collect();
            for (object, log) in some.iter().zip(self.logs(&names, window).await?) {
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
                        self.object(object, records, window).await?;
                        covered = covered.min(until);
                        if from < oldest {
                            self.incomplete(object, window).await?;
                        }
                    }
                }
            }
        }
        Ok(Some(covered))
    }

    /// The logs of some objects; one that cannot be read, or is too large, does not hide the others.
    async fn logs(&self, names: &[ObjectName], window: Window) -> Result<Vec<DeleteLog>, Failure> {
        let from = window.from.unwrap_or(window.until);
        match self.client.deleted(names, from, window.until).await {
            Err(failure) if failure.class() == ErrorClass::Integrity => {}
            logs => return logs,
        }
        let mut logs = Vec::new();
        for name in names {
            let one = std::slice::from_ref(name);
            match self.client.deleted(one, from, window.until).await {
                Err(failure) if failure.class() == ErrorClass::Integrity => {
                    logs.push(DeleteLog::Unreadable);
                }
                log => logs.extend(log?),
            }
        }
        Ok(logs)
    }

    /// Puts a tombstone where a record is gone and the vault does not know it.
    async fn object(
        &mut self,
        object: &ObjectItem,
        records: Vec<(SalesforceId, Stamp)>,
        window: Window,
    ) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        let block = self.block(object, window, Block::TOMBSTONES);
        let tombstones = Tombstones::open(self.environment, &block).await?;
        let mut deleted: BTreeMap<_, _> = records.into_iter().collect();
        tombstones.keep_alive(&mut deleted).await?;
        tombstones.drop_findable(self.client, &mut deleted).await?;
        self.output.tombstones += tombstones.commit(&deleted).await?;
        Ok(())
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
