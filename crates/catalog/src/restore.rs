//! How far the run of a restore has come, and under which Ids records were made anew.

use std::collections::BTreeMap;

use holdfast_model::{Failure, JobId, OrgName, Phase, RunCounts, SalesforceId, Stamp};
use serde::{Deserialize, Serialize};

use crate::{Catalog, keys::Key, record::Record, table::Change};

/// The run of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunItem {
    /// The org.
    pub org: OrgName,
    /// The job.
    pub job: JobId,
    /// The job that planned it.
    pub plan: JobId,
    /// How far it has come.
    pub progress: RunProgress,
    /// Changes of this item.
    pub version: u64,
}

/// The records that come next, and what became of those before them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    /// The pass; nothing when all are over.
    pub phase: Option<Phase>,
    /// Place of the object, in the order of the phase.
    pub object: usize,
    /// Page of the plan.
    pub page: u32,
    /// Batch of the page, among the records that the phase is about.
    pub batch: usize,
    /// When records were sent that may have been made since, by Salesforce's clock.
    #[serde(default)]
    pub sent_at: Option<Stamp>,
    /// What became of the records so far.
    pub counts: RunCounts,
}

impl Record for RunItem {
    const NAME: &'static str = "run of a restore";

    fn key(&self) -> Key {
        Key::run(&self.org, &self.job)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

/// Which run made records last: it may have ended before it knew all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LastRunItem {
    org: OrgName,
    job: JobId,
    version: u64,
}

impl Record for LastRunItem {
    const NAME: &'static str = "last run of a restore";

    fn key(&self) -> Key {
        Key::last_run(&self.org)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

/// What a new record is of the one whose values it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeAs {
    /// It takes its place, for good: whoever restores again must not make it twice.
    Itself,
    /// It is a copy beside it. Each job makes its own.
    Copy,
}

/// A record that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MadeItem {
    org: OrgName,
    /// The Id of then.
    id: SalesforceId,
    made_as: MadeAs,
    /// The new Id.
    made: SalesforceId,
    /// The job that made it.
    job: JobId,
    version: u64,
}

impl Record for MadeItem {
    const NAME: &'static str = "new id of a record";

    fn key(&self) -> Key {
        key(&self.org, &self.job, self.made_as, &self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Catalog {
    /// Begins the run of a job; one that was begun before is given back as it is.
    pub async fn open_run(
        &self,
        org: &OrgName,
        job: &JobId,
        plan: &JobId,
    ) -> Result<RunItem, Failure> {
        let fresh = || RunItem {
            org: org.clone(),
            job: job.clone(),
            plan: plan.clone(),
            progress: RunProgress {
                phase: Some(Phase::default()),
                ..RunProgress::default()
            },
            version: 0,
        };
        self.table
            .update(Key::run(org, job), |item| {
                Ok(item.map_or_else(|| Change::Write(fresh()), Change::Keep))
            })
            .await
    }

    /// The run of a job, if it was begun.
    pub async fn run(&self, org: &OrgName, job: &JobId) -> Result<Option<RunItem>, Failure> {
        self.table.get(Key::run(org, job)).await
    }

    /// Stores how far a run has come that nobody else changed since it was read.
    ///
    /// # Errors
    /// `CATALOG_CONFLICT` when somebody did.
    pub async fn save_run(
        &self,
        item: &RunItem,
        progress: RunProgress,
    ) -> Result<RunItem, Failure> {
        self.table
            .put(RunItem {
                progress,
                ..item.clone()
            })
            .await
    }

    /// Notes that a job makes records from here on.
    pub async fn put_last_run(&self, org: &OrgName, job: &JobId) -> Result<(), Failure> {
        let put = self.table.update(Key::last_run(org), |item| {
            let version = item.as_ref().map_or(0, LastRunItem::version);
            Ok(match item {
                Some(item) if item.job == *job => Change::Keep(item),
                _ => Change::Write(LastRunItem {
                    org: org.clone(),
                    job: job.clone(),
                    version,
                }),
            })
        });
        put.await.map(drop)
    }

    /// The job that made records last.
    pub async fn last_run(&self, org: &OrgName) -> Result<Option<JobId>, Failure> {
        let item: Option<LastRunItem> = self.table.get(Key::last_run(org)).await?;
        Ok(item.map(|item| item.job))
    }

    /// Notes under which Ids records were made; what was noted before is replaced. A repeat changes nothing.
    pub async fn put_made(
        &self,
        org: &OrgName,
        job: &JobId,
        made_as: MadeAs,
        made: &BTreeMap<SalesforceId, SalesforceId>,
    ) -> Result<(), Failure> {
        let items = made.iter().map(|(id, made)| MadeItem {
            org: org.clone(),
            id: *id,
            made_as,
            made: *made,
            job: job.clone(),
            version: 0,
        });
        self.table.put_all(items).await
    }

    /// The new Ids of those of the records that were made: by any job, and copies by this one.
    pub async fn made(
        &self,
        org: &OrgName,
        job: &JobId,
        made_as: MadeAs,
        ids: impl IntoIterator<Item = SalesforceId>,
    ) -> Result<BTreeMap<SalesforceId, SalesforceId>, Failure> {
        let keys = ids.into_iter().map(|id| key(org, job, made_as, &id));
        let found = self.table.get_all::<MadeItem>(keys).await?;
        Ok(found
            .into_values()
            .map(|item| (item.id, item.made))
            .collect())
    }
}

fn key(org: &OrgName, job: &JobId, made_as: MadeAs, id: &SalesforceId) -> Key {
    match made_as {
        MadeAs::Itself => Key::remade(org, id),
        MadeAs::Copy => Key::copy(org, job, id),
    }
}
