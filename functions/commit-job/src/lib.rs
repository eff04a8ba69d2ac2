//! Accounts for every block of the plan, appends the manifest, and ends the job.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::{
    BlockItem, Catalog, Counts, JobItem, JobStatus, ManifestRef, Outcome, Progress,
};
use holdfast_model::{
    Authors, Block, Changes, Coverage, Entropy, ErrorCode, Failure, IdDigest, JobId, Lane,
    ObjectName, OrgName, Signal, Stamp, Thresholds, Window,
};
use holdfast_plan::{Measured, signals};
use holdfast_runtime::{Deadline, Environment, each_planned, now};
use holdfast_vault::{Addition, Manifest, ManifestEntry, ObjectAddition, Vault, WindowException};
use serde::{Deserialize, Serialize};

/// Blocks asked for at once; the catalog answers a hundred items per call.
const BLOCKS_AT_ONCE: usize = 100;
/// Failed jobs in a row whose blocks are taken in; more than a month of daily ones.
const JOBS_LOOKED_AT: u16 = 40;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    org: OrgName,
    job: JobId,
}

/// What the job did.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    status: JobStatus,
    #[serde(flatten)]
    counts: Counts,
}

/// A repeat finds its own manifest and its own ended job.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    let item = catalog.job(&org, &job).await?;
    let ended = if item.status == JobStatus::Running {
        commit(environment, &org, &job).await?
    } else {
        item
    };
    catalog.release_lease(&org, &job).await?;
    Ok(Output {
        org,
        job,
        status: ended.status,
        counts: ended.counts,
    })
}

async fn commit(environment: &Environment, org: &OrgName, job: &JobId) -> Result<JobItem, Failure> {
    let catalog = environment.catalog();
    let vault = environment.vault(org).await?;
    // Read before the lease is looked at: the job that takes the org over appends here, and this one is refused.
    let end = vault.latest_manifest().await?;
    catalog.assert_lease(org, job).await?;
    let newest = catalog.jobs(org, JOBS_LOOKED_AT).await?;
    let mut account = Account {
        named: named_behind(&vault, end.as_ref(), known_seq(&newest), job).await?,
        ..Account::default()
    };
    for orphan in jobs_without_manifest(newest, job) {
        account.jobs.insert(orphan.clone());
        account
            .add_plan(catalog, &vault, &orphan, Whose::Orphan)
            .await?;
    }
    account.jobs.insert(job.clone());
    account.add_plan(catalog, &vault, job, Whose::Own).await?;
    let settings = catalog.org(org).await?.settings;
    account
        .add_objects(catalog, org, settings.thresholds())
        .await?;
    let calls = catalog.budget(org).await?.job;
    account.counts.api_calls = calls.api;
    account.counts.bulk_jobs = calls.bulk_jobs;
    let Account {
        objects,
        counts,
        signals,
        error,
        ..
    } = account;
    let addition = Addition {
        job: job.clone(),
        created: now(),
        objects: objects.into_values().collect(),
        blobs: Vec::new(),
        signals,
    };
    if let Some(at) = catalog
        .job(org, job)
        .await?
        .plan
        .and_then(|plan| plan.asked_all_at)
    {
        catalog.set_polled_all_at(org, at).await?;
    }
    let manifest = vault.append_manifest(end.as_ref(), addition).await?;
    let outcome = Outcome {
        status: if error.is_some() {
            JobStatus::Partial
        } else {
            JobStatus::Succeeded
        },
        finished_at: now(),
        counts: Some(counts),
        manifest: Some(ManifestRef {
            path: manifest.path,
            seq: manifest.seq,
            sha256: manifest.sha256,
        }),
        error,
    };
    catalog.finish_job(org, job, &outcome).await
}

/// Jobs since the newest manifest that failed after some of their blocks were committed. What they added can be read,
/// so a manifest must name it, and this job's is the next one.
fn jobs_without_manifest(newest: Vec<JobItem>, job: &JobId) -> impl Iterator<Item = JobId> {
    let failed = newest
        .into_iter()
        .filter(move |item| item.job != *job)
        .take_while(|item| item.manifest.is_none());
    failed
        .filter(|item| item.plan.is_some())
        .map(|item| item.job)
}

/// The place of the newest manifest that the catalog knows, 0 without one.
fn known_seq(newest: &[JobItem]) -> u64 {
    let mut known = newest.iter().filter_map(|item| item.manifest.as_ref());
    known.next().map_or(0, |manifest| manifest.seq)
}

/// Paths of the segments that are named behind the newest manifest that the catalog knows: a job that was killed right
/// after it appended its manifest looks in the catalog as if it had none. What this job named itself before it was killed
/// is counted again, to the same numbers.
async fn named_behind(
    vault: &Vault,
    end: Option<&(ManifestEntry, Manifest)>,
    known: u64,
    job: &JobId,
) -> Result<BTreeSet<String>, Failure> {
    let mut named = BTreeSet::new();
    for seq in known + 1..=end.map_or(0, |(end, _)| end.seq) {
        let (_, manifest) = vault.manifest(seq).await?;
        if manifest.addition.job == *job {
            continue;
        }
        let objects = manifest.addition.objects.into_iter();
        let segments = objects.flat_map(|object| object.segments);
        named.extend(segments.map(|segment| segment.path));
    }
    Ok(named)
}

/// Whose blocks are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// This job's: counted, and what is not finished is given up.
    Own,
    /// Those of a job that failed: only what is committed, and not named yet, is taken in.
    Orphan,
}

/// What became of the blocks.
#[derive(Debug, Default)]
struct Account {
    /// Segments that manifests name already.
    named: BTreeSet<String>,
    /// This one, and those that failed before it.
    jobs: BTreeSet<JobId>,
    objects: BTreeMap<ObjectName, ObjectAddition>,
    objects_read: BTreeSet<ObjectName>,
    counts: Counts,
    signals: Vec<Signal>,
    /// The first exception.
    error: Option<Failure>,
}

impl Account {
    async fn add_plan(
        &mut self,
        catalog: &Catalog,
        vault: &Vault,
        job: &JobId,
        whose: Whose,
    ) -> Result<(), Failure> {
        each_planned(catalog, vault, job, async |line, item| {
            self.add_block(catalog, line, item, whose).await
        })
        .await?;
        self.add_unplanned(catalog, (vault.org(), job), whose).await
    }

    /// What was learned on the way is in no plan: deletions, and what could not be learned.
    async fn add_unplanned(
        &mut self,
        catalog: &Catalog,
        (org, job): (&OrgName, &JobId),
        whose: Whose,
    ) -> Result<(), Failure> {
        let block = |object: ObjectName, number| Block {
            org: org.clone(),
            job: job.clone(),
            block: number,
            part: 0,
            object,
            lane: Lane::Deletes,
            window: Window {
                from: None,
                until: Stamp::from_millis(0),
            },
            schema: String::new(),
            rows_expected: 0,
        };
        let objects = catalog.objects(org).await?;
        let possible: Vec<_> = objects
            .iter()
            .flat_map(|item| Block::UNPLANNED.map(|number| block(item.object.clone(), number)))
            .collect();
        for some in possible.chunks(BLOCKS_AT_ONCE) {
            for item in catalog.blocks(some).await?.into_iter().flatten() {
                let line = item.block().clone();
                self.add_block(catalog, &line, Some(item), whose).await?;
            }
        }
        Ok(())
    }

    async fn add_block(
        &mut self,
        catalog: &Catalog,
        line: &Block,
        item: Option<BlockItem>,
        whose: Whose,
    ) -> Result<(), Failure> {
        match (whose, item) {
            (Whose::Orphan, Some(item)) if item.is_committed() => {
                let block = item.block().clone();
                let Progress {
                    mut segments,
                    changes,
                    authors,
                    ..
                } = item.progress;
                segments.retain(|segment| !self.named.contains(&segment.path));
                // Without one it changed nothing, or all of it is told.
                if !segments.is_empty() {
                    self.counts.changes.add(changes);
                    let object = self.object(&block);
                    object.changes.add(changes);
                    object.authors.add(&authors);
                }
                self.object(&block).segments.extend(segments);
            }
            (Whose::Orphan, _) => {}
            (Whose::Own, Some(item)) if item.is_committed() || item.exception().is_some() => {
                self.add(item);
            }
            // Whoever worked on it is gone; from here on nobody can commit it.
            (Whose::Own, _) => self.add(catalog.fail_block(line, &unaccounted(line)).await?),
        }
        Ok(())
    }

    fn object(&mut self, block: &Block) -> &mut ObjectAddition {
        self.objects
            .entry(block.object.clone())
            .or_insert_with(|| ObjectAddition {
                object: block.object.clone(),
                schema: block.schema.clone(),
                coverage: Coverage::default(),
                rows_reported: 0,
                rows_received: 0,
                received: IdDigest::default(),
                recount: None,
                duplicates: 0,
                duplicate_ids: IdDigest::default(),
                changes: Changes::default(),
                authors: Authors::default(),
                text: Entropy::default(),
                text_before: Entropy::default(),
                sweep: None,
                segments: Vec::new(),
                exceptions: Vec::new(),
            })
    }

    fn add(&mut self, item: BlockItem) {
        let block = item.block().clone();
        let exception = item.exception().cloned();
        let committed = item.is_committed();
        let progress = item.progress;
        self.objects_read.insert(block.object.clone());
        self.counts.objects = self.objects_read.len() as u64;
        self.counts.bytes_received += progress.bytes_received;
        if committed {
            self.counts.blocks += 1;
            self.counts.rows_received += progress.rows_received;
            self.counts.duplicates += progress.duplicates;
            self.counts.deleted += progress.deleted;
            self.counts.changes.add(progress.changes);
            self.counts.versions_sealed += progress
                .segments
                .iter()
                .map(|segment| segment.rows)
                .sum::<u64>();
            self.counts.bytes_sealed += progress
                .segments
                .iter()
                .map(|segment| segment.bytes)
                .sum::<u64>();
            let object = self.object(&block);
            object.rows_reported += progress.rows_reported;
            object.rows_received += progress.rows_received;
            object.received.merge(progress.digest);
            if let Some(counted) = progress.rows_counted {
                let recount = object.recount.get_or_insert_default();
                recount.salesforce += counted;
                recount.received += progress.rows_received;
            }
            object.duplicates += progress.duplicates;
            object.duplicate_ids.merge(progress.duplicate_ids);
            object.changes.add(progress.changes);
            object.authors.add(&progress.authors);
            object.sweep = progress.sweep.or(object.sweep);
            object.segments.extend(progress.segments);
        }
        if let Some(failure) = exception {
            self.counts.exceptions += 1;
            self.object(&block).exceptions.push(WindowException {
                window: block.window,
                code: failure.code,
                message: failure.message.clone(),
            });
            self.error.get_or_insert(failure);
        }
    }

    /// What the catalog knows of the objects by now, and whether anything of that is a signal.
    async fn add_objects(
        &mut self,
        catalog: &Catalog,
        org: &OrgName,
        thresholds: Thresholds,
    ) -> Result<(), Failure> {
        let mut measured = Vec::new();
        for item in catalog.objects(org).await? {
            self.counts.warnings += u64::from(item.is_in_warning());
            let (mut changes, mut authors) = <(Changes, Authors)>::default();
            let mut text_before = item.text.before.then(item.text.now);
            let mut text = Entropy::default();
            if let Some(object) = self.objects.get_mut(&item.object) {
                if item.text.job.is_some_and(|job| self.jobs.contains(&job)) {
                    (text_before, text) = (item.text.before, item.text.now);
                }
                (changes, authors) = (object.changes, object.authors.clone());
                object.coverage = item.coverage;
                object.text = text;
                object.text_before = text_before;
            }
            measured.push(Measured {
                object: item.object,
                changes,
                live_before: item.live.map(|live| changes.live_before(live)),
                authors,
                text_before,
                text,
            });
        }
        self.signals = signals(&measured, thresholds);
        self.counts.signals = self.signals.len() as u64;
        Ok(())
    }
}

fn unaccounted(block: &Block) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!(
            "block `{}` of `{}` was left unfinished",
            block.block, block.object
        ),
    )
}
