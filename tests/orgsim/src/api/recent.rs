//! What a user has made or changed of late.
//!
//! Source: REST API Developer Guide, Recently Viewed Items, sObject Basic Information (`recentItems`). Recorded
//! answers list what the same client had just made.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use serde::{Deserialize, Serialize};

use super::{
    error::json_body,
    json::{Tree, push_record},
};
use crate::{
    org::Org,
    schema::{Object, Trait},
    soql::View,
};

/// Records that are remembered for a user.
const ITEMS_MAX: usize = 200;

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new().route("/services/data/{version}/recent", get(recent))
}

/// Object and slot of the records that each user touched, latest first.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Recent(HashMap<String, Vec<(usize, usize)>>);

impl Recent {
    /// Puts a record in front.
    pub(crate) fn touch(&mut self, user: &str, record: (usize, usize)) {
        let items = self.0.entry(user.to_owned()).or_default();
        items.retain(|item| *item != record);
        items.insert(0, record);
        items.truncate(ITEMS_MAX);
    }
}

/// `GET …/recent?limit=n`
async fn recent(
    State(org): State<Arc<Org>>,
    caller: crate::save::Caller,
    Path(version): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let limit = parameters.get("limit").and_then(|text| text.parse().ok());
    let limit = limit.unwrap_or(ITEMS_MAX);
    json_body(&list(&org, &caller.user, &version, None, limit))
}

/// The user's recent records, of one object or of all, as a list of JSON.
pub(crate) fn list(
    org: &Org,
    user: &str,
    version: &str,
    of: Option<usize>,
    limit: usize,
) -> String {
    let items = org.recent.lock().0.get(user).cloned().unwrap_or_default();
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    let mut out = String::from("[");
    let wanted = items
        .into_iter()
        .filter(|(at, _)| of.is_none_or(|of| of == *at));
    let there = wanted.filter_map(|(at, slot)| {
        let row = store.slot(at, slot)?.visible(false)?;
        Some((at, row))
    });
    for (place, (at, row)) in there.take(limit).enumerate() {
        if place > 0 {
            out.push(',');
        }
        let names = org.schema.object(at).map(shown).unwrap_or_default();
        push_record(&mut out, view, at, row, &Tree::fields(names), version);
    }
    out.push(']');
    out
}

/// The Id, and what the record is called.
fn shown(object: &Object) -> Vec<String> {
    let title = object.fields.iter().find(|field| field.is(Trait::Title));
    let names = [Some("Id"), title.map(|field| field.name.as_str())];
    names.into_iter().flatten().map(str::to_owned).collect()
}
