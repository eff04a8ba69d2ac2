//! Validation rules and duplicate rules.
//!
//! Sources: SOAP API Developer Guide, Core Data Types (`FIELD_CUSTOM_VALIDATION_EXCEPTION`, `DUPLICATES_DETECTED`);
//! REST API Developer Guide, Duplicate Rule Header.

use serde_json::{Value, json};

use super::{Draft, Save, SaveError};
use crate::{
    formula::{FormulaError, Record as _},
    rules::{ObjectRules, OnDuplicate},
};

impl From<FormulaError> for SaveError {
    fn from(error: FormulaError) -> Self {
        Self::new("FORMULA_EXPRESSION_INVALID", error.0)
    }
}

impl Save<'_> {
    /// All validation rules look at the record, and all that refuse it say so.
    pub(super) fn validate(
        &mut self,
        rules: &ObjectRules,
        draft: &Draft<'_>,
    ) -> Result<(), SaveError> {
        let mut refusals = Vec::new();
        for rule in &rules.validations {
            if !self.about_draft(draft, |scope| rule.condition.holds(scope))? {
                continue;
            }
            let object = &draft.object.name;
            self.rules
                .fired
                .count("validation", object, &rule.name, "refused");
            let mut refusal =
                SaveError::new("FIELD_CUSTOM_VALIDATION_EXCEPTION", escape(&rule.message));
            refusal.fields.extend(rule.field.clone());
            refusals.push(refusal);
        }
        SaveError::together(refusals).map_or(Ok(()), Err)
    }

    /// The first duplicate rule that finds something the caller may not save.
    pub(super) fn find_duplicates(
        &mut self,
        rules: &ObjectRules,
        draft: &Draft<'_>,
    ) -> Result<(), SaveError> {
        for rule in &rules.duplicates {
            let action = match draft.before {
                None => rule.on_insert,
                Some(_) => rule.on_update,
            };
            // A change of other fields makes no duplicate.
            let about = rule.fields.iter().any(|field| draft.is_written(*field));
            if !about {
                continue;
            }
            let found = self.same(draft, &rule.fields);
            if found.is_empty() {
                continue;
            }
            let object = &draft.object.name;
            self.rules
                .fired
                .count("duplicate", object, &rule.name, "found");
            let insists = action == OnDuplicate::Alert && self.caller.allow_duplicates;
            if action == OnDuplicate::Allow || insists {
                continue;
            }
            let mut refusal = SaveError::new("DUPLICATES_DETECTED", &rule.alert);
            let records: Vec<Value> = found.iter().map(|slot| matched(draft, *slot)).collect();
            refusal.duplicates = Some(Box::new(json!({
                "allowSave": action == OnDuplicate::Alert,
                "duplicateRule": rule.name,
                "duplicateRuleEntityType": object,
                "errorMessage": rule.alert,
                "matchResults": [{
                    "entityType": object,
                    "errors": [],
                    "matchEngine": "ExactMatchEngine",
                    "matchRecords": records,
                    "rule": rule.matching_rule,
                    "size": found.len(),
                    "success": true,
                }],
            })));
            return Err(refusal);
        }
        Ok(())
    }

    /// Other live records with the same values in all of these fields.
    fn same(&mut self, draft: &Draft<'_>, fields: &[usize]) -> Vec<usize> {
        let Some((first, rest)) = fields.split_first() else {
            return Vec::new();
        };
        let Some(value) = draft.value(*first) else {
            return Vec::new();
        };
        let mut slots = self.store.with_value(draft.at, *first, value.as_bytes());
        slots.retain(|slot| {
            let other = self.store.slot(draft.at, *slot);
            let row = other
                .filter(|other| !other.deleted)
                .and_then(|other| other.row.as_ref());
            let itself = draft.before.is_some() && *slot == draft.slot;
            !itself
                && row.is_some_and(|row| {
                    rest.iter()
                        .all(|field| match (draft.value(*field), row.value(*field)) {
                            (Some(mine), Some(theirs)) => mine.eq_ignore_ascii_case(theirs),
                            _ => false,
                        })
                })
        });
        slots
    }
}

fn matched(draft: &Draft<'_>, slot: usize) -> Value {
    let id = String::from_utf8_lossy(&draft.object.mint.id(slot)).into_owned();
    let name = &draft.object.name;
    json!({
        "additionalInformation": [],
        "fieldDiffs": [],
        "matchConfidence": 100.0,
        "record": {
            "attributes": {"type": name, "url": format!("/services/data/v60.0/sobjects/{name}/{id}")},
            "Id": id,
        },
    })
}

/// Messages of validation rules arrive escaped for a page.
fn escape(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len());
    for letter in message.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
