//! `/composite/tree/{object}`: records with their children, all or nothing.
//!
//! Source: REST API Developer Guide, sObject Tree.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    api::{
        error::{ApiError, json_body},
        write::{id_text, parser_error, save_at_once, writable},
    },
    org::Org,
    save::{Caller, Save, SaveError, Values},
    schema::Schema,
};

const RECORDS_MAX: usize = 200;
const DEPTH_MAX: usize = 5;
/// Different objects in one tree.
const KINDS_MAX: usize = 5;

#[derive(Deserialize)]
struct Records {
    records: Vec<Values>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(rename = "type")]
    kind: Option<String>,
    reference_id: Option<String>,
}

/// A parent's place in the list, and the field that points to it.
type Parent = (usize, String);

/// One record of the request, apart from its children.
#[derive(Debug)]
struct Node {
    object: usize,
    reference: String,
    values: Values,
    parent: Option<Parent>,
    depth: usize,
}

/// `POST …/composite/tree/{name}`
pub(super) async fn tree(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (at, _) = writable(&org, &name, 'C')?;
    let request: Records = serde_json::from_slice(&body).map_err(|error| parser_error(&error))?;
    let nodes = flattened(&org.schema, at, request.records)?;
    if let Some(refusal) = doubles(&nodes) {
        return Ok(refusal);
    }
    let mut store = org.store.write();
    store.begin();
    let done = saved(&mut save_at_once(&org, &mut store, &caller), nodes);
    match done {
        Ok(results) => {
            store.keep();
            drop(store);
            let body = json!({"hasErrors": false, "results": results});
            Ok((StatusCode::CREATED, json_body(&body)).into_response())
        }
        Err(errors) => {
            store.roll_back();
            drop(store);
            Ok(refused(&errors))
        }
    }
}

/// Saves level by level; the errors of the first level that has any.
fn saved(save: &mut Save<'_>, nodes: Vec<Node>) -> Result<Vec<Value>, Vec<Value>> {
    let mut ids: Vec<String> = Vec::with_capacity(nodes.len());
    let mut errors = Vec::new();
    let mut results = Vec::with_capacity(nodes.len());
    let mut depth = 0;
    for mut node in nodes {
        if node.depth > depth && !errors.is_empty() {
            break;
        }
        depth = node.depth;
        let above = node
            .parent
            .as_ref()
            .and_then(|(place, field)| Some((field.clone(), ids.get(*place)?)));
        if let Some((field, id)) = above
            && let Ok(raw) = serde_json::value::to_raw_value(id)
        {
            node.values.insert(field, raw);
        }
        let made = save.create(node.object, &node.values);
        let object = save.schema.object(node.object);
        let id = match (made, object) {
            (Ok(slot), Some(object)) => id_text(object, slot),
            (Err(error), _) => {
                errors.push(failure(&node.reference, &error));
                String::new()
            }
            (Ok(_), None) => String::new(),
        };
        results.push(json!({"referenceId": node.reference, "id": id}));
        ids.push(id);
    }
    if errors.is_empty() {
        Ok(results)
    } else {
        Err(errors)
    }
}

fn failure(reference: &str, error: &SaveError) -> Value {
    json!({
        "referenceId": reference,
        "errors": error.listed(),
    })
}

fn refused(errors: &[Value]) -> Response {
    let body = json!({"hasErrors": true, "results": errors});
    (StatusCode::BAD_REQUEST, json_body(&body)).into_response()
}

/// One result for every use of a reference Id that is used more than once.
fn doubles(nodes: &[Node]) -> Option<Response> {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for node in nodes {
        *uses.entry(&node.reference).or_default() += 1;
    }
    let error = SaveError::input("Duplicate ReferenceId provided in the request.");
    let twice = nodes.iter().filter(|node| {
        uses.get(node.reference.as_str())
            .is_some_and(|uses| *uses > 1)
    });
    let errors: Vec<Value> = twice.map(|node| failure(&node.reference, &error)).collect();
    (!errors.is_empty()).then(|| refused(&errors))
}

/// The records level by level, parents before their children.
fn flattened(schema: &Schema, root: usize, records: Vec<Values>) -> Result<Vec<Node>, ApiError> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut level: Vec<(Option<Parent>, usize, Values)> = records
        .into_iter()
        .map(|values| (None, root, values))
        .collect();
    if level.is_empty() {
        return Err(invalid("At least 1 record is required"));
    }
    for depth in 1.. {
        if depth > DEPTH_MAX {
            return Err(invalid(&format!(
                "The request can’t contain more than {DEPTH_MAX} levels of records."
            )));
        }
        let mut below = Vec::new();
        for (parent, at, mut values) in level {
            let place = nodes.len();
            let (object, reference) = named(schema, at, &mut values)?;
            for (field, child, records) in children(schema, object, &mut values)? {
                for values in records {
                    below.push((Some((place, field.clone())), child, values));
                }
            }
            nodes.push(Node {
                object,
                reference,
                values,
                parent,
                depth,
            });
            if nodes.len() + below.len() > RECORDS_MAX {
                return Err(invalid(&format!(
                    "The request can’t contain more than {RECORDS_MAX} records."
                )));
            }
        }
        if below.is_empty() {
            break;
        }
        level = below;
    }
    let kinds: BTreeSet<usize> = nodes.iter().map(|node| node.object).collect();
    if kinds.len() > KINDS_MAX {
        return Err(invalid(&format!(
            "The request can’t contain more than {KINDS_MAX} different object types."
        )));
    }
    Ok(nodes)
}

/// Takes the attributes of a record: its object, which must be the expected one, and its reference Id.
fn named(schema: &Schema, at: usize, values: &mut Values) -> Result<(usize, String), ApiError> {
    let attributes = values.remove("attributes");
    let attributes: Attributes = attributes
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let reference = attributes
        .reference_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| invalid("Include a reference ID for each record in the request."))?;
    let kind = attributes.kind.unwrap_or_default();
    match schema.find(&kind) {
        Some((found, _)) if found == at => Ok((at, reference)),
        _ => Err(invalid(&format!(
            "The record type '{kind}' of {reference} does not match its place in the request."
        ))),
    }
}

/// Takes the child records out of a record: for each relationship the field that points to the parent, and the object.
fn children(
    schema: &Schema,
    parent: usize,
    values: &mut Values,
) -> Result<Vec<(String, usize, Vec<Values>)>, ApiError> {
    let mut found = Vec::new();
    for (child, number) in schema.children(parent) {
        let field = schema
            .object(child)
            .and_then(|object| object.fields.get(number));
        let Some((field, relationship)) =
            field.and_then(|field| Some((field, field.child_relationship.as_deref()?)))
        else {
            continue;
        };
        let name = values
            .keys()
            .find(|name| name.eq_ignore_ascii_case(relationship))
            .cloned();
        let Some(raw) = name.and_then(|name| values.remove(&name)) else {
            continue;
        };
        found.push((field.name.clone(), child, list(&raw)?));
    }
    Ok(found)
}

fn list(raw: &RawValue) -> Result<Vec<Values>, ApiError> {
    let records: Records = serde_json::from_str(raw.get()).map_err(|error| parser_error(&error))?;
    Ok(records.records)
}

fn invalid(message: &str) -> ApiError {
    ApiError::bad("INVALID_INPUT", message)
}
