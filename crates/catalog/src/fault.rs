//! Errors of the SDK, as a [`Failure`].

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use holdfast_model::{ErrorCode, Failure};

/// Characters of a foreign message that we repeat.
const MESSAGE_CHARS_MAX: usize = 300;

/// A refused condition is `CATALOG_CONFLICT`, a missing permission `AWS_DENIED`; everything else that `DynamoDB`
/// says, or the way to it, is `AWS_UNAVAILABLE`.
pub(crate) fn failure<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let SdkError::ServiceError(refusal) = error else {
        return Failure::new(
            ErrorCode::AwsUnavailable,
            format!("dynamodb cannot be reached: `{}`", chain(error)),
        );
    };
    let code = refusal.err().code().unwrap_or("unknown error");
    match code {
        "ConditionalCheckFailedException"
        | "TransactionConflictException"
        | "TransactionInProgressException" => conflict(),
        _ => {
            let message = start_of(refusal.err().message().unwrap_or_default());
            let registered = match code {
                "AccessDeniedException" => ErrorCode::AwsDenied,
                _ => ErrorCode::AwsUnavailable,
            };
            Failure::new(
                registered,
                format!("dynamodb refused the call: `{code}`: `{message}`"),
            )
        }
    }
}

/// Somebody else wrote first.
pub(crate) fn conflict() -> Failure {
    Failure::new(
        ErrorCode::CatalogConflict,
        "another writer changed the catalog item first",
    )
}

/// The same failure with a message that fits into an item.
pub(crate) fn capped(failure: &Failure) -> Failure {
    Failure::new(failure.code, start_of(&failure.message))
}

fn start_of(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    start_of(&text)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{error::ErrorMetadata, operation::put_item::PutItemError};

    use super::*;

    fn answered(code: &str, message: &str) -> Failure {
        let answer = ErrorMetadata::builder().code(code).message(message);
        let error = PutItemError::generic(answer.build());
        failure(&SdkError::service_error(error, ()))
    }

    #[test]
    fn what_dynamodb_answers_decides_the_class() {
        for (code, registered) in [
            (
                "ConditionalCheckFailedException",
                ErrorCode::CatalogConflict,
            ),
            ("TransactionConflictException", ErrorCode::CatalogConflict),
            ("AccessDeniedException", ErrorCode::AwsDenied),
            ("ThrottlingException", ErrorCode::AwsUnavailable),
            ("InternalServerError", ErrorCode::AwsUnavailable),
        ] {
            assert_eq!(answered(code, "").code, registered, "{code}");
        }
    }

    #[test]
    fn a_foreign_message_is_cut() {
        let failure = answered("ValidationException", &"x".repeat(10_000));
        assert!(failure.message.len() < MESSAGE_CHARS_MAX + 100);
    }
}
