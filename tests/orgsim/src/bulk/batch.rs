//! The work on a batch of Bulk API 1.0.
//!
//! Source: Bulk API Developer Guide, How Bulk Queries Are Processed and Batch Size; texts as clients report them.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Operation,
    chunk::{self, CHUNK_ROWS, Load, Outcome, Row},
    classic::{Batch, BatchResult, BatchState, ClassicJob, Content, JobState, Task},
    header::Header,
    rows,
    sheet::Sheet,
};
use crate::{
    api::{error::ApiError, job, restriction::compile},
    id::Mint,
    org::Org,
    save::{Caller, Values},
    schema::Kind,
    store::id_of,
};

/// Rows of a batch.
const ROWS_MAX: usize = 10_000;

/// What a batch needs to be worked on.
struct Plan {
    /// Id of the batch.
    batch: String,
    /// What became of the first rows before the org ended, if it did.
    done: Arc<Vec<Outcome>>,
    task: Task,
    object: usize,
    key: Option<usize>,
    content: Content,
    version: u32,
    caller: Caller,
    request: Bytes,
    chunk_size: Option<usize>,
}

/// The Id of batch number `number`.
pub(crate) fn batch_id(number: usize) -> String {
    String::from_utf8_lossy(&Mint::new(*b"751", 1).id(number)).into_owned()
}

/// Moves a batch from state to state until it is done, or until its job is aborted.
pub(crate) async fn run(org: Arc<Org>, job: String, batch: String) {
    let half = org.tuning.read().bulk_delay / 2;
    tokio::time::sleep(half).await;
    if !advance(&org, &job, &batch, |batch| {
        batch.state = BatchState::InProgress;
    }) {
        return;
    }
    let held = org.bulk_faults.lock().held();
    if let Some(held) = held {
        held.passed().await;
    }
    let Some(plan) = plan(&org, &job, &batch) else {
        return;
    };
    let worker = Arc::clone(&org);
    let begun = Instant::now();
    let done = tokio::task::spawn_blocking(move || work(&worker, &plan)).await;
    let spent = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tokio::time::sleep(half).await;
    let done =
        done.unwrap_or_else(|_| Err("UNKNOWN_EXCEPTION : An unexpected error occurred".to_owned()));
    let pieces = match done {
        Ok(Done::Whole(result)) => {
            advance(&org, &job, &batch, |batch| {
                batch.result = result;
                batch.state = BatchState::Completed;
                batch.active_ms = spent;
            });
            return;
        }
        Ok(Done::Pieces(pieces)) => pieces,
        Err(message) => {
            advance(&org, &job, &batch, |batch| {
                batch.message = Some(message);
                batch.state = BatchState::Failed;
                batch.active_ms = spent;
            });
            return;
        }
    };
    // Cut by the primary key: the first batch is not processed, its pieces are batches of their own.
    if advance(&org, &job, &batch, |batch| {
        batch.state = BatchState::NotProcessed;
    }) {
        add_pieces(&org, &job, pieces, spent);
    }
}

/// Goes on with every batch that the end of the org interrupted.
pub(crate) fn resume(org: &Arc<Org>) {
    let jobs = org.classic_jobs.lock();
    for job in jobs.values().filter(|job| job.state != JobState::Aborted) {
        let waits =
            |batch: &&Batch| matches!(batch.state, BatchState::Queued | BatchState::InProgress);
        for batch in job.batches.iter().filter(waits) {
            tokio::spawn(run(Arc::clone(org), job.id.clone(), batch.id.clone()));
        }
    }
}

fn add_pieces(org: &Org, job: &str, pieces: Vec<BatchResult>, spent: u64) {
    let now = org.clock.now_ms();
    let mut jobs = org.classic_jobs.lock();
    let Some(job) = jobs.get_mut(job) else { return };
    for result in pieces {
        job.batches.push(Batch {
            id: batch_id(org.next_job()),
            state: BatchState::Completed,
            message: None,
            created_ms: now,
            modified_ms: now,
            request: Bytes::new(),
            result,
            active_ms: spent,
        });
    }
}

fn plan(org: &Org, job: &str, batch: &str) -> Option<Plan> {
    let jobs = org.classic_jobs.lock();
    let job = jobs.get(job)?;
    let batch = job.batches.iter().find(|one| one.id == batch)?;
    Some(Plan {
        batch: batch.id.clone(),
        done: match &batch.result {
            BatchResult::Outcomes(done) => Arc::clone(done),
            _ => Arc::default(),
        },
        task: job.task,
        object: job.object,
        key: job.key.as_ref().map(|(number, _)| *number),
        content: job.content,
        version: job.version,
        caller: job.caller.renewed(org),
        request: batch.request.clone(),
        chunk_size: job.chunk_size,
    })
}

/// Changes a batch that is still to be worked on; false when there is none.
fn advance(org: &Org, job: &str, batch: &str, change: impl FnOnce(&mut Batch)) -> bool {
    let now = org.clock.now_ms();
    let mut jobs = org.classic_jobs.lock();
    let running = |job: &&mut ClassicJob| job.state != JobState::Aborted;
    let Some(job) = jobs.get_mut(job).filter(running) else {
        return false;
    };
    let mut batches = job.batches.iter_mut();
    let Some(batch) = batches.find(|one| one.id == batch) else {
        return false;
    };
    change(batch);
    batch.modified_ms = now;
    job.modified_ms = now;
    true
}

/// What the work on a batch comes to.
enum Done {
    Whole(BatchResult),
    /// The primary key cut the query.
    Pieces(Vec<BatchResult>),
}

/// The results; the text says why the batch fails.
fn work(org: &Org, plan: &Plan) -> Result<Done, String> {
    match plan.task {
        Task::Query { all } => query(org, plan, all),
        Task::Load(operation) => {
            let load = Load {
                object: plan.object,
                operation,
                key: plan.key,
            };
            let outcomes = match plan.content {
                Content::Csv => load_csv(org, plan, load)?,
                Content::Json => load_json(org, plan, load)?,
            };
            Ok(Done::Whole(BatchResult::Outcomes(Arc::new(outcomes))))
        }
    }
}

fn query(org: &Org, plan: &Plan, all: bool) -> Result<Done, String> {
    let failed = |code: &str, message: &str| {
        format!("InvalidBatch : Failed to process query: {code}: {message}")
    };
    let text = String::from_utf8_lossy(&plan.request);
    let version = format!("v{}.0", plan.version);
    let compiled = compile(
        org,
        plan.caller.schema(org),
        text.trim(),
        &version,
        plan.content,
    );
    let (bound, failure) =
        compiled.map_err(|error: ApiError| failed(error.code(), error.message()))?;
    if let Some(failure) = failure {
        return Err(format!("InvalidBatch : Failed to process query: {failure}"));
    }
    if bound.object != plan.object {
        let name = |at| {
            org.schema
                .object(at)
                .map_or("", |object| object.name.as_str())
        };
        let message = format!(
            "The root entity of the requested query ({}) does not match the entity of the requested Bulk API Job ({}).",
            name(bound.object),
            name(plan.object)
        );
        return Err(failed("INVALID_TYPE_FOR_OPERATION", &message));
    }
    let turn = org.turnstile.blocking_read();
    let found = job::rows(org, &bound, all, org.volume.seed);
    drop(turn);
    let bound = Arc::new(bound);
    let Some(size) = plan.chunk_size else {
        return Ok(Done::Whole(BatchResult::Rows(Arc::new(found), bound)));
    };
    let object = org.schema.object(plan.object);
    let mint = object.ok_or("InvalidJob : Unable to find object: ")?.mint;
    // Ranges of Ids hold deleted records too, so chunks are uneven, and may be empty.
    let records = org.store.read().next_slot(plan.object);
    let mut chunks = vec![Vec::new(); records.div_ceil(size).max(1)];
    for row in found {
        let slot = mint.slot(id_of(&row).as_bytes()).unwrap_or(0);
        if let Some(chunk) = chunks.get_mut(slot / size) {
            chunk.push(row);
        }
    }
    let pieces = chunks
        .into_iter()
        .map(|chunk| BatchResult::Rows(Arc::new(chunk), Arc::clone(&bound)));
    Ok(Done::Pieces(pieces.collect()))
}

fn load_csv(org: &Org, plan: &Plan, load: Load) -> Result<Vec<Outcome>, String> {
    let sheet = Sheet::read(plan.request.clone(), b',', None)?;
    if sheet.columns.is_empty() {
        return Err("InvalidBatch : Records not found".to_owned());
    }
    let object = org.schema.object(load.object);
    let object = object.ok_or("InvalidJob : Unable to find object: ")?;
    check_rows(sheet.len())?;
    let header = Header::find(
        &org.schema,
        object,
        load.operation,
        load.key,
        &sheet.columns,
    )?;
    let mut outcomes = plan.done.to_vec();
    let mut from = outcomes.len();
    while from < sheet.len() {
        let until = (from + CHUNK_ROWS).min(sheet.len());
        outcomes.append(&mut rows::save(
            org,
            &plan.caller,
            load,
            (&sheet, &header),
            from..until,
            &plan.batch,
        ));
        from = until;
    }
    Ok(outcomes)
}

fn load_json(org: &Org, plan: &Plan, load: Load) -> Result<Vec<Outcome>, String> {
    let records: Vec<Values> = serde_json::from_slice(&plan.request)
        .map_err(|error| format!("InvalidBatch : Failed to parse JSON: {error}"))?;
    check_rows(records.len())?;
    let object = org.schema.object(load.object);
    let object = object.ok_or("InvalidJob : Unable to find object: ")?;
    let key = load.key.and_then(|key| object.fields.get(key));
    let name = key
        .filter(|key| key.kind != Kind::Id)
        .map_or("Id", |key| &key.name);
    let inserts = load.operation == Operation::Insert;
    let mut outcomes = plan.done.to_vec();
    let chunks = records.chunks(CHUNK_ROWS);
    for records in chunks.skip(outcomes.len().div_ceil(CHUNK_ROWS)) {
        let unnamed = records.iter().map(|values| (String::new(), values.clone()));
        let mut rows: Vec<(String, Values)> = unnamed.collect();
        for (named, values) in &mut rows {
            let found = values
                .keys()
                .find(|key| key.eq_ignore_ascii_case(name))
                .cloned();
            if let Some(found) = found.filter(|_| !inserts) {
                *named = values
                    .remove(&found)
                    .map(|raw| plain(&raw))
                    .unwrap_or_default();
            }
        }
        let rows: Vec<Row<'_, &Values>> = rows
            .iter()
            .map(|(named, values)| Row {
                name: named,
                source: values,
            })
            .collect();
        let _turn = org.turnstile.blocking_read();
        org.settle();
        outcomes.append(&mut chunk::save(
            org,
            &plan.caller,
            load,
            &rows,
            &plan.batch,
        ));
    }
    Ok(outcomes)
}

fn check_rows(rows: usize) -> Result<(), String> {
    if rows > ROWS_MAX {
        return Err(format!(
            "InvalidBatch : Failed to process batch: number of records {rows} exceeds the maximum of {ROWS_MAX}"
        ));
    }
    Ok(())
}

/// A JSON scalar without its quotes.
fn plain(raw: &RawValue) -> String {
    if raw.get().trim() == "null" {
        return String::new();
    }
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}
