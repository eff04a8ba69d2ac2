//! Deployments over REST: `/services/data/vXX.0/metadata/deployRequest`.
//!
//! Source: Metadata API Developer Guide, Deploying and Retrieving Metadata with REST.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};

use super::{
    NOT_PERMITTED,
    deploy::{Fact, begin, check_options, facts, message_facts, stop, validated, version},
    permitted,
};
use crate::{
    api::{
        error::{ApiError, JSON},
        multipart,
    },
    id,
    metadata::{
        archive::unpack,
        deploy::{Deployment, Options},
    },
    org::Org,
    save::Caller,
    soap::Fault,
};

/// The paths answered here.
pub(super) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/metadata/deployRequest";
    Router::new()
        .route(root, post(create))
        .route(&format!("{root}/{{id}}"), get(read).patch(change))
}

fn refused(fault: Fault) -> ApiError {
    let code = if fault.code.is_empty() {
        "JSON_PARSER_ERROR".to_owned()
    } else {
        fault.code
    };
    ApiError::bad(code, fault.message)
}

/// The user may deploy. The text is that of the SOAP interface; which status goes with it is not recorded.
fn check_permitted(caller: &Caller) -> Result<(), ApiError> {
    if permitted(caller) {
        return Ok(());
    }
    let code = "INSUFFICIENT_ACCESS";
    Err(ApiError::new(StatusCode::FORBIDDEN, code, NOT_PERMITTED))
}

/// `POST …/deployRequest`: a package in a multipart body, or the Id of a deployment that was checked.
async fn create(
    State(org): State<Arc<Org>>,
    Path(api): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    check_permitted(&caller)?;
    let Some(boundary) = multipart::boundary(&headers) else {
        let given: Value = serde_json::from_slice(&body)
            .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
        let valid = given
            .get("validatedDeployRequestId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let valid = id::parse(valid).map(|id| id::long(&id)).unwrap_or_default();
        let id = validated(&org, &caller.user, &valid).map_err(refused)?;
        return Ok(created(
            &json!({"validatedDeployRequestId": valid, "id": id}),
        ));
    };
    let parts = multipart::parts(&body, &boundary)?;
    // The guide calls the part `json`, clients call it `entity_content`: what tells them apart is the type.
    let described = parts
        .iter()
        .find(|part| !part.binary() && part.name != "file");
    let described = described.map_or(&b"{}"[..], |part| &part.body);
    let described: Value = serde_json::from_slice(described)
        .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    let options = options(described.get("deployOptions").unwrap_or(&Value::Null));
    check_options(&options).map_err(refused)?;
    let file = parts
        .iter()
        .find(|part| part.name == "file" || part.filename.is_some());
    let file = file.ok_or_else(|| ApiError::bad("MISSING_ARGUMENT", "The request has no file"))?;
    let files = unpack(&file.body);
    if let Err((code @ "LIMIT_EXCEEDED", message)) = &files {
        return Err(ApiError::bad(*code, message.clone()));
    }
    let id = begin(&org, &caller.user, version(&api), options.clone(), files);
    let job = org.metadata.jobs.lock().deployments.get(&id).cloned();
    let result = job.map(|job| deploy_result(&org, &job, false));
    Ok(created(&json!({
        "id": id,
        "url": place(&org, &api, &id),
        "deployOptions": show_options(&options),
        "deployResult": result,
    })))
}

/// `GET …/deployRequest/{id}`
async fn read(
    State(org): State<Arc<Org>>,
    Path((api, id)): Path<(String, String)>,
    caller: Caller,
    Query(parameters): Query<std::collections::HashMap<String, String>>,
) -> Result<Response, ApiError> {
    check_permitted(&caller)?;
    let id = id::parse(&id).map(|id| id::long(&id)).unwrap_or_default();
    let job = org.metadata.jobs.lock().deployments.get(&id).cloned();
    let job = job.ok_or_else(ApiError::not_found)?;
    let details = parameters
        .get("includeDetails")
        .is_some_and(|flag| flag == "true");
    let body = json!({
        "id": id,
        "url": place(&org, &api, &id),
        "deployOptions": show_options(&job.options),
        "deployResult": deploy_result(&org, &job, details),
    });
    Ok(([(CONTENT_TYPE, JSON)], body.to_string()).into_response())
}

/// `PATCH …/deployRequest/{id}`: stops a deployment.
async fn change(
    State(org): State<Arc<Org>>,
    Path((api, id)): Path<(String, String)>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, ApiError> {
    check_permitted(&caller)?;
    let given: Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    if given.pointer("/deployResult/status") != Some(&json!("Canceling")) {
        return Err(ApiError::bad(
            "INVALID_FIELD",
            "A deployment can only be set to Canceling",
        ));
    }
    let id = id::parse(&id).map(|id| id::long(&id)).unwrap_or_default();
    if !org.metadata.jobs.lock().deployments.contains_key(&id) {
        return Err(ApiError::not_found());
    }
    let status = stop(&org, &caller.user, &id).map_err(refused)?;
    let body = json!({
        "id": id,
        "url": place(&org, &api, &id),
        "deployResult": {"id": id, "status": status.name(), "done": status.done()},
    });
    Ok((
        StatusCode::ACCEPTED,
        [(CONTENT_TYPE, JSON)],
        body.to_string(),
    )
        .into_response())
}

fn created(body: &Value) -> Response {
    (
        StatusCode::CREATED,
        [(CONTENT_TYPE, JSON)],
        body.to_string(),
    )
        .into_response()
}

fn place(org: &Org, api: &str, id: &str) -> String {
    format!(
        "{}/services/data/{api}/metadata/deployRequest/{id}",
        org.base_url()
    )
}

fn options(given: &Value) -> Options {
    let flag = |name: &str| given.get(name).and_then(Value::as_bool).unwrap_or(false);
    let tests = given.get("runTests").and_then(Value::as_array);
    Options {
        allow_missing_files: flag("allowMissingFiles"),
        auto_update_package: flag("autoUpdatePackage"),
        check_only: flag("checkOnly"),
        ignore_warnings: flag("ignoreWarnings"),
        purge_on_delete: flag("purgeOnDelete"),
        rollback_on_error: flag("rollbackOnError"),
        single_package: flag("singlePackage"),
        run_tests: tests
            .into_iter()
            .flatten()
            .filter_map(|test| test.as_str().map(str::to_owned))
            .collect(),
        test_level: given
            .get("testLevel")
            .and_then(Value::as_str)
            .map(str::to_owned),
    }
}

fn show_options(options: &Options) -> Value {
    json!({
        "allowMissingFiles": options.allow_missing_files,
        "autoUpdatePackage": options.auto_update_package,
        "checkOnly": options.check_only,
        "ignoreWarnings": options.ignore_warnings,
        "purgeOnDelete": options.purge_on_delete,
        "rollbackOnError": options.rollback_on_error,
        "runTests": options.run_tests,
        "singlePackage": options.single_package,
        "testLevel": options.test_level,
    })
}

fn object(facts: Vec<(&'static str, Fact)>) -> Map<String, Value> {
    let value = |fact| match fact {
        Fact::Flag(flag) => json!(flag),
        Fact::Number(number) => json!(number),
        Fact::Text(text) => json!(text),
    };
    facts
        .into_iter()
        .map(|(name, fact)| (name.to_owned(), value(fact)))
        .collect()
}

fn deploy_result(org: &Org, job: &Deployment, details: bool) -> Value {
    let mut result = object(facts(org, job));
    if details {
        let messages = |success: bool| -> Vec<Value> {
            let messages = job
                .messages
                .iter()
                .filter(|message| message.success == success);
            messages
                .map(|message| Value::Object(object(message_facts(message))))
                .collect()
        };
        let details = json!({
            "componentFailures": messages(false),
            "componentSuccesses": messages(true),
            "retrieveResult": null,
            "runTestResult": {
                "numFailures": 0,
                "numTestsRun": 0,
                "totalTime": 0.0,
                "failures": [],
                "successes": [],
                "codeCoverage": [],
                "codeCoverageWarnings": [],
                "flowCoverage": [],
                "flowCoverageWarnings": [],
            },
        });
        result.insert("details".to_owned(), details);
    }
    Value::Object(result)
}
