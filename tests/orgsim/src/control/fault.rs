//! Faults on request: rules that match calls and what they do to them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::wire;
use crate::{
    api::{error::JSON, query},
    org::Org,
    soql::parse,
};

/// All rules, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    added: u64,
    gate: Arc<Stall>,
}

/// Where stalled calls wait.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    released: Notify,
    waiting: AtomicUsize,
}

/// One rule.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Rule {
    #[serde(default)]
    id: u64,
    #[serde(default, rename = "match")]
    matching: Match,
    /// How often; null for ever.
    #[serde(default = "once")]
    times: Option<u64>,
    action: Action,
    /// So long by the org's clock; null until it is used up.
    #[serde(default)]
    for_seconds: Option<i64>,
    #[serde(skip)]
    ends_ms: Option<i64>,
    /// Matching calls so far.
    #[serde(default)]
    seen: u64,
}

/// Which calls a rule is about. What is left out matches everything.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Match {
    method: Option<String>,
    path_contains: Option<String>,
    object: Option<String>,
    /// Only from the n-th matching call on, counted from 1.
    nth: Option<u64>,
    /// Only every so many matching calls.
    every: Option<u64>,
}

/// What happens to a call.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// The connection ends after so many bytes of the body.
    CutAfterBytes(usize),
    /// The answer is late.
    DelayMs(u64),
    /// The answer waits until the rule is released.
    Stall,
    /// A result page loses its last rows; the headers still count them.
    TruncatePageRows(usize),
    /// A result page has no `Sforce-Locator`.
    DropLocatorHeader,
    /// A result page behind a locator brings the rows of the page before once more.
    RepeatPage,
    /// A job claims so many records more, or fewer, than it has.
    WrongCount(i64),
    /// A job that is created now loses its last rows, and does not count them.
    LoseRows(usize),
    /// A job that is created now ends in `Failed`.
    FailBulkJob { message: String },
    /// All access tokens end before the call is served.
    ExpireSession,
    /// This answer instead of the real one.
    Status(Answer),
    /// 403 `REQUEST_LIMIT_EXCEEDED`.
    OutOfCalls,
    /// 500 `UNKNOWN_EXCEPTION`.
    ServerError,
    /// 503 `SERVER_UNAVAILABLE`, with `Retry-After` when there are seconds to wait.
    Unavailable { retry_after: Option<u64> },
    /// 400 `QUERY_TIMEOUT` for a query.
    QueryTimeout,
    /// A query of more rows ends in `QUERY_TIMEOUT`, a job with it in `Failed`; counting is a query, too.
    TimeoutAboveRows(usize),
    /// A query of more fields is `QUERY_TOO_COMPLICATED`.
    FieldsMax(usize),
    /// The answer comes in at so many bytes in a second.
    BytesPerSecond(usize),
    /// All query locators end before the call is served.
    ExpireLocators,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Answer {
    code: u16,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
}

/// As recorded; the number is of no meaning to callers.
const UNEXPECTED: &str = "An unexpected error occurred. Please include this ErrorId if you contact support: 1452464078-314667 (-1173371248)";

impl Answer {
    fn error(code: u16, name: &str, message: &str) -> Self {
        Self {
            code,
            body: Some(json!([{"message": message, "errorCode": name}])),
            headers: std::collections::BTreeMap::new(),
        }
    }
}

/// What the rules decided about one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// What the handler has to do differently.
    pub effects: Effects,
    /// Refuse it for want of calls.
    pub out_of_calls: bool,
    delay: Duration,
    stall: Option<Arc<Stall>>,
    expire: bool,
    answer: Option<Answer>,
    cut_after: Option<usize>,
    bytes_per_second: Option<usize>,
    expire_locators: bool,
}

/// What a handler has to do differently.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Rows that a page loses at its end.
    pub truncate_page_rows: Option<usize>,
    /// Leave the locator out.
    pub drop_locator_header: bool,
    /// Bring the page before once more.
    pub repeat_page: bool,
    /// Rows that the job loses at its end.
    pub lose_rows: usize,
    /// Added to the number of records.
    pub wrong_count: Option<i64>,
    /// Why the job fails.
    pub fail_bulk_job: Option<String>,
    /// A query of more rows takes too long.
    pub timeout_above_rows: Option<usize>,
    /// A query of more fields is too complicated.
    pub fields_max: Option<usize>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
const fn once() -> Option<u64> {
    Some(1)
}

impl Effects {
    /// Refuses a query of so many fields, or of so many rows: code and text.
    pub(crate) fn refuse(
        &self,
        fields: usize,
        rows: usize,
    ) -> Result<(), (&'static str, &'static str)> {
        if self.fields_max.is_some_and(|max| fields > max) {
            return Err((
                "QUERY_TOO_COMPLICATED",
                "Query is either selecting too many fields or the filter conditions are too complicated.",
            ));
        }
        if self.timeout_above_rows.is_some_and(|max| rows > max) {
            return Err((
                "QUERY_TIMEOUT",
                "Your query request was running for too long.",
            ));
        }
        Ok(())
    }
}

impl Action {
    /// Some actions make sense for one kind of call only, and wait for it.
    fn concerns(&self, method: &str, path: &str) -> bool {
        let job = path.contains("/jobs/query");
        match self {
            Self::TruncatePageRows(_) | Self::DropLocatorHeader | Self::RepeatPage => {
                job && path.ends_with("/results")
            }
            Self::QueryTimeout => {
                let resource = path.split('/').nth(4).unwrap_or_default();
                matches!(resource, "query" | "queryAll")
            }
            Self::TimeoutAboveRows(_) | Self::FieldsMax(_) => {
                let new_job = method == "POST" && path.ends_with("/jobs/query");
                new_job || path.ends_with("/query") || path.ends_with("/queryAll")
            }
            Self::FailBulkJob { .. } | Self::LoseRows(_) => {
                method == "POST" && path.ends_with("/jobs/query")
            }
            Self::WrongCount(_) => {
                method == "GET" && job && !path.ends_with("/results") && !path.ends_with("/query")
            }
            _ => true,
        }
    }
}

impl Faults {
    /// Uses up the rules that match a call.
    pub(crate) fn plan(&mut self, org: &Org, method: &str, uri: &Uri, body: &[u8]) -> Plan {
        let mut plan = Plan::default();
        if self.rules.is_empty() {
            return plan;
        }
        let now_ms = org.clock.now_ms();
        self.rules
            .retain(|rule| rule.ends_ms.is_none_or(|ends| now_ms < ends));
        let object = object_of(org, uri, body);
        for rule in &mut self.rules {
            let wanted = &rule.matching;
            let path = uri.path();
            let fits = wanted
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && wanted
                    .path_contains
                    .as_ref()
                    .is_none_or(|part| uri.to_string().contains(part))
                && wanted.object.as_ref().is_none_or(|name| {
                    object
                        .as_ref()
                        .is_some_and(|o| o.eq_ignore_ascii_case(name))
                })
                && rule.action.concerns(method, path);
            if !fits || rule.times == Some(0) {
                continue;
            }
            rule.seen += 1;
            let early = wanted.nth.is_some_and(|nth| rule.seen < nth);
            let between = wanted
                .every
                .is_some_and(|every| rule.seen % every.max(1) != 0);
            if early || between {
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            plan.add(&rule.action, &self.gate);
        }
        self.rules.retain(|rule| rule.times != Some(0));
        plan
    }

    /// Rules that are left.
    pub(crate) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Calls that wait for a release.
    pub(crate) fn stalled(&self) -> usize {
        self.gate.waiting.load(Ordering::SeqCst)
    }
}

impl Plan {
    fn add(&mut self, action: &Action, gate: &Arc<Stall>) {
        match action {
            Action::CutAfterBytes(bytes) => self.cut_after = Some(*bytes),
            Action::DelayMs(delay) => self.delay += Duration::from_millis(*delay),
            Action::Stall => self.stall = Some(Arc::clone(gate)),
            Action::TruncatePageRows(rows) => self.effects.truncate_page_rows = Some(*rows),
            Action::DropLocatorHeader => self.effects.drop_locator_header = true,
            Action::RepeatPage => self.effects.repeat_page = true,
            Action::LoseRows(rows) => self.effects.lose_rows = *rows,
            Action::WrongCount(by) => self.effects.wrong_count = Some(*by),
            Action::FailBulkJob { message } => self.effects.fail_bulk_job = Some(message.clone()),
            Action::ExpireSession => self.expire = true,
            Action::Status(answer) => self.answer = Some(answer.clone()),
            Action::OutOfCalls => self.out_of_calls = true,
            Action::ServerError => {
                self.answer = Some(Answer::error(500, "UNKNOWN_EXCEPTION", UNEXPECTED));
            }
            Action::Unavailable { retry_after } => {
                let mut answer = Answer::error(503, "SERVER_UNAVAILABLE", "Server Unavailable");
                if let Some(seconds) = retry_after {
                    let seconds = seconds.to_string();
                    answer.headers.insert("Retry-After".to_owned(), seconds);
                }
                self.answer = Some(answer);
            }
            Action::QueryTimeout => {
                let message = "Your query request was running for too long.";
                self.answer = Some(Answer::error(400, "QUERY_TIMEOUT", message));
            }
            Action::TimeoutAboveRows(rows) => self.effects.timeout_above_rows = Some(*rows),
            Action::FieldsMax(fields) => self.effects.fields_max = Some(*fields),
            Action::BytesPerSecond(bytes) => self.bytes_per_second = Some(*bytes),
            Action::ExpireLocators => self.expire_locators = true,
        }
    }
}

/// What happens before the call is served; an answer means that it is not.
pub(crate) async fn before(org: &Org, plan: &Plan) -> Option<Response> {
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    if let Some(stall) = &plan.stall {
        let released = stall.released.notified();
        stall.waiting.fetch_add(1, Ordering::SeqCst);
        let _leave = Leave(stall);
        released.await;
    }
    if plan.expire {
        org.sessions.lock().expire_all();
    }
    if plan.expire_locators {
        query::expire(org);
    }
    let answer = plan.answer.as_ref()?;
    let status = StatusCode::from_u16(answer.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match &answer.body {
        None => status.into_response(),
        Some(Value::String(text)) => (status, text.clone()).into_response(),
        Some(json) => (status, [("content-type", JSON)], json.to_string()).into_response(),
    };
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Some(response)
}

/// Takes a stalled call out of the count, also when its client goes away.
struct Leave<'a>(&'a Stall);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What happens to the answer.
pub(crate) fn after(plan: &Plan, response: Response) -> Response {
    let response = match plan.bytes_per_second {
        None => response,
        Some(bytes) => response.map(|body| wire::slow(body, bytes)),
    };
    match plan.cut_after {
        None => response,
        Some(limit) => response.map(|body| wire::cut(body, limit)),
    }
}

/// The object that a call is about, as far as its path, its query or its body tells.
fn object_of(org: &Org, uri: &Uri, body: &[u8]) -> Option<String> {
    let mut parts = uri.path().split('/').skip(4);
    match (parts.next()?, parts.next()) {
        ("sobjects", name) => name.map(str::to_owned),
        ("query" | "queryAll", Some(locator)) => {
            let (id, _) = locator.rsplit_once('-')?;
            let object = org.cursors.lock().get(id)?.object();
            org.schema.object(object).map(|o| o.name.clone())
        }
        ("query" | "queryAll", None) => {
            let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
            let text = pairs.into_iter().find(|(name, _)| name == "q")?.1;
            parse(&text).ok().map(|query| query.from.path)
        }
        ("jobs", _) => {
            if let Some(id) = parts.next() {
                let query = org.jobs.lock().get(id).map(|job| job.object.clone());
                let jobs = org.ingest_jobs.lock();
                return query.or_else(|| jobs.get(id).map(|job| job.object_name.clone()));
            }
            let request: Value = serde_json::from_slice(body).ok()?;
            if let Some(object) = request.get("object").and_then(Value::as_str) {
                return Some(object.to_owned());
            }
            parse(request.get("query")?.as_str()?)
                .ok()
                .map(|query| query.from.path)
        }
        _ => None,
    }
}

/// `GET /__sim/faults`
pub(crate) async fn list(State(org): State<Arc<Org>>) -> Json<Value> {
    let faults = org.faults.lock();
    Json(json!({"rules": faults.rules, "stalled": faults.stalled()}))
}

/// `POST /__sim/faults`
pub(crate) async fn add(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, super::ControlError> {
    let mut rule: Rule = serde_json::from_slice(&body)
        .map_err(|error| super::ControlError(format!("not a fault rule: {error}")))?;
    let mut faults = org.faults.lock();
    faults.added += 1;
    rule.id = faults.added;
    rule.seen = 0;
    rule.ends_ms = rule
        .for_seconds
        .map(|seconds| org.clock.now_ms() + seconds * 1000);
    faults.rules.push(rule);
    Ok(Json(json!({"id": faults.added})))
}

/// `DELETE /__sim/faults`: all rules go, and what is stalled goes on.
pub(crate) async fn clear(State(org): State<Arc<Org>>) -> Json<Value> {
    let mut faults = org.faults.lock();
    let removed = faults.rules.len();
    faults.rules.clear();
    faults.gate.released.notify_waiters();
    Json(json!({"removed": removed}))
}

/// `POST /__sim/faults/release`: what is stalled goes on.
pub(crate) async fn release(State(org): State<Arc<Org>>) -> Json<Value> {
    let faults = org.faults.lock();
    let stalled = faults.stalled();
    faults.gate.released.notify_waiters();
    Json(json!({"released": stalled}))
}
