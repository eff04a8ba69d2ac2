//! References to what is not there, is not active, or leads in a circle.

use holdfast_model::{Phase, SalesforceId, Target, TargetField};

use super::facts::{Facts, Fate, Standing};
use super::{Attempt, Obstacle};

const GONE: &str = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY";
const IN_BIN: &str = "ENTITY_IS_DELETED";

pub(super) fn obstacles(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Vec<Obstacle> {
    let mut found = Vec::new();
    for write in attempt.writes {
        let Some(field) = target
            .field(&write.field)
            .filter(|field| field.is_reference())
        else {
            continue;
        };
        let Some(text) = write.to.as_deref().filter(|text| !text.is_empty()) else {
            continue;
        };
        let Ok(id) = SalesforceId::parse(text.as_bytes()) else {
            found.push(Obstacle::will("MALFORMED_ID").of(&field.name));
            continue;
        };
        let obstacle = if is_of_another_object(field, id, facts) {
            Some(Obstacle::will("MALFORMED_ID"))
        } else {
            obstacle(attempt.phase, field, id, facts)
        };
        found.extend(obstacle.map(|obstacle| obstacle.of(&field.name)));
    }
    found
}

/// Whether the objects with the prefix of the Id are known, and the field points to none of them.
fn is_of_another_object(field: &TargetField, id: SalesforceId, facts: &Facts) -> bool {
    let objects = id
        .as_str()
        .get(..3)
        .and_then(|prefix| facts.objects.get(prefix));
    objects.is_some_and(|objects| {
        let mut to = field.reference_to.iter();
        !objects.is_empty() && !field.reference_to.is_empty() && !to.any(|to| objects.contains(to))
    })
}

fn obstacle(
    phase: Phase,
    field: &TargetField,
    id: SalesforceId,
    facts: &Facts,
) -> Option<Obstacle> {
    match (facts.standing.get(&id)?, facts.fates.get(&id)) {
        (Standing::Live, _) => {
            let is_refused = field.name == "OwnerId"
                && facts.inactive_users.contains(&id)
                && !facts.keeps_inactive_owners;
            is_refused.then(|| Obstacle::will("INACTIVE_OWNER_OR_USER").owned_by(id))
        }
        (_, Some(Fate::Returns)) => None,
        // What is made later is pointed to in the last pass.
        (_, Some(Fate::Made)) if phase != Phase::Update => None,
        (_, Some(Fate::Made | Fate::Doubtful)) => Some(Obstacle::may(GONE)),
        (Standing::InRecycleBin, None) if facts.fates_are_incomplete => Some(Obstacle::may(IN_BIN)),
        (Standing::Gone, None) if facts.fates_are_incomplete => Some(Obstacle::may(GONE)),
        (Standing::InRecycleBin, _) => Some(Obstacle::will(IN_BIN)),
        (Standing::Gone, _) => Some(Obstacle::will(GONE)),
    }
}
