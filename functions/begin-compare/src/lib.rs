//! Checks what is asked for, has live sides captured by a backup, and plans the compare.

mod capture;
mod filters;
mod plan;

use holdfast_catalog::{Catalog, JobKind, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, OrgName};
use holdfast_plan::compare::Request;
use holdfast_runtime::{Deadline, Environment, now};
use serde::{Deserialize, Serialize};

use crate::capture::Need;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What the execution was started with.
    request: Request,
    /// Name of the execution.
    job: JobId,
    /// ARN of the execution.
    execution: String,
}

/// What comes next.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Output {
    /// A backup of an org; then this function is asked again.
    Capture(Need),
    /// Every object of the list.
    Compare {
        /// The org of the left side, to which the job belongs.
        org: OrgName,
        /// The job.
        job: JobId,
        /// Where the list is.
        bucket: String,
        /// Its object key.
        key: String,
        /// Objects in it.
        objects: usize,
    },
    /// Nothing: the job has ended before.
    Skipped,
}

/// A repeat goes on with the job that was begun.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        request,
        job,
        execution,
    } = input;
    let catalog = environment.catalog();
    catalog.org(&request.left.org).await?;
    catalog.org(&request.right.org).await?;
    check_times(catalog, &request).await?;
    let org = &request.left.org;
    let item = catalog
        .begin_job(org, &job, JobKind::Compare, &execution, now())
        .await?;
    if item.status != JobStatus::Running {
        return Ok(Output::Skipped);
    }
    for live in request.live() {
        if let Some(need) = capture::need(environment, &item, live).await? {
            return Ok(Output::Capture(need));
        }
    }
    let plan = plan::make(environment, &request, &job).await?;
    Ok(Output::Compare {
        org: org.clone(),
        job,
        bucket: environment.settings().bucket.clone(),
        key: plan.key,
        objects: plan.objects,
    })
}

/// A moment of the past must be captured, and another one than that of the other side.
async fn check_times(catalog: &Catalog, request: &Request) -> Result<(), Failure> {
    let invalid = |message: String| Err(Failure::new(ErrorCode::InputInvalid, message));
    if request.left == request.right {
        return invalid("input: `left` and `right` are the same moment of the same org".to_owned());
    }
    for (name, side) in [("left", &request.left), ("right", &request.right)] {
        let Some(at) = side.at else {
            continue;
        };
        match catalog.captured_until(&side.org).await? {
            None => {
                return invalid(format!(
                    "input: `{name}.org` has no backup yet: `{}`",
                    side.org
                ));
            }
            Some(until) if at > until => {
                return invalid(format!(
                    "input: `{name}.at` is behind the newest backup, which captured until `{until}`; without `at`, the org is captured now"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
