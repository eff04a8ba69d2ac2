//! Jobs of Bulk API 1.0.
//!
//! Source: Bulk API Developer Guide, Create a New Job, Close a Job, Abort a Job, PK Chunking Header.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use serde_json::Value;

use super::{Refusal, Reply, admit, answer, on_job, reply::wants_json};
use crate::{
    api::{
        ingest::create::{find, key_of},
        job::job_id,
    },
    bulk::{
        Operation,
        classic::{BatchState, ClassicJob, Content, JobState, Task},
    },
    org::Org,
    soap::Element,
};

/// Records per chunk when the header does not say.
const CHUNK_SIZE: usize = 100_000;
/// Records per chunk at most.
const CHUNK_SIZE_MAX: usize = 250_000;

/// What a job is made or changed with, from JSON or XML.
#[derive(Debug, Default)]
struct Request {
    operation: Option<String>,
    object: Option<String>,
    key: Option<String>,
    content: Option<String>,
    concurrency: Option<String>,
    state: Option<String>,
}

impl Request {
    fn read(json: bool, body: &[u8]) -> Result<Self, Refusal> {
        if json {
            let value: Value =
                serde_json::from_slice(body).map_err(|_| unparsable("InvalidJob"))?;
            // Wrapped by some clients.
            let value = value.get("jobInfo").unwrap_or(&value);
            // Enumerations may come by number.
            let text = |name: &str| match value.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            return Ok(Self::of(text));
        }
        let document = Element::parse(body).map_err(|_| unparsable("InvalidXML"))?;
        Ok(Self::of(|name| document.value(name).map(str::to_owned)))
    }

    fn of(text: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            operation: text("operation"),
            object: text("object"),
            key: text("externalIdFieldName"),
            content: text("contentType"),
            concurrency: text("concurrencyMode"),
            state: text("state"),
        }
    }
}

fn unparsable(code: &'static str) -> Refusal {
    Refusal::new(code, "Unable to parse Job")
}

/// `POST /services/async/{version}/job`
pub(super) async fn create(
    State(org): State<Arc<Org>>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, || {
        let (caller, number) = admit(&org, &version, &headers)?;
        let request = Request::read(wants_json(&headers), &body)?;
        let task = request.operation.as_deref().and_then(Task::named);
        let task = task.ok_or_else(|| unparsable("InvalidJob"))?;
        let content = match request.content.as_deref() {
            None | Some("CSV") => Content::Csv,
            Some("JSON") => Content::Json,
            Some(other) => {
                let message = format!("Unsupported content type: {other}");
                return Err(Refusal::new("InvalidJob", message));
            }
        };
        let name = request.object.unwrap_or_default();
        let operation = match task {
            Task::Load(operation) => Some(operation),
            Task::Query { .. } => None,
        };
        let (object, declaration) = find(&org, &name, operation)
            .map_err(|refusal| Refusal::new(refusal.code, refusal.message))?;
        let key = match task {
            Task::Load(Operation::Upsert) => {
                let key = key_of(declaration, request.key.as_deref());
                Some(key.map_err(|message| Refusal::new("InvalidJob", message))?)
            }
            _ => None,
        };
        let now = org.clock.now_ms();
        let job = ClassicJob {
            id: job_id(org.next_job()),
            task,
            object,
            object_name: declaration.name.clone(),
            key,
            concurrency: match request.concurrency.as_deref() {
                Some("Serial" | "1") => "Serial",
                _ => "Parallel",
            },
            content,
            version: number,
            caller,
            created_ms: now,
            modified_ms: now,
            state: JobState::Open,
            chunk_size: operation.is_none().then(|| chunk_size(&headers)).flatten(),
            batches: Vec::new(),
        };
        let info = job.info();
        let path = format!("/services/async/{version}/job/{}", job.id);
        org.classic_jobs.lock().insert(job.id.clone(), job);
        Ok(Reply::Made(path, "jobInfo", info))
    })
}

/// `GET /services/async/{version}/job/{id}`
pub(super) async fn info(
    State(org): State<Arc<Org>>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    answer(&headers, || {
        admit(&org, &version, &headers)?;
        on_job(&org, &id, |job| Ok(Reply::Info("jobInfo", job.info())))
    })
}

/// `POST /services/async/{version}/job/{id}` with the state `Closed` or `Aborted`
pub(super) async fn change(
    State(org): State<Arc<Org>>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, || {
        admit(&org, &version, &headers)?;
        let request = Request::read(wants_json(&headers), &body)?;
        let wanted = match request.state.as_deref() {
            Some("Closed") => JobState::Closed,
            Some("Aborted") => JobState::Aborted,
            _ => return Err(unparsable("InvalidJob")),
        };
        let now = org.clock.now_ms();
        on_job(&org, &id, |job| {
            if job.state == JobState::Aborted {
                let message = "Changing the state of an aborted job is not allowed";
                return Err(Refusal::new("InvalidJobState", message));
            }
            job.state = wanted;
            job.modified_ms = now;
            if wanted == JobState::Aborted {
                let queued = |state| state == BatchState::Queued || state == BatchState::InProgress;
                for batch in job.batches.iter_mut().filter(|batch| queued(batch.state)) {
                    batch.state = BatchState::NotProcessed;
                    batch.modified_ms = now;
                }
            }
            Ok(Reply::Info("jobInfo", job.info()))
        })
    })
}

/// `Sforce-Enable-PKChunking: TRUE`, or `chunkSize=100000; parent=Case`
fn chunk_size(headers: &HeaderMap) -> Option<usize> {
    let options = headers.get("sforce-enable-pkchunking")?.to_str().ok()?;
    if options.trim().eq_ignore_ascii_case("false") {
        return None;
    }
    let size = options
        .split(';')
        .find_map(|option| option.trim().strip_prefix("chunkSize="))
        .and_then(|size| size.trim().parse().ok())
        .unwrap_or(CHUNK_SIZE);
    Some(size.clamp(1, CHUNK_SIZE_MAX))
}
