//! Values that no two records may share.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{Phase, SalesforceId, Target, TargetField};

use super::facts::{Facts, Fate};
use super::{Attempt, Obstacle};

const CODE: &str = "DUPLICATE_VALUE";

/// Unique values that the plan gives to records of one object, and takes from them.
#[derive(Debug, Default)]
pub struct Claims {
    /// Who gets a value, by field and value, in the order in which they are written.
    pub gets: BTreeMap<(String, String), Vec<SalesforceId>>,
    /// Fields of records that get another value before others are made.
    pub frees: BTreeSet<(String, SalesforceId)>,
    /// Whether there were too many to be kept.
    pub are_incomplete: bool,
}

/// What tells a value of a unique field from another one.
pub fn key(field: &TargetField, text: &str) -> String {
    if field.case_sensitive {
        text.to_owned()
    } else {
        text.to_lowercase()
    }
}

pub(super) fn obstacles(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Vec<Obstacle> {
    let unique = attempt.writes.iter().filter_map(|write| {
        let field = target.field(&write.field).filter(|field| field.unique)?;
        let text = write.to.as_deref().filter(|text| !text.is_empty())?;
        let place = (field.name.clone(), key(field, text));
        let obstacle = held(attempt, &place, facts).or_else(|| claimed(attempt, &place, facts))?;
        Some(obstacle.of(&field.name))
    });
    unique.collect()
}

/// Another record has the value now, and keeps it.
fn held(attempt: &Attempt<'_>, place: &(String, String), facts: &Facts) -> Option<Obstacle> {
    let others = facts.holders.get(place)?.iter();
    let mut others = others.filter(|other| **other != attempt.id).peekable();
    others.peek()?;
    let mut frees = others.map(|other| facts.claims.frees.contains(&(place.0.clone(), *other)));
    Some(match (frees.all(|frees| frees), attempt.phase) {
        (true, Phase::Insert | Phase::Link) if !facts.claims.are_incomplete => return None,
        // Both are changed in one pass.
        (true, _) => Obstacle::may(CODE),
        (false, _) => Obstacle::will(CODE),
    })
}

/// A record before this one gets the value, too.
fn claimed(attempt: &Attempt<'_>, place: &(String, String), facts: &Facts) -> Option<Obstacle> {
    let first = facts.claims.gets.get(place)?.first()?;
    if *first == attempt.id {
        return None;
    }
    Some(match facts.fates.get(first) {
        Some(Fate::Fails | Fate::Doubtful) => Obstacle::may(CODE),
        _ => Obstacle::will(CODE),
    })
}
