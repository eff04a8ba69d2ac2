//! What is in the way of a plan, with what to do about it.

use std::collections::BTreeMap;

use holdfast_model::{Failure, JobId, ObjectName, SalesforceId};
use holdfast_plan::restore::plan::PlannedRecord;
use holdfast_plan::restore::preflight::{
    Certainty, ObjectCheck, Obstacle, ObstaclePage, Tally, links_name, obstacles_name,
};
use holdfast_plan::restore::run::advice;
use holdfast_vault::Vault;
use serde::Serialize;

/// What was found of an object.
#[derive(Debug, Serialize)]
pub(crate) struct ToldCheck {
    /// Records that will fail.
    will_fail: u64,
    /// Others that may.
    may_fail: u64,
    /// Why they will.
    will: Vec<ToldTally>,
    /// Why they may, certain failures among them.
    may: Vec<ToldTally>,
}

#[derive(Debug, Serialize)]
struct ToldTally {
    #[serde(flatten)]
    tally: Tally,
    advice: &'static str,
}

/// A record of a plan with what is in its way.
#[derive(Debug, Serialize)]
pub(crate) struct ToldRecord {
    #[serde(flatten)]
    pub(crate) record: PlannedRecord,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) obstacles: Vec<ToldObstacle>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ToldObstacle {
    #[serde(flatten)]
    obstacle: Obstacle,
    advice: &'static str,
}

impl ToldCheck {
    pub(crate) fn of(check: ObjectCheck) -> Self {
        let told = |tally: Tally| ToldTally {
            advice: advice(&tally.obstacle.code),
            tally,
        };
        let tallies = check.obstacles.into_iter();
        let (will, may) =
            tallies.partition(|tally: &Tally| tally.obstacle.certainty == Certainty::Will);
        let (will, may): (Vec<_>, Vec<_>) = (will, may);
        Self {
            will_fail: check.will_fail,
            may_fail: check.may_fail,
            will: will.into_iter().map(told).collect(),
            may: may.into_iter().map(told).collect(),
        }
    }
}

/// What is in the way of the records of a page, by Id.
pub(crate) async fn of(
    vault: &Vault,
    job: &JobId,
    object: &ObjectName,
    page: u32,
) -> Result<BTreeMap<SalesforceId, Vec<ToldObstacle>>, Failure> {
    let names = [
        obstacles_name(job, object, page),
        links_name(job, object, page),
    ];
    let mut found = ObstaclePage::default();
    for name in names {
        let more = vault.find_document::<ObstaclePage>(&name).await?;
        found.add(more.unwrap_or_default());
    }
    let told = found.records.into_iter().map(|record| {
        let told = record.obstacles.into_iter().map(|obstacle| ToldObstacle {
            advice: advice(&obstacle.code),
            obstacle,
        });
        (record.id, told.collect())
    });
    Ok(told.collect())
}
