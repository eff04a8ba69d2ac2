//! Records that are made, changed and deleted over SOAP, through the REST collections.
//!
//! Source: SOAP API Developer Guide, `create()`, `update()`, `upsert()`, `delete()`, `sObject`.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    inner::Inner,
    json::{Members, elements, text},
    read::segment,
};
use crate::soap::{Call, Element, Fault, Xml};

/// Records of one call.
const RECORDS_MAX: usize = 200;

/// `create`, `update`
pub(super) async fn save(call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let records: Vec<Value> = call.operation.all("sObjects").map(record).collect();
    check_size(records.len())?;
    let method = if call.operation.name == "create" {
        "POST"
    } else {
        "PATCH"
    };
    let body = json!({"allOrNone": all_or_none(call), "records": records});
    let results = inner
        .send(method, "composite/sobjects", headers(call), &body)
        .await?;
    Ok(answer(call, &[results]))
}

/// `upsert`
pub(super) async fn upsert(call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let key = segment(
        call.operation
            .value("externalIDFieldName")
            .unwrap_or_default(),
    )?;
    let records: Vec<&Element> = call.operation.all("sObjects").collect();
    check_size(records.len())?;
    let mut results = Vec::new();
    // Records of one type follow each other.
    for run in records.chunk_by(|one, other| one.value("type") == other.value("type")) {
        let object = run.first().and_then(|first| first.value("type"));
        let object = segment(object.unwrap_or_default())?;
        let records: Vec<Value> = run.iter().map(|element| record(element)).collect();
        let body = json!({"allOrNone": all_or_none(call), "records": records});
        let path = format!("composite/sobjects/{object}/{key}");
        results.push(inner.send("PATCH", &path, headers(call), &body).await?);
    }
    Ok(answer(call, &results))
}

/// `delete`
pub(super) async fn delete(call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let ids: Vec<&str> = call.operation.values("ids").collect();
    check_size(ids.len())?;
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("ids", &ids.join(","))
        .append_pair(
            "allOrNone",
            if all_or_none(call) { "true" } else { "false" },
        )
        .finish();
    let path = format!("composite/sobjects?{query}");
    let results = inner
        .send("DELETE", &path, headers(call), &Value::Null)
        .await?;
    Ok(answer(call, &[results]))
}

pub(super) fn check_size(records: usize) -> Result<(), Fault> {
    if records > RECORDS_MAX {
        let message = format!(
            "record limit reached. cannot submit more than {RECORDS_MAX} records into this call"
        );
        return Err(Fault::new("EXCEEDED_ID_LIMIT", message));
    }
    Ok(())
}

pub(super) fn all_or_none(call: &Call) -> bool {
    call.header("AllOrNoneHeader")
        .is_some_and(|header| header.flag("allOrNone"))
}

/// What the SOAP headers ask for, as REST asks for it.
fn headers(call: &Call) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if call.caller.allow_duplicates {
        let allow = HeaderValue::from_static("allowSave=true");
        headers.insert("sforce-duplicate-rule-header", allow);
    }
    let assign = if call.caller.auto_assign {
        "true"
    } else {
        "false"
    };
    headers.insert("sforce-auto-assign", HeaderValue::from_static(assign));
    headers
}

/// An `sObject`: its type, the fields to null, and texts or parents by name.
pub(super) fn record(element: &Element) -> Value {
    let mut values = Map::new();
    for child in &element.children {
        match child.name.as_str() {
            "type" => {
                let attributes = json!({"type": child.text.trim()});
                values.insert("attributes".to_owned(), attributes);
            }
            "fieldsToNull" => {
                values.insert(child.text.trim().to_owned(), Value::Null);
            }
            // `fieldsToNull` is how a field is emptied; an element that is null says nothing.
            _ if child.nil => {}
            name if child.children.is_empty() => {
                values.insert(name.to_owned(), json!(child.text));
            }
            name => {
                values.insert(name.to_owned(), record(child));
            }
        }
    }
    Value::Object(values)
}

fn answer(call: &Call, results: &[Box<RawValue>]) -> Response {
    call.answer(|xml| {
        for result in results.iter().flat_map(|results| elements(results)) {
            let result = Members::of(result);
            let id = result.text("id");
            xml.within("result", |xml| {
                if let Some(created) = result.text("created") {
                    xml.leaf("created", &created);
                }
                for error in result.list("errors") {
                    let error = Members::of(error);
                    let fields = error.list("fields").into_iter().filter_map(text).collect();
                    let message = error.text("message").unwrap_or_default();
                    let code = error.text("statusCode").unwrap_or_default();
                    write_error(xml, fields, &message, &code);
                }
                xml.maybe("id", id.as_deref());
                xml.leaf("success", &result.text("success").unwrap_or_default());
            });
        }
    })
}

/// One `Error` of a result.
pub(super) fn write_error(xml: &mut Xml, fields: Vec<String>, message: &str, code: &str) {
    xml.within("errors", |xml| {
        for field in fields {
            xml.leaf("fields", &field);
        }
        xml.leaf("message", message);
        xml.leaf("statusCode", code);
    });
}
