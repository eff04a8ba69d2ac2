//! Bulk 2.0 query jobs: their states and their rows.
//!
//! Source: Bulk API 2.0 Developer Guide, Query.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{bulk::layout, csv::Layout, restriction::compile};
use crate::{
    bulk::classic::Content,
    clock::rest_datetime,
    control::fault::Effects,
    id::Mint,
    org::Org,
    random::Random,
    soql::{Bound, Output, View, select},
    store::row::Row,
};

/// Rows that are next to each other in a result without ORDER BY; whole pieces change places.
const CHUNK_ROWS: usize = 2_000;

/// All jobs, oldest first.
pub(crate) type Jobs = BTreeMap<String, Job>;

/// What of a query job goes to disk, besides its rows.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Saved {
    id: String,
    operation: String,
    query: String,
    version: u32,
    delimiter: String,
    line_ending: String,
    created_ms: i64,
    modified_ms: i64,
    state: State,
    error: Option<String>,
}

/// One query job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// 18 characters, prefix 750.
    pub id: String,
    /// `query` or `queryAll`
    pub operation: String,
    /// The query as it was sent.
    pub query: String,
    /// API name of the object.
    pub object: String,
    /// Version of the request that created it; results need the same.
    pub version: u32,
    /// `COMMA` and the like.
    pub delimiter: String,
    /// `LF` or `CRLF`
    pub line_ending: String,
    /// By the org's clock.
    pub created_ms: i64,
    /// When the state last changed.
    pub(crate) modified_ms: i64,
    /// Where the job is.
    pub state: State,
    /// For failed jobs.
    pub error: Option<String>,
    /// The result, once complete.
    pub rows: Arc<Vec<Row>>,
    /// How the result is printed.
    pub layout: Arc<Layout>,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum State {
    /// Accepted.
    UploadComplete,
    /// Running.
    InProgress,
    /// Results can be read.
    JobComplete,
    /// Gave up.
    Failed,
    /// Stopped by the user.
    Aborted,
}

impl State {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// There are rows to read.
    pub(crate) const fn has_rows(self) -> bool {
        matches!(self, Self::JobComplete)
    }

    /// Nothing happens any more.
    pub(crate) const fn terminal(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

impl Job {
    /// What goes to disk.
    pub(crate) fn saved(&self) -> Saved {
        Saved {
            id: self.id.clone(),
            operation: self.operation.clone(),
            query: self.query.clone(),
            version: self.version,
            delimiter: self.delimiter.clone(),
            line_ending: self.line_ending.clone(),
            created_ms: self.created_ms,
            modified_ms: self.modified_ms,
            state: self.state,
            error: self.error.clone(),
        }
    }

    /// The job that went to disk. One that was at work is at its beginning again.
    pub(crate) fn restored(org: &Org, saved: Saved, rows: Arc<Vec<Row>>) -> Option<Self> {
        let (bound, _) = compile(
            org,
            &org.schema,
            &saved.query,
            &format!("v{}.0", saved.version),
            Content::Csv,
        )
        .ok()?;
        Some(Self {
            object: org.schema.object(bound.object)?.name.clone(),
            layout: Arc::new(layout(&bound, &saved.delimiter, &saved.line_ending).ok()?),
            state: if saved.state.terminal() {
                saved.state
            } else {
                State::UploadComplete
            },
            id: saved.id,
            operation: saved.operation,
            query: saved.query,
            version: saved.version,
            delimiter: saved.delimiter,
            line_ending: saved.line_ending,
            created_ms: saved.created_ms,
            modified_ms: saved.modified_ms,
            error: saved.error,
            rows,
        })
    }

    /// What the creation answers.
    pub(crate) fn created(&self, user: &str) -> Value {
        json!({
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": user,
            "createdDate": rest_datetime(self.created_ms.div_euclid(1000) * 1000),
            "systemModstamp": rest_datetime(self.modified_ms.div_euclid(1000) * 1000),
            "state": self.state.name(),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": f64::from(self.version),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        })
    }

    /// What a look at the job answers; `lie` is added to the number of records.
    pub(crate) fn info(&self, user: &str, lie: i64) -> Value {
        let mut body = self.created(user);
        let rows = if self.state == State::JobComplete {
            self.rows.len()
        } else {
            0
        };
        let rows = if rows == 0 {
            0
        } else {
            i64::try_from(rows).unwrap_or(i64::MAX) + lie
        };
        let time = if self.state == State::UploadComplete {
            0
        } else {
            self.modified_ms - self.created_ms
        };
        if let Some(body) = body.as_object_mut() {
            body.insert("jobType".to_owned(), json!("V2Query"));
            body.insert("numberRecordsProcessed".to_owned(), json!(rows));
            body.insert("retries".to_owned(), json!(0));
            body.insert("totalProcessingTime".to_owned(), json!(time));
            body.insert("isPkChunkingSupported".to_owned(), json!(true));
            if let Some(error) = &self.error {
                body.insert("errorMessage".to_owned(), json!(error));
            }
        }
        body
    }
}

/// The Id of job number `number`.
pub(crate) fn job_id(number: usize) -> String {
    String::from_utf8_lossy(&Mint::new(*b"750", 1).id(number)).into_owned()
}

/// Runs every job that the end of the org interrupted.
pub(crate) fn resume(org: &Arc<Org>) {
    let waiting: Vec<Job> = {
        let jobs = org.jobs.lock();
        let waiting = jobs.values().filter(|job| !job.state.terminal());
        waiting.cloned().collect()
    };
    for job in waiting {
        if let Ok((bound, failure)) = compile(
            org,
            &org.schema,
            &job.query,
            &format!("v{}.0", job.version),
            Content::Csv,
        ) {
            let all = job.operation == "queryAll";
            let trouble = Trouble {
                failure,
                lost_rows: 0,
                effects: Effects::default(),
            };
            tokio::spawn(run(Arc::clone(org), job.id, bound, all, trouble));
        }
    }
}

/// What goes wrong with a job.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// Why it fails.
    pub failure: Option<String>,
    /// Rows that it loses and does not count.
    pub lost_rows: usize,
    /// What it refuses.
    pub effects: Effects,
}

/// Moves a job from state to state until it has its rows, or until somebody aborts it.
pub(crate) async fn run(org: Arc<Org>, id: String, bound: Bound, all: bool, trouble: Trouble) {
    let half = org.tuning.read().bulk_delay / 2;
    tokio::time::sleep(half).await;
    if !advance(&org, &id, |job| job.state = State::InProgress) {
        return;
    }
    let reader = Arc::clone(&org);
    let seed = org.volume.seed;
    let number = org.jobs.lock().len();
    let fields = match &bound.output {
        Output::Rows(columns) => columns.len(),
        _ => 0,
    };
    let rows =
        tokio::task::spawn_blocking(move || rows(&reader, &bound, all, seed ^ number as u64)).await;
    tokio::time::sleep(half).await;
    let found = rows.as_ref().map_or(0, Vec::len);
    let refused = trouble.effects.refuse(fields, found).err();
    let refused = refused.map(|(code, text)| format!("{code}: {text}"));
    advance(&org, &id, |job| match (trouble.failure.or(refused), rows) {
        (None, Ok(mut rows)) => {
            rows.truncate(rows.len().saturating_sub(trouble.lost_rows));
            job.rows = Arc::new(rows);
            job.state = State::JobComplete;
        }
        (failure, _) => {
            job.error =
                Some(failure.unwrap_or_else(|| {
                    "UNKNOWN_EXCEPTION: An unexpected error occurred".to_owned()
                }));
            job.state = State::Failed;
        }
    });
}

/// Changes a job that still runs; false when there is none.
fn advance(org: &Org, id: &str, change: impl FnOnce(&mut Job)) -> bool {
    let now = org.clock.now_ms();
    let mut jobs = org.jobs.lock();
    let Some(job) = jobs.get_mut(id).filter(|job| !job.state.terminal()) else {
        return false;
    };
    change(job);
    job.modified_ms = now;
    true
}

/// The rows of a query. Without ORDER BY their order is nobody's promise, so chunks change places.
pub(crate) fn rows(org: &Org, bound: &Bound, all: bool, seed: u64) -> Vec<Row> {
    org.settle();
    let store = org.store.read();
    let slots = select(
        View {
            schema: &org.schema,
            store: &store,
        },
        bound,
        all,
    );
    let mut chunks: Vec<&[usize]> = slots.chunks(CHUNK_ROWS).collect();
    if bound.order.is_empty() {
        let mut random = Random::new(seed, 0xC4A2, 0);
        for place in (1..chunks.len()).rev() {
            chunks.swap(place, random.index(place + 1));
        }
    }
    let table = store
        .table(bound.object)
        .map_or(&[][..], |table| table.slots());
    let row = |slot: &usize| table.get(*slot).and_then(|slot| slot.row.clone());
    chunks.into_iter().flatten().filter_map(row).collect()
}
