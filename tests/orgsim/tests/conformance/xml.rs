//! XML documents as values: an element with children is an object of arrays, for any name may come again.

use std::collections::BTreeMap;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value};

use super::body::scalar;

/// One element.
#[derive(Debug, Default)]
struct Node {
    name: String,
    /// The namespace that it and its children are in from here on.
    namespace: Option<String>,
    nil: bool,
    text: String,
    children: Vec<Self>,
}

/// A document as an object of its root; null when it cannot be read.
pub(crate) fn value(text: &str) -> Value {
    read(text).map_or(Value::Null, |document| document.value())
}

impl Node {
    fn of(tag: &BytesStart<'_>) -> Self {
        let mut node = Self {
            name: tag.local_name().as_ref().to_owned(),
            ..Self::default()
        };
        for attribute in tag.attributes().flatten() {
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .unwrap_or_default();
            match attribute.key.as_ref() {
                "xmlns" => node.namespace = Some(value.into_owned()),
                "xsi:nil" => node.nil = value == "true",
                _ => {}
            }
        }
        node
    }

    fn value(&self) -> Value {
        if self.nil {
            return Value::Null;
        }
        if self.children.is_empty() && self.namespace.is_none() {
            return scalar(self.text.trim());
        }
        let mut map: Map<String, Value> = Map::new();
        if let Some(namespace) = &self.namespace {
            map.insert(format!("@xmlns={namespace}"), Value::Bool(true));
        }
        for child in &self.children {
            let seen = map.entry(child.name.clone());
            let seen = seen.or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(seen) = seen {
                seen.push(child.value());
            }
        }
        Value::Object(map)
    }

    /// The names of the children of every element, each once, in the order of their first coming.
    fn orders(&self, path: &str, found: &mut BTreeMap<String, Vec<String>>) {
        for child in &self.children {
            let names = found.entry(path.to_owned()).or_default();
            if !names.contains(&child.name) {
                names.push(child.name.clone());
            }
            child.orders(&format!("{path}.{}", child.name), found);
        }
    }
}

fn read(text: &str) -> Option<Node> {
    let mut reader = Reader::from_str(text.trim_start());
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => open.push(Node::of(&tag)),
            Event::Empty(tag) => open.last_mut()?.children.push(Node::of(&tag)),
            Event::End(_) => {
                let closed = open.pop()?;
                open.last_mut()?.children.push(closed);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let letter = match entity.xml10_content().as_ref() {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => entity.resolve_char_ref().ok()??,
                };
                open.last_mut()?.text.push(letter);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.pop().filter(|_| open.is_empty())
}

/// Where our elements come in another order, which a schema with a sequence does not allow.
pub(crate) fn differences(recorded: &str, ours: &str) -> Vec<String> {
    let orders = |text: &str| {
        let mut found = BTreeMap::new();
        if let Some(document) = read(text) {
            document.orders("$", &mut found);
        }
        found
    };
    let (recorded, ours) = (orders(recorded), orders(ours));
    let mut found = Vec::new();
    for (path, theirs) in &recorded {
        let Some(ours) = ours.get(path) else { continue };
        let common = |one: &[String], other: &[String]| -> Vec<String> {
            let kept = one.iter().filter(|name| other.contains(name));
            kept.cloned().collect()
        };
        let (theirs, ours) = (common(theirs, ours), common(ours, theirs));
        if theirs != ours {
            found.push(format!(
                "{path}: elements in the order {}, recorded {}",
                ours.join(", "),
                theirs.join(", ")
            ));
        }
    }
    found
}
