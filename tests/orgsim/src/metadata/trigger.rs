//! When triggers and flows run, from their sources.
//!
//! Sources: Apex Developer Guide (Triggers); Metadata API Developer Guide (`FlowStart`).

use super::problem::Problem;
use crate::soap::Element;

/// Object and events of a trigger's first line.
pub(super) fn trigger(source: &str, name: &str) -> Result<(String, Vec<String>), Problem> {
    let unexpected = || {
        Problem::new(
            "INVALID_FIELD",
            format!(
                "Trigger {name}: unexpected token, expecting 'trigger {name} on SObject (events)'"
            ),
        )
    };
    let source = without_comments(source);
    let head = source.split('{').next().unwrap_or_default();
    let (head, events) = head.split_once('(').ok_or_else(unexpected)?;
    let words: Vec<&str> = head.split_whitespace().collect();
    let [word, own, on, object] = words.as_slice() else {
        return Err(unexpected());
    };
    if !word.eq_ignore_ascii_case("trigger") || !on.eq_ignore_ascii_case("on") {
        return Err(unexpected());
    }
    if !own.eq_ignore_ascii_case(name) {
        return Err(unexpected());
    }
    let events = events.split_once(')').ok_or_else(unexpected)?.0;
    let events = events.split(',').map(|event| {
        event
            .split_whitespace()
            .collect::<Vec<_>>()
            .join("_")
            .to_lowercase()
    });
    Ok(((*object).to_owned(), events.collect()))
}

fn without_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('/') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = if from.starts_with("//") {
            from.find('\n')
        } else if from.starts_with("/*") {
            from.find("*/").map(|at| at + 2)
        } else {
            out.push('/');
            Some(1)
        };
        rest = end.and_then(|end| from.get(end..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The events of a record-triggered flow; nothing for other flows.
pub(super) fn flow_events(start: &Element) -> Option<Vec<&'static str>> {
    let before = match start.given("triggerType")? {
        "RecordBeforeSave" => true,
        "RecordAfterSave" => false,
        "RecordBeforeDelete" => return Some(vec!["before_delete"]),
        _ => return None,
    };
    Some(match (start.given("recordTriggerType")?, before) {
        ("Create", true) => vec!["before_insert"],
        ("Create", false) => vec!["after_insert"],
        ("Update", true) => vec!["before_update"],
        ("Update", false) => vec!["after_update"],
        ("CreateAndUpdate", true) => vec!["before_insert", "before_update"],
        ("CreateAndUpdate", false) => vec!["after_insert", "after_update"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_says_where_and_when_it_runs() {
        let source = "// who: me {\n/* on X ( */ trigger T on Account(before insert, after\n update) { Integer a = 1/2; }";
        let events = vec!["before_insert".to_owned(), "after_update".to_owned()];
        assert_eq!(trigger(source, "T"), Ok(("Account".to_owned(), events)));
        assert!(trigger("class T {}", "T").is_err());
        assert!(trigger("trigger U on Account (before insert) {}", "T").is_err());
    }
}
