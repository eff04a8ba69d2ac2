//! Writes down what went wrong: for some blocks, for an object of a compare, or for the whole job, which then gives the
//! lease back.

use holdfast_catalog::JobStatus;
use holdfast_model::{Block, ErrorCode, Failure, JobId, ObjectName, OrgName};
use holdfast_runtime::{Deadline, Environment, now};
use serde::{Deserialize, Serialize};
use tracing::warn;

/// What `Catch` passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    org: OrgName,
    job: JobId,
    /// The blocks of a group that failed: those that are not committed.
    #[serde(default)]
    blocks: Option<Vec<Block>>,
    /// The object that could not be compared. Without it and without blocks, the job failed.
    #[serde(default)]
    object: Option<ObjectName>,
    error: Caught,
}

/// An error as Step Functions hands it on.
#[derive(Debug, Deserialize)]
struct Caught {
    #[serde(rename = "Error")]
    name: String,
    /// For our functions: JSON of `errorType` and `errorMessage`.
    #[serde(rename = "Cause", default)]
    cause: String,
}

/// What was recorded.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    code: ErrorCode,
}

/// A committed block or an ended job is not changed.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        org,
        job,
        blocks,
        object,
        error,
    } = input;
    let catalog = environment.catalog();
    let failure = failure(&error);
    if let Some(blocks) = blocks {
        for block in blocks {
            warn!(
                object = block.object.as_str(),
                code = failure.code.name(),
                "block failed"
            );
            catalog.fail_block(&block, &failure).await?;
        }
    } else if let Some(object) = object {
        warn!(
            object = object.as_str(),
            code = failure.code.name(),
            "object failed"
        );
        catalog
            .fail_comparison(&org, &job, &object, &failure)
            .await?;
    } else {
        warn!(code = failure.code.name(), "job failed");
        let outcome = holdfast_catalog::Outcome {
            status: JobStatus::Failed,
            finished_at: now(),
            counts: None,
            manifest: None,
            error: Some(failure.clone()),
        };
        match catalog.finish_job(&org, &job, &outcome).await {
            // The job failed before it began: there is no org of this name, or the lease could not be asked for.
            Err(unbegun) if unbegun.code == ErrorCode::JobUnknown => {}
            other => drop(other?),
        }
        catalog.release_lease(&org, &job).await?;
    }
    Ok(Output {
        org,
        job,
        code: failure.code,
    })
}

/// Our functions say `CODE: message`; whatever else ends a task (a time-out, a killed process) is named as it came.
fn failure(caught: &Caught) -> Failure {
    #[derive(Deserialize)]
    struct Cause {
        #[serde(rename = "errorMessage")]
        message: String,
    }
    let message = serde_json::from_str::<Cause>(&caught.cause)
        .map(|cause| cause.message)
        .unwrap_or_default();
    let ours = message.split_once(": ").and_then(|(code, message)| {
        let code = ErrorCode::ALL.iter().find(|known| known.name() == code)?;
        Some(Failure::new(*code, message))
    });
    ours.unwrap_or_else(|| {
        Failure::new(
            ErrorCode::Internal,
            format!("the task ended with `{}`", caught.name),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(name: &str, cause: &str) -> Failure {
        failure(&Caught {
            name: name.to_owned(),
            cause: cause.to_owned(),
        })
    }

    #[test]
    fn our_own_code_and_message_are_kept() {
        let cause =
            r#"{"errorType":"Integrity","errorMessage":"PAGE_SHORT: page has `3` of `5` rows"}"#;
        assert_eq!(
            caught("Integrity", cause),
            Failure::new(ErrorCode::PageShort, "page has `3` of `5` rows")
        );
    }

    #[test]
    fn whatever_else_ends_a_task_is_named() {
        for cause in ["", "{}", "not json", r#"{"errorMessage":"UNHEARD_OF: x"}"#] {
            let failure = caught("States.Timeout", cause);
            assert_eq!(failure.code, ErrorCode::Internal);
            assert!(failure.message.contains("States.Timeout"));
        }
    }
}
