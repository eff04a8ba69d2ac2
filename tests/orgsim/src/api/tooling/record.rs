//! One computed record, and what can be switched through it: validation rules, workflow rules and flows, by their
//! `Metadata`. Triggers cannot: their status is changed by deployments alone.
//!
//! Source: Tooling API Developer Guide, `ValidationRule`, `WorkflowRule`, `FlowDefinition` (`Metadata`), `ApexTrigger`
//! (`Status`).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{rows::fill, schema};
use crate::{
    api::{
        error::{ApiError, json_body},
        json::{Tree, push_computed},
        write::parser_error,
    },
    metadata::{
        catalogue::{Catalogue, Content},
        draft::{Draft, Mode},
        kind::Kind,
        problem::Problem,
    },
    org::Org,
    save::Caller,
    schema::Object,
    soap::Element,
    soql::View,
    store::{Store, id_of, row::text},
};

/// Objects whose records show their `Metadata`, and take it.
const SWITCHED: [&str; 3] = ["ValidationRule", "WorkflowRule", "FlowDefinition"];
/// Those, and the one whose status is only shown.
const SHOWN: [&str; 4] = [
    "ValidationRule",
    "WorkflowRule",
    "FlowDefinition",
    "ApexTrigger",
];
/// What a validation rule's `Metadata` says even when it is nothing.
const VALIDATION_PARTS: [&str; 3] = ["description", "errorDisplayField", "urls"];

/// `GET …/tooling/sobjects/{name}/{id}`
pub(super) async fn get(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name, id)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let schema = schema();
    let (at, object) = schema.find(&name).ok_or_else(ApiError::not_found)?;
    let store = fill(&org, &caller, schema);
    let row = find(&store, at, object, &id).ok_or_else(ApiError::not_found)?;
    let mut out = String::new();
    let view = View {
        schema,
        store: &store,
    };
    let version = format!("{version}/tooling");
    push_computed(&mut out, view, at, row, &Tree::all(object), &version);
    let own = id_of(row);
    if let Some((name, metadata)) = org.catalogue(|catalogue| metadata(catalogue, object, own)) {
        let more = json!({"FullName": name, "Metadata": metadata});
        // Both are objects: the record's end and the other's beginning make a comma.
        out.truncate(out.len().saturating_sub(1));
        out.push(',');
        out.push_str(more.to_string().trim_start_matches('{'));
    }
    Ok(json_body(&out))
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Metadata")]
    metadata: Option<Map<String, Value>>,
}

/// `PATCH …/tooling/sobjects/{name}/{id}`
pub(super) async fn patch(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (_, object) = schema().find(&name).ok_or_else(ApiError::not_found)?;
    if !SWITCHED.contains(&object.name.as_str()) || !caller.may("CustomizeApplication") {
        let message = "insufficient access rights on object id";
        return Err(ApiError::bad("INSUFFICIENT_ACCESS_OR_READONLY", message).with_fields(&[]));
    }
    let change: Change = serde_json::from_slice(&body).map_err(|error| parser_error(&error))?;
    let Some(given) = change.metadata else {
        return Err(refused(Problem::missing("Metadata")));
    };
    org.metadata.alone(|| {
        let (kind, name) = org
            .catalogue(|catalogue| component(catalogue, object, &id))
            .ok_or_else(ApiError::not_found)?;
        let mut draft = Draft::new(&org, &caller.user);
        let content = Content {
            properties: element(kind.name, &given),
            ..Content::default()
        };
        let done = draft.put_own(kind, &name, Mode::Update, content);
        done.map_err(refused)?;
        draft.commit();
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

fn refused(problem: Problem) -> ApiError {
    ApiError::bad(problem.code, problem.message).with_fields(&[])
}

/// The row with this Id, in either length, or with this durable Id.
fn find<'s>(store: &'s Store, at: usize, object: &Object, id: &str) -> Option<&'s [u8]> {
    let durable = object.field("DurableId").map(|(number, _)| number);
    let rows = store.table(at)?.slots().iter();
    rows.filter_map(|slot| slot.row.as_deref())
        .find(|row| match durable {
            Some(number) => text(row, number).is_some_and(|own| own == id),
            None => same(id_of(row), id),
        })
}

fn same(own: &str, id: &str) -> bool {
    own == id || (id.len() == 15 && own.get(..15) == Some(id))
}

/// The component that a record stands for: its type and full name.
fn component(
    catalogue: &Catalogue<'_>,
    object: &Object,
    id: &str,
) -> Option<(&'static Kind, String)> {
    let kind = Kind::named(&object.name)?;
    let mut all = catalogue.list(kind).into_iter();
    let found = all.find(|listed| same(&listed.id, id))?;
    Some((kind, found.name))
}

/// Full name and `Metadata` of a record that has them.
fn metadata(catalogue: &Catalogue<'_>, object: &Object, id: &str) -> Option<(String, Value)> {
    if !SHOWN.contains(&object.name.as_str()) {
        return None;
    }
    let (kind, name) = component(catalogue, object, id)?;
    let content = catalogue.read(kind, &name)?;
    let mut said = Map::new();
    if kind.name == "ValidationRule" {
        said.extend(VALIDATION_PARTS.map(|part| (part.to_owned(), Value::Null)));
    }
    if kind.name == "ApexTrigger" {
        said.insert("packageVersions".to_owned(), json!([]));
        said.insert("urls".to_owned(), Value::Null);
    }
    for part in content.properties.children {
        let value = match (part.name.as_str(), part.text.parse::<u32>()) {
            ("active", _) => Value::Bool(part.text.trim() == "true"),
            ("activeVersionNumber", Ok(number)) => number.into(),
            ("apiVersion", _) => part.text.parse::<f64>().map_or(Value::Null, Value::from),
            _ => part.text.into(),
        };
        said.insert(part.name, value);
    }
    Some((name, Value::Object(said)))
}

/// `Metadata` as the Metadata API takes it: what is null is not said.
fn element(kind: &str, given: &Map<String, Value>) -> Element {
    let mut out = Element::named(kind);
    for (name, value) in given {
        match value {
            Value::Null | Value::Array(_) | Value::Object(_) => {}
            Value::String(text) => {
                out.put(name, text);
            }
            other => {
                out.put(name, other);
            }
        }
    }
    out
}
