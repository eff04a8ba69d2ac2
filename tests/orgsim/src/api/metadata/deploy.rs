//! `deploy`, `checkDeployStatus`, `cancelDeploy`, `deployRecentValidation`.

use std::sync::Arc;

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{job_id, no_such_job, retrieve::async_result, user_name};
use crate::{
    clock::utc_datetime,
    metadata::{
        archive::{Files, unpack},
        deploy::{self, Deployment, Message, Options, TEST_LEVELS},
        job::Status,
    },
    org::Org,
    soap::{Call, Element, Fault, Xml},
};

/// Begins a deployment.
pub(super) fn deploy(org: &Arc<Org>, call: &Call) -> Result<Response, Fault> {
    let operation = &call.operation;
    let either = |one: &str, other: &str| operation.child(one).or_else(|| operation.child(other));
    let zip = either("ZipFile", "zipFile")
        .map(|zip| zip.text.as_str())
        .unwrap_or_default();
    let packed: Vec<u8> = zip
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let packed = STANDARD.decode(packed);
    let packed = packed.map_err(|_| Fault::client("ZipFile is not Base64"))?;
    let options = either("DeployOptions", "deployOptions")
        .map(options)
        .unwrap_or_default();
    check_options(&options)?;
    let files = unpack(&packed);
    if let Err((code @ "LIMIT_EXCEEDED", message)) = &files {
        return Err(Fault::new(*code, message));
    }
    let version = version(&call.version);
    let id = begin(org, &call.caller.user, version, options, files);
    Ok(call.answer(|xml| async_result(xml, &id, Status::Pending)))
}

/// Adds a deployment and lets it run.
pub(super) fn begin(
    org: &Arc<Org>,
    user: &str,
    version: u32,
    options: Options,
    files: Result<Files, (&'static str, String)>,
) -> String {
    let id = {
        let mut jobs = org.metadata.jobs.lock();
        let id = jobs.deployment_id();
        let now = org.clock.now_second_ms();
        let job = Deployment::new(id.clone(), user.to_owned(), version, options, files, now);
        jobs.deployments.insert(id.clone(), job);
        id
    };
    tokio::spawn(deploy::run(Arc::clone(org), id.clone()));
    id
}

/// `60.0`
pub(super) fn version(text: &str) -> u32 {
    text.trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn options(given: &Element) -> Options {
    Options {
        allow_missing_files: given.flag("allowMissingFiles"),
        auto_update_package: given.flag("autoUpdatePackage"),
        check_only: given.flag("checkOnly"),
        ignore_warnings: given.flag("ignoreWarnings"),
        purge_on_delete: given.flag("purgeOnDelete"),
        rollback_on_error: given.flag("rollbackOnError"),
        single_package: given.flag("singlePackage"),
        run_tests: given.values("runTests").map(str::to_owned).collect(),
        test_level: given.given("testLevel").map(str::to_owned),
    }
}

/// Options that contradict each other. The words are recorded for the first, and this org's own for the others.
pub(super) fn check_options(options: &Options) -> Result<(), Fault> {
    let level = options.test_level.as_deref();
    if let Some(level) = level
        && !TEST_LEVELS.contains(&level)
    {
        let message = format!("'{level}' is not a valid value for the enum 'TestLevel'");
        return Err(Fault::client(message));
    }
    let specified = level == Some("RunSpecifiedTests");
    match (specified, options.run_tests.is_empty()) {
        (false, false) => Err(Fault::new(
            "INVALID_OPERATION",
            "runTests can only be used with a testLevel of RunSpecifiedTests",
        )),
        (true, true) => Err(Fault::new(
            "INVALID_OPERATION",
            "runTests must name a test with a testLevel of RunSpecifiedTests",
        )),
        _ => Ok(()),
    }
}

/// The deployment that a check made sure of, without its tests.
pub(super) fn validated(org: &Arc<Org>, user: &str, id: &str) -> Result<String, Fault> {
    let valid = {
        let jobs = org.metadata.jobs.lock();
        jobs.deployments
            .get(id)
            .filter(|job| job.options.check_only && job.success())
            .cloned()
    };
    let valid = valid.ok_or_else(|| {
        Fault::new(
            "INVALID_ID_FIELD",
            format!("No validated deployment found for id: {id}"),
        )
    })?;
    let options = Options {
        check_only: false,
        ..valid.options
    };
    let files = valid.files.map(Arc::unwrap_or_clone);
    Ok(begin(org, user, valid.version, options, files))
}

/// Deploys what was checked recently.
pub(super) fn quick(org: &Arc<Org>, call: &Call) -> Result<Response, Fault> {
    let id = job_id(call, &["validationId", "validationID"])?;
    let id = validated(org, &call.caller.user, &id)?;
    Ok(call.answer(|xml| xml.leaf("result", &id)))
}

/// Asks a deployment to stop; where it is then.
pub(super) fn stop(org: &Org, user: &str, id: &str) -> Result<Status, Fault> {
    let mut jobs = org.metadata.jobs.lock();
    let job = jobs.deployments.get_mut(id).ok_or_else(no_such_job)?;
    if job.status.done() || job.committed {
        return Err(Fault::new(
            "INVALID_ID_FIELD",
            "Deployment already completed",
        ));
    }
    let now = org.clock.now_second_ms();
    job.canceled_by = Some(user.to_owned());
    job.modified_ms = now;
    // What has not begun is simply not begun.
    if job.status == Status::Pending {
        job.status = Status::Canceled;
        job.completed_ms = Some(now);
    } else {
        job.status = Status::Canceling;
    }
    Ok(job.status)
}

/// `CancelDeployResult`
pub(super) fn cancel(org: &Org, call: &Call) -> Result<Response, Fault> {
    let id = job_id(call, &["String", "id", "asyncProcessId"])?;
    let status = stop(org, &call.caller.user, &id)?;
    Ok(call.answer(|xml| {
        xml.within("result", |xml| {
            xml.plain("done", status.done());
            xml.leaf("id", &id);
        });
    }))
}

/// The state of a deployment.
pub(super) fn check(org: &Org, call: &Call) -> Result<Response, Fault> {
    let id = job_id(call, &["asyncProcessId", "id"])?;
    let job = org.metadata.jobs.lock().deployments.get(&id).cloned();
    let job = job.ok_or_else(no_such_job)?;
    let details = call.operation.flag("includeDetails");
    Ok(call.answer(|xml| {
        xml.within("result", |xml| result(xml, org, &job, details));
    }))
}

/// The elements of a result that a deployment has reached, in the order of the alphabet: name and value.
pub(super) fn facts(org: &Org, job: &Deployment) -> Vec<(&'static str, Fact)> {
    use Fact::{Flag, Number, Text};
    let mut facts = Vec::new();
    let date = |at_ms: i64| Text(utc_datetime(at_ms));
    if let Some(user) = &job.canceled_by {
        facts.push(("canceledBy", Text(user.clone())));
        facts.push(("canceledByName", Text(user_name(org, user))));
    }
    facts.push(("checkOnly", Flag(job.options.check_only)));
    facts.extend(job.completed_ms.map(|at| ("completedDate", date(at))));
    facts.push(("createdBy", Text(job.user.clone())));
    facts.push(("createdByName", Text(user_name(org, &job.user))));
    facts.push(("createdDate", date(job.created_ms)));
    facts.push(("done", Flag(job.status.done())));
    if let Err((code, message)) = &job.files {
        facts.push(("errorMessage", Text(message.clone())));
        facts.push(("errorStatusCode", Text((*code).to_owned())));
    }
    facts.push(("id", Text(job.id.clone())));
    facts.push(("ignoreWarnings", Flag(job.options.ignore_warnings)));
    facts.push(("lastModifiedDate", date(job.modified_ms)));
    facts.push(("numberComponentErrors", Number(job.errors())));
    facts.push(("numberComponentsDeployed", Number(job.deployed())));
    facts.push(("numberComponentsTotal", Number(job.total)));
    facts.push(("numberTestErrors", Number(0)));
    facts.push(("numberTestsCompleted", Number(0)));
    facts.push(("numberTestsTotal", Number(0)));
    facts.push(("rollbackOnError", Flag(job.options.rollback_on_error)));
    facts.push(("runTestsEnabled", Flag(job.runs_tests())));
    facts.extend(job.started_ms.map(|at| ("startDate", date(at))));
    facts.push(("status", Text(job.status.name().to_owned())));
    facts.push(("success", Flag(job.success())));
    facts
}

/// A value of a result.
pub(super) enum Fact {
    /// `true` or `false`
    Flag(bool),
    /// A count.
    Number(usize),
    /// Anything else.
    Text(String),
}

fn result(xml: &mut Xml, org: &Org, job: &Deployment, details: bool) {
    for (name, fact) in facts(org, job) {
        // The order of the alphabet again.
        if name == "done" && details {
            xml.within("details", |xml| self::details(xml, job));
        }
        write(xml, name, &fact);
    }
}

fn write(xml: &mut Xml, name: &str, fact: &Fact) {
    match fact {
        Fact::Flag(flag) => xml.plain(name, flag),
        Fact::Number(number) => xml.plain(name, number),
        // A type that is not there is an empty text, not a missing one.
        Fact::Text(text) if text.is_empty() => {
            xml.open(name);
            xml.close(name);
        }
        Fact::Text(text) => xml.leaf(name, text),
    }
}

fn details(xml: &mut Xml, job: &Deployment) {
    for (element, success) in [("componentFailures", false), ("componentSuccesses", true)] {
        for message in job
            .messages
            .iter()
            .filter(|message| message.success == success)
        {
            xml.within(element, |xml| {
                for (name, fact) in message_facts(message) {
                    write(xml, name, &fact);
                }
            });
        }
    }
    xml.within("runTestResult", |xml| {
        xml.plain("numFailures", 0);
        xml.plain("numTestsRun", 0);
        xml.leaf("totalTime", "0.0");
    });
}

/// The elements of a `DeployMessage`.
pub(super) fn message_facts(message: &Message) -> Vec<(&'static str, Fact)> {
    use Fact::{Flag, Text};
    let mut facts = vec![
        ("changed", Flag(message.changed)),
        ("componentType", Text(message.kind.clone())),
        ("created", Flag(message.created)),
        ("createdDate", Text(utc_datetime(message.at_ms))),
        ("deleted", Flag(message.deleted)),
        ("fileName", Text(message.file.clone())),
        ("fullName", Text(message.name.clone())),
    ];
    if !message.id.is_empty() {
        facts.push(("id", Text(message.id.clone())));
    }
    if let Some((problem, warning)) = &message.problem {
        let kind = if *warning { "Warning" } else { "Error" };
        facts.push(("problem", Text(problem.clone())));
        facts.push(("problemType", Text(kind.to_owned())));
    }
    facts.push(("success", Flag(message.success)));
    facts
}
