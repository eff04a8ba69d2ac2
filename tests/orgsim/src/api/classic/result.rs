//! Results of batches of Bulk API 1.0.
//!
//! Source: Bulk API Developer Guide, Get Batch Results and Get Results for a Query Batch; forms as recorded, times in
//! JSON as milliseconds since 1970 as clients report them.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{
    Refusal, Reply, admit,
    batch::{find, spoken},
    on_job,
    reply::{CSV, JSON},
};
use crate::{
    api::{
        csv::{Layout, push_quoted},
        json::{Tree, push_record_in_bulk},
    },
    bulk::{
        chunk::Outcome,
        classic::{BatchResult, BatchState, Content},
    },
    org::Org,
    schema::Object,
    soql::{Bound, Output, View},
    store::row::Row,
};

/// `GET …/batch/{batch}/result`: what became of each row, or the names of a query's results.
pub(super) async fn list(
    State(org): State<Arc<Org>>,
    Path((version, id, batch)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    spoken(&org, &id, &headers, || {
        admit(&org, &version, &headers)?;
        let (result, object, content, name) = on_job(&org, &id, |job| {
            let batch = find(job, &batch)?;
            match batch.state {
                BatchState::Completed => {}
                BatchState::Failed | BatchState::NotProcessed => {
                    return Err(Refusal::new("InvalidBatch", "Records not processed"));
                }
                BatchState::Queued | BatchState::InProgress => {
                    return Err(Refusal::new("InvalidBatch", "Batch not completed"));
                }
            }
            Ok((
                batch.result.clone(),
                job.object,
                job.content,
                batch.result_id(),
            ))
        })?;
        let object = org.schema.object(object);
        match (result, object) {
            (BatchResult::Rows(..), _) => Ok(Reply::Names(vec![name])),
            (BatchResult::Outcomes(outcomes), Some(object)) => Ok(match content {
                Content::Csv => Reply::Raw(CSV, outcomes_csv(object, &outcomes).into()),
                Content::Json => Reply::Raw(JSON, outcomes_json(object, &outcomes).into()),
            }),
            _ => Err(Refusal::new("InvalidBatch", "Records not processed")),
        }
    })
}

/// `GET …/batch/{batch}/result/{result}`: the rows of a query.
pub(super) async fn read(
    State(org): State<Arc<Org>>,
    Path((version, id, batch, result)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    spoken(&org, &id, &headers, || {
        admit(&org, &version, &headers)?;
        let (rows, bound, content, version) = on_job(&org, &id, |job| {
            let batch = find(job, &batch)?;
            match &batch.result {
                BatchResult::Rows(rows, bound) if batch.result_id() == result => {
                    let version = format!("v{}.0", job.version);
                    Ok((Arc::clone(rows), Arc::clone(bound), job.content, version))
                }
                _ => Err(Refusal::new(
                    "InvalidBatch",
                    format!("Unable to find result: {result}"),
                )),
            }
        })?;
        Ok(match content {
            Content::Csv => Reply::Raw(CSV, rows_csv(&org, &rows, &bound).into()),
            Content::Json => Reply::Raw(JSON, rows_json(&org, &rows, &bound, &version).into()),
        })
    })
}

fn outcomes_csv(object: &Object, outcomes: &[Outcome]) -> Vec<u8> {
    let mut out = b"\"Id\",\"Success\",\"Created\",\"Error\"\n".to_vec();
    for outcome in outcomes {
        let (slot, success, created, error) = match outcome {
            Outcome::Saved { slot, created } => (Some(*slot), "true", *created, String::new()),
            Outcome::Failed(failure) => (failure.slot, "false", false, failure.text()),
        };
        let id = slot.map(|slot| object.mint.id(slot));
        let cells = [
            id.as_ref().map_or(&[][..], |id| &id[..]),
            success.as_bytes(),
            if created { b"true" } else { b"false" },
            error.as_bytes(),
        ];
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_quoted(&mut out, cell);
        }
        out.push(b'\n');
    }
    out
}

fn outcomes_json(object: &Object, outcomes: &[Outcome]) -> String {
    let id = |slot: Option<usize>| {
        slot.map(|slot| String::from_utf8_lossy(&object.mint.id(slot)).into_owned())
    };
    let shown = outcomes.iter().map(|outcome| match outcome {
        Outcome::Saved { slot, created } => {
            json!({"success": true, "created": created, "id": id(Some(*slot)), "errors": []})
        }
        Outcome::Failed(failure) => {
            let error = &failure.error;
            let error = json!({
                "statusCode": error.code,
                "message": error.message,
                "fields": error.fields,
                "extendedErrorDetails": null,
            });
            json!({"success": false, "created": false, "id": id(failure.slot), "errors": [error]})
        }
    });
    Value::from(shown.collect::<Vec<_>>()).to_string()
}

fn rows_csv(org: &Org, rows: &[Row], bound: &Bound) -> Vec<u8> {
    let Output::Rows(columns) = &bound.output else {
        return Vec::new();
    };
    if rows.is_empty() {
        return b"Records not found for this query".to_vec();
    }
    let layout = Layout::new(columns, b',', b"\n");
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    let mut out = layout.header().to_vec();
    let mut next = 0;
    while next < rows.len() {
        let (piece, after) = layout.piece(view, rows, next, rows.len());
        out.extend_from_slice(&piece);
        next = after;
    }
    out
}

fn rows_json(org: &Org, rows: &[Row], bound: &Bound, version: &str) -> String {
    let Output::Rows(columns) = &bound.output else {
        return "[]".to_owned();
    };
    let tree = Tree::of(columns);
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    let mut out = String::from("[");
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_record_in_bulk(&mut out, view, bound.object, row, &tree, version);
    }
    out.push(']');
    out
}
