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
    /// Record of the page, among those that the phase concerns.
    pub row: usize,
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

/// A record that was made anew. Kept for good: whoever restores again must not make it twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RemadeItem {
    org: OrgName,
    /// Its Id of then.
    id: SalesforceId,
    /// The new one.
    remade: SalesforceId,
    /// The job that made it.
    job: JobId,
    version: u64,
}

impl Record for RemadeItem {
    const NAME: &'static str = "new id of a record";

    fn key(&self) -> Key {
        Key::remade(&self.org, &self.id)
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
    pub async fn open_run(&self, org: &OrgName, job: &JobId) -> Result<RunItem, Failure> {
        let fresh = || RunItem {
            org: org.clone(),
            job: job.clone(),
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

    /// Notes under which Ids records were made anew; what was noted before is replaced. A repeat changes nothing.
    pub async fn put_remade(
        &self,
        org: &OrgName,
        job: &JobId,
        remade: &[(SalesforceId, SalesforceId)],
    ) -> Result<(), Failure> {
        let items = remade.iter().map(|(id, remade)| RemadeItem {
            org: org.clone(),
            id: *id,
            remade: *remade,
            job: job.clone(),
            version: 0,
        });
        self.table.put_all(items).await
    }

    /// The new Ids of those of the records that were ever made anew.
    pub async fn remade(
        &self,
        org: &OrgName,
        ids: impl IntoIterator<Item = SalesforceId>,
    ) -> Result<BTreeMap<SalesforceId, SalesforceId>, Failure> {
        let keys = ids.into_iter().map(|id| Key::remade(org, &id));
        let found = self.table.get_all::<RemadeItem>(keys).await?;
        Ok(found
            .into_values()
            .map(|item| (item.id, item.remade))
            .collect())
    }
}
