//! The Bulk 2.0 ingest resources.
//!
//! Source: Bulk API 2.0 Developer Guide, Ingest; error texts as clients report them.

pub(crate) mod create;
mod results;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::error::{ApiError, json_body};
use crate::{
    bulk::{
        ingest::{IngestJob, State as JobState},
        run,
    },
    id,
    org::Org,
};

/// Jobs in one page of the list.
const JOBS_MAX: usize = 1_000;
/// Longest upload: 150 MB after encoding as Base64 (Bulk API 2.0 Developer Guide, Upload Job Data).
pub(crate) const UPLOAD_BYTES_MAX: usize = 150 * 1024 * 1024 / 4 * 3;

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/jobs/ingest";
    Router::new()
        .route(root, post(create::create).get(list))
        .route(
            &format!("{root}/{{id}}"),
            get(info).patch(change).delete(delete),
        )
        .route(&format!("{root}/{{id}}/batches"), put(upload))
        .route(&format!("{root}/{{id}}/{{results}}"), get(results::results))
}

/// The longest body that a path takes, where it is not the ordinary one.
pub(crate) fn body_max(path: &str) -> Option<usize> {
    (path.contains("/jobs/ingest/") && path.ends_with("/batches")).then_some(UPLOAD_BYTES_MAX)
}

/// `PUT …/jobs/ingest/{id}/batches`: once per job.
pub(crate) async fn upload(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    on_job(&org, &id, |job| {
        if job.state != JobState::Open {
            let message = format!(
                "Uploading data to a job in state {} is not allowed",
                job.state.name()
            );
            return Err(ApiError::bad("INVALIDJOBSTATE", message));
        }
        if job.upload.is_some() {
            let message = format!(
                "Found multiple contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.",
                job.id.get(..15).unwrap_or_default()
            );
            return Err(ApiError::bad("BULK_API_ERROR", message));
        }
        job.upload = Some(body);
        Ok(StatusCode::CREATED.into_response())
    })
}

/// `PATCH …/jobs/ingest/{id}` with `{"state":"UploadComplete"}` or `{"state":"Aborted"}`
pub(crate) async fn change(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    let wanted = request
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let now = org.clock.now_ms();
    let (answer, begun) = on_job(&org, &id, |job| {
        let refused = |message: &str| Err(ApiError::bad("INVALIDJOBSTATE", message));
        match (wanted, job.state) {
            ("UploadComplete", JobState::Open) => job.state = JobState::UploadComplete,
            ("UploadComplete", _) => return refused("Closing already Completed Job not allowed"),
            ("Aborted", state) if state.terminal() => {
                return refused("Aborting already Completed Job not allowed");
            }
            ("Aborted", _) => job.state = JobState::Aborted,
            _ => return Err(invalid("state", wanted)),
        }
        job.modified_ms = now;
        let begun = (job.state == JobState::UploadComplete).then(|| job.id.clone());
        Ok((body_of(&job.changed()), begun))
    })?;
    if let Some(id) = begun {
        tokio::spawn(run::run(Arc::clone(&org), id));
    }
    Ok(answer)
}

/// `GET …/jobs/ingest/{id}`
pub(crate) async fn info(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    on_job(&org, &id, |job| Ok(body_of(&job.info())))
}

/// `DELETE …/jobs/ingest/{id}`
pub(crate) async fn delete(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = on_job(&org, &id, |job| {
        let running = matches!(job.state, JobState::UploadComplete | JobState::InProgress);
        if running {
            let message = "Job has not terminated, so it cannot be deleted";
            return Err(ApiError::bad("API_ERROR", message));
        }
        Ok(job.id.clone())
    })?;
    org.ingest_jobs.lock().remove(&id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET …/jobs/ingest`
pub(crate) async fn list(
    State(org): State<Arc<Org>>,
    Path(version): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let from = match parameters.get("queryLocator") {
        None => 0,
        Some(locator) => locator
            .parse::<usize>()
            .map_err(|_| ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator"))?,
    };
    let wanted = parameters.get("jobType").map(String::as_str);
    let chunked = parameters
        .get("isPkChunkingEnabled")
        .is_some_and(|flag| flag == "true");
    if wanted.is_some_and(|kind| kind != "V2Ingest") || chunked {
        return Ok(json_body(
            &json!({"done": true, "records": [], "nextRecordsUrl": null}),
        ));
    }
    let jobs = org.ingest_jobs.lock();
    let until = (from + JOBS_MAX).min(jobs.len());
    let shown = jobs.values().rev().skip(from).take(JOBS_MAX);
    let records: Vec<Value> = shown
        .filter_map(|job| serde_json::to_value(job.listed()).ok())
        .collect();
    let done = until >= jobs.len();
    let next =
        (!done).then(|| format!("/services/data/{version}/jobs/ingest?queryLocator={until}"));
    Ok(json_body(
        &json!({"done": done, "records": records, "nextRecordsUrl": next}),
    ))
}

/// Does something with a job that the caller names by either form of its Id.
fn on_job<T>(
    org: &Org,
    given: &str,
    act: impl FnOnce(&mut IngestJob) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let id = id::parse(given).ok_or_else(ApiError::not_found)?;
    let mut jobs = org.ingest_jobs.lock();
    let job = jobs
        .get_mut(&id::long(&id))
        .ok_or_else(ApiError::not_found)?;
    act(job)
}

/// A value that a key of a request cannot have.
fn invalid(property: &str, value: &str) -> ApiError {
    let message = format!("Invalid value: '{value}' supplied for property: '{property}'");
    ApiError::bad("API_ERROR", message)
}

/// Serialised as it is, so that the keys keep their order.
fn body_of(info: &impl serde::Serialize) -> Response {
    json_body(&serde_json::to_string(info).unwrap_or_default())
}
