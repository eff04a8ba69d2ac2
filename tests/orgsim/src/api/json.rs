//! Records as REST JSON. Written by hand, field after field, because the order of the SELECT list is
//! part of the answer and numbers must keep the digits that they are stored with.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use crate::{
    schema::{Field, Kind, Object},
    soql::{Bound, Column, Output, View, json_number, of_parents},
    store::{
        id_of, parse_datetime,
        row::{cell, text},
    },
};

/// The names of a SELECT list as a tree: parents hold what is selected of them, and so do lists of children.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Tree {
    entries: Vec<Entry>,
}

/// One name, and what it stands for.
#[derive(Debug, Deserialize, Serialize)]
struct Entry {
    name: String,
    shown: Shown,
    /// The types of record that show it; all of them when absent.
    only: Option<Vec<usize>>,
}

impl Entry {
    fn field(name: String) -> Self {
        Self {
            name,
            shown: Shown::Value,
            only: None,
        }
    }
}

/// What a name of a SELECT list stands for.
#[derive(Debug, Deserialize, Serialize)]
enum Shown {
    /// A field.
    Value,
    /// A parent.
    Parent(Tree),
    /// A list of children.
    Children(Children),
}

/// A sub-select that ran.
#[derive(Debug, Deserialize, Serialize)]
struct Children {
    /// Number of their object.
    object: usize,
    tree: Tree,
    /// By the parent's slot.
    slots: BTreeMap<usize, Vec<usize>>,
    /// The Recycle Bin is looked into.
    all: bool,
}

impl Tree {
    /// The tree of `columns`, in their order.
    pub(crate) fn of(columns: &[Column]) -> Self {
        let mut tree = Self::default();
        for column in columns {
            tree.insert(&column.path, None, column.only.as_deref());
        }
        tree
    }

    /// The tree of a query whose rows are `parents`, with the children that they have now.
    pub(crate) fn with_children(
        view: View<'_>,
        bound: &Bound,
        columns: &[Column],
        parents: &[usize],
        all: bool,
    ) -> Self {
        let mut tree = Self::default();
        let mut rest = bound.children.iter().peekable();
        for place in 0..=columns.len() {
            while let Some(children) = rest.next_if(|children| children.after == place) {
                let Output::Rows(columns) = &children.bound.output else {
                    continue;
                };
                tree.entries.push(Entry {
                    name: children.name.clone(),
                    shown: Shown::Children(Children {
                        object: children.bound.object,
                        tree: Self::of(columns),
                        slots: of_parents(view, children, (bound.object, parents), all),
                        all,
                    }),
                    only: None,
                });
            }
            if let Some(column) = columns.get(place) {
                tree.insert(&column.path, None, column.only.as_deref());
            }
        }
        tree
    }

    /// Every field of an object.
    pub(crate) fn all(object: &Object) -> Self {
        Self {
            entries: object
                .live_fields()
                .map(|(_, field)| Entry::field(field.name.clone()))
                .collect(),
        }
    }

    /// These fields of an object.
    pub(crate) fn fields(names: Vec<String>) -> Self {
        Self {
            entries: names.into_iter().map(Entry::field).collect(),
        }
    }

    /// `own` are the types that show the first name, `below` those that show the second.
    fn insert(&mut self, path: &[String], own: Option<&[usize]>, below: Option<&[usize]>) {
        let Some((head, rest)) = path.split_first() else {
            return;
        };
        let mut entry = Entry {
            only: own.map(<[usize]>::to_vec),
            ..Entry::field(head.clone())
        };
        if rest.is_empty() {
            self.entries.push(entry);
            return;
        }
        let mut entries = self.entries.iter_mut();
        let known = entries.find_map(|known| match &mut known.shown {
            Shown::Parent(tree) if known.name == *head && known.only == entry.only => Some(tree),
            _ => None,
        });
        if let Some(tree) = known {
            tree.insert(rest, below, None);
        } else {
            let mut tree = Self::default();
            tree.insert(rest, below, None);
            entry.shown = Shown::Parent(tree);
            self.entries.push(entry);
        }
    }
}

/// Appends the record `row` of object number `at`.
pub(crate) fn push_record(
    out: &mut String,
    view: View<'_>,
    at: usize,
    row: &[u8],
    tree: &Tree,
    version: &str,
) {
    let style = Style {
        version,
        epoch: false,
        durable: false,
    };
    push_named(out, view, at, row, tree, style, false);
}

/// Appends a record that was computed: its URL ends in its durable Id, if it has one.
pub(crate) fn push_computed(
    out: &mut String,
    view: View<'_>,
    at: usize,
    row: &[u8],
    tree: &Tree,
    version: &str,
) {
    let style = Style {
        version,
        epoch: false,
        durable: true,
    };
    push_named(out, view, at, row, tree, style, false);
}

/// Appends the record as Bulk API 1.0 shows it: times are milliseconds since 1970.
pub(crate) fn push_record_in_bulk(
    out: &mut String,
    view: View<'_>,
    at: usize,
    row: &[u8],
    tree: &Tree,
    version: &str,
) {
    let style = Style {
        version,
        epoch: true,
        durable: false,
    };
    push_named(out, view, at, row, tree, style, false);
}

/// What records look like besides their values.
#[derive(Clone, Copy)]
struct Style<'v> {
    /// Part of their URLs.
    version: &'v str,
    /// Times are numbers.
    epoch: bool,
    /// Durable Ids stand in their URLs.
    durable: bool,
}

fn push_named(
    out: &mut String,
    view: View<'_>,
    at: usize,
    row: &[u8],
    tree: &Tree,
    style: Style<'_>,
    by_name: bool,
) {
    let Some(object) = view.schema.object(at) else {
        return out.push_str("null");
    };
    // A polymorphic parent of which only the type is asked is shown as the pseudo-object `Name`.
    let shown = if by_name { "Name" } else { &object.name };
    let durable = style.durable.then(|| object.field("DurableId"));
    let durable = durable.flatten().and_then(|(number, _)| text(row, number));
    let id = durable.unwrap_or_else(|| id_of(row));
    let _ = write!(
        out,
        "{{\"attributes\":{{\"type\":\"{shown}\",\"url\":\"/services/data/{}/sobjects/{}/{id}\"}}",
        style.version, object.name
    );
    let of_type = |entry: &&Entry| entry.only.as_ref().is_none_or(|only| only.contains(&at));
    for Entry { name, shown, .. } in tree.entries.iter().filter(of_type) {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        match shown {
            Shown::Parent(tree) => push_parent(out, view, object, row, name, tree, style),
            Shown::Children(children) => push_children(out, view, row, children, style),
            Shown::Value if by_name && name == "Type" => push_text(out, &object.name),
            Shown::Value => match object.field(name) {
                Some((number, field)) => push_field(out, object, number, field, row, style),
                None => out.push_str("null"),
            },
        }
    }
    out.push('}');
}

fn push_parent(
    out: &mut String,
    view: View<'_>,
    object: &Object,
    row: &[u8],
    relationship: &str,
    tree: &Tree,
    style: Style<'_>,
) {
    let mut fields = object.fields.iter().enumerate();
    let reference = fields.find(|(_, f)| f.relationship.as_deref() == Some(relationship));
    let parent = reference.and_then(|(number, field)| {
        let (at, slot) = view.schema.locate(cell(row, number)?)?;
        let row = view.store.slot(at, slot)?.row.as_deref()?;
        let typed = field.polymorphic() && tree.entries.iter().any(|entry| entry.name == "Type");
        Some((at, row, typed))
    });
    match parent {
        Some((at, row, typed)) => push_named(out, view, at, row, tree, style, typed),
        None => out.push_str("null"),
    }
}

/// All children at once; a list never has a second page.
fn push_children(
    out: &mut String,
    view: View<'_>,
    row: &[u8],
    children: &Children,
    style: Style<'_>,
) {
    let parent = view.schema.locate(id_of(row).as_bytes());
    let slots = parent.and_then(|(_, slot)| children.slots.get(&slot));
    let mut records = String::new();
    let mut count = 0_usize;
    for slot in slots.into_iter().flatten() {
        let child = view.store.slot(children.object, *slot);
        // A child that went since the query ran is not shown, as a row of the page would not be.
        let Some(child) = child.and_then(|slot| slot.visible(children.all)) else {
            continue;
        };
        records.push_str(if count == 0 { "" } else { "," });
        push_named(
            &mut records,
            view,
            children.object,
            child,
            &children.tree,
            style,
            false,
        );
        count += 1;
    }
    if count == 0 {
        return out.push_str("null");
    }
    let _ = write!(
        out,
        "{{\"totalSize\":{count},\"done\":true,\"records\":[{records}]}}"
    );
}

fn push_field(
    out: &mut String,
    object: &Object,
    number: usize,
    field: &Field,
    row: &[u8],
    style: Style<'_>,
) {
    match field.kind {
        Kind::Base64 => {
            let id = id_of(row);
            push_text(
                out,
                &format!(
                    "/services/data/{}/sobjects/{}/{id}/{}",
                    style.version, object.name, field.name
                ),
            );
        }
        Kind::Address | Kind::Location => push_compound(out, object, field, row),
        Kind::DateTime if style.epoch => match cell(row, number).and_then(parse_datetime) {
            Some(moment) => out.push_str(&moment.to_string()),
            None => out.push_str("null"),
        },
        kind => out.push_str(&scalar(kind, cell(row, number))),
    }
}

/// Every address shows these, whether its object has a field for them or not.
const ADDRESS_PARTS: [&str; 8] = [
    "city",
    "country",
    "geocodeAccuracy",
    "latitude",
    "longitude",
    "postalCode",
    "state",
    "street",
];

/// An address or a location, from the fields that are its parts; null when all of them are.
fn push_compound(out: &mut String, object: &Object, compound: &Field, row: &[u8]) {
    let parts = object.fields.iter().enumerate();
    let parts = parts.filter(|(_, f)| f.compound.as_deref() == Some(compound.name.as_str()));
    let mut members: Vec<(String, String)> = Vec::new();
    let mut empty = true;
    for (number, field) in parts {
        let name = match compound.kind {
            Kind::Location if field.name.contains("Latitude") => "latitude".to_owned(),
            Kind::Location => "longitude".to_owned(),
            _ => {
                let prefix = compound.name.trim_end_matches("Address");
                let part = field.name.strip_prefix(prefix).unwrap_or(&field.name);
                part.char_indices()
                    .map(|(at, c)| if at == 0 { c.to_ascii_lowercase() } else { c })
                    .collect()
            }
        };
        let value = cell(row, number);
        empty &= value.is_none();
        members.push((name, scalar(field.kind, value)));
    }
    if empty {
        return out.push_str("null");
    }
    if compound.kind == Kind::Address {
        for part in ADDRESS_PARTS {
            if !members.iter().any(|(name, _)| name == part) {
                members.push((part.to_owned(), "null".to_owned()));
            }
        }
    }
    members.sort();
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let _ = write!(out, "{{{}}}", members.join(","));
}

/// A stored value as JSON.
pub(crate) fn scalar(kind: Kind, cell: Option<&[u8]>) -> String {
    let Some(text) = cell.map(String::from_utf8_lossy) else {
        return "null".to_owned();
    };
    match kind {
        Kind::Boolean | Kind::Int => text.into_owned(),
        kind if kind.decimal() => json_number(&text),
        Kind::DateTime => format!("\"{}+0000\"", text.trim_end_matches('Z')),
        _ => {
            let mut out = String::with_capacity(text.len() + 2);
            push_text(&mut out, &text);
            out
        }
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
