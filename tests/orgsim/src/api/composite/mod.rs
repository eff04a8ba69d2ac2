//! Several calls in one: `/composite`, and what its relatives share.
//!
//! Source: REST API Developer Guide, Composite Resources. Texts: recorded answers.

mod batch;
mod graph;
mod reference;
mod tree;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{
    dispatch::{Answer, Call, Dispatch},
    error::{ApiError, json_body},
    version_number,
    write::parser_error,
};
use crate::org::Org;
use reference::{Answers, Earlier, Halted};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/composite";
    Router::new()
        .route(root, get(list).post(composite))
        .route(&format!("{root}/batch"), post(batch::batch))
        .route(&format!("{root}/graph"), post(graph::graph))
        .route(&format!("{root}/tree/{{name}}"), post(tree::tree))
}

/// Parts of one call.
const PARTS_MAX: usize = 25;
/// Of these, queries and collections.
const QUERIES_MAX: usize = 5;
/// Longest JSON that is read; the gate's limit for all bodies.
const BODY_BYTES_MAX: usize = 50 * 1024 * 1024;

/// True for a call that enters the turnstile by itself, as it may be a transaction over several calls.
pub(crate) fn takes_turn(method: &Method, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    method == Method::POST && (path.ends_with("/composite") || path.ends_with("/composite/graph"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Composite {
    #[serde(default)]
    all_or_none: bool,
    composite_request: Vec<Part>,
}

/// One call of several.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    method: String,
    url: String,
    #[serde(default)]
    reference_id: String,
    #[serde(default)]
    body: Option<Box<RawValue>>,
    #[serde(default)]
    http_headers: BTreeMap<String, String>,
}

/// What became of a part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    body: Box<RawValue>,
    http_headers: BTreeMap<String, String>,
    http_status_code: u16,
    reference_id: Option<String>,
    #[serde(skip)]
    failed: bool,
}

/// Who calls, and how to call on.
#[derive(Clone, Debug)]
struct Caller {
    dispatch: Dispatch,
    extensions: Extensions,
}

/// `GET …/composite`: what there is.
async fn list(Path(version): Path<String>) -> Response {
    let root = format!("/services/data/{version}/composite");
    json_body(&json!({
        "tree": format!("{root}/tree"),
        "batch": format!("{root}/batch"),
        "sobjects": format!("{root}/sobjects"),
        "graph": format!("{root}/graph"),
    }))
}

/// `POST …/composite`
async fn composite(
    State(org): State<Arc<Org>>,
    Extension(dispatch): Extension<Dispatch>,
    Path(version): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (extensions, body) = taken(request).await?;
    let request: Composite = serde_json::from_slice(&body).map_err(|error| parser_error(&error))?;
    check_names(&version, &request.composite_request)?;
    if let Some(error) = too_many(&request.composite_request) {
        let refused = Outcome::halted(None, "LIMIT_EXCEEDED", &error);
        return Ok(json_body(&responses(&[refused])));
    }
    let caller = Caller {
        dispatch,
        extensions,
    };
    // On its own, so that it ends as it must even when the client goes away.
    let work = tokio::spawn(async move {
        if request.all_or_none {
            let _turn = org.turnstile.write().await;
            org.settle();
            transaction(&org, &caller, &request.composite_request)
                .await
                .0
        } else {
            let _turn = org.turnstile.read().await;
            org.settle();
            run(&caller, &request.composite_request, false).await
        }
    });
    let outcomes = work.await.map_err(|_| ApiError::unexpected())?;
    Ok(json_body(&responses(&outcomes)))
}

/// `{"compositeResponse":[…]}`
fn responses(outcomes: &[Outcome]) -> String {
    let list = serde_json::to_string(outcomes).unwrap_or_default();
    format!("{{\"compositeResponse\":{list}}}")
}

/// Who calls, and the body. Parts are read as whole requests, since their own extractors would take the extensions.
async fn taken(request: Request) -> Result<(Extensions, Bytes), ApiError> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
    Ok((parts.extensions, body.map_err(|_| ApiError::too_large())?))
}

/// Since v52.0 a reference Id with other characters fails the whole request.
fn check_names(version: &str, parts: &[Part]) -> Result<(), ApiError> {
    let strict = version_number(version).is_none_or(|version| version >= 52);
    let good = |id: &str| {
        id.starts_with(|first: char| first.is_ascii_alphanumeric())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if let Some(bad) = parts
        .iter()
        .find(|part| strict && !good(&part.reference_id))
    {
        let message = reference::naming_rule(&bad.reference_id);
        return Err(ApiError::bad("JSON_PARSER_ERROR", message));
    }
    let inherited = ["accept", "authorization", "content-type"];
    let headers = parts.iter().flat_map(|part| part.http_headers.keys());
    for name in headers {
        if inherited.contains(&name.to_ascii_lowercase().as_str()) {
            let message = format!("The {name} header cannot be specified in a subrequest.");
            return Err(ApiError::bad("INVALID_HTTP_HEADER", message));
        }
    }
    Ok(())
}

fn too_many(parts: &[Part]) -> Option<String> {
    if parts.len() > PARTS_MAX {
        return Some(format!(
            "The request can’t contain more than {PARTS_MAX} operations."
        ));
    }
    let counted = |part: &&Part| {
        let path = part.url.split('?').next().unwrap_or_default();
        let resource = path.split('/').nth(4).unwrap_or_default();
        matches!(resource, "query" | "queryAll") || path.contains("/composite/sobjects")
    };
    (parts.iter().filter(counted).count() > QUERIES_MAX).then(|| {
        format!("The request can’t contain more than {QUERIES_MAX} query or sObject Collections operations.")
    })
}

/// Runs the parts as one transaction; true when they stay. The caller holds the turnstile for itself.
async fn transaction(org: &Org, caller: &Caller, parts: &[Part]) -> (Vec<Outcome>, bool) {
    org.store.write().begin();
    let mut outcomes = run(caller, parts, true).await;
    if outcomes.iter().all(|outcome| !outcome.failed) {
        org.store.write().keep();
        return (outcomes, true);
    }
    org.store.write().roll_back();
    for outcome in outcomes.iter_mut().filter(|outcome| !outcome.failed) {
        let id = outcome.reference_id.take();
        *outcome = rolled_back(id);
    }
    (outcomes, false)
}

fn rolled_back(id: Option<String>) -> Outcome {
    let message =
        "The transaction was rolled back since another operation in the same transaction failed.";
    Outcome::halted(id, "PROCESSING_HALTED", message)
}

/// Runs the parts one after the other. With `all_or_none` the first failure ends the work, and what is left of it is
/// not counted as failed.
async fn run(caller: &Caller, parts: &[Part], all_or_none: bool) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(parts.len());
    for part in parts {
        let id = Some(part.reference_id.clone());
        if all_or_none && outcomes.iter().any(|outcome| outcome.failed) {
            let mut left = rolled_back(id);
            left.failed = false;
            outcomes.push(left);
            continue;
        }
        let outcome = match prepared(part, &outcomes) {
            Ok((url, body)) => {
                let call = Call {
                    method: &part.method,
                    url: &url,
                    headers: part.headers(),
                    body,
                    all_or_none,
                };
                let answer = caller.serve(call).await;
                Outcome::of(part, answer, all_or_none)
            }
            Err(Halted(message)) => Outcome::halted(id, "PROCESSING_HALTED", &message),
        };
        outcomes.push(outcome);
    }
    outcomes
}

/// URL and body with the references replaced.
fn prepared(part: &Part, outcomes: &[Outcome]) -> Result<(String, Option<String>), Halted> {
    let known = outcomes
        .iter()
        .any(|earlier| earlier.reference_id.as_deref() == Some(&part.reference_id));
    if known {
        return Err(Halted(format!(
            "Duplicate ReferenceId found: {}",
            part.reference_id
        )));
    }
    let url = reference::in_url(&part.url, &outcomes)?;
    let body = match &part.body {
        Some(body) if body.get() != "null" => Some(reference::in_body(body.get(), &outcomes)?),
        _ => None,
    };
    Ok((url, body))
}

impl Answers for &[Outcome] {
    fn earlier(&self, id: &str) -> Earlier<'_> {
        let found = self
            .iter()
            .find(|outcome| outcome.reference_id.as_deref() == Some(id));
        match found {
            Some(outcome) if outcome.failed => Earlier::Failed,
            Some(outcome) => Earlier::Done(&outcome.body),
            None => Earlier::Unknown,
        }
    }
}

impl Caller {
    /// Serves a part; a call that holds parts itself cannot be one.
    async fn serve(&self, call: Call<'_>) -> Answer {
        let path = call.url.split('?').next().unwrap_or_default();
        let mut below = path.split('/').skip_while(|step| *step != "composite");
        let nested = below.next().is_some()
            && matches!(below.next(), None | Some("" | "batch" | "graph" | "tree"));
        if nested {
            return Answer::refused(&ApiError::not_found());
        }
        self.dispatch.call(&self.extensions, call).await
    }
}

impl Part {
    fn headers(&self) -> HeaderMap {
        let pairs = self.http_headers.iter().filter_map(|(name, value)| {
            Some((
                name.parse::<HeaderName>().ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        });
        pairs.collect()
    }
}

impl Outcome {
    /// Of what the org answered, with the headers that say something about the resource.
    fn of(part: &Part, answer: Answer, all_or_none: bool) -> Self {
        let failed = answer.failed() || all_or_none && any_refused(&answer.body);
        let shown = ["ETag", "Last-Modified", "Location"];
        let headers = shown.into_iter().filter_map(|name| {
            let value = answer.headers.get(name)?.to_str().ok()?;
            Some((name.to_owned(), value.to_owned()))
        });
        Self {
            http_headers: headers.collect(),
            http_status_code: answer.status.as_u16(),
            reference_id: Some(part.reference_id.clone()),
            failed,
            body: answer.body,
        }
    }

    /// Of a part that did not run.
    fn halted(id: Option<String>, code: &str, message: &str) -> Self {
        let body = json!([{"errorCode": code, "message": message}]).to_string();
        Self {
            body: RawValue::from_string(body).unwrap_or_else(|_| RawValue::NULL.to_owned()),
            http_headers: BTreeMap::new(),
            http_status_code: StatusCode::BAD_REQUEST.as_u16(),
            reference_id: id,
            failed: true,
        }
    }
}

/// True for the answer of a collection in which a record failed.
fn any_refused(body: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct One {
        success: Option<bool>,
    }
    body.get().starts_with('[')
        && serde_json::from_str::<Vec<One>>(body.get())
            .is_ok_and(|list| list.iter().any(|one| one.success == Some(false)))
}
