//! Values that do not fit into their fields, and fields that do not take them (Apex guide, Triggers and Order of Execution: system
//! validation).

use holdfast_model::{Phase, Target, TargetField};
use rust_decimal::Decimal;

use super::{Attempt, Obstacle};
use crate::restore::Write;

pub(super) fn obstacles(attempt: &Attempt<'_>, target: &Target) -> Vec<Obstacle> {
    let is_new = attempt.phase == Phase::Insert;
    let mut found = Vec::new();
    for write in attempt.writes {
        match target.field(&write.field) {
            None => found.push(Obstacle::will("INVALID_FIELD").of(&write.field)),
            Some(field)
                if !(if is_new {
                    field.createable
                } else {
                    field.updateable
                }) =>
            {
                found.push(Obstacle::will("INVALID_FIELD_FOR_INSERT_UPDATE").of(&field.name));
            }
            Some(field) => found.extend(misfit(field, write)),
        }
    }
    found.extend(missing(attempt, target, is_new));
    found
}

/// Required fields without a value: all of a new record, those that are emptied of another.
fn missing(attempt: &Attempt<'_>, target: &Target, is_new: bool) -> Vec<Obstacle> {
    let missing = |field: &&TargetField| {
        let written = attempt
            .writes
            .iter()
            .find(|write| write.field == field.name);
        match written {
            Some(write) => {
                let is_empty = write.to.as_deref().is_none_or(str::is_empty);
                // A checkbox that is emptied is not ticked.
                is_empty && !field.nillable && field.field_type != "boolean"
            }
            None => is_new && field.is_required(),
        }
    };
    let fields = target.fields.iter().filter(missing);
    fields
        .map(|field| Obstacle::will("REQUIRED_FIELD_MISSING").of(&field.name))
        .collect()
}

fn misfit(field: &TargetField, write: &Write) -> Option<Obstacle> {
    let text = write.to.as_deref().filter(|text| !text.is_empty())?;
    let code = match field.field_type.as_str() {
        "int" | "long" | "double" | "currency" | "percent" => number(field, text),
        "picklist" | "multipicklist" => picklist(field, text),
        "email" if !is_address(text) => Some("INVALID_EMAIL_ADDRESS"),
        _ => None,
    };
    let is_text = !matches!(
        field.field_type.as_str(),
        "int"
            | "long"
            | "double"
            | "currency"
            | "percent"
            | "boolean"
            | "date"
            | "datetime"
            | "time"
            | "reference"
            | "id"
    );
    let length = field.length as usize;
    // The platform counts UTF-16 units.
    let is_long =
        is_text && length > 0 && text.len() > length && text.encode_utf16().count() > length;
    let code = code.or_else(|| is_long.then_some("STRING_TOO_LONG"))?;
    Some(Obstacle::will(code).of(&field.name))
}

fn picklist(field: &TargetField, text: &str) -> Option<&'static str> {
    let values = field.values.as_ref()?;
    let is_multiple = field.field_type == "multipicklist";
    let mut chosen = text.split(|letter| is_multiple && letter == ';');
    let is_bad = chosen.any(|one| !values.contains(one));
    is_bad.then_some("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
}

/// Digits before the point that do not fit, after rounding to those behind it.
fn number(field: &TargetField, text: &str) -> Option<&'static str> {
    let most = match field.field_type.as_str() {
        "int" | "long" => field.digits.max(field.precision),
        _ => field.precision.saturating_sub(field.scale),
    };
    let number: Decimal = text
        .parse()
        .ok()
        .or_else(|| Decimal::from_scientific(text).ok())?;
    let rounded = number.round_dp_with_strategy(
        field.scale,
        rust_decimal::RoundingStrategy::MidpointAwayFromZero,
    );
    let whole = rounded.abs().trunc();
    let digits = if whole.is_zero() {
        0
    } else {
        u32::try_from(whole.to_string().len()).ok()?
    };
    (most > 0 && digits > most).then_some("NUMBER_OUTSIDE_VALID_RANGE")
}

/// What no mail system takes is no address; what some do not take may be one for Salesforce.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(char::is_whitespace)
}
