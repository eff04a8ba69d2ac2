//! `/composite/batch`: calls that know nothing of each other.
//!
//! Source: REST API Developer Guide, Composite Batch.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Caller, PARTS_MAX, taken};
use crate::{
    api::{
        dispatch::{Answer, Call, Dispatch},
        error::{ApiError, json_body},
        gate,
        write::parser_error,
    },
    org::Org,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    halt_on_error: bool,
    batch_requests: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    method: String,
    url: String,
    #[serde(default)]
    rich_input: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    has_errors: bool,
    results: Vec<One>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One {
    status_code: u16,
    result: Box<RawValue>,
}

/// `POST …/composite/batch`
pub(super) async fn batch(
    State(org): State<Arc<Org>>,
    Extension(dispatch): Extension<Dispatch>,
    request: Request,
) -> Result<Response, ApiError> {
    let (extensions, body) = taken(request).await?;
    let batch: Batch = serde_json::from_slice(&body).map_err(|error| parser_error(&error))?;
    if batch.batch_requests.len() > PARTS_MAX {
        let message = format!("The request can’t contain more than {PARTS_MAX} operations.");
        return Err(ApiError::bad("LIMIT_EXCEEDED", message));
    }
    let caller = Caller {
        dispatch,
        extensions,
    };
    let mut answers: Vec<Answer> = Vec::with_capacity(batch.batch_requests.len());
    for (place, part) in batch.batch_requests.iter().enumerate() {
        let answer = if batch.halt_on_error && answers.iter().any(Answer::failed) {
            Answer::refused(&ApiError::new(
                StatusCode::PRECONDITION_FAILED,
                "BATCH_PROCESSING_HALTED",
                "The previous request was unsuccessful, so the rest of the batch was not executed.",
            ))
        } else if place > 0
            && let Err(refusal) = gate::charge(&org, false)
        {
            // The call itself paid for the first part.
            Answer::refused(&refusal)
        } else {
            part.serve(&caller).await
        };
        answers.push(answer);
    }
    let results = Results {
        has_errors: answers.iter().any(Answer::failed),
        results: answers
            .into_iter()
            .map(|answer| One {
                status_code: answer.status.as_u16(),
                result: answer.body,
            })
            .collect(),
    };
    Ok(json_body(
        &serde_json::to_string(&results).unwrap_or_default(),
    ))
}

impl Part {
    async fn serve(&self, caller: &Caller) -> Answer {
        // `v57.0/limits` is the documented form; whole paths work as well.
        let url = self.url.trim_start_matches('/');
        let url = match url.strip_prefix("services/data/") {
            Some(rest) => format!("/services/data/{rest}"),
            None => format!("/services/data/{url}"),
        };
        let body = self.rich_input.as_ref().map(|body| body.get().to_owned());
        let call = Call {
            method: &self.method,
            url: &url,
            headers: HeaderMap::new(),
            body,
            all_or_none: false,
        };
        caller.serve(call).await
    }
}
