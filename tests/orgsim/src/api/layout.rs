//! Page layouts, as far as they follow from the fields: one layout per object, a section for what can be edited and one
//! for the rest.
//!
//! Source: REST API Developer Guide, sObject Layouts; SOAP API Developer Guide, `describeLayout()`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::error::{ApiError, json_body};
use crate::{
    id::Mint,
    org::Org,
    schema::{Field, Object, Trait},
};

/// The master record type, which every object has.
const MASTER: &str = "012000000000000AAA";

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/sobjects/{name}/describe/layouts";
    Router::new()
        .route(root, get(layouts))
        .route(&format!("{root}/{{record_type}}"), get(layout))
}

/// `GET …/sobjects/{name}/describe/layouts`
async fn layouts(
    State(org): State<Arc<Org>>,
    Path((version, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let (at, object) = org.schema.find(&name).ok_or_else(ApiError::not_found)?;
    let id = layout_id(at);
    let url = format!(
        "/services/data/{version}/sobjects/{}/describe/layouts/{MASTER}",
        object.name
    );
    Ok(json_body(&json!({
        "layouts": [of(&id, object)],
        "recordTypeMappings": [{
            "active": true,
            "available": true,
            "defaultRecordTypeMapping": true,
            "developerName": "Master",
            "layoutId": id,
            "master": true,
            "name": "Master",
            "picklistsForRecordType": [],
            "recordTypeId": MASTER,
            "urls": {"layout": url},
        }],
        "recordTypeSelectorRequired": [false],
    })))
}

/// `GET …/sobjects/{name}/describe/layouts/{recordTypeId}`
async fn layout(
    State(org): State<Arc<Org>>,
    Path((_, name, record_type)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let (at, object) = org.schema.find(&name).ok_or_else(ApiError::not_found)?;
    if record_type != MASTER && !MASTER.starts_with(&record_type) {
        return Err(ApiError::not_found());
    }
    Ok(json_body(&of(&layout_id(at), object)))
}

fn layout_id(object: usize) -> String {
    String::from_utf8_lossy(&Mint::new(*b"00h", 1).id(object)).into_owned()
}

fn of(id: &str, object: &Object) -> Value {
    let (edited, shown): (Vec<&Field>, Vec<&Field>) = object
        .fields
        .iter()
        .filter(|field| field.compound.is_none() && field.name != "Id")
        .partition(|field| field.updateable(object));
    json!({
        "id": id,
        "buttonLayoutSection": {"detailButtons": []},
        "detailLayoutSections": [
            section("Information", object, &edited),
            section("System Information", object, &shown),
        ],
        "editLayoutSections": [section("Information", object, &edited)],
        "feedView": null,
        "highlightsPanelLayout": null,
        "multirowEditLayoutSections": [],
        "offlineLinks": [],
        "quickActionList": {"quickActionListItems": []},
        "relatedContent": null,
        "relatedLists": [],
        "saveOptions": [],
    })
}

/// Two fields in a row.
fn section(heading: &str, object: &Object, fields: &[&Field]) -> Value {
    let rows: Vec<Value> = fields
        .chunks(2)
        .map(|pair| {
            let items: Vec<Value> = pair.iter().map(|field| item(object, field)).collect();
            json!({"layoutItems": items, "numItems": items.len()})
        })
        .collect();
    json!({
        "collapsed": false,
        "columns": 2,
        "heading": heading,
        "layoutRows": rows,
        "rows": rows.len(),
        "tabOrder": "LeftToRight",
        "useCollapsibleSection": false,
        "useHeading": true,
    })
}

fn item(object: &Object, field: &Field) -> Value {
    json!({
        "editableForNew": field.createable(object),
        "editableForUpdate": field.updateable(object),
        "label": field.label(),
        "layoutComponents": [{
            "displayLines": 1,
            "tabOrder": 1,
            "type": "Field",
            "value": field.name,
        }],
        "placeholder": false,
        "required": field.is(Trait::Required),
    })
}
