//! What will fail of a planned restore, and why: decided before anything is written, from how the target is described, from its
//! rules, and from what is known of the records that a write refers to.
//!
//! A record is looked at as the run will write it, pass by pass. What is certain is told as [`Certainty::Will`]; what depends on
//! something that cannot be seen from here as [`Certainty::May`].

mod facts;
mod lookups;
mod presence;
mod rules;
mod tally;
mod unique;
mod values;

use std::collections::BTreeMap;

use holdfast_model::{JobId, ObjectName, Phase, SalesforceId, Target};
use serde::{Deserialize, Serialize};

use super::record::{Row, Write};
pub use facts::{Facts, Fate, Rules, Standing};
pub use tally::{Check, ObjectCheck, Tally, tallied};
pub use unique::{Claims, key};

/// How sure a prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Salesforce refuses the record, as far as everything stays as it is.
    Will,
    /// It depends on what cannot be seen without writing.
    May,
}

/// Something in the way of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Obstacle {
    /// Salesforce's code for it, e.g. `REQUIRED_FIELD_MISSING`.
    pub code: String,
    /// How sure it is.
    pub certainty: Certainty,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule that refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The inactive user that is to own the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<SalesforceId>,
}

impl Obstacle {
    /// One that is certain, about the record.
    pub fn will(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            certainty: Certainty::Will,
            field: None,
            rule: None,
            owner: None,
        }
    }

    /// One that is possible.
    pub fn may(code: &str) -> Self {
        Self {
            certainty: Certainty::May,
            ..Self::will(code)
        }
    }

    /// The same about a field.
    #[must_use]
    pub fn of(self, field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..self
        }
    }

    /// The same because of the owner.
    #[must_use]
    pub fn owned_by(self, owner: SalesforceId) -> Self {
        Self {
            owner: Some(owner),
            ..self
        }
    }

    /// The same because of a rule.
    #[must_use]
    pub fn by(self, rule: &str) -> Self {
        Self {
            rule: Some(rule.to_owned()),
            ..self
        }
    }
}

/// A record with what is in its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hindered {
    /// The record, by its Id of then.
    pub id: SalesforceId,
    /// At least one.
    pub obstacles: Vec<Obstacle>,
}

impl Hindered {
    /// Whether it surely fails.
    pub fn fails(&self) -> bool {
        let mut obstacles = self.obstacles.iter();
        obstacles.any(|one| one.certainty == Certainty::Will)
    }
}

/// The records of a page of the plan with something in their way, by Id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObstaclePage {
    /// Them.
    pub records: Vec<Hindered>,
}

impl ObstaclePage {
    /// Adds what another page has, each record and obstacle once.
    pub fn add(&mut self, other: Self) {
        let mut known: BTreeMap<_, _> = std::mem::take(&mut self.records)
            .into_iter()
            .map(|record| (record.id, record.obstacles))
            .collect();
        for record in other.records {
            let obstacles = known.entry(record.id).or_default();
            for obstacle in record.obstacles {
                if !obstacles.contains(&obstacle) {
                    obstacles.push(obstacle);
                }
            }
        }
        let records = known.into_iter();
        self.records = records
            .map(|(id, obstacles)| Hindered { id, obstacles })
            .collect();
    }
}

/// What a pass of the run does with a record.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The record, by its Id of then.
    pub id: SalesforceId,
    /// The pass.
    pub phase: Phase,
    /// What is written.
    pub writes: &'a [Write],
    /// Whether the restore makes the record: what Salesforce fills in is not known then.
    pub is_made: bool,
    /// Its values before; nothing for one that is not there yet.
    pub before: Option<&'a Row>,
    /// Its values afterwards, as far as they are known.
    pub after: &'a Row,
}

/// What is in the way of an attempt, in the order of Salesforce's own checks.
pub fn obstacles(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Vec<Obstacle> {
    let mut found = presence::obstacles(attempt, target, facts);
    if matches!(attempt.phase, Phase::Insert | Phase::Update | Phase::Link) && found.is_empty() {
        found.extend(values::obstacles(attempt, target));
        found.extend(lookups::obstacles(attempt, target, facts));
        found.extend(unique::obstacles(attempt, target, facts));
        found.extend(rules::obstacles(attempt, target, facts));
        if attempt.phase == Phase::Insert {
            found.extend(rules::duplicates(attempt, facts));
        }
    }
    found
}

/// Name of the document with the obstacles of a page of the plan; there is none where a page has none.
pub fn obstacles_name(job: &JobId, object: &ObjectName, page: u32) -> String {
    format!("restores/{job}/{object}/obstacles-{page:010}.sealed")
}

/// Name of the document with the obstacles of its lookups that wait.
pub fn links_name(job: &JobId, object: &ObjectName, page: u32) -> String {
    format!("restores/{job}/{object}/links-{page:010}.sealed")
}

/// Name of the document with what was found of an object.
pub fn object_check_name(job: &JobId, object: &ObjectName) -> String {
    format!("restores/{job}/{object}/check.sealed")
}

/// Name of the document with what was found of the org.
pub fn check_name(job: &JobId) -> String {
    format!("restores/{job}/check.sealed")
}

#[cfg(test)]
mod tests;
