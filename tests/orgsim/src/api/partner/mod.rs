//! The partner interface, and the enterprise interface as far as it is the same: `/services/Soap/u/NN.0` and
//! `/services/Soap/c/NN.0`.
//!
//! Source: SOAP API Developer Guide, Core Calls; answers as recorded from Data Loader, soapforce and nforce.

mod login;

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::post};

use crate::{org::Org, soap::Call};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let mut routes = Router::new();
    // `serverUrl` ends in the org's Id, the address that a client logs in at does not.
    for path in [
        "u/{version}",
        "u/{version}/{org}",
        "c/{version}",
        "c/{version}/{org}",
    ] {
        routes = routes.route(&format!("/services/Soap/{path}"), post(call));
    }
    routes
}

/// `POST /services/Soap/u/NN.0`
async fn call(State(org): State<Arc<Org>>, call: Call) -> Response {
    match call.operation.name.as_str() {
        "login" => login::login(&org, &call),
        "logout" => login::logout(&org, &call),
        "getUserInfo" => login::user_info(&org, &call),
        "getServerTimestamp" => login::server_timestamp(&org, &call),
        _ => call.unknown_operation(),
    }
}
