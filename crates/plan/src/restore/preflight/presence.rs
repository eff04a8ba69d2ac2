//! Records and objects that are not where a pass needs them, or do not let themselves be written.

use holdfast_model::{Phase, SalesforceId, Target};

use super::facts::{Facts, Fate, Standing};
use super::{Attempt, Obstacle};

pub(super) fn obstacles(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Vec<Obstacle> {
    let found = match attempt.phase {
        Phase::Undelete => undelete(attempt, target, facts),
        Phase::Insert if !target.createable => {
            Some(Obstacle::will("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"))
        }
        Phase::Update | Phase::Link => change(attempt, target, facts),
        Phase::Delete => delete(attempt, target, facts),
        Phase::Insert | Phase::Verify => None,
    };
    found.into_iter().collect()
}

/// A record comes back with its masters, or when they are there.
fn undelete(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Option<Obstacle> {
    match facts.standing.get(&attempt.id)? {
        Standing::Live => return None,
        Standing::Gone => return Some(Obstacle::will("UNDELETE_FAILED")),
        Standing::InRecycleBin => {}
    }
    let masters = target
        .fields
        .iter()
        .filter(|field| field.is_reference() && !field.nillable);
    let mut missing = masters.filter_map(|field| {
        let id = attempt.after.get(&field.name)?;
        let id = SalesforceId::parse(id.as_bytes()).ok()?;
        let obstacle = match (facts.standing.get(&id)?, facts.fates.get(&id)) {
            (Standing::Live, _) | (_, Some(Fate::Returns)) => return None,
            (_, Some(Fate::Doubtful)) => Obstacle::may("UNDELETE_FAILED"),
            (_, None) if facts.fates_are_incomplete => Obstacle::may("UNDELETE_FAILED"),
            // What is made anew comes after what is undeleted, under another Id.
            _ => Obstacle::will("UNDELETE_FAILED"),
        };
        Some(obstacle.of(&field.name))
    });
    let missing = missing.next();
    if missing.is_none() && !target.undeletable && !comes_with_another(attempt, target, facts) {
        return Some(Obstacle::will("UNDELETE_FAILED"));
    }
    missing
}

/// Whether a record that it goes with comes back.
fn comes_with_another(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> bool {
    let mut fields = target.fields.iter().filter(|field| field.is_reference());
    fields.any(|field| {
        let id = attempt.after.get(&field.name);
        let id = id.and_then(|id| SalesforceId::parse(id.as_bytes()).ok());
        id.and_then(|id| facts.fates.get(&id)) == Some(&Fate::Returns)
    })
}

fn change(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Option<Obstacle> {
    if !target.updateable {
        return Some(Obstacle::will("INSUFFICIENT_ACCESS_OR_READONLY"));
    }
    if facts.locked.contains(&attempt.id) {
        return Some(Obstacle::will("ENTITY_IS_LOCKED"));
    }
    let before = attempt.before?;
    let is_converted =
        target.name.as_str() == "Lead" && before.get("IsConverted").is_some_and(|is| is == "true");
    is_converted.then(|| Obstacle::will("CANNOT_UPDATE_CONVERTED_LEAD"))
}

fn delete(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Option<Obstacle> {
    if !target.deletable {
        return Some(Obstacle::will("INSUFFICIENT_ACCESS_OR_READONLY"));
    }
    let is_kept = facts.keeping.contains(&attempt.id);
    is_kept.then(|| Obstacle::will("DELETE_FAILED"))
}
