//! The work on an ingest job: chunk by chunk, so that other calls go on in between and see what is saved so far.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    BATCH_ROWS,
    chunk::{CHUNK_ROWS, Load, Outcome},
    delimiter,
    header::Header,
    ingest::{IngestJob, State},
    line_end, rows,
    sheet::Sheet,
};
use crate::{
    api::limits::{BATCHES_EXCEEDED, take_batch},
    org::Org,
    save::Caller,
};

/// What a job needs to save its rows.
struct Plan {
    sheet: Arc<Sheet>,
    /// Rows that were tried.
    done: usize,
    header: Header,
    load: Load,
    caller: Caller,
}

/// Moves a job from state to state until all rows were tried, or until somebody aborts it.
pub(crate) async fn run(org: Arc<Org>, id: String) {
    let half = org.tuning.read().bulk_delay / 2;
    tokio::time::sleep(half).await;
    if !advance(&org, &id, |job| job.state = State::InProgress) {
        return;
    }
    let held = org.bulk_faults.lock().held();
    if let Some(held) = held {
        held.passed().await;
    }
    let worker = Arc::clone(&org);
    let name = id.clone();
    let failure = tokio::task::spawn_blocking(move || work(&worker, &name)).await;
    let failure = failure
        .unwrap_or_else(|_| Err("UNKNOWN_EXCEPTION : An unexpected error occurred".to_owned()));
    tokio::time::sleep(half).await;
    advance(&org, &id, |job| match failure {
        Ok(()) => job.state = State::JobComplete,
        Err(message) => {
            job.error = Some(message);
            job.state = State::Failed;
        }
    });
}

/// Goes on with every job that the end of the org interrupted.
pub(crate) fn resume(org: &Arc<Org>) {
    let jobs = org.ingest_jobs.lock();
    let waiting = jobs
        .values()
        .filter(|job| matches!(job.state, State::UploadComplete | State::InProgress));
    for job in waiting {
        tokio::spawn(run(Arc::clone(org), job.id.clone()));
    }
}

/// Changes a job that still runs; false when there is none.
fn advance(org: &Org, id: &str, change: impl FnOnce(&mut IngestJob)) -> bool {
    let now = org.clock.now_ms();
    let mut jobs = org.ingest_jobs.lock();
    let Some(job) = jobs.get_mut(id).filter(|job| !job.state.terminal()) else {
        return false;
    };
    change(job);
    job.modified_ms = now;
    true
}

/// Saves the rows; the text says why the job fails.
fn work(org: &Org, id: &str) -> Result<(), String> {
    let Some(plan) = prepare(org, id)? else {
        return Ok(());
    };
    let ending = org.bulk_faults.lock().ending(plan.load.object);
    let mut rows_left = ending.as_ref().map_or(usize::MAX, |ending| ending.rows);
    // Behind the rows that were tried before the org ended, if it did.
    let mut from = plan.done;
    while from < plan.sheet.len() {
        if from % BATCH_ROWS == 0 && !take_batch(org) {
            return Err(BATCHES_EXCEEDED.to_owned());
        }
        let until = (from + CHUNK_ROWS.min(rows_left)).min(plan.sheet.len());
        if until == from {
            return Err(ending.map(|ending| ending.message).unwrap_or_default());
        }
        let begun = Instant::now();
        let file = (plan.sheet.as_ref(), &plan.header);
        let outcomes = rows::save(org, &plan.caller, plan.load, file, from..until, id);
        if !record(org, id, outcomes, begun.elapsed()) {
            return Ok(());
        }
        rows_left = rows_left.saturating_sub(until - from);
        from = until;
    }
    Ok(())
}

/// Reads the upload; nothing for a job that was ended meanwhile.
fn prepare(org: &Org, id: &str) -> Result<Option<Plan>, String> {
    let taken = {
        let mut jobs = org.ingest_jobs.lock();
        let Some(job) = jobs.get_mut(id).filter(|job| !job.state.terminal()) else {
            return Ok(None);
        };
        let dialect = (
            delimiter(&job.delimiter).unwrap_or(b','),
            line_end(&job.line_ending),
        );
        let load = Load {
            object: job.object,
            operation: job.operation,
            key: job.key.as_ref().map(|(number, _)| *number),
        };
        let done = job.outcomes.len();
        (
            job.upload.clone(),
            dialect,
            load,
            job.caller.renewed(org),
            done,
        )
    };
    let (upload, (delimiter, line_end), load, caller, done) = taken;
    let upload = upload.filter(|upload| !upload.is_empty());
    let upload = upload.ok_or("ClientInputError : Unable to find any data to create batch")?;
    let sheet = Arc::new(Sheet::read(upload, delimiter, line_end)?);
    let object = org.schema.object(load.object);
    let object = object.ok_or("InvalidJob : Unable to find object: ")?;
    // Kept before the header is judged: the rows of a refused file are unprocessed.
    if !advance(org, id, |job| job.sheet = Some(Arc::clone(&sheet))) {
        return Ok(None);
    }
    let header = Header::find(
        &org.schema,
        object,
        load.operation,
        load.key,
        &sheet.columns,
    )?;
    Ok(Some(Plan {
        sheet,
        done,
        header,
        load,
        caller,
    }))
}

/// Notes what became of a chunk; false when somebody ended the job.
fn record(org: &Org, id: &str, mut outcomes: Vec<Outcome>, spent: Duration) -> bool {
    let mut jobs = org.ingest_jobs.lock();
    let Some(job) = jobs.get_mut(id) else {
        return false;
    };
    let failures = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Failed(_)))
        .count();
    // Nobody else reads them before the job has ended.
    Arc::make_mut(&mut job.outcomes).append(&mut outcomes);
    job.failures += failures;
    job.active_ms += u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    !job.state.terminal()
}
