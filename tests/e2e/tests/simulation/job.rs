//! One job: the functions in the order of `statemachines/backup.asl.json`, called in process.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_catalog::{JobItem, JobKind, JobStatus};
use holdfast_model::{BlockGroup, ErrorCode, Failure, JobId, ObjectName, OrgName, Stamp};
use holdfast_runtime::{Deadline, Environment};
use serde_json::{Value, json};

/// How often the machine calls a function again after a transient error.
const TRIES: u32 = 6;
/// Looks at one block; a job of the simulated org is done long before.
const LOOKS: u32 = 2_000;

/// Calls a function of a crate with JSON, as Lambda does, and again after a transient error, as the machine does.
macro_rules! call {
    ($function:ident, $environment:expr, $input:expr) => {{
        let input: Value = $input;
        let mut tries = 0;
        loop {
            tries += 1;
            let parsed =
                serde_json::from_value(input.clone()).expect("the function reads its input");
            let deadline = Deadline::after(Duration::from_mins(15));
            match $function::handle($environment, deadline, parsed).await {
                Ok(output) => break Ok(serde_json::to_value(output).expect("an output is JSON")),
                Err(failure) if failure.class().is_transient() && tries < TRIES => {}
                Err(failure) => break Err::<Value, Failure>(failure),
            }
        }
    }};
}

pub(crate) use call;

/// Connects an org, or changes its settings.
pub(crate) async fn connect(environment: &Environment, org: &OrgName, settings: Value) {
    let input = json!({"org": org, "settings": settings});
    call!(holdfast_connect_org, environment, input).unwrap();
}

/// Runs a job from its beginning; one that was killed goes on where it stopped.
pub(crate) async fn run(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
    kind: JobKind,
) -> JobItem {
    if let Err(failure) = Box::pin(steps(environment, org, job, kind)).await {
        fail(environment, json!({"org": org, "job": job}), &failure).await;
    }
    environment.catalog().job(org, job).await.unwrap()
}

async fn steps(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
    kind: JobKind,
) -> Result<(), Failure> {
    let base = json!({"org": org, "job": job});
    let first =
        json!({"request": {"org": org, "kind": kind}, "job": job, "execution": execution(job)});
    let begun = call!(holdfast_begin_job, environment, first)?;
    if begun["outcome"] != "started" {
        return Ok(());
    }
    call!(holdfast_describe_org, environment, base.clone())?;
    call!(holdfast_plan_backup, environment, base.clone())?;
    let vault = environment.vault(org).await?;
    let mut plan = vault.plan(job).await?;
    while let Some(group) = plan.next().await? {
        if let Err(failure) = Box::pin(extract(environment, &group)).await {
            let input = json!({"org": org, "job": job, "blocks": group.blocks});
            fail(environment, input, &failure).await;
        }
    }
    call!(holdfast_capture_deletes, environment, base.clone())?;
    call!(holdfast_commit_job, environment, base)?;
    Ok(())
}

/// Compares two moments of an org and gives the differences of each object; one that was killed goes on where it stopped.
pub(crate) async fn compare(
    environment: &Environment,
    org: &OrgName,
    job: &JobId,
    (left, right): (Stamp, Stamp),
    objects: &[ObjectName],
) -> BTreeMap<ObjectName, Vec<Value>> {
    let sides = ((org, left), (org, right));
    Box::pin(compare_orgs(environment, job, sides, objects)).await
}

/// Compares an org at a moment with another one at another moment.
pub(crate) async fn compare_orgs(
    environment: &Environment,
    job: &JobId,
    ((org, left), (other, right)): ((&OrgName, Stamp), (&OrgName, Stamp)),
    objects: &[ObjectName],
) -> BTreeMap<ObjectName, Vec<Value>> {
    let base = json!({"org": org, "job": job});
    let begun = call!(holdfast_begin_compare, environment, json!({
        "request": {"left": {"org": org, "at": left}, "right": {"org": other, "at": right}, "objects": objects},
        "job": job, "execution": execution(job),
    }))
    .unwrap();
    assert!(begun["outcome"] == "skipped" || begun["objects"] == objects.len());
    for object in objects {
        let input = json!({"org": org, "job": job, "object": object});
        while call!(holdfast_compare_object, environment, input.clone()).unwrap()["outcome"]
            == "more"
        {}
    }
    let ended = call!(holdfast_commit_compare, environment, base.clone()).unwrap();
    assert_eq!(ended["status"], "succeeded");
    let mut found = BTreeMap::new();
    for object in objects {
        let mut differences = Vec::new();
        let mut input = json!({"org": org, "job": job, "object": object});
        loop {
            let page = call!(holdfast_read_compare, environment, input.clone()).unwrap();
            differences.extend(
                page["differences"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            if page["next"].is_null() {
                break;
            }
            input["next"] = page["next"].clone();
        }
        found.insert(object.clone(), differences);
    }
    found
}

/// The ARN of an execution of this name.
pub(crate) fn execution(job: &JobId) -> String {
    format!("arn:aws:states:us-east-1:000000000000:execution:simulation:{job}")
}

async fn extract(environment: &Environment, group: &BlockGroup) -> Result<(), Failure> {
    let mut input = serde_json::to_value(group).unwrap();
    for _ in 0..LOOKS {
        let output = call!(holdfast_extract_block, environment, input)?;
        match output["outcome"].as_str().unwrap() {
            "done" => return Ok(()),
            "wait" => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => {}
        }
        input = output;
    }
    panic!("{} blocks do not end", group.blocks.len());
}

/// As `Catch` does; what fails here is over.
pub(crate) async fn fail(environment: &Environment, mut input: Value, failure: &Failure) {
    let cause = json!({"errorType": failure.class().name(), "errorMessage": failure.to_string()});
    input["error"] = json!({"Error": failure.class().name(), "Cause": cause.to_string()});
    call!(holdfast_fail_job, environment, input).unwrap();
}

/// Whether everything was captured and proven.
pub(crate) fn is_proven(job: &JobItem) -> bool {
    job.status == JobStatus::Succeeded
}

/// Up to when the job knows all objects, also those that it did not read because nothing changed in them.
pub(crate) fn asked_until(job: &JobItem) -> Option<Stamp> {
    let plan = job.plan.as_ref()?;
    plan.asked_all_at.and(plan.until)
}

/// The objects of which the job says that something is not there that should be.
pub(crate) async fn objects_with_losses(
    environment: &Environment,
    job: &JobItem,
) -> Vec<ObjectName> {
    if is_proven(job) {
        return Vec::new();
    }
    let mut objects = environment.catalog().objects(&job.org).await.unwrap();
    objects.retain(|item| {
        let exception = item.last_exception.as_ref();
        exception.is_some_and(|exception| {
            exception.job == job.job && exception.failure.code == ErrorCode::CountMismatch
        })
    });
    objects.into_iter().map(|item| item.object).collect()
}
