//! Bulk API 1.0 jobs in the log: what they are, what was sent, and the rows of queries. What became of the rows of a
//! load is in the log with the rows themselves.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use bytes::Bytes;

use super::{
    Parts, StateError,
    load::outcomes,
    part::{Writer, read},
};
use crate::{
    api::restriction::compile,
    bulk::classic::{BatchResult, ClassicJob, Task},
    org::Org,
    store::row::{pack, unpack},
};

const JOB: &str = "classic-job/";
const REQUEST: &str = "classic-request/";
const ROWS: &str = "classic-rows/";

/// Writes the jobs that changed.
pub(super) fn write(org: &Org, writer: &mut Writer<'_>) {
    let jobs = org.classic_jobs.lock();
    for job in jobs.values() {
        for batch in &job.batches {
            if !batch.request.is_empty() {
                let name = format!("{REQUEST}{}", batch.id);
                writer.put_marked(&name, 0, || batch.request.to_vec());
            }
            if let BatchResult::Rows(rows, _) = &batch.result {
                writer.put_marked(&format!("{ROWS}{}", batch.id), 0, || pack(rows));
            }
        }
        let mut hasher = DefaultHasher::new();
        (job.state.name(), job.modified_ms, job.batches.len()).hash(&mut hasher);
        for batch in &job.batches {
            (batch.state.name(), batch.modified_ms).hash(&mut hasher);
        }
        writer.put_marked(&format!("{JOB}{}", job.id), hasher.finish(), || {
            serde_json::to_vec(job).unwrap_or_default()
        });
    }
    let names: HashSet<String> = jobs.keys().cloned().collect();
    writer.end_missing(JOB, &names);
}

/// Takes a job over, when `name` names one.
pub(super) fn take(org: &Org, name: &str, parts: &Parts) -> Result<(), StateError> {
    let Some(id) = name.strip_prefix(JOB) else {
        return Ok(());
    };
    let value = parts.get(name).map_or(&[][..], Vec::as_slice);
    let mut job: ClassicJob = read(value)?;
    let part = |prefix: &str, id: &str| parts.get(&format!("{prefix}{id}"));
    for batch in &mut job.batches {
        batch.request = part(REQUEST, &batch.id)
            .map(|request| Bytes::copy_from_slice(request))
            .unwrap_or_default();
    }
    if let Task::Query { .. } = job.task {
        // The pieces of a query that its primary key cut have no text of their own.
        let first = job.batches.first();
        let first = first.map_or_else(Bytes::new, |batch| batch.request.clone());
        for batch in &mut job.batches {
            let Some(rows) = part(ROWS, &batch.id) else {
                continue;
            };
            let text = if batch.request.is_empty() {
                &first
            } else {
                &batch.request
            };
            let text = String::from_utf8_lossy(text);
            let compiled = compile(
                org,
                job.caller.renewed(org).schema(org),
                text.trim(),
                &format!("v{}.0", job.version),
                job.content,
            );
            let bound = compiled.map(|(bound, _)| bound).ok();
            let found = bound.zip(unpack(rows));
            let (bound, rows) =
                found.ok_or(StateError::Damaged("rows of a batch are not understood"))?;
            batch.result = BatchResult::Rows(Arc::new(rows), Arc::new(bound));
        }
    } else {
        for batch in &mut job.batches {
            let done = outcomes(org, &batch.id)?;
            if !done.is_empty() {
                batch.result = BatchResult::Outcomes(Arc::new(done));
            }
        }
    }
    org.classic_jobs.lock().insert(id.to_owned(), job);
    Ok(())
}
