//! What two JSON answers have in common when values do not matter: keys, types and the layout of
//! stamps and addresses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The union of the values seen at one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    null: bool,
    truth: bool,
    number: bool,
    text: Option<BTreeSet<Form>>,
    list: Option<Box<Shape>>,
    object: Option<Keys>,
}

#[derive(Clone, Debug, Default)]
struct Keys {
    seen: usize,
    keys: BTreeMap<String, (usize, Shape)>,
}

/// The layout of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// `2026-01-02T03:04:05.000+0000`
    Stamp,
    /// `2026-01-02T03:04:05.000Z`
    Zulu,
    /// `2026-01-02`
    Date,
    /// `/services/data/…`
    Path,
    Plain,
}

impl Shape {
    pub(crate) fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.add(value);
        shape
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.null = true,
            Value::Bool(_) => self.truth = true,
            Value::Number(_) => self.number = true,
            Value::String(text) => {
                self.text.get_or_insert_default().insert(Form::of(text));
            }
            Value::Array(values) => {
                let element = self.list.get_or_insert_default();
                for value in values {
                    element.add(value);
                }
            }
            Value::Object(map) => {
                let keys = self.object.get_or_insert_default();
                keys.seen += 1;
                for (key, value) in map {
                    let (times, shape) = keys.keys.entry(key.clone()).or_default();
                    *times += 1;
                    shape.add(value);
                }
            }
        }
    }

    fn kinds(&self) -> Vec<&'static str> {
        let kinds = [
            (self.truth, "boolean"),
            (self.number, "number"),
            (self.text.is_some(), "string"),
            (self.list.is_some(), "array"),
            (self.object.is_some(), "object"),
        ];
        kinds
            .into_iter()
            .filter_map(|(there, name)| there.then_some(name))
            .collect()
    }

    /// What differs in `ours`, as `path: what`. Null is as good as a typed value.
    pub(crate) fn differences(&self, ours: &Self) -> Vec<String> {
        let mut found = Vec::new();
        self.compare(ours, "$", &mut found);
        found
    }

    fn compare(&self, ours: &Self, path: &str, found: &mut Vec<String>) {
        let (theirs_kinds, our_kinds) = (self.kinds(), ours.kinds());
        if theirs_kinds.is_empty() || our_kinds.is_empty() {
            return;
        }
        if let Some(kind) = our_kinds.iter().find(|kind| !theirs_kinds.contains(kind)) {
            found.push(format!(
                "{path}: {kind}, recorded {}",
                theirs_kinds.join(" or ")
            ));
            return;
        }
        if let (Some(theirs), Some(ours)) = (&self.text, &ours.text)
            && let Some(form) = ours
                .iter()
                .find(|form| **form != Form::Plain && !theirs.contains(form))
            && !theirs.contains(&Form::Plain)
        {
            found.push(format!(
                "{path}: written as {form:?}, recorded as {theirs:?}"
            ));
        }
        if let (Some(theirs), Some(ours)) = (&self.list, &ours.list) {
            theirs.compare(ours, &format!("{path}[]"), found);
        }
        let (Some(theirs), Some(ours)) = (&self.object, &ours.object) else {
            return;
        };
        for (key, (times, shape)) in &theirs.keys {
            let place = format!("{path}.{key}");
            match ours.keys.get(key) {
                Some((_, our)) => shape.compare(our, &place, found),
                None if *times == theirs.seen => found.push(format!("{place}: missing")),
                None => {}
            }
        }
        let extra = ours
            .keys
            .keys()
            .filter(|key| !theirs.keys.contains_key(*key));
        found.extend(extra.map(|key| format!("{path}.{key}: not recorded")));
    }
}

impl Form {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let digits = |from: usize, to: usize| {
            bytes
                .get(from..to)
                .is_some_and(|d| d.iter().all(u8::is_ascii_digit))
        };
        let dated = digits(0, 4) && bytes.get(4) == Some(&b'-') && digits(5, 7) && digits(8, 10);
        match (dated, bytes.len()) {
            (true, 10) => Self::Date,
            (true, _) if text.ends_with("+0000") => Self::Stamp,
            (true, _) if text.ends_with('Z') => Self::Zulu,
            _ if text.starts_with("/services/") => Self::Path,
            _ => Self::Plain,
        }
    }
}
