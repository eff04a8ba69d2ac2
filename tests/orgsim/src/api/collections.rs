//! Up to 200 records in one call.
//!
//! Source: REST API Developer Guide, sObject Collections.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Router,
    extract::{FromRequest, Path, Query, Request, State},
    response::Response,
    routing::{get, patch, post},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    dispatch::AllOrNone,
    error::{ApiError, json_body},
    json::{Tree, push_record},
    upload::{Files, Upload},
    write::{id_text, key_field, parser_error, save_at_once, writable},
};
use crate::{
    id,
    org::Org,
    save::{Caller, Save, SaveError, Upsert, Values, WithFiles},
    schema::Schema,
    soql::View,
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/composite/sobjects";
    Router::new()
        .route(root, post(create).patch(update).delete(delete))
        .route(
            &format!("{root}/{{name}}"),
            get(retrieve).post(retrieve_many),
        )
        .route(&format!("{root}/{{name}}/{{field}}"), patch(upsert))
}

/// Records of one call that writes.
const RECORDS_MAX: usize = 200;
/// Ids of one call that reads.
const IDS_MAX: usize = 2_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Collection {
    #[serde(default)]
    all_or_none: bool,
    #[serde(default)]
    records: Vec<Values>,
    /// What came in parts of its own.
    #[serde(skip)]
    files: Files,
}

#[derive(Deserialize)]
struct Retrieve {
    ids: Vec<String>,
    fields: Vec<String>,
}

/// What became of one record: its Id and, for upserts, whether it is new.
type Done = Result<(String, Option<bool>), (Option<String>, SaveError)>;

/// Put on the request when the call is part of a transaction.
type Together = Option<Extension<AllOrNone>>;

/// `POST …/composite/sobjects`
pub(crate) async fn create(
    State(org): State<Arc<Org>>,
    caller: Caller,
    collection: Collection,
) -> Result<Response, ApiError> {
    all(&org, &caller, collection, false, |save, files, values| {
        let at = named_object(save, &values)?;
        let source = attached(save, files, at, &values)?;
        let slot = save.create(at, &source).map_err(|error| (None, error))?;
        Ok((id_at(save, at, slot), None))
    })
}

/// `PATCH …/composite/sobjects`
pub(crate) async fn update(
    State(org): State<Arc<Org>>,
    caller: Caller,
    collection: Collection,
) -> Result<Response, ApiError> {
    all(
        &org,
        &caller,
        collection,
        false,
        |save, files, mut values| {
            let Some(given) = take_id(&mut values) else {
                let error = SaveError::missing_id();
                return Err((None, error));
            };
            let record = find(save, &given).map_err(|error| (None, error))?;
            let source = attached(save, files, record.0, &values)?;
            match save.update(record, &source) {
                Ok(()) => Ok((id_at(save, record.0, record.1), None)),
                // An Id that names nothing is not repeated.
                Err(error) if error == SaveError::unknown() => Err((None, error)),
                Err(error) => Err((Some(given), error)),
            }
        },
    )
}

/// `PATCH …/composite/sobjects/{name}/{field}`
pub(crate) async fn upsert(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((_, name, field)): Path<(String, String, String)>,
    collection: Collection,
) -> Result<Response, ApiError> {
    let (at, object) = writable(&org, &name, 'C')?;
    let key = key_field(object, &field)?;
    all(&org, &caller, collection, true, |save, files, values| {
        if !values.contains_key("attributes") {
            return Err((None, untyped()));
        }
        let given = values
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&key.1.name))
            .map(|(_, raw)| plain(raw))
            .unwrap_or_default();
        let source = attached(save, files, at, &values)?;
        match save.upsert((at, key.0), &given, &source, false) {
            Ok((slot, new)) => Ok((id_text(object, slot), Some(new))),
            Err(Upsert::Refused(error)) => Err((None, error)),
            Err(Upsert::Several(_)) => Err((None, SaveError::ambiguous(&key.1.name, &given))),
        }
    })
}

/// `DELETE …/composite/sobjects?ids=A,B&allOrNone=false`
pub(crate) async fn delete(
    State(org): State<Arc<Org>>,
    caller: Caller,
    together: Together,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let ids = parameters
        .get("ids")
        .map(String::as_str)
        .unwrap_or_default();
    let all_or_none = parameters
        .get("allOrNone")
        .is_some_and(|flag| flag == "true")
        || together.is_some();
    let ids: Vec<String> = ids
        .split(',')
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    check_size(ids.len())?;
    let results = transaction(&org, &caller, all_or_none, ids, |save, given| {
        let deleted = find(save, &given).and_then(|record| {
            save.delete(record)?;
            Ok(id_at(save, record.0, record.1))
        });
        deleted
            .map(|id| (id, None))
            .map_err(|error| (Some(given), error))
    });
    Ok(json_body(&Value::from(results)))
}

/// `GET …/composite/sobjects/{name}?ids=A,B&fields=C,D`
pub(crate) async fn retrieve(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let list = |name: &str| -> Vec<String> {
        let text = parameters.get(name).map(String::as_str).unwrap_or_default();
        text.split(',').map(|part| part.trim().to_owned()).collect()
    };
    show(
        &org,
        caller.schema(&org),
        &version,
        &name,
        &list("ids"),
        &list("fields"),
    )
}

/// `POST …/composite/sobjects/{name}`
pub(crate) async fn retrieve_many(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: Retrieve = serde_json::from_slice(&body).map_err(|error| parser_error(&error))?;
    show(
        &org,
        caller.schema(&org),
        &version,
        &name,
        &request.ids,
        &request.fields,
    )
}

fn show(
    org: &Org,
    schema: &Schema,
    version: &str,
    name: &str,
    ids: &[String],
    fields: &[String],
) -> Result<Response, ApiError> {
    let (at, object) = schema.find(name).ok_or_else(ApiError::not_found)?;
    if ids.len() > IDS_MAX {
        return Err(too_many(IDS_MAX));
    }
    let mut names = vec!["Id".to_owned()];
    for name in fields
        .iter()
        .filter(|name| !name.eq_ignore_ascii_case("Id"))
    {
        let (_, field) = object.field(name).ok_or_else(|| {
            let message = format!("No such column '{name}' on sobject of type {}", object.name);
            ApiError::bad("INVALID_FIELD", message)
        })?;
        names.push(field.name.clone());
    }
    let tree = Tree::fields(names);
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    let mut out = String::from("[");
    for (place, given) in ids.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let located = id::parse(given).and_then(|id| org.schema.locate(&id));
        let row = located
            .filter(|(owner, _)| *owner == at)
            .and_then(|(_, slot)| store.slot(at, slot)?.visible(false));
        match row {
            Some(row) => push_record(&mut out, view, at, row, &tree, version),
            None => out.push_str("null"),
        }
    }
    out.push(']');
    Ok(json_body(&out))
}

fn all(
    org: &Org,
    caller: &Caller,
    collection: Collection,
    upserts: bool,
    mut each: impl FnMut(&mut Save<'_>, &Files, Values) -> Done,
) -> Result<Response, ApiError> {
    let Collection {
        all_or_none,
        records,
        files,
    } = collection;
    check_size(records.len())?;
    let mut results = transaction(org, caller, all_or_none, records, |save, values| {
        each(save, &files, values)
    });
    if upserts {
        // What was not saved was not created either, and says so.
        for result in results.iter_mut().filter_map(Value::as_object_mut) {
            result.entry("created").or_insert(json!(false));
        }
    }
    Ok(json_body(&Value::from(results)))
}

/// Saves one after the other; with `all_or_none`, one failure takes everything back.
fn transaction<T>(
    org: &Org,
    caller: &Caller,
    all_or_none: bool,
    inputs: Vec<T>,
    mut each: impl FnMut(&mut Save<'_>, T) -> Done,
) -> Vec<Value> {
    let mut store = org.store.write();
    store.begin();
    let mut results = Vec::with_capacity(inputs.len());
    {
        let mut save = save_at_once(org, &mut store, caller);
        for input in inputs {
            results.push(each(&mut save, input));
        }
    }
    let undone = all_or_none && results.iter().any(Result::is_err);
    if undone {
        store.roll_back();
    } else {
        store.keep();
    }
    let shown = results.into_iter().map(|done| match done {
        Ok(_) if undone => failure(&SaveError::rolled_back()),
        Ok((id, new)) => {
            let mut body = json!({"id": id, "success": true, "errors": []});
            if let (Some(new), Some(body)) = (new, body.as_object_mut()) {
                body.insert("created".to_owned(), json!(new));
            }
            body
        }
        Err((_, error)) => failure(&error),
    });
    shown.collect()
}

/// Recorded failures never carry the Id, even when the caller gave it.
fn failure(error: &SaveError) -> Value {
    json!({"success": false, "errors": error.listed()})
}

/// A record of a mixed list that does not say what it is.
fn untyped() -> SaveError {
    SaveError::new(
        "JSON_PARSER_ERROR",
        "Nested object for polymorphic foreign key must have an attributes field before any other fields.",
    )
}

fn named_object(save: &Save<'_>, values: &Values) -> Result<usize, (Option<String>, SaveError)> {
    let attributes = values
        .get("attributes")
        .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let name = attributes
        .as_ref()
        .and_then(|attributes| attributes.get("type"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    match save.schema.find(name) {
        Some((at, object)) if object.can('C') => Ok(at),
        _ => Err((None, SaveError::wrong_type(name))),
    }
}

fn find(save: &Save<'_>, given: &str) -> Result<(usize, usize), SaveError> {
    let parsed = id::parse(given).ok_or_else(|| SaveError::malformed_id(given))?;
    save.schema
        .locate(&parsed)
        .ok_or_else(|| SaveError::malformed_id(given))
}

fn id_at(save: &Save<'_>, at: usize, slot: usize) -> String {
    save.schema
        .object(at)
        .map(|object| id_text(object, slot))
        .unwrap_or_default()
}

fn take_id(values: &mut Values) -> Option<String> {
    let name = values
        .keys()
        .find(|name| name.eq_ignore_ascii_case("Id"))
        .cloned()?;
    values.remove(&name).map(|raw| plain(&raw))
}

/// A JSON scalar without its quotes.
fn plain(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

/// The values of a record with the file that its attributes name.
fn attached<'v>(
    save: &Save<'_>,
    files: &Files,
    at: usize,
    values: &'v Values,
) -> Result<WithFiles<'v, Values>, (Option<String>, SaveError)> {
    let refused = |error| (None, error);
    let object = save.schema.object(at);
    let object = object.ok_or_else(|| refused(SaveError::unknown()))?;
    let attributes = values.get("attributes");
    let files = files.of_record(object, attributes.map(AsRef::as_ref));
    Ok(WithFiles {
        values,
        files: files.map_err(refused)?,
    })
}

impl<S: Send + Sync> FromRequest<S> for Collection {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let together = request.extensions().get::<AllOrNone>().is_some();
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, state).await;
        let upload = Upload::read(&headers, body.map_err(|_| ApiError::too_large())?)?;
        let collection: Self =
            serde_json::from_slice(&upload.json).map_err(|error| parser_error(&error))?;
        Ok(Self {
            all_or_none: collection.all_or_none || together,
            files: Files::of(upload.files),
            ..collection
        })
    }
}

fn check_size(records: usize) -> Result<(), ApiError> {
    if records == 0 {
        let message = "At least 1 record is required";
        return Err(ApiError::bad("REQUIRED_FIELD_MISSING", message).with_fields(&[]));
    }
    if records > RECORDS_MAX {
        return Err(too_many(RECORDS_MAX));
    }
    Ok(())
}

fn too_many(most: usize) -> ApiError {
    let message =
        format!("record limit reached. cannot submit more than {most} records into this call");
    ApiError::bad("EXCEEDED_ID_LIMIT", message)
}
