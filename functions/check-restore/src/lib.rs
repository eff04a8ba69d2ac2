//! Looks at a planned restore before it is run: what will fail, and why. Reads the plan and the org as it is, and writes nothing to
//! Salesforce.

mod ask;
mod check;
mod fates;
mod object;
mod org;
mod page;
mod total;

use holdfast_catalog::JobStatus;
use holdfast_model::{Failure, JobId};
use holdfast_plan::restore::plan::Request;
use holdfast_runtime::{Deadline, Environment};
use serde::{Deserialize, Serialize};

use crate::check::Run;

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What the execution was started with.
    request: Request,
    /// Name of the execution.
    job: JobId,
    /// Where the call before this one ended.
    #[serde(default)]
    cursor: Cursor,
}

/// How far the check has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// What is looked at.
    sweep: Sweep,
    /// Place of the object in the plan.
    object: usize,
    /// Page of the object.
    page: u32,
    /// Storage that new records took so far, in units of 2 KB.
    taken: u64,
}

/// Lookups that wait are looked at when it is known which records come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sweep {
    /// Everything but those.
    #[default]
    Records,
    /// Those.
    Links,
}

/// Whether to call again.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Progress,
    cursor: Cursor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// Time was nearly up.
    More,
    /// The plan can be reviewed, or the job had ended before.
    Done,
}

/// A repeat looks again at what is not stored; what was stored first stays.
///
/// # Errors
/// `API_BUDGET_EXHAUSTED`, and those of calls.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        request,
        job,
        cursor,
    } = input;
    let item = environment.catalog().job(&request.org, &job).await?;
    if item.status != JobStatus::Running {
        let outcome = Progress::Done;
        return Ok(Output { outcome, cursor });
    }
    let mut run = Run::open(environment, &request.org, &job, cursor).await?;
    let outcome = run.go_on(deadline).await?;
    Ok(Output {
        outcome,
        cursor: run.cursor,
    })
}
