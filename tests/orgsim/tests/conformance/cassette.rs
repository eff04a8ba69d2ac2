//! VCR cassettes: YAML, some of it written by hand.

use std::borrow::Cow;

use saphyr::{Scalar, Yaml, YamlLoader};
use saphyr_parser::Parser;
use serde_json::{Value, json};

/// The calls of a cassette; what it includes from other files is recorded there. Of a key that stands twice the last
/// one counts.
pub(crate) fn calls(text: &str) -> Result<Value, String> {
    let text = indented(text);
    let mut loader = YamlLoader::<Yaml<'_>>::default();
    loader.allow_duplicate_keys(true);
    Parser::new_from_str(&text)
        .load(&mut loader, true)
        .map_err(|error| error.to_string())?;
    if let Some(error) = loader.error() {
        return Err(error.to_string());
    }
    let documents = loader.into_documents();
    let Some(document) = documents.first().map(plain) else {
        return Ok(Value::Null);
    };
    if document["request"].is_object() {
        return Ok(json!([document]));
    }
    let calls = document["interactions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let own = calls
        .into_iter()
        .filter(|call| call["include_file"].is_null());
    Ok(own.collect())
}

/// Quoted texts go on in lines that stand further in than their key, which the recorder's YAML did not demand.
fn indented(text: &str) -> String {
    let mut open: Option<char> = None;
    let lines = text.lines().map(|line| {
        let continued = open.is_some();
        let rest = match open {
            Some(_) => line,
            None => opening(line).map_or("", |(quote, rest)| {
                open = Some(quote);
                rest
            }),
        };
        if open.is_some_and(|quote| closes(rest, quote)) {
            open = None;
        }
        if continued && !line.trim().is_empty() {
            Cow::from(format!("{:40}{}", "", line.trim_start()))
        } else {
            Cow::from(line)
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The quote that the value of a line begins with, and what follows it.
fn opening(line: &str) -> Option<(char, &str)> {
    let mut rest = line.trim_start();
    while let Some(inner) = rest.strip_prefix("- ") {
        rest = inner.trim_start();
    }
    let (_, value) = rest.split_once(": ")?;
    let value = value.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some((quote, &value[1..]))
}

/// The quote ends in these characters.
fn closes(text: &str, quote: char) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote == '"' => {
                chars.next();
            }
            '\'' if quote == '\'' && chars.peek() == Some(&'\'') => {
                chars.next();
            }
            c if c == quote => return true,
            _ => {}
        }
    }
    false
}

fn plain(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Mapping(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), plain(value)));
            Value::Object(fields.collect())
        }
        Yaml::Sequence(values) => values.iter().map(plain).collect(),
        Yaml::Tagged(_, inner) => plain(inner),
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::from(value.into_inner()),
        Yaml::Value(Scalar::String(value)) | Yaml::Representation(value, ..) => {
            Value::from(value.as_ref())
        }
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}
