//! A recorded call as a call to our org, and the two answers side by side.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    body, jobs,
    names::Names,
    recording::Exchange,
    shape::Shape,
    soql, table,
    verdict::{Verdict, errors, judge},
    world::{Answer, Call, World},
    xml,
};

/// Stands for the version where a recorder masked it, or where ours is retired.
pub(crate) const OLDEST: u32 = 31;
const MASKED: u32 = 60;

/// Replays one call.
pub(crate) async fn replay(world: &mut World, exchange: &Exchange) -> Verdict {
    let mut replay = Replay::new(world, exchange, Names::default());
    match replay.call().await {
        Ok(call) => replay.compare(call).await,
        Err(reason) => Verdict::NotCovered(reason),
    }
}

pub(crate) fn answer_of(exchange: &Exchange) -> Value {
    body::read(&exchange.answer, exchange.headers.get("content-type"))
}

/// One call on its way.
pub(crate) struct Replay<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) world: &'a mut World,
    pub(crate) names: Names,
    /// Codes and messages that the recorded answer holds.
    pub(crate) expected: Vec<(String, String)>,
    /// The answer is a whole record, whose fields are those of its org.
    pub(crate) rows: bool,
}

/// Or why the call is not covered.
pub(crate) type Made<T> = Result<T, String>;

pub(crate) fn no_stand_in() -> String {
    "no object or record of ours can stand in".to_owned()
}

impl<'a> Replay<'a> {
    pub(crate) fn new(world: &'a mut World, exchange: &'a Exchange, names: Names) -> Self {
        Self {
            expected: errors(&answer_of(exchange)),
            exchange,
            world,
            names,
            rows: false,
        }
    }
}

impl Replay<'_> {
    pub(crate) fn expects(&self, code: &str) -> bool {
        self.expected.iter().any(|(expected, _)| expected == code)
    }

    /// The recorded call was refused for a name that its org did not know.
    pub(crate) fn keeps_names(&self) -> bool {
        self.exchange.status >= 400
            && ["INVALID_TYPE", "INVALID_FIELD", "MALFORMED_QUERY"]
                .iter()
                .any(|code| self.expects(code))
            || self.exchange.status == 404
                && self
                    .expected
                    .iter()
                    .any(|(_, text)| text == "The requested resource does not exist")
    }

    /// Replays what names a masked user with the one who is logged in.
    async fn call(&mut self) -> Made<Call> {
        let (path, query) = self
            .exchange
            .target
            .split_once('?')
            .unwrap_or((&self.exchange.target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let segments: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .skip(1)
            .map(decode)
            .collect();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let mut call = Call::new(&self.exchange.method, "");
        if self.expects("INVALID_SESSION_ID") {
            call.token = Some("00D000000000000!expired".to_owned());
        }
        match parts.as_slice() {
            ["oauth2", "token"] => return Ok(self.login()),
            ["oauth2", ..] | ["data"] => {
                call.target = path;
                return Ok(call);
            }
            ["data", version, rest @ ..] => {
                let root = format!("/services/data/{}", replayed_version(version));
                let slash = if path.ends_with('/') && !rest.is_empty() {
                    "/"
                } else {
                    ""
                };
                let rest: Vec<&str> = rest
                    .iter()
                    .copied()
                    .filter(|part| !part.is_empty())
                    .collect();
                let (below, body) = self.resource(&root, &rest, &query).await?;
                let (below_path, below_query) = below
                    .split_once('?')
                    .map_or((below.as_str(), None), |(p, q)| (p, Some(q)));
                let tail = below_query.map_or_else(String::new, |q| format!("?{q}"));
                call.target = format!("{root}{below_path}{slash}{tail}");
                if let Some(body) = body {
                    call = call.json(&body);
                }
            }
            ["Soap", rest @ ..] => return self.soap(rest).await,
            ["apexrest", ..] => return Err("Apex code of the recorded org".to_owned()),
            _ => return Err("path of another kind".to_owned()),
        }
        Ok(call)
    }

    fn login(&self) -> Call {
        let body = self
            .exchange
            .body
            .clone()
            .unwrap_or_else(|| "grant_type=password".to_owned());
        let recorded: HashMap<String, String> = form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        // Where a recorder masked the body: only a refresh is answered with a scope.
        let masked = if answer_of(self.exchange).get("scope").is_some() {
            "refresh_token"
        } else {
            "password"
        };
        let grant = recorded.get("grant_type").cloned();
        let grant = grant.unwrap_or_else(|| masked.to_owned());
        let client = if self.expects("invalid_client_id") {
            "unknown"
        } else {
            "holdfast-demo"
        };
        let mut form = vec![
            ("grant_type", grant.as_str()),
            ("client_id", client),
            ("client_secret", "demo-secret"),
        ];
        match grant.as_str() {
            "password" => form.extend([
                ("username", "backup@acme.example"),
                ("password", "demo-password"),
            ]),
            "refresh_token" => form.push(("refresh_token", "demo-refresh-token")),
            _ => {}
        }
        let mut call = Call::new("POST", "/services/oauth2/token");
        call.body = Some(
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish(),
        );
        call.content_type = Some("application/x-www-form-urlencoded".to_owned());
        call
    }

    pub(crate) async fn compare(&mut self, call: Call) -> Verdict {
        let mut call = call;
        if answer_of(self.exchange)["nextRecordsUrl"].is_string()
            && !call.target.contains("/query/")
        {
            call.headers.push((
                "Sforce-Query-Options".to_owned(),
                "batchSize=200".to_owned(),
            ));
        }
        let mut answer = self.world.send(&call).await;
        let mut recorded = answer_of(self.exchange);
        soql::drop_paths(&mut recorded, &self.names.dropped);
        let mut recorded = soql::renamed(&recorded, &self.names.renames);
        let empty = |answer: &Answer| {
            answer.json()["records"]
                .as_array()
                .is_some_and(Vec::is_empty)
        };
        // The condition picked a record of the recorded org: what a row looks like is seen without it.
        let rows = recorded["records"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
        if rows
            && answer.status == 200
            && empty(&answer)
            && let Some((path, query)) = call.target.split_once('?')
        {
            let q = form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == "q")
                .map(|(_, q)| q.into_owned());
            if let Some(q) = q {
                let whole = format!("{path}?{}", encode(&[("q", &soql::without_condition(&q))]));
                answer = self.world.get(&whole).await;
            }
        }
        let mut ours = answer.body();
        if self.rows {
            keep_common(&mut recorded, &mut ours);
        }
        let mut found = Shape::of(&recorded).differences(&Shape::of(&ours));
        if answer.text.starts_with('<') {
            // Every element is in a list.
            for difference in &mut found {
                *difference = difference.replace("[]", "");
            }
        }
        found.extend(self.of_notation(&recorded, &ours, &answer));
        judge(self.exchange, &answer, found)
    }

    /// What differs in the order of elements, the header row and the outcome of jobs; and what the Ids of the answer
    /// mean in later calls.
    fn of_notation(&mut self, recorded: &Value, ours: &Value, answer: &Answer) -> Vec<String> {
        let theirs = &self.exchange.answer;
        for (recorded, ours) in body::ids(recorded, ours) {
            self.names.means(&recorded, ours);
        }
        let mut found = jobs::outcomes(self.exchange, recorded, ours);
        if body::is_table(self.exchange.headers.get("content-type")) {
            found.extend(table::differences(theirs, &answer.text));
        } else if theirs.trim_start().starts_with('<') {
            found.extend(xml::differences(theirs, &answer.text));
        }
        found
    }
}

/// Two orgs share neither all fields of an object nor any custom ones.
fn keep_common(recorded: &mut Value, ours: &mut Value) {
    if let (Some(recorded), Some(ours)) = (recorded.as_object_mut(), ours.as_object_mut()) {
        recorded.retain(|key, _| ours.contains_key(key));
        ours.retain(|key, _| recorded.contains_key(key));
    }
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn decode(segment: &str) -> String {
    form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// A path of its segments.
pub(crate) fn below(parts: &[&str]) -> String {
    parts.iter().flat_map(|part| ["/", part]).collect()
}

/// The same without the letter, as Bulk API 1.0 has it.
pub(crate) fn replayed_number(text: &str) -> String {
    let version = match text {
        number if number.starts_with(|c: char| c.is_ascii_digit()) => format!("v{number}"),
        masked => masked.to_owned(),
    };
    replayed_version(&version)
        .trim_start_matches('v')
        .to_owned()
}

/// Ours for a recorded version: masked ones and retired ones have a stand-in.
fn replayed_version(text: &str) -> String {
    let number = text
        .strip_prefix('v')
        .and_then(|t| t.strip_suffix(".0"))
        .and_then(|t| t.parse::<u32>().ok());
    match number {
        Some(number) => format!("v{}.0", number.max(OLDEST)),
        None if text.starts_with("v<") || text == "vxx.0" => format!("v{MASKED}.0"),
        None if text.starts_with('<') => format!("v{OLDEST}.0"),
        None => text.to_owned(),
    }
}
