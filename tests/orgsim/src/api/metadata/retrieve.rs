//! `retrieve`, `checkRetrieveStatus`, and `checkStatus`, which knows every job.

use std::sync::Arc;

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{file_properties, job_id, no_such_job};
use crate::{
    metadata::{
        job::Status,
        manifest::Manifest,
        retrieve::{self, Request, Retrieval},
    },
    org::Org,
    soap::{Call, Fault, Xml},
};

/// Begins a retrieval.
pub(super) fn retrieve(org: &Arc<Org>, call: &Call) -> Result<Response, Fault> {
    let operation = &call.operation;
    let given = operation
        .child("retrieveRequest")
        .or_else(|| operation.child("request"));
    let given = given.ok_or_else(|| Fault::client("Required element retrieveRequest missing"))?;
    let unpackaged = given.child("unpackaged").filter(|manifest| !manifest.nil);
    let unpackaged = unpackaged
        .map(Manifest::of)
        .transpose()
        .map_err(Fault::client)?;
    let texts = |name: &str| {
        given
            .all(name)
            .map(|child| child.text.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let request = Request {
        version: given
            .given("apiVersion")
            .unwrap_or(&call.version)
            .to_owned(),
        single_package: given.flag("singlePackage"),
        unpackaged,
        package_names: texts("packageNames"),
        specific_files: texts("specificFiles"),
    };
    if !request.specific_files.is_empty() && !request.single_package {
        return Err(Fault::new(
            "INVALID_OPERATION",
            "specificFiles can only be used with singlePackage",
        ));
    }
    let id = {
        let mut jobs = org.metadata.jobs.lock();
        let id = jobs.retrieval_id();
        let job = Retrieval {
            id: id.clone(),
            user: call.caller.user.clone(),
            request,
            status: Status::Pending,
            zip: None,
            properties: Vec::new(),
            messages: Vec::new(),
            error: None,
        };
        jobs.retrievals.insert(id.clone(), job);
        id
    };
    tokio::spawn(retrieve::run(Arc::clone(org), id.clone()));
    Ok(call.answer(|xml| async_result(xml, &id, Status::Pending)))
}

/// `AsyncResult`
pub(super) fn async_result(xml: &mut Xml, id: &str, status: Status) {
    xml.within("result", |xml| {
        xml.plain("done", status.done());
        xml.leaf("id", id);
        xml.leaf("state", status.state());
    });
}

/// The state of any job.
pub(super) fn status(org: &Org, call: &Call) -> Result<Response, Fault> {
    let id = job_id(call, &["asyncProcessId", "id"])?;
    let status = {
        let jobs = org.metadata.jobs.lock();
        let retrieval = jobs.retrievals.get(&id).map(|job| job.status);
        retrieval.or_else(|| jobs.deployments.get(&id).map(|job| job.status))
    };
    let status = status.ok_or_else(no_such_job)?;
    Ok(call.answer(|xml| async_result(xml, &id, status)))
}

/// The state of a retrieval, with the zip file once: what is handed out is not kept.
pub(super) fn check(org: &Org, call: &Call) -> Result<Response, Fault> {
    let id = job_id(call, &["asyncProcessId", "id"])?;
    let hands_out =
        call.operation.child("includeZip").is_none() || call.operation.flag("includeZip");
    let job = {
        let mut jobs = org.metadata.jobs.lock();
        let job = jobs.retrievals.get_mut(&id).ok_or_else(no_such_job)?;
        let seen = job.clone();
        if hands_out {
            job.zip = None;
        }
        seen
    };
    Ok(call.answer(|xml| {
        xml.within("result", |xml| result(xml, org, &job, hands_out));
    }))
}

fn result(xml: &mut Xml, org: &Org, job: &Retrieval, hands_out: bool) {
    xml.plain("done", job.status.done());
    if let Some((code, message)) = &job.error {
        xml.leaf("errorMessage", message);
        xml.leaf("errorStatusCode", code);
    }
    for property in &job.properties {
        xml.within("fileProperties", |xml| {
            file_properties(xml, org, &property.kind, &property.file, &property.listed);
        });
    }
    xml.leaf("id", &job.id);
    for (file, problem) in &job.messages {
        xml.within("messages", |xml| {
            xml.leaf("fileName", file);
            xml.leaf("problem", problem);
        });
    }
    xml.leaf("status", job.status.name());
    xml.plain("success", job.status == Status::Succeeded);
    match job.zip.as_ref().filter(|_| hands_out) {
        Some(zip) => xml.leaf("zipFile", &STANDARD.encode(zip.as_slice())),
        None => xml.nil("zipFile"),
    }
}
