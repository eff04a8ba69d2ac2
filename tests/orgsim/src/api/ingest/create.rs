//! Creating an ingest job, with or without its data in the same request.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use serde::Deserialize;

use super::{body_of, invalid};
use crate::{
    api::{error::ApiError, job::job_id, multipart, version_number},
    bulk::{
        Operation, delimiter,
        ingest::{IngestJob, State as JobState},
        line_end, run,
    },
    org::Org,
    save::{Caller, names_records},
    schema::Object,
};

/// Longest data in the same request.
const CONTENT_CHARS_MAX: usize = 100_000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    object: Option<String>,
    operation: Option<String>,
    external_id_field_name: Option<String>,
    assignment_rule_id: Option<String>,
    content_type: Option<String>,
    column_delimiter: Option<String>,
    line_ending: Option<String>,
}

/// `POST …/jobs/ingest`
pub(crate) async fn create(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (request, upload) = match multipart::boundary(&headers) {
        None => (body, None),
        Some(boundary) => {
            let mut parts = multipart::parts(&body, &boundary)?;
            let mut take = |name: &str| {
                let at = parts.iter().position(|part| part.name == name);
                let found = at.map(|at| parts.swap_remove(at).body);
                found.ok_or_else(|| multipart::malformed(&format!("Part {name} is missing")))
            };
            (take("job")?, Some(take("content")?))
        }
    };
    let request: Creation = serde_json::from_slice(&request)
        .map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    let mut job = read(&org, caller, &version, request)?;
    if let Some(upload) = upload {
        if upload.len() > CONTENT_CHARS_MAX {
            let message = format!(
                "The content of a job in one request has at most {CONTENT_CHARS_MAX} characters"
            );
            return Err(ApiError::bad("INVALIDJOB", message));
        }
        job.upload = Some(upload);
        job.state = JobState::UploadComplete;
    }
    let answer = body_of(&job.created());
    let id = job.id.clone();
    let begins = job.state == JobState::UploadComplete;
    org.ingest_jobs.lock().insert(id.clone(), job);
    if begins {
        tokio::spawn(run::run(Arc::clone(&org), id));
    }
    Ok(answer)
}

fn read(
    org: &Org,
    caller: Caller,
    version: &str,
    request: Creation,
) -> Result<IngestJob, ApiError> {
    let given = request.operation.unwrap_or_default();
    let operation = Operation::named(&given).ok_or_else(|| invalid("operation", &given))?;
    let kind = request.content_type.unwrap_or_else(|| "CSV".to_owned());
    if kind != "CSV" {
        return Err(invalid("contentType", &kind));
    }
    let column = request.column_delimiter;
    let column = column.unwrap_or_else(|| "COMMA".to_owned());
    if delimiter(&column).is_none() {
        return Err(invalid("columnDelimiter", &column));
    }
    let line = request.line_ending.unwrap_or_else(|| "LF".to_owned());
    if line_end(&line).is_none() {
        return Err(invalid("lineEnding", &line));
    }
    let name = request.object.unwrap_or_default();
    let (at, object) = loadable(org, &name, operation)?;
    let key = match operation {
        Operation::Upsert => Some(key(object, request.external_id_field_name.as_deref())?),
        _ => None,
    };
    let now = org.clock.now_ms();
    Ok(IngestJob {
        id: job_id(org.next_job()),
        operation,
        object: at,
        object_name: object.name.clone(),
        key,
        assignment_rule: request.assignment_rule_id,
        version: version_number(version).unwrap_or(0),
        delimiter: column,
        line_ending: line,
        caller,
        created_ms: now,
        modified_ms: now,
        state: JobState::Open,
        error: None,
        upload: None,
        sheet: None,
        outcomes: Arc::default(),
        failures: 0,
        active_ms: 0,
    })
}

/// The object of a job; the text is the same in both versions of the Bulk API.
fn loadable<'o>(
    org: &'o Org,
    name: &str,
    operation: Operation,
) -> Result<(usize, &'o Object), ApiError> {
    find(org, name, Some(operation)).map_err(|refusal| {
        let message = format!("{} : {}", refusal.code, refusal.message);
        ApiError::bad(refusal.code.to_uppercase(), message)
    })
}

fn key(object: &Object, name: Option<&str>) -> Result<(usize, String), ApiError> {
    key_of(object, name)
        .map_err(|message| ApiError::bad("INVALIDJOB", format!("InvalidJob : {message}")))
}

/// Why a job cannot be made, in the words of Bulk API 1.0; 2.0 repeats them.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Camel case.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// The object of a job, if the operation is possible on it; none is a query.
pub(crate) fn find<'o>(
    org: &'o Org,
    name: &str,
    operation: Option<Operation>,
) -> Result<(usize, &'o Object), Refusal> {
    if operation == Some(Operation::HardDelete) && !org.tuning.read().bulk_hard_delete {
        let message = "hardDelete operation requires special user profile permission, please contact your system administrator";
        return Err(Refusal {
            code: "FeatureNotEnabled",
            message: message.to_owned(),
        });
    }
    let found = org.schema.find(name).ok_or_else(|| Refusal {
        code: "InvalidJob",
        message: format!("Unable to find object: {name}"),
    })?;
    if !found.1.bulk || !found.1.can(operation.map_or('Q', Operation::capability)) {
        return Err(Refusal {
            code: "InvalidEntity",
            message: format!("Entity '{name}' is not supported by the Bulk API."),
        });
    }
    Ok(found)
}

/// The key field of an upsert.
pub(crate) fn key_of(object: &Object, name: Option<&str>) -> Result<(usize, String), String> {
    let Some(name) = name else {
        return Err(format!(
            "External ID was blank for {}. An External ID must be specified for upsert.",
            object.name
        ));
    };
    let found = object.field(name);
    let found = found.filter(|(_, field)| names_records(object, field));
    found
        .map(|(number, field)| (number, field.name.clone()))
        .ok_or_else(|| {
            format!(
                "Field name provided, {name} does not match an External ID for {}",
                object.name
            )
        })
}
