//! Bulk API 1.0: jobs that take batches, under `/services/async`.
//!
//! Source: Bulk API Developer Guide; the session, the bodies and the errors have forms of their own.

mod batch;
mod job;
mod reply;
mod result;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    response::Response,
    routing::{get, post},
};

use super::{VERSIONS, gate::charge};
use crate::{bulk::classic::ClassicJob, id, org::Org, save::Caller};
use reply::{Refusal, Reply};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/async/{version}/job";
    let one = format!("{root}/{{job}}");
    let batch = format!("{one}/batch/{{batch}}");
    Router::new()
        .route(root, post(job::create))
        .route(&one, get(job::info).post(job::change))
        .route(&format!("{one}/batch"), get(batch::list).post(batch::add))
        .route(&batch, get(batch::info))
        .route(&format!("{batch}/request"), get(batch::request))
        .route(&format!("{batch}/result"), get(result::list))
        .route(&format!("{batch}/result/{{result}}"), get(result::read))
}

/// Who calls, from the session header; charged like any other call.
fn admit(org: &Org, version: &str, headers: &HeaderMap) -> Result<(Caller, u32), Refusal> {
    let number = version
        .strip_suffix(".0")
        .and_then(|number| number.parse().ok());
    let number = number
        .filter(|number| VERSIONS.contains(number))
        .ok_or_else(|| Refusal::new("InvalidVersion", format!("Unsupported version: {version}")))?;
    let token = headers
        .get("x-sfdc-session")
        .and_then(|token| token.to_str().ok())
        .unwrap_or_default();
    let user = org.sessions.lock().user(token, org.clock.now_ms());
    let user = user.ok_or_else(|| Refusal::new("InvalidSessionId", "Invalid session id"))?;
    charge(org, false).map_err(|_| exhausted())?;
    Ok((Caller::plain(user).renewed(org), number))
}

fn exhausted() -> Refusal {
    Refusal::new("ExceededQuota", "TotalRequests Limit exceeded.")
}

/// The answer to a call for which no calls are left, whoever makes it.
pub(super) fn out_of_calls(headers: &HeaderMap) -> Response {
    exhausted().response(reply::wants_json(headers))
}

/// Does something with a job that the caller names by either form of its Id.
fn on_job<T>(
    org: &Org,
    given: &str,
    act: impl FnOnce(&mut ClassicJob) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut jobs = org.classic_jobs.lock();
    let id = id::parse(given).map(|id| id::long(&id));
    let job = id.and_then(|id| jobs.get_mut(&id));
    act(job.ok_or_else(|| Refusal::new("InvalidJob", format!("Unable to find job: {given}")))?)
}

/// The answer in the caller's notation, also when it is a refusal.
fn answer(headers: &HeaderMap, act: impl FnOnce() -> Result<Reply, Refusal>) -> Response {
    let json = reply::wants_json(headers);
    match act() {
        Ok(reply) => reply.response(json),
        Err(refusal) => refusal.response(json),
    }
}
