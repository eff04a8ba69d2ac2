//! Recorded calls in the forms that public recorders write: one call per JSON file, `WireMock`
//! mappings, Betamax and VCR cassettes.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use super::{cassette, template::Templates};

/// One recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// `owner__name/file`, with the call's number where a file holds several.
    pub(crate) source: String,
    pub(crate) method: String,
    /// From `/services` on, with the query string.
    pub(crate) target: String,
    pub(crate) body: Option<String>,
    pub(crate) status: u16,
    /// Names in lower case; empty where the recorder left them out.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) answer: String,
}

impl Exchange {
    /// The file that holds the call, and those that came with it.
    pub(crate) fn file(&self) -> &str {
        self.source.split(" #").next().unwrap_or_default()
    }
}

/// Every call that the folder holds, in the order of the files.
pub(crate) fn load(root: &Path) -> Vec<Exchange> {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    let templates = Templates::load(&files);
    let mut exchanges = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(root)
            .unwrap_or(&file)
            .to_string_lossy()
            .into_owned();
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let mut found = if file.extension().is_some_and(|kind| kind == "yaml") {
            let calls = cassette::calls(&text);
            let calls = calls.unwrap_or_else(|error| panic!("{name}: {error}"));
            interactions(&calls, &templates)
        } else if name.contains("/exchanges/") && !name.ends_with(".body.json") {
            single(&file, &text).into_iter().collect()
        } else if name.contains("/mappings/") {
            mappings(&text)
        } else if name.contains("/cassettes/") {
            interactions(&json(&text)["http_interactions"], &templates)
        } else {
            Vec::new()
        };
        let several = found.len() > 1;
        for (number, exchange) in found.iter_mut().enumerate() {
            exchange.source = if several {
                format!("{name} #{}", number + 1)
            } else {
                name.clone()
            };
        }
        exchanges.extend(found);
    }
    exchanges
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// What both sides print; an answer that a recorder kept as JSON becomes text again.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// From `/services` on.
fn target(url: &str) -> Option<String> {
    url.find("/services/")
        .or_else(|| url.find("/id/"))
        .map(|at| url[at..].to_owned())
}

fn headers(value: &Value) -> BTreeMap<String, String> {
    let Some(map) = value.as_object() else {
        return BTreeMap::new();
    };
    map.iter()
        .filter_map(|(name, value)| {
            let value = match value {
                Value::Array(several) => several.first()?.as_str()?,
                other => other.as_str()?,
            };
            Some((name.to_lowercase(), value.to_owned()))
        })
        .collect()
}

fn single(file: &Path, text: &str) -> Option<Exchange> {
    let whole = json(text);
    let (request, response) = (&whole["request"], &whole["response"]);
    let answer = text_of(&response["body"]).or_else(|| {
        let beside = file.to_str()?.strip_suffix(".json")?;
        fs::read_to_string(format!("{beside}.body.json")).ok()
    });
    Some(Exchange {
        source: String::new(),
        method: request["method"].as_str()?.to_owned(),
        target: target(request["url"].as_str()?)?,
        body: text_of(&request["body"]),
        status: u16::try_from(response["status"].as_u64()?).ok()?,
        headers: headers(&response["headers"]),
        answer: answer.unwrap_or_default(),
    })
}

fn mappings(text: &str) -> Vec<Exchange> {
    let whole = json(text);
    let list = whole["mappings"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![whole]);
    list.iter().filter_map(mapping).collect()
}

fn mapping(whole: &Value) -> Option<Exchange> {
    let (request, response) = (&whole["request"], &whole["response"]);
    let mut path = ["url", "urlPath"]
        .iter()
        .find_map(|key| request[*key].as_str())?
        .to_owned();
    if let Some(parameters) = request["queryParameters"].as_object() {
        let pairs = parameters
            .iter()
            .filter_map(|(name, test)| Some((name, test["equalTo"].as_str()?)));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        path = format!("{path}?{query}");
    }
    let body = request["bodyPatterns"]
        .as_array()
        .and_then(|patterns| patterns.iter().find_map(|p| text_of(&p["equalToJson"])));
    Some(Exchange {
        source: String::new(),
        method: request["method"].as_str()?.to_owned(),
        target: target(&path)?,
        body,
        status: u16::try_from(response["status"].as_u64()?).ok()?,
        headers: headers(&response["headers"]),
        answer: text_of(&response["body"])
            .or_else(|| text_of(&response["jsonBody"]))
            .unwrap_or_default(),
    })
}

/// Betamax and VCR share this form.
fn interactions(list: &Value, templates: &Templates) -> Vec<Exchange> {
    let calls = list.as_array().map_or(&[][..], Vec::as_slice);
    let read = |call| interaction(call, templates);
    calls.iter().filter_map(read).collect()
}

fn interaction(call: &Value, templates: &Templates) -> Option<Exchange> {
    let (request, response) = (&call["request"], &call["response"]);
    let body = |side: &Value| {
        templates
            .filled(&side["body"]["string"])
            .or_else(|| text_of(&side["body"]["string"]))
            .or_else(|| side["body"].as_str().map(ToOwned::to_owned))
    };
    Some(Exchange {
        source: String::new(),
        method: request["method"].as_str()?.to_owned(),
        target: target(request["uri"].as_str()?)?,
        body: body(request).filter(|text| !text.is_empty()),
        status: u16::try_from(response["status"]["code"].as_u64()?).ok()?,
        headers: headers(&response["headers"]),
        answer: body(response).unwrap_or_default(),
    })
}
