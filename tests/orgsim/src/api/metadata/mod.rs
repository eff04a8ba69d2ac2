//! The Metadata API: `/services/Soap/m/NN.0`, and deployments over REST.
//!
//! Source: Metadata API Developer Guide; answers as recorded from several clients.

mod deploy;
mod list;
mod rest;
mod retrieve;
mod save;

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::post};

use crate::{
    clock::utc_datetime,
    id,
    metadata::{catalogue::Listed, problem::Problem},
    org::Org,
    save::Caller,
    soap::{Call, Fault, Xml},
    store::row::text,
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/Soap/m/{version}", post(call))
        // Clients put the org's Id behind the version; simple-salesforce deploys and retrieves at `deployRequest/…`.
        .route("/services/Soap/m/{version}/{*rest}", post(call))
        .merge(rest::routes())
}

/// `POST /services/Soap/m/NN.0`
async fn call(State(org): State<Arc<Org>>, call: Call) -> Response {
    if !permitted(&call.caller) {
        return call.fault(Fault::new("INSUFFICIENT_ACCESS", NOT_PERMITTED));
    }
    let answer = match call.operation.name.as_str() {
        "describeMetadata" => Ok(list::describe(&call)),
        "listMetadata" => list::list(&org, &call),
        "readMetadata" => save::read(&org, &call),
        "createMetadata" | "updateMetadata" | "upsertMetadata" => save::save(&org, &call),
        "deleteMetadata" => save::delete(&org, &call),
        "renameMetadata" => save::rename(&org, &call),
        "deploy" => deploy::deploy(&org, &call),
        "deployRecentValidation" => deploy::quick(&org, &call),
        "checkDeployStatus" => deploy::check(&org, &call),
        "cancelDeploy" => deploy::cancel(&org, &call),
        "retrieve" => retrieve::retrieve(&org, &call),
        "checkRetrieveStatus" => retrieve::check(&org, &call),
        "checkStatus" => retrieve::status(&org, &call),
        _ => return call.unknown_operation(),
    };
    answer.unwrap_or_else(|fault| call.fault(fault))
}

/// What a user without the permission is told, whatever the call: recorded from `deploy`, `listMetadata` and others.
const NOT_PERMITTED: &str =
    "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions";

/// The user may use the Metadata API, be it only to read.
fn permitted(caller: &Caller) -> bool {
    caller.may("ModifyAllData") || caller.may("ModifyMetadata")
}

/// The Id of a job that the call names under any of `names`, in its long form.
fn job_id(call: &Call, names: &[&str]) -> Result<String, Fault> {
    let given = names.iter().find_map(|name| call.operation.given(name));
    let given = given.unwrap_or_default();
    let known = id::parse(given).map(|id| id::long(&id));
    known.ok_or_else(|| Fault::new("INVALID_ID_FIELD", format!("Invalid id: {given}")))
}

/// A job that is not there.
fn no_such_job() -> Fault {
    Fault::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
}

/// Name of the user with this Id.
fn user_name(org: &Org, user: &str) -> String {
    let name = id::parse(user).and_then(|id| {
        let (at, slot) = org.schema.locate(&id)?;
        let number = org.schema.object(at)?.field("Name")?.0;
        let store = org.store.read();
        let row = store.slot(at, slot)?.row.as_ref()?;
        text(row, number).map(str::to_owned)
    });
    name.unwrap_or_default()
}

/// `FileProperties`. What the platform itself brings has no Id and was made when time began.
fn file_properties(xml: &mut Xml, org: &Org, kind: &str, file: &str, listed: &Listed) {
    let own = listed.own;
    let date = |at_ms: i64| utc_datetime(if own { at_ms } else { 0 });
    xml.leaf("createdById", &listed.created.user);
    xml.leaf("createdByName", &user_name(org, &listed.created.user));
    xml.leaf("createdDate", &date(listed.created.at_ms));
    xml.leaf("fileName", file);
    xml.leaf("fullName", &listed.name);
    xml.leaf("id", &listed.id);
    xml.leaf("lastModifiedById", &listed.modified.user);
    xml.leaf("lastModifiedByName", &user_name(org, &listed.modified.user));
    xml.leaf("lastModifiedDate", &date(listed.modified.at_ms));
    if own {
        xml.leaf("manageableState", "unmanaged");
    } else {
        xml.empty("namespacePrefix");
    }
    xml.leaf("type", kind);
}

/// The `errors` of a save result.
fn errors(xml: &mut Xml, problem: &Problem) {
    xml.within("errors", |xml| {
        xml.leaf("message", &problem.message);
        xml.leaf("statusCode", problem.code);
    });
}
