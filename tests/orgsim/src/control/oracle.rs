//! The truth about the org, for tests to compare a backup with.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Map, Value, json};

use super::ControlError;
use crate::{clock::utc_datetime, id, org::Org, schema::Object, store::row::text};

/// Records in one piece of a dump.
const PIECE_ROWS: usize = 2_000;

/// `GET /__sim/state`
pub(crate) async fn state(State(org): State<Arc<Org>>) -> Json<Value> {
    org.settle();
    let store = org.store.read();
    let objects = org
        .schema
        .objects
        .iter()
        .enumerate()
        .filter(|(_, object)| object.can('Q'));
    let counts: Map<String, Value> = objects
        .map(|(at, object)| {
            (
                object.name.clone(),
                json!({"live": store.count(at, false), "all": store.count(at, true)}),
            )
        })
        .collect();
    let now_ms = org.clock.now_ms();
    let mut meter = org.meter.lock();
    Json(json!({
        "now": utc_datetime(org.clock.now_ms()),
        "organization_id": org.org_id(),
        "user_id": org.user_id(),
        "newest_generated": crate::generate::newest(),
        "objects": counts,
        "calls_used": meter.calls.used(now_ms),
        "query_jobs": meter.query_jobs.used(now_ms),
        "long_requests": meter.long(now_ms),
        "routes": meter.routes,
        "pending": store.pending(),
        "faults": org.faults.lock().len(),
        "stalled": org.faults.lock().stalled(),
    }))
}

/// `GET /__sim/dump/{object}?fields=A,B`: every record as a line of JSON, the Recycle Bin included.
/// Values are the exact texts of Bulk CSV; `fields=*` is all of them.
pub(crate) async fn dump(
    State(org): State<Arc<Org>>,
    Path(name): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ControlError> {
    org.settle();
    let (at, object) = find(&org, &name)?;
    let mut fields = vec![0];
    fields.extend(object.stamp_field);
    fields.extend(object.field("IsDeleted").map(|(number, _)| number));
    match parameters.get("fields").map(String::as_str) {
        None => {}
        Some("*") => {
            fields = (0..object.fields.len())
                .filter(|n| stored(object, *n))
                .collect();
        }
        Some(names) => {
            for name in names.split(',') {
                let (number, _) = object
                    .field(name.trim())
                    .ok_or_else(|| ControlError(format!("no such field: `{name}`")))?;
                fields.push(number);
            }
        }
    }
    let mut next = 0;
    let pieces = std::iter::from_fn(move || {
        let store = org.store.read();
        let object = org.schema.object(at)?;
        let slots = store.table(at)?.slots();
        let piece = slots
            .get(next..(next + PIECE_ROWS).min(slots.len()))
            .filter(|piece| !piece.is_empty())?;
        next += piece.len();
        let mut out = String::new();
        for row in piece.iter().filter_map(|slot| slot.row.as_ref()) {
            out.push_str(&values(object, row, &fields).to_string());
            out.push('\n');
        }
        Some(Ok::<_, std::io::Error>(Bytes::from(out)))
    });
    Ok((
        [(CONTENT_TYPE, "application/jsonl")],
        Body::from_stream(stream::iter(pieces)),
    )
        .into_response())
}

/// `GET /__sim/history/{object}/{id}`: every version that was ever visible, oldest first.
pub(crate) async fn history(
    State(org): State<Arc<Org>>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<Value>, ControlError> {
    org.settle();
    let (at, object) = find(&org, &name)?;
    let located = id::parse(&id)
        .and_then(|id| org.schema.locate(&id))
        .filter(|(owner, _)| *owner == at);
    let (_, slot) = located.ok_or_else(|| ControlError(format!("no such record: `{id}`")))?;
    let fields: Vec<usize> = (0..object.fields.len())
        .filter(|n| stored(object, *n))
        .collect();
    let versions: Vec<Value> = org
        .store
        .read()
        .versions(at, slot)
        .iter()
        .map(|version| {
            let values = version.row.as_ref().map(|row| values(object, row, &fields));
            json!({"visible_at": utc_datetime(version.visible_ms), "values": values})
        })
        .collect();
    Ok(Json(json!({"versions": versions})))
}

fn values(object: &Object, row: &[u8], fields: &[usize]) -> Value {
    let named = fields.iter().filter_map(|number| {
        let field = object.fields.get(*number)?;
        let value = text(row, *number).map_or(Value::Null, |text| match field.name.as_str() {
            "IsDeleted" => Value::Bool(text == "true"),
            _ => Value::from(text),
        });
        Some((field.name.clone(), value))
    });
    Value::Object(named.collect())
}

fn stored(object: &Object, number: usize) -> bool {
    object.fields.get(number).is_some_and(|f| {
        !f.removed() && !f.kind.compound() && f.kind != crate::schema::Kind::Base64
    })
}

fn find<'a>(org: &'a Org, name: &str) -> Result<(usize, &'a Object), ControlError> {
    org.schema
        .find(name)
        .ok_or_else(|| ControlError(format!("no such object: `{name}`")))
}
