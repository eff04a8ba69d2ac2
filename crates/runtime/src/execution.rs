//! Whether the execution that holds a lease is still at work.

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
