//! Batches of Bulk API 1.0.
//!
//! Source: Bulk API Developer Guide, Add a Batch to a Job, Get Information for a Batch, Bulk API Limits.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;

use super::{
    Refusal, Reply, admit, answer, on_job,
    reply::{self, CSV, wants_json},
};
use crate::{
    api::limits::take_batch,
    bulk::{
        batch::{batch_id, run},
        classic::{Batch, BatchResult, BatchState, ClassicJob, Content, JobState, Task},
    },
    org::Org,
};

/// Longest batch.
const BATCH_BYTES_MAX: usize = 10_000_000;

/// `POST …/job/{id}/batch`
pub(super) async fn add(
    State(org): State<Arc<Org>>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut begun = None;
    let response = spoken(&org, &id, &headers, || {
        admit(&org, &version, &headers)?;
        if body.iter().all(u8::is_ascii_whitespace) {
            let message = "Unable to find any data to create batch";
            return Err(Refusal::new("ClientInputError", message));
        }
        if body.len() > BATCH_BYTES_MAX {
            let message =
                format!("Failed to read request. Exceeded max size limit of {BATCH_BYTES_MAX}");
            return Err(Refusal::new("InvalidBatch", message));
        }
        let now = org.clock.now_ms();
        on_job(&org, &id, |job| {
            if job.state != JobState::Open {
                let message = format!("Job is not open: its state is {}", job.state.name());
                return Err(Refusal::new("InvalidJobState", message));
            }
            if !take_batch(&org) {
                return Err(Refusal::new(
                    "ExceededQuota",
                    "ApiBatchItems Limit exceeded.",
                ));
            }
            let batch = Batch {
                id: batch_id(org.next_job()),
                state: BatchState::Queued,
                message: None,
                created_ms: now,
                modified_ms: now,
                request: body,
                result: BatchResult::None,
                active_ms: 0,
            };
            let info = batch.info(&job.id);
            let path = format!(
                "/services/async/{version}/job/{}/batch/{}",
                job.id, batch.id
            );
            begun = Some((job.id.clone(), batch.id.clone()));
            job.batches.push(batch);
            Ok(Reply::Made(path, "batchInfo", info))
        })
    });
    if let Some((job, batch)) = begun {
        tokio::spawn(run(Arc::clone(&org), job, batch));
    }
    response
}

/// `GET …/job/{id}/batch`
pub(super) async fn list(
    State(org): State<Arc<Org>>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    spoken(&org, &id, &headers, || {
        admit(&org, &version, &headers)?;
        on_job(&org, &id, |job| {
            let list = job.batches.iter().map(|batch| batch.info(&job.id));
            Ok(Reply::List(list.collect()))
        })
    })
}

/// `GET …/job/{id}/batch/{batch}`
pub(super) async fn info(
    State(org): State<Arc<Org>>,
    Path((version, id, batch)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    spoken(&org, &id, &headers, || {
        admit(&org, &version, &headers)?;
        on_job(&org, &id, |job| {
            let batch = find(job, &batch)?;
            Ok(Reply::Info("batchInfo", batch.info(&job.id)))
        })
    })
}

/// `GET …/job/{id}/batch/{batch}/request`
pub(super) async fn request(
    State(org): State<Arc<Org>>,
    Path((version, id, batch)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    spoken(&org, &id, &headers, || {
        admit(&org, &version, &headers)?;
        on_job(&org, &id, |job| {
            let kind = match (job.task, job.content) {
                (Task::Load(_), Content::Json) => reply::JSON,
                _ => CSV,
            };
            Ok(Reply::Raw(kind, find(job, &batch)?.request.clone()))
        })
    })
}

/// A batch that the caller names by either form of its Id.
pub(super) fn find<'j>(job: &'j ClassicJob, given: &str) -> Result<&'j Batch, Refusal> {
    let short = |id: &str| id.get(..15).map(str::to_owned);
    let wanted = short(given);
    let mut batches = job.batches.iter();
    let batch = batches.find(|batch| wanted.is_some() && short(&batch.id) == wanted);
    batch.ok_or_else(|| Refusal::new("InvalidBatch", format!("Unable to find batch: {given}")))
}

/// Batches of a job that is written in JSON are described in JSON.
pub(super) fn spoken(
    org: &Org,
    job: &str,
    headers: &HeaderMap,
    act: impl FnOnce() -> Result<Reply, Refusal>,
) -> Response {
    let json = on_job(org, job, |job| Ok(job.content == Content::Json));
    if json.unwrap_or(false) && !wants_json(headers) {
        return match act() {
            Ok(reply) => reply.response(true),
            Err(refusal) => refusal.response(true),
        };
    }
    answer(headers, act)
}
