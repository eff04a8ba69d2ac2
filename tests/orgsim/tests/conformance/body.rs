//! Bodies of all notations as values, so that one comparison serves JSON, XML and CSV.

use serde_json::Value;

use super::{names::is_id, table, xml};

/// A body as a value; null for what is none of the three.
pub(crate) fn read(text: &str, content_type: Option<&String>) -> Value {
    if is_table(content_type) {
        return table::value(text);
    }
    if text.trim_start().starts_with('<') {
        return xml::value(text);
    }
    serde_json::from_str(text).unwrap_or(Value::Null)
}

pub(crate) fn is_table(content_type: Option<&String>) -> bool {
    content_type.is_some_and(|kind| kind.starts_with("text/csv"))
}

/// A scalar of XML and CSV, where nothing but its letters tells its type.
pub(crate) fn scalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text
            .parse::<serde_json::Number>()
            .map_or_else(|_| Value::from(text), Value::Number),
    }
}

/// Calls `seen` with the key and both values wherever the two have a scalar at the same place.
pub(crate) fn side_by_side(
    key: &str,
    recorded: &Value,
    ours: &Value,
    seen: &mut impl FnMut(&str, &Value, &Value),
) {
    match (recorded, ours) {
        (Value::Array(recorded), Value::Array(ours)) => {
            for (recorded, ours) in recorded.iter().zip(ours) {
                side_by_side(key, recorded, ours, seen);
            }
        }
        (Value::Object(recorded), Value::Object(ours)) => {
            for (key, recorded) in recorded {
                if let Some(ours) = ours.get(key) {
                    side_by_side(key, recorded, ours, seen);
                }
            }
        }
        (recorded, ours) => seen(key, recorded, ours),
    }
}

/// Ids at the same place of a recorded answer and of ours: what the one names is the other.
pub(crate) fn ids(recorded: &Value, ours: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    side_by_side("", recorded, ours, &mut |_, recorded, ours| {
        if let (Some(recorded), Some(ours)) = (recorded.as_str(), ours.as_str())
            && is_id(recorded)
            && is_id(ours)
        {
            found.push((recorded.to_owned(), ours.to_owned()));
        }
    });
    found
}
