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
const UNTOUCHED: [(&str, usize); 65] = [
    ("AnalyticsExternalDataSizeMB", 40_960),
    ("CdpAiInferenceApiMonthlyLimit", 500_000_000),
    ("ConcurrentAsyncGetReportInstances", 200),
    ("ConcurrentEinsteinDataInsightsStoryCreation", 5),
    ("ConcurrentEinsteinDiscoveryStoryCreation", 2),
    ("ConcurrentSyncReportRuns", 20),
    ("ContentDistBandwidthLimitMB", 51_200),
    ("ContentDistViewLimit", 50_000),
    ("ContentPublicationLimit", 2_500),
    ("DailyAnalyticsDataflowJobExecutions", 60),
    ("DailyAnalyticsUploadedFilesSizeMB", 51_200),
    ("DailyApexCursorLimit", 10_000),
    ("DailyApexCursorRowsLimit", 100_000_000),
    ("DailyApexPCursorLimit", 200_000),
    ("DailyAsyncApexExecutions", 250_000),
    ("DailyAsyncApexTests", 500),
    ("DailyBulkV2QueryFileStorageMB", 976_562),
    ("DailyDeliveredPlatformEvents", 50_000),
    ("DailyDurableGenericStreamingApiEvents", 10_000),
    ("DailyDurableStreamingApiEvents", 10_000),
    ("DailyEinsteinDataInsightsStoryCreation", 1_000),
    ("DailyEinsteinDiscoveryOptimizationJobRuns", 25),
    ("DailyEinsteinDiscoveryPredictAPICalls", 50_000),
    ("DailyEinsteinDiscoveryPredictionsByCDC", 500_000),
    ("DailyEinsteinDiscoveryStoryCreation", 100),
    ("DailyFunctionsApiCallLimit", 50_000),
    ("DailyGenericStreamingApiEvents", 10_000),
    ("DailyMetadataRetrievesWithDependencies", 25),
    ("DailyServiceEmailAgentforceCalls", 5_000),
    ("DailyStandardVolumePlatformEvents", 10_000),
    ("DailyStreamingApiEvents", 10_000),
    ("DailyWorkflowEmails", 8_040),
    ("DurableStreamingApiConcurrentClients", 20),
    ("ExternalServicesActiveObjects", 3_000),
    ("ExternalServicesActiveOperations", 3_000),
    ("ExternalServicesObjectProperties", 400_000),
    ("ExternalServicesObjects", 10_000),
    ("ExternalServicesOperations", 10_000),
    ("ExternalServicesRegistrations", 700),
    ("HourlyAsyncReportRuns", 1_200),
    ("HourlyDashboardRefreshes", 200),
    ("HourlyDashboardResults", 5_000),
    ("HourlyDashboardStatuses", 999_999_999),
    ("HourlyElevateAsyncReportRuns", 1_200),
    ("HourlyElevateSyncReportRuns", 500),
    ("HourlyLongTermIdMapping", 100_000),
    ("HourlyManagedContentPublicRequests", 50_000),
    ("HourlyODataCallout", 1_000),
    ("HourlyPublishedPlatformEvents", 250_000),
    ("HourlyPublishedStandardVolumePlatformEvents", 1_000),
    ("HourlyShortTermIdMapping", 100_000),
    ("HourlySyncReportRuns", 500),
    ("HourlyTimeBasedWorkflow", 1_000),
    ("MassEmail", 5_000),
    ("MaxContentDocumentsLimit", 30_000_000),
    ("MonthlyEinsteinDiscoveryStoryCreation", 500),
    ("Package2VersionCreates", 6),
    ("Package2VersionCreatesWithoutValidation", 500),
    ("PlatformEventTriggersWithParallelProcessing", 5),
    ("PrivateConnectOutboundCalloutHourlyLimitMB", 0),
    ("PublishCallbackUsageInApex", 5_242_880),
    ("ScheduledFlowRunLimit", 250_000),
    ("ScheduledPathRunLimit", 250_000),
    ("SingleEmail", 5_000),
    ("StreamingApiConcurrentClients", 20),
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
    let mut sets = pair(1_500, 0);
    if let Some(sets) = sets.as_object_mut() {
        sets.insert("CreateCustom".to_owned(), pair(1_000, 0));
    }
    all.insert("PermissionSets".to_owned(), sets);
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
