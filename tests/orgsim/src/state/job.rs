//! Bulk query jobs in the log: what they are, and the rows of those that are complete. A job that was at work when
//! the org ended begins again from its query.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::{
    Parts, StateError,
    part::{Writer, read},
};
use crate::{
    api::job::{Job, Saved},
    org::Org,
    store::row::{pack, unpack},
};

const JOB: &str = "query-job/";
const ROWS: &str = "query-rows/";

/// Writes the jobs that changed.
pub(super) fn write(org: &Org, writer: &mut Writer<'_>) {
    let jobs = org.jobs.lock();
    for job in jobs.values() {
        let mut hasher = DefaultHasher::new();
        (job.state.name(), job.modified_ms).hash(&mut hasher);
        let mark = hasher.finish();
        if job.state.has_rows() {
            // Rows first: a job without them would not be complete.
            writer.put_marked(&format!("{ROWS}{}", job.id), 0, || pack(&job.rows));
        }
        writer.put_marked(&format!("{JOB}{}", job.id), mark, || {
            serde_json::to_vec(&job.saved()).unwrap_or_default()
        });
    }
    let names: HashSet<String> = jobs.keys().cloned().collect();
    writer.end_missing(JOB, &names);
    writer.end_missing(ROWS, &names);
}

/// Takes a job over, when `name` names one.
pub(super) fn take(org: &Org, name: &str, parts: &Parts) -> Result<(), StateError> {
    let Some(id) = name.strip_prefix(JOB) else {
        return Ok(());
    };
    let value = parts.get(name).map_or(&[][..], Vec::as_slice);
    let saved: Saved = read(value)?;
    let rows = parts.get(&format!("{ROWS}{id}"));
    let rows = rows.map_or_else(|| Some(Vec::new()), |bytes| unpack(bytes));
    let rows = rows.ok_or(StateError::Damaged("rows of a job are not understood"))?;
    let job = Job::restored(org, saved, Arc::new(rows))
        .ok_or(StateError::Damaged("a job is not understood"))?;
    org.jobs.lock().insert(id.to_owned(), job);
    Ok(())
}
