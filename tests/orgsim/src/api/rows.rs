//! Single records and file bodies.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    blob,
    error::{ApiError, JSON},
    json::{Tree, push_record},
    query, related,
    write::key_field,
};
use crate::{
    clock::{http_date, parse_http_date},
    id,
    org::Org,
    save::Caller,
    schema::Kind,
    soql::View,
    store::{parse_datetime, row::cell},
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/data/{version}/sobjects/{name}/{id}", get(record))
        .route(
            "/services/data/{version}/sobjects/{name}/{id}/{field}",
            get(below),
        )
}

/// `GET …/sobjects/{name}/{id}?fields=A,B`
pub(crate) async fn record(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name, id)): Path<(String, String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    visible(&org, &caller, &name)?;
    let record = locate(&org, &name, &id)?;
    let changed = changed_ms(&org, record);
    if let (Some(refused), Some(ms)) = (unmet(&headers, changed), changed) {
        return Ok((refused, [(header::LAST_MODIFIED, http_date(ms))]).into_response());
    }
    let mut response = render(&org, &caller, record, &version, &parameters)?;
    if let Some(stamp) = changed.and_then(|ms| HeaderValue::from_str(&http_date(ms)).ok()) {
        response.headers_mut().insert(header::LAST_MODIFIED, stamp);
    }
    Ok(response)
}

/// The caller may read the object.
fn visible(org: &Org, caller: &Caller, name: &str) -> Result<(), ApiError> {
    let found = caller.schema(org).find(name);
    found.map(|_| ()).ok_or_else(ApiError::not_found)
}

/// When a record was changed last, to the second; nothing for one that is not there.
pub(crate) fn changed_ms(org: &Org, (at, slot): (usize, usize)) -> Option<i64> {
    let (number, _) = org.schema.object(at)?.field("LastModifiedDate")?;
    let store = org.store.read();
    let found = store.slot(at, slot).filter(|slot| !slot.deleted)?;
    let ms = parse_datetime(cell(found.row.as_ref()?, number)?)?;
    Some(ms.div_euclid(1000) * 1000)
}

/// The status of a call whose condition on the time does not hold.
///
/// Source: REST API Developer Guide, Conditional Request Headers.
pub(crate) fn unmet(headers: &HeaderMap, changed_ms: Option<i64>) -> Option<StatusCode> {
    let changed = changed_ms?;
    let date = |name| parse_http_date(headers.get(name)?.to_str().ok()?);
    if date(header::IF_MODIFIED_SINCE).is_some_and(|since| changed <= since) {
        return Some(StatusCode::NOT_MODIFIED);
    }
    let since = date(header::IF_UNMODIFIED_SINCE)?;
    (changed > since).then_some(StatusCode::PRECONDITION_FAILED)
}

/// A record that is there, whole or in part.
pub(crate) fn render(
    org: &Org,
    caller: &Caller,
    (at, slot): (usize, usize),
    version: &str,
    parameters: &HashMap<String, String>,
) -> Result<Response, ApiError> {
    let store = org.store.read();
    let found = store
        .slot(at, slot)
        .filter(|slot| slot.row.is_some())
        .ok_or_else(ApiError::not_found)?;
    let object = caller
        .schema(org)
        .object(at)
        .ok_or_else(ApiError::not_found)?;
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

/// `GET …/sobjects/{name}/{id}/{blobField}`: the bytes themselves. With a relationship: its records. With an external
/// Id field and its value in the places of Id and field: the record.
pub(crate) async fn below(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name, id, field)): Path<(String, String, String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    visible(&org, &caller, &name)?;
    if let Some(record) = by_key(&org, &name, &id, &field) {
        return render(&org, &caller, record, &version, &parameters);
    }
    let (at, slot) = locate(&org, &name, &id)?;
    let blob = caller
        .schema(&org)
        .object(at)
        .and_then(|object| object.field(&field))
        .is_some_and(|(_, field)| field.kind == Kind::Base64);
    if blob {
        let (kind, bytes) = blob::of_record(&org, (at, slot), &field)?;
        let parts = org.tuning.read().serve_ranges;
        return Ok(blob::respond(&headers, parts, kind, bytes));
    }
    let rows = query::page_rows(&headers);
    related::answer(
        &org,
        &caller,
        &version,
        (at, slot),
        &field,
        &parameters,
        rows,
    )
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

/// Object and slot of an Id in a path. What has the form of an Id and is none of this object, be it for its checksum, is
/// told apart from other text, as recorded.
pub(crate) fn locate(org: &Org, name: &str, id: &str) -> Result<(usize, usize), ApiError> {
    let (at, object) = org.schema.find(name).ok_or_else(ApiError::not_found)?;
    if !object.can('R') {
        return Err(ApiError::not_found());
    }
    if !id::formed(id) {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {id}");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message));
    }
    let malformed = || {
        let message = format!("Record ID: id value of incorrect type: {id}");
        ApiError::bad("MALFORMED_ID", message).with_fields(&["Id"])
    };
    let parsed = id::parse(id).ok_or_else(malformed)?;
    match org.schema.locate(&parsed) {
        Some((owner, slot)) if owner == at => Ok((at, slot)),
        Some(_) => Err(malformed()),
        None => Err(ApiError::not_found()),
    }
}
