//! References from one part of a composite request to the answer of an earlier one: `@{refId.field}`.
//!
//! Source: REST API Developer Guide, Composite Subrequest (`referenceId`).

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

/// Steps of a path that are followed; more would only be a way to keep the org busy.
const STEPS_MAX: usize = 50;

/// What is known of an earlier part.
#[derive(Clone, Copy, Debug)]
pub(super) enum Earlier<'a> {
    /// Its answer.
    Done(&'a RawValue),
    /// It failed.
    Failed,
    /// There is none of that name.
    Unknown,
}

/// Why a part cannot run: the text of its `PROCESSING_HALTED`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Halted(pub String);

/// Finds the answers of earlier parts by their reference Id.
pub(super) trait Answers {
    /// The part called `id`.
    fn earlier(&self, id: &str) -> Earlier<'_>;
}

/// Replaces the references in a URL by plain text.
pub(super) fn in_url(url: &str, answers: &impl Answers) -> Result<String, Halted> {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, reference, after)) = next(rest) {
        out.push_str(before);
        out.push_str(&plain(value(reference, answers)?));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Replaces the references in the texts of a JSON body; everything else stays as it was written, its digits included.
pub(super) fn in_body(json: &str, answers: &impl Answers) -> Result<String, Halted> {
    if !json.contains("@{") {
        return Ok(json.to_owned());
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        let (token, after) = from.split_at(string_end(from));
        out.push_str(before);
        out.push_str(&in_text(token, answers)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// One JSON text with its quotes.
fn in_text<'t>(token: &'t str, answers: &impl Answers) -> Result<Cow<'t, str>, Halted> {
    let text: String = match serde_json::from_str(token) {
        Ok(text) if token.contains("@{") => text,
        _ => return Ok(Cow::Borrowed(token)),
    };
    if let Some(("", reference, "")) = next(&text) {
        // A text that is nothing but a reference takes the value's own type.
        return Ok(Cow::Owned(value(reference, answers)?.get().to_owned()));
    }
    let text = in_url(&text, answers)?;
    Ok(Cow::Owned(serde_json::Value::from(text).to_string()))
}

/// Where the JSON text that `from` begins with ends.
fn string_end(from: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in from.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    from.len()
}

/// The first reference of a text, with what is before and after it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from) = text.split_once("@{")?;
    let (reference, after) = from.split_once('}')?;
    Some((before, reference, after))
}

/// The value that a reference names.
fn value<'a>(reference: &str, answers: &'a impl Answers) -> Result<&'a RawValue, Halted> {
    let end = reference.find(['.', '[']).unwrap_or(reference.len());
    let (id, path) = reference.split_at(end);
    match answers.earlier(id) {
        Earlier::Failed => Err(Halted(format!(
            "Execution halted as previous operation ({id}) was not successful."
        ))),
        Earlier::Done(answer) => follow(answer, path)
            .filter(|found| found.get() != "null")
            .ok_or_else(|| invalid(reference, id)),
        Earlier::Unknown => Err(invalid(reference, id)),
    }
}

fn invalid(reference: &str, id: &str) -> Halted {
    Halted(format!(
        "Invalid reference specified. No value for {reference} found in {id}. {}",
        naming_rule(reference)
    ))
}

/// What is wrong with a reference Id that has other characters.
pub(super) fn naming_rule(id: &str) -> String {
    format!(
        "Provided referenceId ('{id}') must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')."
    )
}

/// Follows `.records[0].Id` and the like, in the exact case of the answer.
fn follow<'a>(mut value: &'a RawValue, path: &str) -> Option<&'a RawValue> {
    let mut rest = path;
    for _ in 0..STEPS_MAX {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
            value = members.get(name).copied()?;
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (place, after) = after.split_once(']')?;
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            value = items.get(place.parse::<usize>().ok()?).copied()?;
            rest = after;
        } else {
            return rest.is_empty().then_some(value);
        }
    }
    None
}

/// A scalar without its quotes.
fn plain(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct One(Box<RawValue>);

    impl Answers for One {
        fn earlier(&self, id: &str) -> Earlier<'_> {
            match id {
                "ref" => Earlier::Done(&self.0),
                "bad" => Earlier::Failed,
                _ => Earlier::Unknown,
            }
        }
    }

    fn one() -> One {
        let text = r#"{"id":"001","n":12345678901234567.25,"none":null,"records":[{"Id":"a\"b","Owner":{"Name":"Zoë"}}]}"#;
        One(RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn references_are_replaced_and_the_rest_keeps_its_bytes() {
        let body = r#"{"A":"@{ref.id}", "B":"x-@{ref.records[0].Owner.Name}-@{ref.id}","C":1.50,"D":"@{ref.n}","E":"\"@{ref.records[0].Id}"}"#;
        assert_eq!(
            in_body(body, &one()).unwrap(),
            r#"{"A":"001", "B":"x-Zoë-001","C":1.50,"D":12345678901234567.25,"E":"\"a\"b"}"#
        );
        assert_eq!(
            in_url("/x/@{ref.id}/@{ref.id}?a", &one()).unwrap(),
            "/x/001/001?a"
        );
    }

    #[test]
    fn a_reference_that_leads_nowhere_says_why() {
        let halted = |text: &str| in_url(text, &one()).unwrap_err().0;
        assert_eq!(
            halted("@{bad.id}"),
            "Execution halted as previous operation (bad) was not successful."
        );
        for lost in [
            "ref.Id",
            "ref.none",
            "ref.records[1].Id",
            "ref.records[x]",
            "who.id",
            "ref.id.id",
            "refx",
        ] {
            let text = halted(&format!("@{{{lost}}}"));
            assert!(
                text.starts_with(&format!(
                    "Invalid reference specified. No value for {lost} found in "
                )),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), path in "@\\{ref[.a-z\\[\\]0-9é\"\\\\]{0,20}\\}?") {
            let _ = in_url(&format!("{text}{path}"), &one());
            let _ = in_body(&format!("{{\"{text}{path}"), &one());
        }
    }
}
