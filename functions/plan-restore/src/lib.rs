//! Plans a restore from a compare, an object after the other and page by page. Writes nothing to Salesforce.

mod begin;
mod children;
mod counterparts;
mod object;

use holdfast_catalog::{JobKind, JobStatus};
use holdfast_model::{Failure, JobId};
use holdfast_plan::restore::plan::{Counts, Plan, Request, counts_name};
use holdfast_runtime::{Deadline, Environment, now};
use serde::{Deserialize, Serialize};

use crate::object::Records;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What the execution was started with.
    request: Request,
    /// Name of the execution.
    job: JobId,
    /// ARN of the execution.
    execution: String,
    /// Where the call before this one ended.
    #[serde(default)]
    cursor: Cursor,
}

/// How far the plan has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Place of the object in the plan.
    object: usize,
    /// Page of the object.
    page: u32,
    /// What is counted of the object so far.
    counts: Counts,
}

/// Whether to call again.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Progress,
    cursor: Cursor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// Time was nearly up.
    More,
    /// The plan is made and is to be checked, or the job had ended before.
    Done,
}

/// A repeat makes the same plan: what was stored first stays.
///
/// # Errors
/// `INPUT_INVALID`; `JOB_HAS_NO_RESULT` when the compare did not end well.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        request,
        job,
        execution,
        mut cursor,
    } = input;
    let catalog = environment.catalog();
    catalog.org(&request.org).await?;
    let item = catalog
        .begin_job(&request.org, &job, JobKind::RestorePlan, &execution, now())
        .await?;
    let mut outcome = Progress::Done;
    if item.status == JobStatus::Running {
        let plan = begin::plan(environment, deadline, &request, &job).await?;
        outcome = go_on(environment, deadline, &plan, &job, &mut cursor).await?;
    }
    Ok(Output { outcome, cursor })
}

async fn go_on(
    environment: &Environment,
    deadline: Deadline,
    plan: &Plan,
    job: &JobId,
    cursor: &mut Cursor,
) -> Result<Progress, Failure> {
    let (catalog, org) = (environment.catalog(), &plan.request.org);
    let vault = environment.vault(org).await?;
    let counterparts = counterparts::of(environment, plan).await?;
    while let Some(object) = plan.objects.get(cursor.object) {
        let mut records = Records::open(environment, plan, &counterparts, object, job).await?;
        while cursor.page < object.pages {
            // A job that was cancelled ends here.
            if catalog.job(org, job).await?.status != JobStatus::Running {
                return Ok(Progress::Done);
            }
            if deadline.is_near() {
                return Ok(Progress::More);
            }
            records.plan_page(cursor.page, &mut cursor.counts).await?;
            cursor.page += 1;
        }
        let name = counts_name(job, &object.turn.object);
        vault.put_document(&name, &cursor.counts).await?;
        *cursor = Cursor {
            object: cursor.object + 1,
            ..Cursor::default()
        };
    }
    Ok(Progress::Done)
}
