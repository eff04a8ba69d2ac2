//! The control interface under `/__sim/`, a path that Salesforce does not have: tests change
//! records, move the clock, ask for faults, and read the truth that a backup is compared with.

pub(crate) mod bulk;
mod change;
pub(crate) mod fault;
mod lock;
mod oracle;
mod rules;
mod setting;
mod target;
mod user;
mod wire;

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use crate::org::Org;

/// A request that the control interface cannot follow; the text says why.
#[derive(Debug)]
pub(crate) struct ControlError(pub String);

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (
            StatusCode::BAD_REQUEST,
            axum::Json(json!({"error": self.0})),
        )
            .into_response()
    }
}

/// The routes.
pub(crate) fn router() -> Router<Arc<Org>> {
    Router::new()
        .route("/__sim/state", get(oracle::state))
        .route("/__sim/dump/{object}", get(oracle::dump))
        .route("/__sim/history/{object}/{id}", get(oracle::history))
        .route("/__sim/create", post(change::create))
        .route("/__sim/update", post(change::update))
        .route("/__sim/delete", post(change::delete))
        .route("/__sim/undelete", post(change::undelete))
        .route("/__sim/hard-delete", post(change::hard_delete))
        .route("/__sim/restart", post(setting::restart))
        .route("/__sim/commit", post(change::commit))
        .route("/__sim/clock", get(setting::clock).post(setting::set_clock))
        .route(
            "/__sim/settings",
            get(setting::settings).post(setting::set_settings),
        )
        .route("/__sim/users", post(user::put))
        .route("/__sim/tokens/expire", post(setting::expire))
        .route("/__sim/tokens/revoke", post(setting::revoke))
        .route(
            "/__sim/faults",
            get(fault::list).post(fault::add).delete(fault::clear),
        )
        .route("/__sim/faults/release", post(fault::release))
        .route(
            "/__sim/locks",
            get(lock::list).post(lock::hold).delete(lock::release),
        )
        .route(
            "/__sim/bulk",
            get(bulk::show).post(bulk::set).delete(bulk::clear),
        )
        .merge(rules::routes())
}
