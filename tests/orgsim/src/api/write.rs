//! Single records that are made, changed and deleted.
//!
//! Source: REST API Developer Guide, sObject Basic Information, sObject Rows, sObject Rows by External ID.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{patch, post},
};
use bytes::Bytes;
use serde_json::json;

use super::{
    error::{ApiError, JSON},
    rows::{changed_ms, locate, unmet},
    upload::Upload,
    version_number,
};
use crate::{
    org::Org,
    save::{Caller, Save, SaveError, Upsert, Values, WithFiles, names_records},
    schema::{Field, Object},
    store::{Store, Visible},
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/data/{version}/sobjects/{name}", post(create))
        .route(
            "/services/data/{version}/sobjects/{name}/{id}",
            patch(update).post(update).delete(delete),
        )
        .route(
            "/services/data/{version}/sobjects/{name}/{id}/{field}",
            patch(upsert).delete(delete_by_key),
        )
}

/// Runs a save on behalf of the caller, now.
pub(crate) fn saving<T>(org: &Org, caller: &Caller, save: impl FnOnce(&mut Save<'_>) -> T) -> T {
    let mut store = org.store.write();
    save(&mut save_at_once(org, &mut store, caller))
}

/// A save whose changes are seen at once.
pub(crate) fn save_at_once<'a>(org: &'a Org, store: &'a mut Store, caller: &'a Caller) -> Save<'a> {
    Save {
        schema: &org.schema,
        store,
        caller,
        stamp_ms: org.clock.now_second_ms(),
        now_ms: org.clock.now_ms(),
        visible: Visible::Now,
        rules: org.rules_in_force(),
    }
}

/// `POST …/sobjects/{name}`
pub(crate) async fn create(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (at, object) = writable(&org, &name, 'C')?;
    let upload = Upload::read(&headers, body)?;
    let values = values(&upload.json)?;
    let files = upload.of_record(object)?;
    let slot = saving(&org, &caller, |save| {
        let values = &values;
        save.create(at, &WithFiles { values, files })
    });
    let slot = slot.map_err(|error| match error.code {
        "INVALID_TYPE" => ApiError::not_found(),
        _ => error.into(),
    })?;
    org.recent.lock().touch(&caller.user, (at, slot));
    Ok(created(&version, object, slot, false))
}

/// `PATCH …/sobjects/{name}/{id}`, also as `POST` with `_HttpMethod=PATCH`.
pub(crate) async fn update(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    method: axum::http::Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let meant = parameters.get("_HttpMethod").map(String::as_str);
    if method == axum::http::Method::POST && meant != Some("PATCH") {
        return Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "HTTP Method 'POST' not allowed. Allowed are DELETE,GET,HEAD,PATCH",
        ));
    }
    let (_, object) = writable(&org, &name, 'U')?;
    let record = locate(&org, &name, &id)?;
    if let Some(refused) = unmet(&headers, changed_ms(&org, record)) {
        return Ok(refused.into_response());
    }
    let upload = Upload::read(&headers, body)?;
    let values = values(&upload.json)?;
    let files = upload.of_record(object)?;
    if values.keys().any(|name| name.eq_ignore_ascii_case("Id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(ApiError::bad("INVALID_FIELD", message).with_fields(&["Id"]));
    }
    let saved = saving(&org, &caller, |save| {
        let values = &values;
        save.update(record, &WithFiles { values, files })
    });
    saved.map_err(in_path)?;
    org.recent.lock().touch(&caller.user, record);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE …/sobjects/{name}/{id}`
pub(crate) async fn delete(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    writable(&org, &name, 'D')?;
    let record = locate(&org, &name, &id)?;
    saving(&org, &caller, |save| save.delete(record)).map_err(in_path)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PATCH …/sobjects/{name}/{field}/{value}`: creates or updates by an external Id.
pub(crate) async fn upsert(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name, field, value)): Path<(String, String, String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (at, object) = writable(&org, &name, 'C')?;
    let key = key_field(object, &field)?;
    let values = values(&body)?;
    let update_only = parameters
        .get("updateOnly")
        .is_some_and(|only| only == "true");
    let done = saving(&org, &caller, |save| {
        save.upsert((at, key.0), &value, &values, update_only)
    });
    match done {
        Ok((slot, true)) => Ok(created(&version, object, slot, true)),
        // The body came with v46.0.
        Ok((slot, false)) if version_number(&version).is_some_and(|version| version >= 46) => {
            let body = json!({"id": id_text(object, slot), "success": true, "errors": [], "created": false});
            Ok(([(header::CONTENT_TYPE, JSON)], body.to_string()).into_response())
        }
        Ok(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(Upsert::Several(slots)) => {
            let urls: Vec<String> = slots
                .into_iter()
                .map(|slot| {
                    let id = id_text(object, slot);
                    format!("/services/data/{version}/sobjects/{}/{id}", object.name)
                })
                .collect();
            let body = json!(urls).to_string();
            let status = StatusCode::MULTIPLE_CHOICES;
            Ok((status, [(header::CONTENT_TYPE, JSON)], body).into_response())
        }
        Err(Upsert::Refused(error)) => Err(in_path(error)),
    }
}

/// `DELETE …/sobjects/{name}/{field}/{value}`
pub(crate) async fn delete_by_key(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name, field, value)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let (at, object) = writable(&org, &name, 'D')?;
    let (number, _) = key_field(object, &field)?;
    saving(&org, &caller, |save| {
        let slot = save.live_with(at, number, &value).into_iter().next();
        save.delete((at, slot.ok_or_else(ApiError::not_found)?))
            .map_err(in_path)
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A field that records can be named by.
pub(crate) fn key_field<'o>(
    object: &'o Object,
    name: &str,
) -> Result<(usize, &'o Field), ApiError> {
    object
        .field(name)
        .filter(|(_, field)| names_records(object, field))
        .ok_or_else(|| {
            let message =
                format!("Provided external ID field does not exist or is not accessible: {name}");
            ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
        })
}

/// The object of a path, when it can be written that way.
pub(crate) fn writable<'o>(
    org: &'o Org,
    name: &str,
    capability: char,
) -> Result<(usize, &'o Object), ApiError> {
    let found = org.schema.find(name).ok_or_else(ApiError::not_found)?;
    if found.1.can(capability) {
        return Ok(found);
    }
    let message = format!("entity type {name} does not support {}", verb(capability));
    Err(ApiError::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message).with_fields(&[]))
}

const fn verb(capability: char) -> &'static str {
    match capability {
        'C' => "create",
        'U' => "update",
        _ => "delete",
    }
}

/// The Id of a record as text.
pub(crate) fn id_text(object: &Object, slot: usize) -> String {
    String::from_utf8_lossy(&object.mint.id(slot)).into_owned()
}

/// A record that a path names and that is not there is a missing page.
fn in_path(error: SaveError) -> ApiError {
    // An object that the caller may not see is as good as none.
    let missing = ["INVALID_CROSS_REFERENCE_KEY", "INVALID_TYPE"].contains(&error.code);
    if missing && error.fields.is_empty() {
        return ApiError::not_found();
    }
    error.into()
}

fn values(body: &[u8]) -> Result<Values, ApiError> {
    serde_json::from_slice(body).map_err(|error| parser_error(&error))
}

/// A body that is not what it must be.
pub(crate) fn parser_error(error: &serde_json::Error) -> ApiError {
    ApiError::bad(
        "JSON_PARSER_ERROR",
        format!(
            "Unexpected input at [line:{}, column:{}]",
            error.line(),
            error.column()
        ),
    )
}

fn created(version: &str, object: &Object, slot: usize, upserted: bool) -> Response {
    let id = id_text(object, slot);
    let place = format!("/services/data/{version}/sobjects/{}/{id}", object.name);
    let mut body = json!({"id": id, "success": true, "errors": []});
    // The key came with v46.0.
    let told = upserted && version_number(version).is_some_and(|version| version >= 46);
    if let (true, Some(body)) = (told, body.as_object_mut()) {
        body.insert("created".to_owned(), json!(true));
    }
    let headers = [
        (header::CONTENT_TYPE, JSON.to_owned()),
        (header::LOCATION, place),
    ];
    (StatusCode::CREATED, headers, body.to_string()).into_response()
}
