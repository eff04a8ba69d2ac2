//! Queries, records by Id, descriptions and what changed. The REST routes do the work, so that both interfaces agree.
//!
//! Source: SOAP API Developer Guide, `query()`, `queryMore()`, `retrieve()`, `describeSObjects()`, `getUpdated()`.

use axum::{http::HeaderMap, response::Response};
use serde_json::{json, value::RawValue};

use super::{
    inner::Inner,
    json::{Members, datetime, elements, text, write_members, write_page, write_record},
};
use crate::{
    org::Org,
    soap::{Call, Fault},
};

/// Objects of one `describeSObjects`.
const DESCRIBED_MAX: usize = 100;

/// `query`, `queryAll`
pub(super) async fn query(org: &Org, call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let text = call.operation.value("queryString").unwrap_or_default();
    let path = if call.operation.name == "queryAll" {
        "queryAll"
    } else {
        "query"
    };
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("q", text)
        .finish();
    let page = inner.get(&format!("{path}?{query}"), options(call)).await?;
    Ok(page_of(org, call, &page))
}

/// `queryMore`
pub(super) async fn query_more(org: &Org, call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let locator = call.operation.value("queryLocator").unwrap_or_default();
    if locator.is_empty()
        || !locator
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return Err(Fault::new("INVALID_QUERY_LOCATOR", "invalid query locator"));
    }
    let page = inner
        .get(&format!("query/{locator}"), options(call))
        .await?;
    Ok(page_of(org, call, &page))
}

fn page_of(org: &Org, call: &Call, page: &RawValue) -> Response {
    call.answer(|xml| {
        xml.within("result xsi:type=\"QueryResult\"", |xml| {
            write_page(xml, org, &Members::of(page));
        });
    })
}

/// `QueryOptions` as REST asks for it.
fn options(call: &Call) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let size = call
        .header("QueryOptions")
        .and_then(|header| header.value("batchSize"))
        .and_then(|size| format!("batchSize={}", size.trim()).parse().ok());
    if let Some(size) = size {
        headers.insert("sforce-query-options", size);
    }
    headers
}

/// `retrieve`
pub(super) async fn retrieve(org: &Org, call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let object = call.operation.value("sObjectType").unwrap_or_default();
    let fields = call.operation.value("fieldList").unwrap_or_default();
    let fields: Vec<&str> = fields.split(',').map(str::trim).collect();
    let ids: Vec<&str> = call.operation.values("ids").collect();
    let body = json!({"ids": ids, "fields": fields});
    let path = format!("composite/sobjects/{}", segment(object)?);
    let records = inner.send("POST", &path, HeaderMap::new(), &body).await?;
    Ok(call.answer(|xml| {
        for record in elements(&records) {
            if record.get() == "null" {
                xml.nil("result");
            } else {
                write_record(xml, org, "result", record);
            }
        }
    }))
}

/// `describeGlobal`
pub(super) async fn describe_global(call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let global = inner.get("sobjects", HeaderMap::new()).await?;
    Ok(call.answer(|xml| xml.within("result", |xml| write_members(xml, &global))))
}

/// `describeSObject`, `describeSObjects`
pub(super) async fn describe(call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let names: Vec<&str> = call.operation.values("sObjectType").collect();
    if names.len() > DESCRIBED_MAX {
        let message = format!("more than {DESCRIBED_MAX} objects");
        return Err(Fault::new("EXCEEDED_ID_LIMIT", message));
    }
    let mut found = Vec::new();
    for name in names {
        let path = format!("sobjects/{}/describe", segment(name)?);
        let unknown = |fault: Fault| match fault.code.as_str() {
            "NOT_FOUND" => Fault::new(
                "INVALID_TYPE",
                format!("sObject type '{name}' is not supported."),
            ),
            _ => fault,
        };
        found.push(inner.get(&path, HeaderMap::new()).await.map_err(unknown)?);
    }
    Ok(call.answer(|xml| {
        for described in &found {
            xml.within("result", |xml| write_members(xml, described));
        }
    }))
}

/// `getUpdated`, `getDeleted`
pub(super) async fn replicate(call: &Call, inner: &Inner) -> Result<Response, Fault> {
    let given = |name: &str| call.operation.value(name).unwrap_or_default();
    let object = segment(given("sObjectType"))?;
    let what = if call.operation.name == "getUpdated" {
        "updated"
    } else {
        "deleted"
    };
    let window: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("start", given("startDate"))
        .append_pair("end", given("endDate"))
        .finish();
    let path = format!("sobjects/{object}/{what}?{window}");
    let found = inner.get(&path, HeaderMap::new()).await?;
    let found = Members::of(&found);
    Ok(call.answer(|xml| {
        xml.within("result", |xml| {
            for record in found.list("deletedRecords") {
                let record = Members::of(record);
                xml.within("deletedRecords", |xml| {
                    let gone = record.text("deletedDate").unwrap_or_default();
                    xml.leaf("deletedDate", &datetime(&gone));
                    xml.leaf("id", &record.text("id").unwrap_or_default());
                });
            }
            if let Some(earliest) = found.text("earliestDateAvailable") {
                xml.leaf("earliestDateAvailable", &datetime(&earliest));
            }
            for id in found.list("ids") {
                xml.leaf("ids", &text(id).unwrap_or_default());
            }
            let covered = found.text("latestDateCovered").unwrap_or_default();
            xml.leaf("latestDateCovered", &datetime(&covered));
        });
    }))
}

/// A name that stands in a path as it is.
pub(super) fn segment(name: &str) -> Result<&str, Fault> {
    let name = name.trim();
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(name);
    }
    let message = format!("sObject type '{name}' is not supported.");
    Err(Fault::new("INVALID_TYPE", message))
}
