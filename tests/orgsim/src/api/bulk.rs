//! The Bulk 2.0 query resources.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Extension, Path, Query, State},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use super::{
    csv::Layout,
    error::{ApiError, json_body},
    job::{self, Job, State as JobState, Trouble, job_id},
    limits::QUERY_JOBS_MAX,
    restriction::compile,
    version_number,
};
use crate::{
    bulk::classic::Content,
    control::fault::Effects,
    org::Org,
    save::Caller,
    soql::{Bound, Output, View},
    store::row::Row,
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/jobs/query";
    let pages = || get(result_pages);
    Router::new()
        .route(root, post(create).get(list))
        .route(
            &format!("{root}/{{id}}"),
            get(info).patch(abort).delete(delete),
        )
        .route(&format!("{root}/{{id}}/results"), get(results))
        .route(&format!("{root}/{{id}}/resultPages"), pages())
        .route(&format!("{root}/{{id}}/resultpages"), pages())
}

/// Links in one `resultPages` answer.
const LINKS_MAX: usize = 5;
/// Jobs in one page of the list.
const JOBS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    operation: Option<String>,
    query: Option<String>,
    content_type: Option<String>,
    column_delimiter: Option<String>,
    line_ending: Option<String>,
}

/// `POST …/jobs/query`
pub(crate) async fn create(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path(version): Path<String>,
    Extension(effects): Extension<Effects>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: Creation = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    let operation = request.operation.unwrap_or_default();
    if !matches!(operation.as_str(), "query" | "queryAll") {
        return Err(ApiError::bad(
            "INVALIDJOB",
            format!("Unsupported operation: {operation}"),
        ));
    }
    if request.content_type.is_some_and(|kind| kind != "CSV") {
        return Err(ApiError::bad(
            "INVALIDJOB",
            "Unsupported content type, use CSV",
        ));
    }
    let delimiter = request
        .column_delimiter
        .unwrap_or_else(|| "COMMA".to_owned());
    let line_ending = request.line_ending.unwrap_or_else(|| "LF".to_owned());
    let text = request.query.unwrap_or_default();
    let (bound, failure) = compile(&org, caller.schema(&org), &text, &version, Content::Csv)?;
    let layout = Arc::new(layout(&bound, &delimiter, &line_ending)?);
    let now = org.clock.now_ms();
    {
        let mut meter = org.meter.lock();
        if !meter.query_jobs.take(now, QUERY_JOBS_MAX) {
            let message =
                format!("Max bulk v2 query jobs ({QUERY_JOBS_MAX}) per 24 hrs has been reached");
            return Err(ApiError::bad("LIMIT_EXCEEDED", message));
        }
    }
    let job = {
        let mut jobs = org.jobs.lock();
        let job = Job {
            id: job_id(org.next_job()),
            query: text,
            object: org
                .schema
                .object(bound.object)
                .map(|o| o.name.clone())
                .unwrap_or_default(),
            version: version_number(&version).unwrap_or(0),
            state: JobState::UploadComplete,
            created_ms: now,
            modified_ms: now,
            error: None,
            rows: Arc::default(),
            layout,
            operation,
            delimiter,
            line_ending,
        };
        jobs.insert(job.id.clone(), job.clone());
        job
    };
    let failure = effects.fail_bulk_job.clone().or(failure);
    let all = job.operation == "queryAll";
    tokio::spawn(job::run(
        Arc::clone(&org),
        job.id.clone(),
        bound,
        all,
        Trouble {
            failure,
            lost_rows: effects.lose_rows,
            effects,
        },
    ));
    Ok(json_body(&job.created(&org.user_id())))
}

/// How a job prints its rows.
pub(crate) fn layout(
    bound: &Bound,
    delimiter: &str,
    line_ending: &str,
) -> Result<Layout, ApiError> {
    let delimiter_byte = match delimiter {
        "BACKQUOTE" => b'`',
        "CARET" => b'^',
        "COMMA" => b',',
        "PIPE" => b'|',
        "SEMICOLON" => b';',
        "TAB" => b'\t',
        other => {
            return Err(ApiError::bad(
                "INVALIDJOB",
                format!("Unsupported column delimiter: {other}"),
            ));
        }
    };
    let line_end: &[u8] = match line_ending {
        "LF" => b"\n",
        "CRLF" => b"\r\n",
        other => {
            return Err(ApiError::bad(
                "INVALIDJOB",
                format!("Unsupported line ending: {other}"),
            ));
        }
    };
    let Output::Rows(columns) = &bound.output else {
        return Err(ApiError::bad(
            "FEATURENOTENABLED",
            "Aggregate queries are not supported in Bulk Query",
        ));
    };
    Ok(Layout::new(columns, delimiter_byte, line_end))
}

/// `GET …/jobs/query`
pub(crate) async fn list(State(org): State<Arc<Org>>) -> Response {
    let user = org.user_id();
    let jobs = org.jobs.lock();
    let records: Vec<_> = jobs
        .values()
        .rev()
        .take(JOBS_MAX)
        .map(|job| {
            let mut body = job.created(&user);
            if let Some(body) = body.as_object_mut() {
                body.insert("jobType".to_owned(), json!("V2Query"));
            }
            body
        })
        .collect();
    json_body(&json!({"done": true, "records": records, "nextRecordsUrl": null}))
}

/// `GET …/jobs/query/{id}`
pub(crate) async fn info(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
    Extension(effects): Extension<Effects>,
) -> Result<Response, ApiError> {
    let job = find(&org, &id)?;
    Ok(json_body(
        &job.info(&org.user_id(), effects.wrong_count.unwrap_or(0)),
    ))
}

/// `PATCH …/jobs/query/{id}` with `{"state":"Aborted"}`
pub(crate) async fn abort(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: serde_json::Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    if request.get("state").and_then(serde_json::Value::as_str) != Some("Aborted") {
        return Err(ApiError::bad(
            "INVALIDJOBSTATE",
            "Only the state Aborted can be set",
        ));
    }
    let job = find(&org, &id)?;
    let user = org.user_id();
    let now = org.clock.now_ms();
    let mut jobs = org.jobs.lock();
    let job = jobs.get_mut(&job.id).ok_or_else(ApiError::not_found)?;
    if job.state.terminal() {
        return Err(ApiError::bad(
            "INVALIDJOBSTATE",
            "Aborting already Completed Job not allowed",
        ));
    }
    job.state = JobState::Aborted;
    job.modified_ms = now;
    Ok(json_body(&job.created(&user)))
}

/// `DELETE …/jobs/query/{id}`
pub(crate) async fn delete(
    State(org): State<Arc<Org>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let job = find(&org, &id)?;
    if !job.state.terminal() {
        return Err(ApiError::bad(
            "API_ERROR",
            "Job has not terminated, so it cannot be deleted",
        ));
    }
    org.jobs.lock().remove(&job.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET …/jobs/query/{id}/results`
pub(crate) async fn results(
    State(org): State<Arc<Org>>,
    Path((version, id)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    Extension(effects): Extension<Effects>,
) -> Result<Response, ApiError> {
    let job = complete(&org, &id, &version)?;
    let from = match parameters.get("locator") {
        None => 0,
        Some(locator) => offset_of(locator, job.rows.len())?,
    };
    let most = match parameters.get("maxRecords") {
        None => org.tuning.read().page_rows,
        Some(most) => most.parse().ok().filter(|most| *most > 0).ok_or_else(|| {
            ApiError::bad(
                "INVALIDREQUEST",
                format!("maxRecords is not a positive number: {most}"),
            )
        })?,
    };
    let until = (from + most).min(job.rows.len());
    // A page cut short by a fault still claims all its rows.
    let last = until
        .saturating_sub(effects.truncate_page_rows.unwrap_or(0))
        .max(from);
    let next = if until == job.rows.len() {
        "null".to_owned()
    } else {
        locator_of(until)
    };
    let (first, last) = if effects.repeat_page && from > 0 {
        (from.saturating_sub(until - from), from)
    } else {
        (from, last)
    };
    let mut response = Body::from_stream(page(Arc::clone(&org), &job, first, last)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    headers.insert("sforce-numberofrecords", HeaderValue::from(until - from));
    if !effects.drop_locator_header
        && let Ok(next) = HeaderValue::from_str(&next)
    {
        headers.insert("sforce-locator", next);
    }
    Ok(response)
}

/// `GET …/jobs/query/{id}/resultPages`, v58.0 and later: up to five links at a time.
pub(crate) async fn result_pages(
    State(org): State<Arc<Org>>,
    Path((version, id)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    if version_number(&version).is_none_or(|version| version < 58) {
        return Err(ApiError::not_found());
    }
    let job = complete(&org, &id, &version)?;
    let from = match parameters.get("locator") {
        None => 0,
        Some(locator) => offset_of(locator, job.rows.len())?,
    };
    let page_rows = org.tuning.read().page_rows;
    let root = format!("/services/data/{version}/jobs/query/{}", job.id);
    let starts: Vec<usize> = (from..job.rows.len().max(1))
        .step_by(page_rows)
        .take(LINKS_MAX + 1)
        .collect();
    let links: Vec<_> = starts
        .iter()
        .take(LINKS_MAX)
        .map(|start| json!({"resultUrl": format!("{root}/results?locator={}", locator_of(*start))}))
        .collect();
    let next = starts
        .get(LINKS_MAX)
        .map(|start| format!("{root}/resultPages?locator={}", locator_of(*start)));
    Ok(json_body(
        &json!({"resultPages": links, "nextRecordsUrl": next, "done": next.is_none()}),
    ))
}

/// The rows of one page, rendered piece by piece as the connection takes them.
fn page(
    org: Arc<Org>,
    job: &Job,
    from: usize,
    until: usize,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + use<> {
    let (rows, layout): (Arc<Vec<Row>>, _) = (Arc::clone(&job.rows), Arc::clone(&job.layout));
    let header = Bytes::copy_from_slice(layout.header());
    let mut next = from;
    let pieces = std::iter::from_fn(move || {
        if next >= until {
            return None;
        }
        let store = org.store.read();
        let view = View {
            schema: &org.schema,
            store: &store,
        };
        let (piece, after) = layout.piece(view, &rows, next, until);
        next = after;
        Some(Ok(piece))
    });
    stream::iter(std::iter::once(Ok(header)).chain(pieces))
}

fn find(org: &Org, id: &str) -> Result<Job, ApiError> {
    let jobs = org.jobs.lock();
    let id15 = crate::id::parse(id).ok_or_else(ApiError::not_found)?;
    jobs.get(&crate::id::long(&id15))
        .cloned()
        .ok_or_else(ApiError::not_found)
}

/// A job whose results can be read through this version of the API.
fn complete(org: &Org, id: &str, version: &str) -> Result<Job, ApiError> {
    let job = find(org, id)?;
    if version_number(version) != Some(job.version) {
        let message = format!(
            "The job was created with API version {}.0, use the same for its results",
            job.version
        );
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "INVALIDVERSION",
            message,
        ));
    }
    if job.state != JobState::JobComplete {
        let message = format!(
            "The job is in state {}, its results cannot be read",
            job.state.name()
        );
        return Err(ApiError::bad("INVALIDJOBSTATE", message));
    }
    Ok(job)
}

/// Base64 of the row offset, as in the documentation's sample. Opaque to clients.
fn locator_of(offset: usize) -> String {
    STANDARD_NO_PAD.encode(offset.to_string())
}

fn offset_of(locator: &str, rows: usize) -> Result<usize, ApiError> {
    let decoded = STANDARD_NO_PAD
        .decode(locator)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let offset = decoded.and_then(|text| text.parse::<usize>().ok());
    let offset = offset.filter(|offset| *offset == 0 || *offset < rows);
    offset.ok_or_else(|| ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator"))
}
