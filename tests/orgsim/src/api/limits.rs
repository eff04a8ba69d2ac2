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
use crate::org::Org;

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
const UNTOUCHED: [(&str, usize); 14] = [
    ("ConcurrentAsyncGetReportInstances", 200),
    ("ConcurrentSyncReportRuns", 20),
    ("DailyAsyncApexExecutions", 250_000),
    ("DailyAsyncApexTests", 500),
    ("DailyBulkApiBatches", 15_000),
    ("DailyBulkV2QueryFileStorageMB", 976_562),
    ("DailyDeliveredPlatformEvents", 50_000),
    ("DailyWorkflowEmails", 8_040),
    ("DataStorageMB", 102_400),
    ("FileStorageMB", 1_048_576),
    ("HourlyPublishedPlatformEvents", 250_000),
    ("HourlyTimeBasedWorkflow", 1_000),
    ("MassEmail", 5_000),
    ("SingleEmail", 5_000),
];

/// `DailyBulkV2QueryJobs`.
pub(crate) const QUERY_JOBS_MAX: usize = 10_000;

/// `GET …/limits`
pub(crate) async fn limits(State(org): State<Arc<Org>>) -> Response {
    let max = org.tuning.read().daily_api_requests;
    let (used, jobs) = {
        let meter = org.meter.lock();
        (meter.used, meter.query_jobs)
    };
    let mut all: serde_json::Map<String, Value> = UNTOUCHED
        .iter()
        .map(|(name, max)| ((*name).to_owned(), json!({"Max": max, "Remaining": max})))
        .collect();
    let pair = |max: usize, used: usize| json!({"Max": max, "Remaining": max.saturating_sub(used)});
    all.insert("DailyApiRequests".to_owned(), pair(max, used));
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
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let store = org.store.read();
    let count = |at: usize, name: &str| json!({"count": store.count(at, false), "name": name});
    let queryable = |object: &crate::schema::Object| object.can('Q');
    let counts: Vec<Value> = if let Some(names) = parameters.get("sObjects") {
        names
            .split(',')
            .filter_map(|name| org.schema.find(name.trim()))
            .filter(|(_, object)| queryable(object))
            .map(|(at, object)| count(at, &object.name))
            .collect()
    } else {
        let objects = org
            .schema
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
