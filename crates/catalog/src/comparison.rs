//! How far a compare has come with each of its objects.

use holdfast_model::{Failure, JobId, ObjectName, OrgName, SalesforceId};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog,
    fault::{capped, conflict},
    keys::{Key, Range},
    record::Record,
    table::Change,
};

/// An object of a compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonItem {
    /// The org of the left side, to which the job belongs.
    pub org: OrgName,
    /// The job.
    pub job: JobId,
    /// The object.
    pub object: ObjectName,
    /// Where it stands.
    pub state: ComparisonState,
    /// How far it has come.
    pub progress: ComparisonProgress,
    /// Changes of this item.
    pub version: u64,
}

/// Where the comparison of an object stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ComparisonState {
    /// Pages are added.
    Open,
    /// All records were compared. Final.
    Done,
    /// It was given up.
    Exception {
        /// Why.
        failure: Failure,
    },
}

/// What was found so far. Records are live ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparisonProgress {
    /// The last record that the pages cover.
    pub after: Option<SalesforceId>,
    /// Pages of differences in the vault.
    pub pages: u32,
    /// The sums over what the pages cover.
    pub counts: ComparisonCounts,
}

/// Records of an object, by how they differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparisonCounts {
    /// On the left.
    pub left: u64,
    /// On the right.
    pub right: u64,
    /// On the left only.
    pub only_left: u64,
    /// On the right only.
    pub only_right: u64,
    /// On both, with different content.
    pub changed: u64,
    /// On both; only formulas, roll-ups and system fields differ.
    pub recalculated: u64,
    /// On both; only system fields differ.
    pub touched: u64,
}

impl ComparisonCounts {
    /// Adds up.
    pub fn add(&mut self, other: &Self) {
        self.left += other.left;
        self.right += other.right;
        self.only_left += other.only_left;
        self.only_right += other.only_right;
        self.changed += other.changed;
        self.recalculated += other.recalculated;
        self.touched += other.touched;
    }

    /// Records that differ in any way.
    pub fn differing(&self) -> u64 {
        self.only_left + self.only_right + self.changed + self.recalculated + self.touched
    }
}

impl Record for ComparisonItem {
    const NAME: &'static str = "comparison";

    fn key(&self) -> Key {
        Key::comparison(&self.org, &self.job, &self.object)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Catalog {
    /// Opens the comparison of an object; one that was opened before is given back as it is.
    pub async fn open_comparison(
        &self,
        org: &OrgName,
        job: &JobId,
        object: &ObjectName,
    ) -> Result<ComparisonItem, Failure> {
        let fresh = || ComparisonItem {
            org: org.clone(),
            job: job.clone(),
            object: object.clone(),
            state: ComparisonState::Open,
            progress: ComparisonProgress::default(),
            version: 0,
        };
        self.table
            .update(Key::comparison(org, job, object), |item| {
                Ok(item.map_or_else(|| Change::Write(fresh()), Change::Keep))
            })
            .await
    }

    /// The comparisons of a job that were opened, by object.
    pub async fn comparisons(
        &self,
        org: &OrgName,
        job: &JobId,
    ) -> Result<Vec<ComparisonItem>, Failure> {
        self.table.list(Range::comparisons(org, job)).await
    }

    /// Stores the progress of an open comparison that nobody else changed since it was read, and whether it is done.
    ///
    /// # Errors
    /// `CATALOG_CONFLICT` when somebody did, or it is done or given up.
    pub async fn save_comparison(
        &self,
        item: &ComparisonItem,
        progress: ComparisonProgress,
        is_done: bool,
    ) -> Result<ComparisonItem, Failure> {
        if item.state != ComparisonState::Open {
            return Err(conflict());
        }
        let state = if is_done {
            ComparisonState::Done
        } else {
            ComparisonState::Open
        };
        let item = ComparisonItem {
            state,
            progress,
            ..item.clone()
        };
        self.table.put(item).await
    }

    /// Gives up the comparison of an object, unless it is done.
    pub async fn fail_comparison(
        &self,
        org: &OrgName,
        job: &JobId,
        object: &ObjectName,
        failure: &Failure,
    ) -> Result<ComparisonItem, Failure> {
        self.open_comparison(org, job, object).await?;
        self.table
            .update(
                Key::comparison(org, job, object),
                |item: Option<ComparisonItem>| {
                    let item = item.ok_or_else(conflict)?;
                    if item.state != ComparisonState::Open {
                        return Ok(Change::Keep(item));
                    }
                    Ok(Change::Write(ComparisonItem {
                        state: ComparisonState::Exception {
                            failure: capped(failure),
                        },
                        ..item
                    }))
                },
            )
            .await
    }
}
