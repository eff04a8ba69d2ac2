//! Bulk API 1.0 jobs and batches: their states and what is told about them, in JSON and in XML.
//!
//! Source: Bulk API Developer Guide, `JobInfo` and `BatchInfo`; keys and their order are those of recorded traffic.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Operation, chunk::Outcome};
use crate::{
    clock::rest_datetime,
    save::Caller,
    soql::Bound,
    state::{Word, word},
    store::row::Row,
};

/// All jobs, oldest first.
pub(crate) type ClassicJobs = BTreeMap<String, ClassicJob>;

/// What a job does.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Task {
    /// Saves rows.
    Load(Operation),
    /// Reads rows; `all` adds the Recycle Bin and the archive.
    Query {
        /// `queryAll`
        all: bool,
    },
}

impl Task {
    /// The task that the API calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query { all: false }),
            "queryAll" => Some(Self::Query { all: true }),
            _ => Operation::named(name).map(Self::Load),
        }
    }

    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Load(operation) => operation.name(),
            Self::Query { all: false } => "query",
            Self::Query { all: true } => "queryAll",
        }
    }
}

/// How batches and results are written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Content {
    /// Comma-separated.
    Csv,
    /// Arrays of objects.
    Json,
}

impl Content {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }
}

/// Where a job is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum JobState {
    /// Takes batches.
    Open,
    /// Takes no more.
    Closed,
    /// Stopped by the user.
    Aborted,
}

impl JobState {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Closed => "Closed",
            Self::Aborted => "Aborted",
        }
    }
}

/// Where a batch is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum BatchState {
    /// Accepted.
    Queued,
    /// Running.
    InProgress,
    /// All rows were tried, or read.
    Completed,
    /// Could not be read.
    Failed,
    /// Never will be: the job was aborted, or others were made of it.
    NotProcessed,
}

impl BatchState {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::NotProcessed => "NotProcessed",
        }
    }
}

/// One job.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ClassicJob {
    /// 18 characters, prefix 750.
    pub id: String,
    /// What it does.
    pub task: Task,
    /// Object number.
    pub object: usize,
    /// API name of the object.
    pub object_name: String,
    /// Number and name of an upsert's key field.
    pub key: Option<(usize, String)>,
    /// `Parallel` or `Serial`.
    #[serde(deserialize_with = "word")]
    pub concurrency: Word,
    /// How batches are written.
    pub content: Content,
    /// Version of the request that created it.
    pub version: u32,
    /// On whose behalf.
    pub caller: Caller,
    /// By the org's clock.
    pub created_ms: i64,
    /// When it last changed.
    pub modified_ms: i64,
    /// Where it is.
    pub state: JobState,
    /// Records per chunk, when the primary key cuts the query into pieces.
    pub chunk_size: Option<usize>,
    /// In the order in which they came.
    pub batches: Vec<Batch>,
}

/// One batch. What is skipped goes to disk on its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Batch {
    /// 18 characters, prefix 751.
    pub id: String,
    /// Where it is.
    pub state: BatchState,
    /// Why it failed.
    pub message: Option<String>,
    /// By the org's clock.
    pub created_ms: i64,
    /// When it last changed.
    pub modified_ms: i64,
    /// As sent.
    #[serde(skip)]
    pub request: Bytes,
    /// What it came to.
    #[serde(skip)]
    pub result: BatchResult,
    /// Milliseconds spent on it.
    pub active_ms: u64,
}

/// What a batch came to.
#[derive(Clone, Debug, Default)]
pub(crate) enum BatchResult {
    /// Nothing yet.
    #[default]
    None,
    /// One for each row, in their order.
    Outcomes(Arc<Vec<Outcome>>),
    /// The rows of a query, and its columns.
    Rows(Arc<Vec<Row>>, Arc<Bound>),
}

impl Batch {
    /// Records tried or read, and those that failed.
    fn counts(&self) -> (usize, usize) {
        match &self.result {
            BatchResult::None => (0, 0),
            BatchResult::Rows(rows, _) => (rows.len(), 0),
            BatchResult::Outcomes(outcomes) => {
                let failed = outcomes
                    .iter()
                    .filter(|outcome| matches!(outcome, Outcome::Failed(_)));
                (outcomes.len(), failed.count())
            }
        }
    }

    /// The Id of its only result: 15 characters, prefix 752.
    pub(crate) fn result_id(&self) -> String {
        format!("752{}", self.id.get(3..15).unwrap_or_default())
    }

    /// Names and values in the order of XML.
    pub(crate) fn info(&self, job: &str) -> Vec<(&'static str, Value)> {
        let (processed, failed) = self.counts();
        let mut info = vec![
            ("id", json!(self.id)),
            ("jobId", json!(job)),
            ("state", json!(self.state.name())),
            ("stateMessage", json!(self.message)),
            ("createdDate", moment(self.created_ms)),
            ("systemModstamp", moment(self.modified_ms)),
            ("numberRecordsProcessed", json!(processed)),
            ("numberRecordsFailed", json!(failed)),
        ];
        info.extend(times(self.active_ms));
        info
    }
}

impl ClassicJob {
    /// Names and values in the order of XML.
    pub(crate) fn info(&self) -> Vec<(&'static str, Value)> {
        let count = |state: BatchState| self.batches.iter().filter(|b| b.state == state).count();
        let (processed, failed) = self.batches.iter().fold((0, 0), |(all, bad), batch| {
            let (processed, failed) = batch.counts();
            (all + processed, bad + failed)
        });
        let mut info = vec![
            ("id", json!(self.id)),
            ("operation", json!(self.task.name())),
            ("object", json!(self.object_name)),
            ("createdById", json!(self.caller.user)),
            ("createdDate", moment(self.created_ms)),
            ("systemModstamp", moment(self.modified_ms)),
            ("state", json!(self.state.name())),
            (
                "externalIdFieldName",
                json!(self.key.as_ref().map(|(_, name)| name)),
            ),
            ("concurrencyMode", json!(self.concurrency)),
            ("contentType", json!(self.content.name())),
            ("numberBatchesQueued", json!(count(BatchState::Queued))),
            (
                "numberBatchesInProgress",
                json!(count(BatchState::InProgress)),
            ),
            (
                "numberBatchesCompleted",
                json!(count(BatchState::Completed)),
            ),
            ("numberBatchesFailed", json!(count(BatchState::Failed))),
            ("numberBatchesTotal", json!(self.batches.len())),
            ("numberRecordsProcessed", json!(processed)),
            ("numberRetries", json!(0)),
            ("apiVersion", json!(f64::from(self.version))),
            ("numberRecordsFailed", json!(failed)),
        ];
        info.extend(times(
            self.batches.iter().map(|batch| batch.active_ms).sum(),
        ));
        info
    }
}

/// Times in JSON say `+0000`; [`xml_text`] turns them round.
fn moment(ms: i64) -> Value {
    json!(rest_datetime(ms.div_euclid(1000) * 1000))
}

fn times(active_ms: u64) -> [(&'static str, Value); 3] {
    [
        ("totalProcessingTime", json!(active_ms)),
        ("apiActiveProcessingTime", json!(active_ms)),
        ("apexProcessingTime", json!(0)),
    ]
}

/// The JSON of names and values.
pub(crate) fn json_of(info: Vec<(&'static str, Value)>) -> Value {
    let pairs = info
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// A value as XML prints it; nothing for a null, which XML leaves out.
pub(crate) fn xml_text(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if matches!(name, "createdDate" | "systemModstamp") => {
            Some(text.replace("+0000", "Z"))
        }
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if name == "apiVersion" => {
            Some(format!("{:.1}", number.as_f64().unwrap_or_default()))
        }
        other => Some(other.to_string()),
    }
}
