//! Jobs: begun once, finished once.

use holdfast_model::{Changes, ErrorCode, Failure, JobId, OrgName, Stamp};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog,
    fault::{capped, conflict},
    keys::{Key, Range},
    record::Record,
    table::{Change, Refusal},
};

/// Jobs among which one that ended well is looked for.
const JOBS_LOOKED_AT: u16 = 40;

/// A job and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobItem {
    /// The org.
    pub org: OrgName,
    /// The job: name of its state machine execution.
    pub job: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub status: JobStatus,
    /// When it began.
    pub started_at: Stamp,
    /// When it ended.
    pub finished_at: Option<Stamp>,
    /// Its state machine execution.
    pub execution: String,
    /// The backup that captures a live side of a compare.
    #[serde(default)]
    pub capture: Option<Capture>,
    /// What it set out to do.
    pub plan: Option<PlanRef>,
    /// What it did.
    pub counts: Counts,
    /// What it added to the vault.
    pub manifest: Option<ManifestRef>,
    /// Why it failed, or the first reason why it is partial.
    pub error: Option<Failure>,
    /// How it ended otherwise, while automation is off that it switched off: until that is on again, it has failed.
    #[serde(default)]
    pub otherwise: Option<Ending>,
    /// Changes of this item.
    pub version: u64,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Captures what the org holds.
    Backup,
    /// A backup that also compares every Id with the vault.
    Sync,
    /// Finds what differs between two moments. Adds nothing to the vault that a manifest names.
    Compare,
    /// What a restore would do.
    RestorePlan,
    /// Writes what was planned.
    Restore,
}

impl JobKind {
    /// Whether such a job adds to what the vault holds of an org: those are found by time.
    pub const fn captures(self) -> bool {
        match self {
            Self::Backup | Self::Sync => true,
            Self::Compare | Self::RestorePlan | Self::Restore => false,
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Begun, not finished.
    Running,
    /// Everything was captured and proven.
    Succeeded,
    /// Something is missing, and it is known what.
    Partial,
    /// Nothing can be said about completeness.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// How a job ended, beside what it left behind in the org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Anything but running.
    pub status: JobStatus,
    /// Why.
    pub error: Option<Failure>,
}

/// A backup that another job needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Of this org.
    pub org: OrgName,
    /// The name it is started under.
    pub job: JobId,
}

/// The plan of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// Where its lines are in the bucket.
    pub key: String,
    /// Blocks in it.
    pub blocks: u32,
    /// Objects in it.
    pub objects: u32,
    /// Objects that are not in it, because nothing in them changed.
    #[serde(default)]
    pub quiet: u32,
    /// Everything before this is captured when the job has ended well, by Salesforce's clock.
    #[serde(default)]
    pub until: Option<Stamp>,
    /// When the idle objects were asked about, too. That counts when the job has read those that changed.
    #[serde(default)]
    pub asked_all_at: Option<Stamp>,
}

/// What a job did. Sums over its blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Objects with at least one block.
    pub objects: u64,
    /// Committed blocks.
    pub blocks: u64,
    /// Blocks that failed, and objects that could not be read.
    pub exceptions: u64,
    /// Rows that Salesforce sent.
    pub rows_received: u64,
    /// Versions that were new to the vault.
    pub versions_sealed: u64,
    /// Rows that the vault already held.
    pub duplicates: u64,
    /// Bytes that Salesforce sent.
    pub bytes_received: u64,
    /// Bytes that were added to the bucket.
    pub bytes_sealed: u64,
    /// Salesforce API calls of every step of the job.
    pub api_calls: u64,
    /// Bulk query jobs created.
    #[serde(default)]
    pub bulk_jobs: u64,
    /// Versions sealed that say that their record is deleted.
    pub deleted: u64,
    /// What became of records, those that failed jobs before it had captured included.
    #[serde(default)]
    pub changes: Changes,
    /// Objects of which something could not be captured for three jobs or more.
    #[serde(default)]
    pub warnings: u64,
    /// Signs of an accident or an attack.
    #[serde(default)]
    pub signals: u64,
}

/// A manifest in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRef {
    /// Where it is in the bucket.
    pub path: String,
    /// Its place in the chain.
    pub seq: u64,
    /// SHA-256 of the sealed object, hex.
    pub sha256: String,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Anything but running.
    pub status: JobStatus,
    /// When.
    pub finished_at: Stamp,
    /// What it did; nothing keeps what is there.
    pub counts: Option<Counts>,
    /// What it added to the vault.
    pub manifest: Option<ManifestRef>,
    /// Why it failed or is partial.
    pub error: Option<Failure>,
}

impl Record for JobItem {
    const NAME: &'static str = "job";

    fn key(&self) -> Key {
        Key::job(&self.org, &self.job)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }

    fn is_sound(&self) -> bool {
        (self.status == JobStatus::Running) == self.finished_at.is_none()
    }
}

/// Points from a time to the job that began then, if it captures.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct JobByTime {
    org: OrgName,
    started_at: Stamp,
    job: JobId,
    version: u64,
}

impl Record for JobByTime {
    const NAME: &'static str = "job by time";

    fn key(&self) -> Key {
        Key::job_by_time(&self.org, self.started_at, &self.job)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Catalog {
    /// Begins a job; a job that was begun before is given back as it is.
    pub async fn begin_job(
        &self,
        org: &OrgName,
        job: &JobId,
        kind: JobKind,
        execution: &str,
        at: Stamp,
    ) -> Result<JobItem, Failure> {
        if let Some(begun) = self.find_job(org, job).await? {
            return Ok(begun);
        }
        let (part, item) = self.table.put_part(JobItem {
            org: org.clone(),
            job: job.clone(),
            kind,
            status: JobStatus::Running,
            started_at: at,
            finished_at: None,
            execution: execution.to_owned(),
            capture: None,
            plan: None,
            counts: Counts::default(),
            manifest: None,
            error: None,
            otherwise: None,
            version: 0,
        })?;
        let mut parts = vec![part];
        if kind.captures() {
            let (by_time, _) = self.table.put_part(JobByTime {
                org: org.clone(),
                started_at: at,
                job: job.clone(),
                version: 0,
            })?;
            parts.push(by_time);
        }
        match self.table.transact(parts).await {
            Ok(()) => Ok(item),
            Err(Refusal::At(_)) => self.job(org, job).await,
            Err(Refusal::Failed(failure)) => Err(failure),
        }
    }

    /// The job of that name.
    ///
    /// # Errors
    /// `JOB_UNKNOWN`.
    pub async fn job(&self, org: &OrgName, job: &JobId) -> Result<JobItem, Failure> {
        let item = self.find_job(org, job).await?;
        item.ok_or_else(|| unknown(org, job))
    }

    /// The job of that name, if it was begun.
    pub async fn find_job(&self, org: &OrgName, job: &JobId) -> Result<Option<JobItem>, Failure> {
        self.table.get(Key::job(org, job)).await
    }

    /// The jobs that capture an org, newest first.
    pub async fn jobs(&self, org: &OrgName, limit: u16) -> Result<Vec<JobItem>, Failure> {
        let newest: Vec<JobByTime> = self
            .table
            .list_last(Range::jobs_by_time(org), limit)
            .await?;
        let keys: Vec<_> = newest
            .iter()
            .map(|entry| Key::job(org, &entry.job))
            .collect();
        let mut jobs = self.table.get_all(keys.clone()).await?;
        Ok(keys.iter().filter_map(|key| jobs.remove(key)).collect())
    }

    /// Everything before this is captured of an org, by Salesforce's clock, but for what its objects say themselves;
    /// nothing before its first backup.
    pub async fn captured_until(&self, org: &OrgName) -> Result<Option<Stamp>, Failure> {
        let newest = self.jobs(org, JOBS_LOOKED_AT).await?;
        let ended = newest.into_iter().filter(|job| job.manifest.is_some());
        Ok(ended.filter_map(|job| job.plan?.until).max())
    }

    /// Notes the plan of a running job. The first plan stays.
    ///
    /// # Errors
    /// `JOB_UNKNOWN`; `CATALOG_CONFLICT` when the job already has another plan.
    pub async fn set_plan(
        &self,
        org: &OrgName,
        job: &JobId,
        plan: &PlanRef,
    ) -> Result<JobItem, Failure> {
        let item = self
            .change_running(org, job, |item| JobItem {
                plan: item.plan.or_else(|| Some(plan.clone())),
                ..item
            })
            .await?;
        if item.plan.as_ref() == Some(plan) {
            Ok(item)
        } else {
            Err(conflict())
        }
    }

    /// Notes the backup that a running job waits for, before it is started.
    ///
    /// # Errors
    /// `JOB_UNKNOWN`.
    pub async fn set_capture(
        &self,
        org: &OrgName,
        job: &JobId,
        capture: &Capture,
    ) -> Result<JobItem, Failure> {
        self.change_running(org, job, |item| JobItem {
            capture: Some(capture.clone()),
            ..item
        })
        .await
    }

    /// Ends a running job. A job that has ended stays as it is and is given back.
    ///
    /// # Errors
    /// `JOB_UNKNOWN`; `INPUT_INVALID` when the outcome says that the job still runs.
    pub async fn finish_job(
        &self,
        org: &OrgName,
        job: &JobId,
        outcome: &Outcome,
    ) -> Result<JobItem, Failure> {
        if outcome.status == JobStatus::Running {
            return Err(Failure::new(
                ErrorCode::InputInvalid,
                "a job cannot end as `running`",
            ));
        }
        self.change_running(org, job, |item| JobItem {
            status: outcome.status,
            finished_at: Some(outcome.finished_at),
            counts: outcome.counts.unwrap_or(item.counts),
            manifest: outcome.manifest.clone(),
            error: outcome.error.as_ref().map(capped),
            ..item
        })
        .await
    }

    /// Notes that automation is off that the job switched off: it has failed, whatever it did otherwise. One that still runs does
    /// so no more.
    ///
    /// # Errors
    /// `JOB_UNKNOWN`.
    pub async fn note_left_off(
        &self,
        org: &OrgName,
        job: &JobId,
        failure: &Failure,
        at: Stamp,
    ) -> Result<JobItem, Failure> {
        self.change(org, job, |item| {
            let ended = || Ending {
                status: item.status,
                error: item.error.clone(),
            };
            let otherwise = match item.status {
                JobStatus::Running => Ending {
                    status: JobStatus::Failed,
                    error: Some(unended()),
                },
                _ => item.otherwise.clone().unwrap_or_else(ended),
            };
            JobItem {
                status: JobStatus::Failed,
                finished_at: item.finished_at.or(Some(at)),
                error: Some(capped(failure)),
                otherwise: Some(otherwise),
                ..item
            }
        })
        .await
    }

    /// Notes that all of it is on again: the job has ended as it did otherwise.
    ///
    /// # Errors
    /// `JOB_UNKNOWN`.
    pub async fn clear_left_off(&self, org: &OrgName, job: &JobId) -> Result<JobItem, Failure> {
        self.change(org, job, |item| match item.otherwise.clone() {
            None => item,
            Some(Ending { status, error }) => JobItem {
                status,
                error,
                otherwise: None,
                ..item
            },
        })
        .await
    }

    /// What would change nothing is not written.
    async fn change(
        &self,
        org: &OrgName,
        job: &JobId,
        change: impl Fn(JobItem) -> JobItem + Send + Sync,
    ) -> Result<JobItem, Failure> {
        self.table
            .update(Key::job(org, job), |item: Option<JobItem>| {
                let item = item.ok_or_else(|| unknown(org, job))?;
                let changed = change(item.clone());
                Ok(if changed == item {
                    Change::Keep(item)
                } else {
                    Change::Write(changed)
                })
            })
            .await
    }

    /// A job that has ended stays as it is; what would change nothing is not written.
    async fn change_running(
        &self,
        org: &OrgName,
        job: &JobId,
        change: impl Fn(JobItem) -> JobItem + Send + Sync,
    ) -> Result<JobItem, Failure> {
        self.change(org, job, |item| match item.status {
            JobStatus::Running => change(item),
            _ => item,
        })
        .await
    }
}

fn unended() -> Failure {
    Failure::new(
        ErrorCode::LeaseLost,
        "its execution ended before the job did",
    )
}

fn unknown(org: &OrgName, job: &JobId) -> Failure {
    Failure::new(
        ErrorCode::JobUnknown,
        format!("no job of this name was begun: `{org}`, `{job}`"),
    )
}
