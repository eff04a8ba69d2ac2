//! Limits and record counts.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::error::json_body;
use crate::{org::Org, save::Caller};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/data/{version}/limits", get(limits))
        .route(
            "/services/data/{version}/limits/recordCount",
            get(record_count),
        )
}

/// Limits that a backup does not consume, with the values of an Enterprise Edition org.
const UNTOUCHED: [(&str, usize); 11] = [
    ("ConcurrentAsyncGetReportInstances", 200),
    ("ConcurrentSyncReportRuns", 20),
    ("DailyAsyncApexExecutions", 250_000),
    ("DailyAsyncApexTests", 500),
    ("DailyBulkV2QueryFileStorageMB", 976_562),
    ("DailyDeliveredPlatformEvents", 50_000),
    ("DailyWorkflowEmails", 8_040),
    ("HourlyPublishedPlatformEvents", 250_000),
    ("HourlyTimeBasedWorkflow", 1_000),
    ("MassEmail", 5_000),
    ("SingleEmail", 5_000),
];

/// The app that all calls are made with.
pub(crate) const APP_NAME: &str = "holdfast";

/// `DailyBulkV2QueryJobs`.
pub(crate) const QUERY_JOBS_MAX: usize = 10_000;

/// `DailyBulkApiBatches`: shared by both versions of the Bulk API.
pub(crate) const BATCHES_MAX: usize = 15_000;
/// What a load is told that has no batches left.
pub(crate) const BATCHES_EXCEEDED: &str = "ExceededQuota : ApiBatchItems Limit exceeded.";

/// Counts a batch of a load against the day's, unless none are left.
pub(crate) fn take_batch(org: &Org) -> bool {
    let max = org.tuning.read().daily_bulk_batches;
    let now_ms = org.clock.now_ms();
    org.meter.lock().bulk_batches.take(now_ms, max)
}

/// `GET …/limits`
pub(crate) async fn limits(State(org): State<Arc<Org>>) -> Response {
    let tuning = *org.tuning.read();
    let (used, jobs, batches) = {
        let now_ms = org.clock.now_ms();
        let mut meter = org.meter.lock();
        (
            meter.calls.used(now_ms),
            meter.query_jobs.used(now_ms),
            meter.bulk_batches.used(now_ms),
        )
    };
    let mut all: serde_json::Map<String, Value> = UNTOUCHED
        .iter()
        .map(|(name, max)| ((*name).to_owned(), json!({"Max": max, "Remaining": max})))
        .collect();
    let pair = |max: usize, used: usize| json!({"Max": max, "Remaining": max.saturating_sub(used)});
    let mut calls = pair(tuning.daily_api_requests, used);
    if let (Some(max), Some(calls)) = (tuning.app_api_requests, calls.as_object_mut()) {
        calls.insert(APP_NAME.to_owned(), pair(max, used));
    }
    all.insert("DailyApiRequests".to_owned(), calls);
    let (data, file) = {
        let store = org.store.read();
        store.used().left_of(store.room.unwrap_or_default())
    };
    for (name, max, left) in [
        ("DataStorageMB", tuning.data_storage_mb, data),
        ("FileStorageMB", tuning.file_storage_mb, file),
    ] {
        all.insert(name.to_owned(), json!({"Max": max, "Remaining": left}));
    }
    all.insert(
        "DailyBulkApiBatches".to_owned(),
        pair(tuning.daily_bulk_batches, batches),
    );
    all.insert(
        "DailyBulkV2QueryJobs".to_owned(),
        pair(QUERY_JOBS_MAX, jobs),
    );
    json_body(&Value::Object(all))
}

/// `GET …/limits/recordCount?sObjects=A,B`: without the Recycle Bin and the archive; unknown names
/// are dropped in silence.
pub(crate) async fn record_count(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let schema = caller.schema(&org);
    let store = org.store.read();
    let count = |at: usize, name: &str| json!({"count": store.count(at, false), "name": name});
    let queryable = |object: &crate::schema::Object| object.can('Q');
    let counts: Vec<Value> = if let Some(names) = parameters.get("sObjects") {
        names
            .split(',')
            .filter_map(|name| schema.find(name.trim()))
            .filter(|(_, object)| queryable(object))
            .map(|(at, object)| count(at, &object.name))
            .collect()
    } else {
        let objects = schema
            .objects
            .iter()
            .enumerate()
            .filter(|(_, object)| queryable(object));
        objects
            .map(|(at, object)| count(at, &object.name))
            .collect()
    };
    json_body(&json!({"sObjects": counts}))
}
