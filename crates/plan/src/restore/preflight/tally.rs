//! What was found, counted.

use std::collections::BTreeMap;

use holdfast_model::{SalesforceId, Stamp};
use serde::{Deserialize, Serialize};

use super::{Certainty, Hindered, Obstacle};

/// Records that stand for the others of a count.
const EXAMPLES_MAX: usize = 2;

/// Records of one object with the same obstacle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The obstacle.
    #[serde(flatten)]
    pub obstacle: Obstacle,
    /// How many.
    pub records: u64,
    /// Some of them.
    pub examples: Vec<SalesforceId>,
}

/// What was found of an object. Stored once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectCheck {
    /// Records that will fail.
    pub will_fail: u64,
    /// Others that may.
    pub may_fail: u64,
    /// By obstacle, the certain ones first.
    pub obstacles: Vec<Tally>,
}

/// What was found of the org. Stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// By Salesforce's clock.
    pub checked_at: Stamp,
    /// Calls of the last 24 hours that are left below the cap of the org's settings.
    pub calls_left: i64,
    /// Calls that the restore takes about.
    pub calls: u64,
    /// Seconds that it takes about.
    pub seconds: u64,
    /// Data storage that is left, in MB; nothing when Salesforce does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_left_mb: Option<i64>,
    /// Data storage that new records take about, in MB, rounded up.
    pub storage_mb: u64,
}

/// Counts the obstacles of records.
pub fn tallied<'h>(records: impl IntoIterator<Item = &'h Hindered>, into: &mut ObjectCheck) {
    let mut tallies: BTreeMap<_, _> = std::mem::take(&mut into.obstacles)
        .into_iter()
        .map(|tally| (tally.obstacle, (tally.records, tally.examples)))
        .collect();
    for record in records {
        *(if record.fails() {
            &mut into.will_fail
        } else {
            &mut into.may_fail
        }) += 1;
        for obstacle in &record.obstacles {
            let (records, examples) = tallies.entry(obstacle.clone()).or_insert((0, Vec::new()));
            *records += 1;
            if examples.len() < EXAMPLES_MAX {
                examples.push(record.id);
            }
        }
    }
    let tallies = tallies.into_iter();
    into.obstacles = tallies
        .map(|(obstacle, (records, examples))| Tally {
            obstacle,
            records,
            examples,
        })
        .collect();
    into.obstacles.sort_by_key(|tally| {
        (
            tally.obstacle.certainty == Certainty::May,
            u64::MAX - tally.records,
        )
    });
}
