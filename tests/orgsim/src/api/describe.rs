//! Versions, resources, describe global and describe.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    VERSIONS,
    error::{ApiError, json_body},
    recent,
};
use crate::{
    clock::{http_date, parse_http_date},
    org::Org,
    rules::AUDIT_FIELDS,
    save::{Caller, settable},
    schema::{Object, describe, describe_global},
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/data", get(versions))
        .route("/services/data/{version}", get(resources))
        .route("/services/data/{version}/sobjects", get(global))
        .route("/services/data/{version}/sobjects/{name}", get(basic))
        .route(
            "/services/data/{version}/sobjects/{name}/describe",
            get(object),
        )
}

/// `GET /services/data`: every version, without a session and without a charge.
pub(crate) async fn versions() -> Response {
    let season = |version: u32| {
        let names = ["Winter", "Spring", "Summer"];
        let place = usize::try_from(version % 3).unwrap_or(0);
        // v31 was Summer '14; three releases a year follow.
        let year = 14 + (version - 31).div_ceil(3);
        format!(
            "{} '{year}",
            names.get((place + 1) % 3).copied().unwrap_or("Winter")
        )
    };
    let list: Vec<Value> = VERSIONS
        .map(|version| {
            json!({
                "label": season(version),
                "url": format!("/services/data/v{version}.0"),
                "version": format!("{version}.0"),
            })
        })
        .collect();
    json_body(&Value::Array(list))
}

/// What lies below a version.
const RESOURCES: [&str; 9] = [
    "composite",
    "jobs",
    "limits",
    "parameterizedSearch",
    "query",
    "queryAll",
    "recent",
    "search",
    "sobjects",
];

/// `GET /services/data/vXX.0`
pub(crate) async fn resources(
    State(org): State<Arc<Org>>,
    Path(version): Path<String>,
) -> Response {
    let root = format!("/services/data/{version}");
    let map = RESOURCES
        .into_iter()
        .map(|name| (name.to_owned(), json!(format!("{root}/{name}"))));
    let mut map: serde_json::Map<String, Value> = map.collect();
    let identity = format!("{}/id/{}/{}", org.base_url(), org.org_id(), org.user_id());
    map.insert("identity".to_owned(), json!(identity));
    json_body(&Value::Object(map))
}

/// `GET …/sobjects`
pub(crate) async fn global(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path(version): Path<String>,
    headers: HeaderMap,
) -> Response {
    conditional(&org, &headers, || {
        Some(describe_global(caller.schema(&org), &version))
    })
}

/// `GET …/sobjects/{name}/describe`
pub(crate) async fn object(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let schema = caller.schema(&org);
    let Some((at, declaration)) = schema.find(&name) else {
        return ApiError::not_found().into_response();
    };
    let granted = org.rules_in_force();
    let audits = caller.may(AUDIT_FIELDS) || granted.grants.has(AUDIT_FIELDS, &caller.user);
    conditional(&org, &headers, || {
        let mut body = describe(schema, at, &version, org.base_url())?;
        if audits {
            open_audit_fields(declaration, &mut body);
        }
        Some(body)
    })
}

/// Who and when are createable for a user who may set them (Object Reference, System Fields).
fn open_audit_fields(object: &Object, body: &mut Value) {
    let fields = body.get_mut("fields").and_then(Value::as_array_mut);
    for shown in fields.into_iter().flatten() {
        let name = shown.get("name").and_then(Value::as_str);
        let settable = name
            .and_then(|name| object.field(name))
            .is_some_and(|(_, field)| settable(object, field));
        if let (true, Some(shown)) = (settable, shown.as_object_mut()) {
            shown.insert("createable".to_owned(), json!(true));
        }
    }
}

/// Items that the basic information of an object shows.
const RECENT_MAX: usize = 5;

/// `GET …/sobjects/{name}`
pub(crate) async fn basic(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path((version, name)): Path<(String, String)>,
) -> Response {
    let global = describe_global(caller.schema(&org), &version);
    let all = global.get("sobjects").and_then(Value::as_array);
    let found = all.and_then(|all| {
        all.iter().find(|one| {
            one.get("name")
                .and_then(Value::as_str)
                .is_some_and(|n| n.eq_ignore_ascii_case(&name))
        })
    });
    match found {
        Some(found) => {
            let at = org.schema.find(&name).map(|(at, _)| at);
            let recent = recent::list(&org, &caller.user, &version, at, RECENT_MAX);
            json_body(&format!(
                "{{\"objectDescribe\":{found},\"recentItems\":{recent}}}"
            ))
        }
        None => ApiError::not_found().into_response(),
    }
}

/// 304 without a body when nothing changed since the date, or the state, that the client names.
fn conditional(org: &Org, headers: &HeaderMap, body: impl FnOnce() -> Option<Value>) -> Response {
    let changed = http_date(org.schema.changed_ms());
    let tag = format!("\"{:08x}\"", org.schema.changed_ms() & 0xffff_ffff);
    let same_tag = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let about = [(header::LAST_MODIFIED, changed), (header::ETAG, tag)];
    let since = headers
        .get(header::IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok());
    if since
        .and_then(parse_http_date)
        .is_some_and(|since| org.schema.changed_ms() <= since)
        || same_tag
    {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    match body() {
        Some(body) => (about, json_body(&body)).into_response(),
        None => ApiError::not_found().into_response(),
    }
}
