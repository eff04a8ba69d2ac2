//! Validation rules, worked out for the record as it will be.

use std::collections::BTreeMap;

use holdfast_model::Target;

use super::facts::Facts;
use super::{Attempt, Obstacle};
use crate::formula::{Scope, Verdict};

const CODE: &str = "FIELD_CUSTOM_VALIDATION_EXCEPTION";

/// Duplicate rules look at new records; the run accepts their alerts, and cannot pass their blocks.
pub(super) fn duplicates(attempt: &Attempt<'_>, facts: &Facts) -> Vec<Obstacle> {
    let rules = facts.duplicate_rules.iter().filter(|_| attempt.is_made);
    rules
        .map(|rule| Obstacle::may("DUPLICATES_DETECTED").by(rule))
        .collect()
}

pub(super) fn obstacles(attempt: &Attempt<'_>, target: &Target, facts: &Facts) -> Vec<Obstacle> {
    let Some(rules) = &facts.rules else {
        return vec![Obstacle::may(CODE)];
    };
    if rules.rules.is_empty() {
        return Vec::new();
    }
    let types = known(attempt, target);
    let scope = Scope {
        new: attempt.after,
        old: attempt.before,
        types: &types,
        now_ms: facts.now_ms,
    };
    let found = rules.rules.iter().filter_map(|(name, formula, field)| {
        let verdict = formula
            .as_ref()
            .map_or(Verdict::Unknown, |formula| formula.verdict(scope));
        let obstacle = match verdict {
            Verdict::Fails => return None,
            Verdict::Holds if !rules.is_blurred => Obstacle::will(CODE),
            Verdict::Holds | Verdict::Unknown => Obstacle::may(CODE),
        };
        let obstacle = obstacle.by(name);
        Some(match field {
            Some(field) => obstacle.of(field),
            None => obstacle,
        })
    });
    found.collect()
}

/// What no save changes by itself.
const CONSTANT: [&str; 3] = ["Id", "CreatedDate", "CreatedById"];

/// The types of the fields whose values are known. A new record has what it is given; the rest is empty, or Salesforce's own. What
/// nobody may write follows from other fields, e.g. whether an opportunity is closed.
fn known(attempt: &Attempt<'_>, target: &Target) -> BTreeMap<String, String> {
    let fields = target.fields.iter().filter(|field| {
        let is_given = || attempt.after.contains_key(&field.name);
        if attempt.is_made {
            let is_empty = !field.defaulted_on_create || field.field_type == "boolean";
            field.createable && (is_given() || is_empty)
        } else {
            field.createable || field.updateable || CONSTANT.contains(&field.name.as_str())
        }
    });
    fields
        .map(|field| (field.name.to_ascii_lowercase(), field.field_type.clone()))
        .collect()
}
