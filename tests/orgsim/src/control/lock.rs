//! Records that a test holds, as if another transaction were writing them.

use std::sync::Arc;

use axum::{Json, extract::State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, target::Target};
use crate::org::Org;

#[derive(Deserialize)]
struct Lock {
    object: String,
    #[serde(flatten)]
    target: Target,
}

/// `POST /__sim/locks`: writes to these records fail from now on, and to details of them.
pub(crate) async fn hold(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let request: Lock = serde_json::from_slice(&body)
        .map_err(|error| ControlError(format!("not understood: {error}")))?;
    let unknown = || ControlError(format!("no such object: `{}`", request.object));
    let (at, _) = org.schema.find(&request.object).ok_or_else(unknown)?;
    let mut store = org.store.write();
    let slots = request
        .target
        .slots(&org, &store, at, |slot| !slot.deleted)?;
    let ids: Vec<String> = slots
        .iter()
        .map(|slot| org.id(&request.object, *slot))
        .collect();
    store.held.extend(slots.into_iter().map(|slot| (at, slot)));
    Ok(Json(json!({"ids": ids})))
}

/// `GET /__sim/locks`
pub(crate) async fn list(State(org): State<Arc<Org>>) -> Json<Value> {
    let held: Vec<(usize, usize)> = org.store.read().held.iter().copied().collect();
    let mut ids: Vec<String> = held
        .into_iter()
        .filter_map(|(at, slot)| {
            let object = org.schema.object(at)?;
            Some(String::from_utf8_lossy(&object.mint.id(slot)).into_owned())
        })
        .collect();
    ids.sort_unstable();
    Json(json!({"ids": ids}))
}

/// `DELETE /__sim/locks`: nothing is held any more.
pub(crate) async fn release(State(org): State<Arc<Org>>) -> Json<Value> {
    let mut store = org.store.write();
    let released = store.held.len();
    store.held.clear();
    Json(json!({"released": released}))
}
