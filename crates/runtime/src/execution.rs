//! Executions of other jobs: whether one is still at work, and its end.

use aws_sdk_sfn::types::ExecutionStatus;
use holdfast_model::{ErrorCode, Failure};

use crate::Environment;

/// Whether Step Functions still runs the execution. One that it does not know any more is not running.
pub async fn is_running(environment: &Environment, execution: &str) -> Result<bool, Failure> {
    match environment
        .executions()
        .describe_execution()
        .execution_arn(execution)
        .send()
        .await
    {
        Ok(answer) => Ok(matches!(
            answer.status,
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive
        )),
        Err(error) => match error.into_service_error() {
            gone if gone.is_execution_does_not_exist() || gone.is_invalid_arn() => Ok(false),
            _ => Err(Failure::new(
                ErrorCode::AwsUnavailable,
                "step functions did not describe the holder of the lease",
            )),
        },
    }
}

/// Stops an execution; one that has ended or is not known any more is left alone.
pub async fn stop(environment: &Environment, execution: &str) -> Result<(), Failure> {
    if !is_running(environment, execution).await? {
        return Ok(());
    }
    let answer = environment
        .executions()
        .stop_execution()
        .execution_arn(execution)
        .error("Cancelled")
        .cause("somebody cancelled the job")
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        Err(error) => match error.into_service_error() {
            gone if gone.is_execution_does_not_exist() => Ok(()),
            _ => Err(Failure::new(
                ErrorCode::AwsUnavailable,
                "step functions did not stop the execution",
            )),
        },
    }
}
