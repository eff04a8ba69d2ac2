//! Bulk 2.0 ingest jobs in the log: what they are, and what was uploaded. What became of their rows is in the log with
//! the rows themselves, so that a job that was interrupted goes on behind the last row that it saved.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use bytes::Bytes;

use super::{
    Parts, StateError,
    part::{Writer, read},
};
use crate::{
    bulk::{
        chunk::Outcome,
        delimiter,
        ingest::{IngestJob, State},
        line_end,
        sheet::Sheet,
    },
    org::Org,
};

const JOB: &str = "ingest-job/";
const UPLOAD: &str = "ingest-upload/";

/// Writes the jobs that changed.
pub(super) fn write(org: &Org, writer: &mut Writer<'_>) {
    let jobs = org.ingest_jobs.lock();
    for job in jobs.values() {
        if let Some(upload) = &job.upload {
            writer.put_marked(&format!("{UPLOAD}{}", job.id), 0, || upload.to_vec());
        }
        let mut hasher = DefaultHasher::new();
        (job.state.name(), job.modified_ms, job.upload.is_some()).hash(&mut hasher);
        writer.put_marked(&format!("{JOB}{}", job.id), hasher.finish(), || {
            serde_json::to_vec(job).unwrap_or_default()
        });
    }
    let names: HashSet<String> = jobs.keys().cloned().collect();
    writer.end_missing(JOB, &names);
    writer.end_missing(UPLOAD, &names);
}

/// Takes a job over, when `name` names one.
pub(super) fn take(org: &Org, name: &str, parts: &Parts) -> Result<(), StateError> {
    let value = parts.get(name).map_or(&[][..], Vec::as_slice);
    let Some(id) = name.strip_prefix(JOB) else {
        return Ok(());
    };
    let mut job: IngestJob = read(value)?;
    let upload = parts.get(&format!("{UPLOAD}{id}"));
    job.upload = upload.map(|upload| Bytes::copy_from_slice(upload));
    let outcomes = outcomes(org, id)?;
    job.failures = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Failed(_)))
        .count();
    job.outcomes = Arc::new(outcomes);
    if let Some(upload) = job.upload.clone().filter(|_| begun(job.state)) {
        let delimiter = delimiter(&job.delimiter).unwrap_or(b',');
        // A file that cannot be read has failed the job before.
        let sheet = Sheet::read(upload, delimiter, line_end(&job.line_ending));
        job.sheet = sheet.ok().map(Arc::new);
    }
    org.ingest_jobs.lock().insert(id.to_owned(), job);
    Ok(())
}

/// What became of the rows of a job or a batch, as far as it came.
pub(super) fn outcomes(org: &Org, id: &str) -> Result<Vec<Outcome>, StateError> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for chunk in org.store.write().take_progress(id) {
        outcomes.extend(read::<Vec<Outcome>>(&chunk)?);
    }
    Ok(outcomes)
}

const fn begun(state: State) -> bool {
    !matches!(state, State::Open | State::UploadComplete)
}
