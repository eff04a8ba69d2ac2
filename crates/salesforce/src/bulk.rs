//! Bulk API 2.0 query jobs (Bulk API 2.0 guide; reference sections 3.1 to 3.5).

use holdfast_model::{ErrorCode, Failure};
use serde::Deserialize;
use serde_json::json;

use crate::answer::CallError;
use crate::call::Call;
use crate::client::Client;
use crate::name::BulkJobId;
use crate::refusal::{code_of_job, cut};

/// What Salesforce says about a query job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkJob {
    /// Its id.
    pub id: BulkJobId,
    /// How far it is.
    pub state: JobState,
    /// Rows of the result so far; all of them when it is complete.
    #[serde(rename = "numberRecordsProcessed")]
    pub records_processed: Option<u64>,
    /// Why it failed, in Salesforce's words.
    pub error_message: Option<String>,
    /// Chunks that Salesforce tried again.
    #[serde(default)]
    pub retries: u32,
    /// Milliseconds that Salesforce worked on it.
    pub total_processing_time: Option<u64>,
}

/// States of a query job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum JobState {
    /// Accepted, queued.
    UploadComplete,
    /// Running.
    InProgress,
    /// Results can be read, for seven days.
    JobComplete,
    /// Failed on the side of Salesforce.
    Failed,
    /// Somebody aborted it.
    Aborted,
}

impl BulkJob {
    /// Rows of the result when the job is complete, nothing while Salesforce works;
    /// `BULK_JOB_FAILED` when it failed or was aborted, or what its query was refused for.
    pub fn completed(&self) -> Result<Option<u64>, Failure> {
        match self.state {
            JobState::UploadComplete | JobState::InProgress => Ok(None),
            JobState::JobComplete => self.records_processed.map(Some).ok_or_else(|| {
                Failure::new(
                    ErrorCode::DamagedAnswer,
                    "complete job does not say how many records it has",
                )
            }),
            JobState::Failed => {
                let reason = self.error_message.as_deref().unwrap_or("no reason given");
                let message = format!("job `{}` failed: {}", self.id, cut(reason));
                Err(Failure::new(code_of_job(reason), message))
            }
            JobState::Aborted => Err(Failure::new(
                ErrorCode::BulkJobFailed,
                format!("job `{}` was aborted", self.id),
            )),
        }
    }

    /// Compares the rows of all pages with the job's own count: `COUNT_MISMATCH`.
    pub fn verify_rows(&self, rows: u64) -> Result<(), Failure> {
        match self.completed()? {
            Some(processed) if processed == rows => Ok(()),
            Some(processed) => Err(Failure::new(
                ErrorCode::CountMismatch,
                format!(
                    "job `{}` processed `{processed}` records, its pages had `{rows}`",
                    self.id
                ),
            )),
            None => Err(Failure::new(
                ErrorCode::Internal,
                format!("job `{}` is not complete", self.id),
            )),
        }
    }
}

#[derive(Deserialize)]
struct Created {
    id: BulkJobId,
}

impl Client {
    /// Creates a `queryAll` job: also rows in the Recycle Bin and archived activities.
    ///
    /// Takes one of the granted Bulk jobs. Is not repeated when Salesforce may have accepted it; a job that nobody reads ends by itself.
    pub async fn bulk_create(&self, soql: &str) -> Result<BulkJobId, Failure> {
        self.budget().charge_bulk_job()?;
        let body = json!({
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        let call = Call::post(self.path("jobs/query"), &body);
        let created: Created = self.json(&call).await?;
        Ok(created.id)
    }

    /// How far the job is.
    pub async fn bulk_state(&self, job: &BulkJobId) -> Result<BulkJob, Failure> {
        self.json(&Call::get(self.job_path(job)))
            .await
            .map_err(job_error)
    }

    /// Aborts the job, if it still can be.
    pub async fn bulk_abort(&self, job: &BulkJobId) -> Result<(), Failure> {
        let call = Call::patch(self.job_path(job), &json!({"state": "Aborted"}));
        match self.ask(&call, |_| Ok(())).await {
            Err(CallError::Refused(refusal))
                if matches!(refusal.code(), "INVALIDJOBSTATE" | "NOT_FOUND") =>
            {
                Ok(())
            }
            other => other.map_err(job_error),
        }
    }

    /// Deletes the job and its results, if they are still there. The job must have ended.
    pub async fn bulk_delete(&self, job: &BulkJobId) -> Result<(), Failure> {
        match self
            .ask(&Call::delete(self.job_path(job)), |_| Ok(()))
            .await
        {
            Err(CallError::Refused(refusal)) if refusal.code() == "NOT_FOUND" => Ok(()),
            other => other.map_err(job_error),
        }
    }

    fn job_path(&self, job: &BulkJobId) -> String {
        self.path(&format!("jobs/query/{job}"))
    }
}

/// Not found is here the job, not the object.
pub(crate) fn job_error(error: CallError) -> Failure {
    match Failure::from(error) {
        failure if failure.code == ErrorCode::ObjectGone => {
            Failure::new(ErrorCode::BulkJobFailed, "job is gone")
        }
        failure => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: &str, more: &str) -> BulkJob {
        let json =
            format!(r#"{{"id":"750R0000000zxr8IAA","state":"{state}","apiVersion":62.0{more}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_job_is_complete_only_with_its_count() {
        assert_eq!(job("UploadComplete", "").completed().unwrap(), None);
        let running = job("InProgress", r#","numberRecordsProcessed":10"#);
        assert_eq!(running.completed().unwrap(), None);
        assert!(running.verify_rows(10).is_err());
        let complete = job("JobComplete", r#","numberRecordsProcessed":51,"retries":0"#);
        assert_eq!(complete.completed().unwrap(), Some(51));
        assert!(complete.verify_rows(51).is_ok());
        let failure = complete.verify_rows(50).unwrap_err();
        assert_eq!(failure.code, ErrorCode::CountMismatch);
        let countless = job("JobComplete", "").completed().unwrap_err();
        assert_eq!(countless.code, ErrorCode::DamagedAnswer);
    }

    #[test]
    fn a_failed_or_aborted_job_says_so() {
        let failed = job(
            "Failed",
            r#","errorMessage":"InvalidBatch : Failed to process query""#,
        );
        let failure = failed.completed().unwrap_err();
        assert_eq!(failure.code, ErrorCode::BulkJobFailed);
        assert!(
            failure
                .message
                .ends_with("failed: InvalidBatch : Failed to process query")
        );
        let failure = job("Aborted", "").completed().unwrap_err();
        assert_eq!(failure.code, ErrorCode::BulkJobFailed);
    }
}
