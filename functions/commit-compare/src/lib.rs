//! Accounts for every object of a compare and ends the job: from here on its result is shown.

use std::collections::BTreeMap;

use holdfast_catalog::{ComparisonCounts, ComparisonState, JobStatus, Outcome};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, OrgName};
use holdfast_plan::compare::{Plan, plan_name};
use holdfast_runtime::{Deadline, Environment, now};
use serde::{Deserialize, Serialize};

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    org: OrgName,
    job: JobId,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    job: JobId,
    status: JobStatus,
    /// Of all objects together.
    counts: ComparisonCounts,
}

/// A job that has ended, also one that was cancelled, stays as it is.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    let vault = environment.vault(&org).await?;
    let plan: Plan = vault.document(&plan_name(&job)).await?;
    let mut found: BTreeMap<_, _> = catalog
        .comparisons(&org, &job)
        .await?
        .into_iter()
        .map(|item| (item.object.clone(), item))
        .collect();
    let mut counts = ComparisonCounts::default();
    let mut error = None;
    for object in &plan.compared {
        let item = match found.remove(object) {
            Some(item) if item.state != ComparisonState::Open => item,
            // Whoever worked on it is gone; from here on nobody can finish it.
            _ => {
                catalog
                    .fail_comparison(&org, &job, object, &unaccounted(object))
                    .await?
            }
        };
        match item.state {
            ComparisonState::Exception { failure } => drop(error.get_or_insert(failure)),
            ComparisonState::Done | ComparisonState::Open => counts.add(&item.progress.counts),
        }
    }
    let outcome = Outcome {
        status: if error.is_some() {
            JobStatus::Partial
        } else {
            JobStatus::Succeeded
        },
        finished_at: now(),
        counts: None,
        manifest: None,
        error,
    };
    let ended = catalog.finish_job(&org, &job, &outcome).await?;
    Ok(Output {
        org,
        job,
        status: ended.status,
        counts,
    })
}

fn unaccounted(object: &ObjectName) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!("comparison of `{object}` was left unfinished"),
    )
}
