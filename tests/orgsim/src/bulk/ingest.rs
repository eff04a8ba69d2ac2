//! Bulk API 2.0 ingest jobs: their states and what is told about them.
//!
//! Source: Bulk API 2.0 Developer Guide, Create a Job and Get Job Info; the keys per state are those of recorded jobs.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Operation, chunk::Outcome, sheet::Sheet};
use crate::{clock::rest_datetime, save::Caller};

/// All ingest jobs, oldest first.
pub(crate) type IngestJobs = BTreeMap<String, IngestJob>;

/// Where a job is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum State {
    /// Waits for its data.
    Open,
    /// Queued.
    UploadComplete,
    /// Rows are being saved.
    InProgress,
    /// All rows were tried.
    JobComplete,
    /// Gave up; what was saved stays.
    Failed,
    /// Stopped by the user; what was saved stays.
    Aborted,
}

impl State {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// Nothing happens any more.
    pub(crate) const fn terminal(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// One job. What is skipped goes to disk on its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct IngestJob {
    /// 18 characters, prefix 750.
    pub id: String,
    /// What is done.
    pub operation: Operation,
    /// Object number.
    pub object: usize,
    /// API name of the object.
    pub object_name: String,
    /// Number and name of an upsert's key field.
    pub key: Option<(usize, String)>,
    /// Echoed.
    pub assignment_rule: Option<String>,
    /// Version of the request that created it.
    pub version: u32,
    /// `COMMA` and the like.
    pub delimiter: String,
    /// `LF` or `CRLF`
    pub line_ending: String,
    /// On whose behalf rows are saved.
    pub caller: Caller,
    /// By the org's clock.
    pub created_ms: i64,
    /// When the state last changed.
    pub modified_ms: i64,
    /// Where the job is.
    pub state: State,
    /// For failed jobs.
    pub error: Option<String>,
    /// The upload, until it is read.
    #[serde(skip)]
    pub upload: Option<Bytes>,
    /// The upload, read.
    #[serde(skip)]
    pub sheet: Option<Arc<Sheet>>,
    /// What became of the first rows; those behind are unprocessed.
    #[serde(skip)]
    pub outcomes: Arc<Vec<Outcome>>,
    /// Of those, failures.
    pub failures: usize,
    /// Milliseconds spent on rows.
    pub active_ms: u64,
}

/// The keys of a job, in the order in which they are sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobInfo<'j> {
    id: &'j str,
    operation: &'static str,
    object: &'j str,
    created_by_id: &'j str,
    created_date: String,
    system_modstamp: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id_field_name: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_rule_id: Option<&'j str>,
    concurrency_mode: &'static str,
    content_type: &'static str,
    api_version: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_ending: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column_delimiter: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_records_processed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_records_failed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_processing_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_active_processing_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apex_processing_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_pk_chunking_supported: Option<bool>,
}

impl IngestJob {
    /// What a change of the state answers.
    pub(crate) fn changed(&self) -> JobInfo<'_> {
        let second = |ms: i64| rest_datetime(ms.div_euclid(1000) * 1000);
        JobInfo {
            id: &self.id,
            operation: self.operation.name(),
            object: &self.object_name,
            created_by_id: &self.caller.user,
            created_date: second(self.created_ms),
            system_modstamp: second(self.modified_ms),
            state: self.state.name(),
            external_id_field_name: self.key.as_ref().map(|(_, name)| name.as_str()),
            assignment_rule_id: self.assignment_rule.as_deref(),
            concurrency_mode: "Parallel",
            content_type: "CSV",
            api_version: f64::from(self.version),
            job_type: None,
            content_url: None,
            line_ending: None,
            column_delimiter: None,
            number_records_processed: None,
            number_records_failed: None,
            retries: None,
            total_processing_time: None,
            api_active_processing_time: None,
            apex_processing_time: None,
            error_message: None,
            is_pk_chunking_supported: None,
        }
    }

    /// What the creation answers.
    pub(crate) fn created(&self) -> JobInfo<'_> {
        let open = self.state == State::Open;
        JobInfo {
            content_url: open.then(|| {
                format!(
                    "services/data/v{}.0/jobs/ingest/{}/batches",
                    self.version, self.id
                )
            }),
            line_ending: Some(&self.line_ending),
            column_delimiter: Some(&self.delimiter),
            ..self.changed()
        }
    }

    /// An entry of the list of jobs.
    pub(crate) fn listed(&self) -> JobInfo<'_> {
        JobInfo {
            job_type: Some("V2Ingest"),
            ..self.created()
        }
    }

    /// What a look at the job answers.
    pub(crate) fn info(&self) -> JobInfo<'_> {
        let counted = self.state != State::Open || self.upload.is_some();
        let times = Some(self.active_ms);
        JobInfo {
            number_records_processed: counted.then_some(self.outcomes.len()),
            number_records_failed: counted.then_some(self.failures),
            retries: Some(0),
            total_processing_time: times,
            api_active_processing_time: times,
            apex_processing_time: Some(0),
            error_message: self.error.as_deref(),
            ..self.listed()
        }
    }
}
