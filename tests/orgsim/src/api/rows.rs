//! Single records and file bodies.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    error::{ApiError, JSON},
    json::{Tree, push_record},
    write::key_field,
};
use crate::{generate::body, id, org::Org, schema::Kind, soql::View, store::row::cell};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/data/{version}/sobjects/{name}/{id}", get(record))
        .route(
            "/services/data/{version}/sobjects/{name}/{id}/{field}",
            get(blob),
        )
}

/// `GET …/sobjects/{name}/{id}?fields=A,B`
pub(crate) async fn record(
    State(org): State<Arc<Org>>,
    Path((version, name, id)): Path<(String, String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let record = locate(&org, &name, &id)?;
    render(&org, record, &version, &parameters)
}

fn render(
    org: &Org,
    (at, slot): (usize, usize),
    version: &str,
    parameters: &HashMap<String, String>,
) -> Result<Response, ApiError> {
    let store = org.store.read();
    let found = store
        .slot(at, slot)
        .filter(|slot| slot.row.is_some())
        .ok_or_else(ApiError::not_found)?;
    let object = org.schema.object(at).ok_or_else(ApiError::not_found)?;
    if found.deleted {
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "ENTITY_IS_DELETED",
            "entity is deleted",
        ));
    }
    let tree = match parameters.get("fields") {
        None => Tree::all(object),
        Some(names) => {
            let names = names.split(',').map(|name| {
                let known = object
                    .field(name.trim())
                    .map(|(_, field)| field.name.clone());
                known.ok_or_else(|| {
                    let message = format!(
                        "No such column '{}' on sobject of type {}",
                        name.trim(),
                        object.name
                    );
                    ApiError::bad("INVALID_FIELD", message)
                })
            });
            Tree::fields(names.collect::<Result<_, _>>()?)
        }
    };
    let mut out = String::new();
    let row = found.row.as_deref().unwrap_or_default();
    push_record(
        &mut out,
        View {
            schema: &org.schema,
            store: &store,
        },
        at,
        row,
        &tree,
        version,
    );
    Ok(([(header::CONTENT_TYPE, JSON)], out).into_response())
}

/// `GET …/sobjects/{name}/{id}/{blobField}`: the bytes themselves. With an external Id field and its value in the
/// places of Id and field: the record.
pub(crate) async fn blob(
    State(org): State<Arc<Org>>,
    Path((version, name, id, field)): Path<(String, String, String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    if let Some(record) = by_key(&org, &name, &id, &field) {
        return render(&org, record, &version, &parameters);
    }
    let (at, slot) = locate(&org, &name, &id)?;
    let object = org.schema.object(at).ok_or_else(ApiError::not_found)?;
    let blob = object
        .field(&field)
        .filter(|(_, field)| field.kind == Kind::Base64);
    let (number, _) = blob.ok_or_else(ApiError::not_found)?;
    let (stored, kind) = {
        let store = org.store.read();
        let row = store
            .slot(at, slot)
            .and_then(|slot| slot.row.clone())
            .ok_or_else(ApiError::not_found)?;
        let content_type = object
            .field("ContentType")
            .and_then(|(at, _)| cell(&row, at).map(<[u8]>::to_vec));
        (store.body(at, slot, number), content_type)
    };
    let bytes = stored.unwrap_or_else(|| body::bytes(body::stream(org.volume.seed, at), slot));
    let kind = kind.and_then(|kind| header::HeaderValue::from_bytes(&kind).ok());
    let kind = kind.unwrap_or_else(|| header::HeaderValue::from_static("application/octetstream"));
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// The live record with `value` in the external Id field `field`.
fn by_key(org: &Org, name: &str, field: &str, value: &str) -> Option<(usize, usize)> {
    let (at, object) = org.schema.find(name)?;
    let (number, _) = key_field(object, field).ok()?;
    let mut store = org.store.write();
    let slots = store.with_value(at, number, value.as_bytes());
    let live = |slot: &usize| {
        store
            .slot(at, *slot)
            .is_some_and(|found| found.row.is_some() && !found.deleted)
    };
    slots.into_iter().find(live).map(|slot| (at, slot))
}

/// Object and slot of an Id in a path.
pub(crate) fn locate(org: &Org, name: &str, id: &str) -> Result<(usize, usize), ApiError> {
    let (at, object) = org.schema.find(name).ok_or_else(ApiError::not_found)?;
    if !object.can('R') {
        return Err(ApiError::not_found());
    }
    let parsed = id::parse(id).ok_or_else(|| {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {id}");
        ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })?;
    match org.schema.locate(&parsed) {
        Some((owner, slot)) if owner == at => Ok((at, slot)),
        Some(_) => {
            let message = format!("Record ID: id value of incorrect type: {id}");
            Err(ApiError::bad("MALFORMED_ID", message).with_fields(&["Id"]))
        }
        None => Err(ApiError::not_found()),
    }
}
