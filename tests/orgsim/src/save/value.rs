//! What a caller sent becomes what is stored: the text that Bulk CSV prints.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil};

use super::{SaveError, check};
use crate::{
    clock::utc_datetime,
    schema::{Field, Kind, Object},
    store::Changes,
};

/// One value, whatever notation it came in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'v> {
    /// JSON `null`, `#N/A` in CSV.
    Null,
    /// A text, without quotes and escapes.
    Text(&'v str),
    /// A JSON number, `true` or `false`.
    Literal(&'v str),
    /// A cell of a CSV file.
    Cell(&'v str),
    /// A JSON object or array where a plain value belongs.
    Structure,
}

/// Why a value cannot be stored.
#[derive(Debug)]
pub(super) enum Misfit {
    /// It is none of the field's type.
    Type,
    /// It is, and is refused all the same.
    Refused(SaveError),
}

/// A value as it is stored; nothing for null.
pub(super) fn stored(field: &Field, given: Given<'_>) -> Result<Option<String>, Misfit> {
    let text = match given {
        Given::Null | Given::Text("") | Given::Cell("") => return Ok(None),
        Given::Text(text) | Given::Literal(text) | Given::Cell(text) => text,
        Given::Structure => return Err(Misfit::Type),
    };
    let stored = match field.kind {
        Kind::Boolean => truth(text, matches!(given, Given::Cell(_))).map(str::to_owned),
        kind if kind.numeric() => check::number(field, text).map_err(Misfit::Refused)?,
        Kind::Date => date(text),
        Kind::DateTime => datetime(text),
        Kind::Time => time(text),
        _ => Some(text.to_owned()),
    };
    stored.map(Some).ok_or(Misfit::Type)
}

/// A truth value; CSV has more words for it.
fn truth(text: &str, cell: bool) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match () {
        () if is(&["true"]) || cell && is(&["1", "yes", "y"]) => Some("true"),
        () if is(&["false"]) || cell && is(&["0", "no", "n"]) => Some("false"),
        () => None,
    }
}

fn date(text: &str) -> Option<String> {
    let day = text.get(..10).unwrap_or(text);
    (text.len() == 10 || text.get(10..11) == Some("T"))
        .then(|| day.parse::<civil::Date>().ok())
        .flatten()
        .map(|date| date.to_string())
}

fn datetime(text: &str) -> Option<String> {
    let moment = text.parse::<Timestamp>().ok();
    let midnight = || format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
    let moment = moment.or_else(midnight)?;
    Some(utc_datetime(moment.as_millisecond()))
}

fn time(text: &str) -> Option<String> {
    let time: civil::Time = text.trim_end_matches('Z').parse().ok()?;
    Some(format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    ))
}

/// The bytes of a Base64 text.
pub(super) fn body(field: &Field, text: &str) -> Result<Vec<u8>, SaveError> {
    STANDARD.decode(text).map_err(|_| {
        SaveError::of(
            "JSON_PARSER_ERROR",
            format!(
                "Illegal character in base64-encoded content: {}",
                field.name
            ),
            &field.name,
        )
    })
}

/// Adds the full name that follows from a changed first or last name.
pub(crate) fn full_name(
    object: &Object,
    mut changes: Changes,
    current: impl Fn(usize) -> Option<String>,
) -> Changes {
    let number = |name: &str| object.field(name).map(|(number, _)| number);
    let (Some(first), Some(last), Some(full)) =
        (number("FirstName"), number("LastName"), number("Name"))
    else {
        return changes;
    };
    if changes.contains_key(&full) || !(changes.contains_key(&first) || changes.contains_key(&last))
    {
        return changes;
    }
    let part = |field: usize| {
        changes
            .get(&field)
            .cloned()
            .unwrap_or_else(|| current(field))
    };
    let parts: Vec<String> = [part(first), part(last)].into_iter().flatten().collect();
    changes.insert(full, Some(parts.join(" ")));
    changes
}
