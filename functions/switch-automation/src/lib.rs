//! Switches automation of an org off before a restore and on behind it, or on that a job left off.
//!
//! What is on is recorded, then the catalog hears that it is about to go off, then it is switched off. It is switched on by that
//! record, whoever comes first: the machine of the job, the next restore of the org, or the sweep.

mod off;
mod on;
mod switch;

use holdfast_model::{Failure, JobId, OrgName};
use holdfast_plan::restore::run::RunRequest;
use holdfast_runtime::{Deadline, Environment};
use serde::{Deserialize, Serialize};

/// What the state machines pass.
#[derive(Debug, Deserialize)]
#[serde(tag = "direction", rename_all = "snake_case")]
pub enum Input {
    /// Before a restore.
    Off {
        /// What the execution was started with.
        request: RunRequest,
        /// Name of the execution.
        job: JobId,
        /// ARN of the execution.
        execution: String,
    },
    /// Behind it, however it ended.
    On {
        /// The org.
        org: OrgName,
        /// Name of the execution.
        job: JobId,
        /// ARN of the execution.
        execution: String,
    },
    /// In all orgs, where the job that switched it off is gone.
    Sweep {
        /// ARN of the execution.
        execution: String,
    },
}

/// Whether to call again.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Progress,
    /// Seconds before that.
    wait_seconds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// Time or calls were nearly up.
    More,
    /// Salesforce, or another job, is at work.
    Wait,
    /// It is switched, and was read back.
    Done,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    More,
    /// For so many seconds.
    Wait(u32),
    Done,
}

/// A repeat goes on where the last call ended.
///
/// # Errors
/// `AUTOMATION_STAYS_ON` when something cannot be switched off; `AUTOMATION_LEFT_OFF` when something cannot be switched on, which
/// the job says then, too; `LEASE_LOST`; `API_BUDGET_EXHAUSTED`.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let pace = match input {
        Input::Off {
            request,
            job,
            execution,
        } => off::off(environment, deadline, &request, &job, &execution).await?,
        Input::On {
            org,
            job,
            execution,
        } => on::on(environment, deadline, &org, &job, &execution).await?,
        Input::Sweep { execution } => on::sweep(environment, deadline, &execution).await?,
    };
    let (outcome, wait_seconds) = match pace {
        Pace::More => (Progress::More, 0),
        Pace::Wait(seconds) => (Progress::Wait, seconds),
        Pace::Done => (Progress::Done, 0),
    };
    Ok(Output {
        outcome,
        wait_seconds,
    })
}
