//! One restore: the functions in the order of their state machines, called in process.

use std::time::Duration;

use holdfast_catalog::{JobItem, JobStatus};
use holdfast_model::{Failure, JobId, SalesforceId};
use holdfast_runtime::{Deadline, Environment};
use serde_json::{Value, json};

use crate::job::{call, execution, fail};
use crate::org::Org;
use crate::quiet;

/// How often the machine calls a function again after a transient error.
const TRIES: u32 = 6;

/// Plans a restore and shows the plan.
pub(crate) async fn plan(
    environment: &Environment,
    org: &Org<'_>,
    job: &JobId,
    request: Value,
) -> Value {
    let input = json!({"request": request, "job": job, "execution": execution(job)});
    let planned = call!(holdfast_plan_restore, environment, input).unwrap();
    assert_eq!(planned["outcome"], "done");
    let mut input = json!({"request": request, "job": job});
    loop {
        let checked = call!(holdfast_check_restore, environment, input.clone()).unwrap();
        if checked["outcome"] == "done" {
            break;
        }
        input["cursor"] = checked["cursor"].clone();
    }
    let shown = json!({"org": org.name, "job": job});
    let overview = call!(holdfast_read_restore, environment, shown).unwrap();
    assert_eq!(overview["status"], "succeeded", "{overview}");
    overview
}

/// Runs a plan from its beginning; a run that was killed goes on where it stopped. Waiting moves the org's clock.
pub(crate) async fn run(
    environment: &Environment,
    org: &Org<'_>,
    job: &JobId,
    request: Value,
) -> JobItem {
    if let Err(failure) = Box::pin(steps(environment, org, job, request)).await {
        fail(environment, json!({"org": org.name, "job": job}), &failure).await;
    }
    quiet::on(environment, org, job).await;
    let ended = environment.catalog().job(&org.name, job).await.unwrap();
    assert_ne!(ended.status, JobStatus::Running);
    ended
}

/// What was planned for a record.
pub(crate) async fn told(
    environment: &Environment,
    org: &Org<'_>,
    plan: &JobId,
    object: &str,
    id: SalesforceId,
) -> Value {
    let input = json!({"org": org.name, "job": plan, "object": object, "id": id});
    let told = call!(holdfast_read_restore, environment, input);
    told.map_or_else(
        |refused| json!(refused.message),
        |told| told["records"].clone(),
    )
}

/// What a run tells of records that are not as they were to be.
pub(crate) async fn receipts(
    environment: &Environment,
    org: &Org<'_>,
    job: &JobId,
    object: &str,
) -> Value {
    let input = json!({"org": org.name, "job": job, "object": object});
    let told = call!(holdfast_read_restore, environment, input);
    told.map_or_else(
        |refused| json!(refused.message),
        |told| told["receipts"].clone(),
    )
}

/// Begins a run.
pub(crate) async fn begin(
    environment: &Environment,
    org: &Org<'_>,
    job: &JobId,
) -> Result<Value, Failure> {
    let first = json!({
        "request": {"org": org.name, "kind": "restore"}, "job": job, "execution": execution(job),
    });
    call!(holdfast_begin_job, environment, first)
}

async fn steps(
    environment: &Environment,
    org: &Org<'_>,
    job: &JobId,
    request: Value,
) -> Result<(), Failure> {
    let begun = begin(environment, org, job).await?;
    if begun["outcome"] == "ended" {
        return Ok(());
    }
    assert_eq!(begun["outcome"], "started");
    Box::pin(quiet::off(environment, job, &request)).await?;
    let input = json!({"request": request, "job": job});
    loop {
        let output = call!(holdfast_restore_phase, environment, input.clone())?;
        match output["outcome"].as_str().unwrap() {
            "done" => return Ok(()),
            "wait" => {
                let seconds = json!({"advance_seconds": output["wait_seconds"]});
                org.control("clock", seconds).await;
            }
            _ => {}
        }
    }
}
