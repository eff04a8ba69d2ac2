//! The partner interface, and the enterprise interface as far as it is the same: `/services/Soap/u/NN.0` and
//! `/services/Soap/c/NN.0`.
//!
//! Source: SOAP API Developer Guide, Core Calls; answers as recorded from Data Loader, soapforce and nforce.

mod convert;
mod inner;
mod json;
mod login;
mod merge;
mod read;
mod recycle;
mod write;

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::post};

use crate::{
    org::Org,
    soap::{Call, Fault},
};
use inner::Inner;

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
    let done = operation(&org, &call).await;
    done.unwrap_or_else(|fault| call.fault(fault))
}

async fn operation(org: &Org, call: &Call) -> Result<Response, Fault> {
    match call.operation.name.as_str() {
        "login" => return Ok(login::login(org, call)),
        "logout" => return Ok(login::logout(org, call)),
        "getUserInfo" => return Ok(login::user_info(org, call)),
        "getServerTimestamp" => return Ok(login::server_timestamp(org, call)),
        "undelete" => return recycle::undelete(org, call),
        "emptyRecycleBin" => return recycle::empty(org, call),
        "merge" => return merge::merge(org, call),
        "convertLead" => return convert::convert(org, call),
        _ => {}
    }
    let Some(dispatch) = call.dispatch.clone() else {
        return Ok(call.unknown_operation());
    };
    let inner = Inner::new(dispatch, call);
    match call.operation.name.as_str() {
        "query" | "queryAll" => read::query(org, call, &inner).await,
        "queryMore" => read::query_more(org, call, &inner).await,
        "retrieve" => read::retrieve(org, call, &inner).await,
        "describeGlobal" => read::describe_global(call, &inner).await,
        "describeSObject" | "describeSObjects" => read::describe(call, &inner).await,
        "getUpdated" | "getDeleted" => read::replicate(call, &inner).await,
        "create" | "update" => write::save(call, &inner).await,
        "upsert" => write::upsert(call, &inner).await,
        "delete" => write::delete(call, &inner).await,
        _ => Ok(call.unknown_operation()),
    }
}
