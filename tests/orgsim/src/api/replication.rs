//! Which records changed or went within a window.
//!
//! Source: SOAP API Developer Guide, `getUpdated()`, `getDeleted()` and Polling for Changes.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    error::{ApiError, json_body},
    write::id_text,
};
use crate::{clock::rest_datetime, org::Org, save::Caller, schema::Object, store::Store};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            "/services/data/{version}/sobjects/{name}/updated",
            get(updated),
        )
        .route(
            "/services/data/{version}/sobjects/{name}/deleted",
            get(deleted),
        )
}

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// How far back the updates of a window can lie.
const UPDATED_DAYS: i64 = 30;
/// How far back the deletions of a window can lie.
const DELETED_DAYS: i64 = 15;
/// Ids of one answer.
const IDS_MAX: usize = 600_000;

/// A window in whole minutes, both ends inclusive.
struct Window {
    start_ms: i64,
    end_ms: i64,
}

/// `GET …/sobjects/{name}/updated?start=…&end=…`
pub(crate) async fn updated(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let (at, object) = replicable(&org, &caller, &name)?;
    let window = window(&org, &parameters, UPDATED_DAYS)?;
    let store = org.store.read();
    let slots = store.table(at).map_or(&[][..], |table| table.slots());
    let ids: Vec<String> = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| slot.row.is_some() && !slot.deleted && window.holds(slot.stamp_ms))
        .map(|(slot, _)| id_text(object, slot))
        .collect();
    check_size(ids.len())?;
    Ok(json_body(&json!({
        "ids": ids,
        "latestDateCovered": rest_datetime(window.covered(&org, &store)),
    })))
}

/// `GET …/sobjects/{name}/deleted?start=…&end=…`
pub(crate) async fn deleted(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let (at, object) = replicable(&org, &caller, &name)?;
    let window = window(&org, &parameters, DELETED_DAYS)?;
    let told_from = org.tuning.read().delete_log_from_ms;
    if told_from.is_some_and(|from| window.start_ms < from) {
        let message = "startDate is before the date of the last purge of the delete log";
        return Err(ApiError::bad("INVALID_REPLICATION_DATE", message));
    }
    let store = org.store.read();
    let slots = store.table(at).map_or(&[][..], |table| table.slots());
    let mut earliest = org.clock.now_ms();
    let mut records = Vec::new();
    for (slot, found) in slots.iter().enumerate() {
        let gone_ms = match &found.row {
            Some(_) if found.deleted => found.stamp_ms,
            Some(_) => continue,
            // Deleted for good; a slot that never held a record has no versions.
            None => match store.versions(at, slot).last() {
                Some(version) => version.visible_ms,
                None => continue,
            },
        };
        earliest = earliest.min(gone_ms);
        if window.holds(gone_ms) {
            records.push(json!({
                "deletedDate": rest_datetime(gone_ms),
                "id": id_text(object, slot),
            }));
        }
    }
    check_size(records.len())?;
    Ok(json_body(&json!({
        "deletedRecords": records,
        "earliestDateAvailable": rest_datetime(earliest),
        "latestDateCovered": rest_datetime(window.covered(&org, &store)),
    })))
}

impl Window {
    fn holds(&self, ms: i64) -> bool {
        self.start_ms <= ms && ms < self.end_ms + MINUTE_MS
    }

    /// Changes that began in the window and are not committed lie behind this moment.
    fn covered(&self, org: &Org, store: &Store) -> i64 {
        let now = org.clock.now_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
        let open = store.oldest_pending_ms();
        let open = open.map_or(i64::MAX, |ms| ms.div_euclid(MINUTE_MS) * MINUTE_MS);
        self.end_ms.min(now).min(open)
    }
}

fn replicable<'o>(
    org: &'o Org,
    caller: &Caller,
    name: &str,
) -> Result<(usize, &'o Object), ApiError> {
    let found = org.schema.find(name).ok_or_else(ApiError::not_found)?;
    caller
        .schema(org)
        .find(name)
        .ok_or_else(ApiError::not_found)?;
    if found.1.can('P') {
        return Ok(found);
    }
    let message = format!("sObject type {name} is not replicable");
    Err(ApiError::bad("INVALID_TYPE_FOR_OPERATION", message))
}

fn window(org: &Org, parameters: &HashMap<String, String>, days: i64) -> Result<Window, ApiError> {
    let moment = |name: &str| {
        let text = parameters.get(name).map(String::as_str).unwrap_or_default();
        let moment = text.parse::<Timestamp>().map_err(|_| {
            let message = format!("Unable to parse the {name} date: {text}");
            ApiError::bad("INVALID_FIELD", message)
        })?;
        Ok::<i64, ApiError>(moment.as_millisecond().div_euclid(MINUTE_MS) * MINUTE_MS)
    };
    let (start_ms, end_ms) = (moment("start")?, moment("end")?);
    let invalid = |message: &str| ApiError::bad("INVALID_REPLICATION_DATE", message);
    if end_ms <= start_ms {
        return Err(invalid(
            "endDate must be at least one minute greater than the startDate",
        ));
    }
    if start_ms < org.clock.now_ms() - days * DAY_MS {
        return Err(invalid(&format!(
            "startDate cannot be more than {days} days ago"
        )));
    }
    Ok(Window { start_ms, end_ms })
}

fn check_size(ids: usize) -> Result<(), ApiError> {
    if ids > IDS_MAX {
        let message = format!("The number of ids exceeds the limit of {IDS_MAX}");
        return Err(ApiError::bad("EXCEEDED_ID_LIMIT", message));
    }
    Ok(())
}
