//! Shows what a compare found: the objects, then the records of one object, as JSON or as CSV.

mod overview;
mod records;
mod table;

use std::collections::BTreeSet;

use holdfast_catalog::{JobItem, JobKind, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, OrgName, SalesforceId};
use holdfast_plan::compare::{Plan, plan_name};
use holdfast_plan::diff::ChangeKind;
use holdfast_runtime::{Deadline, Environment};
use serde::{Deserialize, Serialize};

use crate::overview::{Overview, Show};
use crate::records::{Cursor, Records};
use crate::table::Table;

/// What to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The org of the left side.
    org: OrgName,
    job: JobId,
    /// Records of this object; all objects, unless given.
    #[serde(default)]
    object: Option<ObjectName>,
    /// Only records that differ so.
    #[serde(default)]
    kinds: Option<BTreeSet<ChangeKind>>,
    /// Only this record.
    #[serde(default)]
    id: Option<SalesforceId>,
    /// As CSV instead of JSON.
    #[serde(default)]
    csv: Option<Table>,
    /// Where the answer before this one ended.
    #[serde(default)]
    next: Option<Cursor>,
    /// Only objects whose name has this in it; case does not count.
    #[serde(default)]
    search: Option<String>,
    /// Only objects of this sort.
    #[serde(default)]
    show: Option<Show>,
}

/// What is shown.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// All objects.
    Overview(Box<Overview>),
    /// Records of one object.
    Records(Records),
}

/// `JOB_UNKNOWN`; `JOB_HAS_NO_RESULT` for records of a job that did not end well.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let catalog = environment.catalog();
    let job = catalog.job(&input.org, &input.job).await?;
    if job.kind != JobKind::Compare {
        return Err(Failure::new(
            ErrorCode::InputInvalid,
            format!("input: `job` is not a compare: `{}`", input.job),
        ));
    }
    let vault = environment.vault(&input.org).await?;
    let plan: Option<Plan> = vault.find_document(&plan_name(&input.job)).await?;
    let comparisons = catalog.comparisons(&input.org, &input.job).await?;
    let Some(object) = &input.object else {
        let overview = Overview::of(job, plan.as_ref(), &comparisons, &input);
        return Ok(Output::Overview(Box::new(overview)));
    };
    let (true, Some(plan)) = (has_result(&job), plan) else {
        return Err(Failure::new(
            ErrorCode::JobHasNoResult,
            format!("the job has no result: `{}`", input.job),
        ));
    };
    let comparison = comparisons.into_iter().find(|item| item.object == *object);
    let Some(comparison) = comparison else {
        return Err(Failure::new(
            ErrorCode::InputInvalid,
            format!("input: `object` was not compared: `{object}`"),
        ));
    };
    let records = records::read(environment, &plan, &comparison, &input).await?;
    Ok(Output::Records(records))
}

/// Half a result is never shown.
fn has_result(job: &JobItem) -> bool {
    matches!(job.status, JobStatus::Succeeded | JobStatus::Partial)
}
