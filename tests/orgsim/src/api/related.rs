//! Records by way of a relationship: a parent, or a page of children.
//!
//! Source: REST API Developer Guide, sObject Relationships.

use std::collections::HashMap;

use axum::response::Response;

use super::{error::ApiError, query, rows};
use crate::{org::Org, save::Caller, store::row::text};

/// `GET …/sobjects/{name}/{id}/{relationship}?fields=A,B`
pub(crate) fn answer(
    org: &Org,
    caller: &Caller,
    version: &str,
    (at, slot): (usize, usize),
    relationship: &str,
    parameters: &HashMap<String, String>,
    page_rows: usize,
) -> Result<Response, ApiError> {
    let schema = caller.schema(org);
    let object = schema.object(at).ok_or_else(ApiError::not_found)?;
    let named = |name: &Option<String>| {
        name.as_deref()
            .is_some_and(|name| name.eq_ignore_ascii_case(relationship))
    };
    let mut up = object.fields.iter();
    if let Some(number) = up.position(|field| named(&field.relationship)) {
        let row = org
            .store
            .read()
            .slot(at, slot)
            .and_then(|slot| slot.row.clone());
        let parent = row
            .as_deref()
            .and_then(|row| text(row, number))
            .and_then(|id| org.schema.locate(id.as_bytes()));
        return rows::render(
            org,
            caller,
            parent.ok_or_else(ApiError::not_found)?,
            version,
            parameters,
        );
    }
    let mut down = schema.children(at).filter_map(|(child, number)| {
        let child = schema.object(child)?;
        Some((child, child.fields.get(number)?))
    });
    let (child, field) = down
        .find(|(_, field)| named(&field.child_relationship))
        .ok_or_else(ApiError::not_found)?;
    let every = || {
        let all = child.live_fields().map(|(_, field)| field.name.as_str());
        all.collect::<Vec<_>>().join(",")
    };
    let fields = parameters.get("fields").cloned().unwrap_or_else(every);
    let id = String::from_utf8_lossy(&object.mint.id(slot)).into_owned();
    let text = format!(
        "SELECT {fields} FROM {} WHERE {} = '{id}'",
        child.name, field.name
    );
    let options = query::Options {
        page_rows,
        ..query::Options::default()
    };
    query::answer(org, caller, version, &text, &options)
}
