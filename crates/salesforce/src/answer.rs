//! One HTTP exchange: what can go wrong, which of it is worth repeating, and the caps of what is read.

use std::error::Error as _;
use std::time::Duration;

use holdfast_model::limits::JSON_BYTES_MAX;
use holdfast_model::{ErrorCode, Failure};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use crate::refusal::{Refusal, cut};
use crate::rows::damaged;

/// Why an exchange gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No answer, or one that was cut off.
    #[error("`{host}` cannot be reached: {reason}")]
    Unreachable {
        host: String,
        reason: String,
        /// Salesforce may have acted on the request.
        sent: bool,
    },
    /// An answer with an error status.
    #[error("{}", .0.text())]
    Refused(Refusal),
    /// A success whose body is not JSON: a page of the edge.
    #[error("answer with status `{0}` is not JSON")]
    NotJson(StatusCode),
    /// Decided by us.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing: whenever it may help.
    Safe,
    /// Only when Salesforce surely did not act on it: no connection, or 503.
    Unaccepted,
}

impl CallError {
    pub(crate) fn transport(host: &str, error: reqwest::Error) -> Self {
        let sent = !error.is_connect();
        let error = error.without_url(); // the query is noise in a message
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason = cause.to_string(); // the last cause is the telling one
            source = cause.source();
        }
        Self::Unreachable {
            host: host.to_owned(),
            reason: cut(&reason),
            sent,
        }
    }

    pub(crate) fn is_repeatable(&self, repeat: Repeat) -> bool {
        match (self, repeat) {
            (Self::Unreachable { .. } | Self::NotJson(_), Repeat::Safe) => true,
            (Self::Unreachable { sent, .. }, Repeat::Unaccepted) => !sent,
            (Self::Refused(refusal), Repeat::Safe) => refusal.is_passing(),
            (Self::Refused(refusal), Repeat::Unaccepted) => {
                refusal.status == StatusCode::SERVICE_UNAVAILABLE
            }
            (Self::NotJson(_), Repeat::Unaccepted) | (Self::Failed(_), _) => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let code = match error {
            CallError::Failed(failure) => return failure,
            CallError::Refused(refusal) => return refusal.into(),
            CallError::Unreachable { .. } => ErrorCode::SalesforceUnreachable,
            CallError::NotJson(_) => ErrorCode::DamagedAnswer,
        };
        Self::new(code, error.to_string())
    }
}

/// `Retry-After` in seconds; its date form is not used by Salesforce.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// The whole body; one that is larger than it can be is damage.
pub(crate) async fn read_whole(mut response: Response, host: &str) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() <= JSON_BYTES_MAX => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err(damaged("answer is larger than an answer can be").into()),
            Err(error) => return Err(CallError::transport(host, error)),
        }
    }
}

/// Reads a JSON body. What serde says is not passed on: it quotes values.
pub(crate) fn read_json<'a, T: Deserialize<'a>>(
    status: StatusCode,
    body: &'a [u8],
) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            damaged("answer does not have its documented shape").into()
        } else {
            CallError::NotJson(status)
        }
    })
}
