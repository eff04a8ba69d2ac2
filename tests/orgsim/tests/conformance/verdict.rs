//! Whether our answer is the recorded one in everything that a client can depend on.

use serde_json::Value;

use super::{names::is_id, recording::Exchange, replay::answer_of, world::Answer};

/// The outcome of one replay.
#[derive(Debug)]
pub(crate) enum Verdict {
    Alike,
    Differs(Vec<String>),
    NotCovered(String),
}

/// Headers that clients read. Values are compared for the content type alone.
const HEADERS: &[&str] = &[
    "content-type",
    "location",
    "sforce-limit-info",
    "sforce-locator",
    "sforce-numberofrecords",
];

/// Compares status, errors, headers and, through `shape`, bodies.
pub(crate) fn judge(exchange: &Exchange, answer: &Answer, shape: Vec<String>) -> Verdict {
    let ours = errors(&answer.body());
    let recorded = answer_of(exchange);
    let theirs = errors(&recorded);
    let unknown_path = answer.status == 404
        && exchange.status != 404
        && theirs != ours
        && ours
            .iter()
            .any(|(_, text)| text == "The requested resource does not exist");
    if unknown_path || answer.status == 405 {
        return Verdict::NotCovered("orgsim does not serve the path".to_owned());
    }
    if answer.status != exchange.status {
        let said = ours.first().map_or_else(String::new, |(code, text)| {
            format!(" ({code}: {})", plain(text))
        });
        return Verdict::Differs(vec![format!(
            "status {}, recorded {}{said}",
            answer.status, exchange.status
        )]);
    }
    let mut found = shape;
    for (at, (code, text)) in theirs.iter().enumerate() {
        match ours.get(at) {
            Some((our_code, _)) if our_code != code => {
                found.push(format!("code {our_code}, recorded {code}"));
            }
            Some((_, our_text)) if plain(our_text) != plain(text) => {
                found.push(format!(
                    "{code}: `{}`, recorded `{}`",
                    plain(our_text),
                    plain(text)
                ));
            }
            Some(_) => {}
            None => found.push(format!("{code}: no such error")),
        }
    }
    if let Some((code, text)) = ours.get(theirs.len()) {
        found.push(format!(
            "an error that is not recorded: {code}: {}",
            plain(text)
        ));
    }
    for name in HEADERS {
        let (theirs, ours) = (exchange.headers.get(*name), answer.headers.get(*name));
        let kind = |value: &String| value.to_lowercase().replace(' ', "");
        match (theirs, ours) {
            (Some(_), None) if exchange.status != 204 || *name != "content-type" => {
                found.push(format!("header {name}: missing"));
            }
            (Some(theirs), Some(ours)) if *name == "content-type" && kind(theirs) != kind(ours) => {
                found.push(format!(
                    "header {name}: {}, recorded {}",
                    kind(ours),
                    kind(theirs)
                ));
            }
            _ => {}
        }
    }
    if found.is_empty() {
        Verdict::Alike
    } else {
        Verdict::Differs(found)
    }
}

/// Codes and messages, wherever an answer holds them.
pub(crate) fn errors(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(map) => {
            // An element of XML is a list of one.
            let text = |key: &str| {
                let value = map.get(key)?;
                let value = value.get(0).unwrap_or(value);
                value.as_str().map(ToOwned::to_owned)
            };
            let first = |keys: &[&str]| keys.iter().find_map(|key| text(key));
            let code = first(&[
                "errorCode",
                "statusCode",
                "error",
                "exceptionCode",
                "faultcode",
            ]);
            let message = first(&[
                "message",
                "error_description",
                "exceptionMessage",
                "faultstring",
            ]);
            // A row of a load's result has both in one cell.
            let row = first(&["sf__Error", "Error"]);
            let row = row.as_deref().and_then(|row| row.split_once(':'));
            let (code, message) = match row {
                Some((code, message)) => (Some(code.to_owned()), Some(message.to_owned())),
                None => (code, message),
            };
            match (code, message) {
                (Some(code), Some(message)) => found.push((code, message)),
                _ => map.values().for_each(|value| collect(value, found)),
            }
        }
        _ => {}
    }
}

/// A message without what it quotes from its own org: names in quotes, lists, Ids, numbers, own names.
fn plain(message: &str) -> String {
    let message = match (message.find("ERROR at Row:"), message.rsplit_once('\n')) {
        (Some(_), Some((_, last))) => format!("⟨place⟩ {last}"),
        _ => message.replace('\n', " "),
    };
    let message = match message.split_once("assigned to users. : ") {
        Some((text, _)) => format!("{text}assigned to users. : …"),
        None => message,
    };
    let message = match message.split_once(": bad value for restricted picklist field: ") {
        Some(_) => "…: bad value for restricted picklist field: …".to_owned(),
        None => message,
    };
    let mut out = String::new();
    let mut quoted: Option<char> = None;
    for c in message.chars() {
        match (quoted, c) {
            (Some(close), c) if c == close => {
                out.push('…');
                out.push(close);
                quoted = None;
            }
            (Some(_), _) => {}
            (None, '[') => {
                out.push('[');
                quoted = Some(']');
            }
            // An apostrophe inside a word quotes nothing.
            (None, '\'') if !out.ends_with(char::is_alphanumeric) => {
                out.push('\'');
                quoted = Some('\'');
            }
            (None, c) => out.push(c),
        }
    }
    let words: Vec<String> = out
        .split(' ')
        .map(|word| {
            let core = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let own = core.ends_with("__c")
                || is_id(core)
                || core.chars().all(|c| c.is_ascii_digit()) && !core.is_empty()
                || core == "invalid_id";
            if own {
                word.replace(core, "…")
            } else {
                word.to_owned()
            }
        })
        .collect();
    words.join(" ")
}

/// The part of the API that a call belongs to.
pub(crate) fn family(exchange: &Exchange) -> &'static str {
    let path = exchange
        .target
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["oauth2", "token"] => "OAuth token",
        ["oauth2", ..] => "OAuth user",
        ["Soap", "m", ..] => "SOAP metadata",
        ["Soap", ..] => "SOAP partner",
        ["async", ..] => "Bulk 1.0",
        ["apexrest", ..] => "Apex REST",
        ["data"] | ["data", _] => "versions and resources",
        ["data", _, rest @ ..] => match (rest, exchange.method.as_str()) {
            (["query" | "queryAll"], _) => "query",
            (["query" | "queryAll", ..], _) => "query, next page",
            (["search" | "parameterizedSearch" | "recent", ..], _) => "search and recent",
            (["limits", ..], _) => "limits",
            (["sobjects"], _) => "describe global",
            (["sobjects", _, "describe", ..], _) => "describe",
            (["sobjects", _, "updated" | "deleted"], _) => "updated and deleted",
            (["sobjects", ..], "GET") => "records: read",
            (["sobjects", ..], "POST") => "records: create",
            (["sobjects", _, _], "PATCH") => "records: update",
            (["sobjects", ..], "PATCH") => "records: upsert",
            (["sobjects", ..], "DELETE") => "records: delete",
            (["composite", "sobjects", ..], _) => "collections",
            (["composite", ..], _) => "composite, batch, graph",
            (["jobs", "query", ..], _) => "Bulk 2.0 query",
            (["jobs", ..], _) => "Bulk 2.0 ingest",
            (["tooling", ..], _) => "Tooling",
            (["graphql", ..], _) => "GraphQL",
            _ => "other REST",
        },
        _ => "other",
    }
}
