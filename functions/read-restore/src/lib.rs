//! Shows what a restore would do, and what will fail of it: the objects in their order, then the records of one object with each
//! field. Of one that runs or has run, what became of the records.

mod obstacles;
mod run;

use std::collections::BTreeSet;

use holdfast_catalog::{JobKind, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, OrgName, Phase, SalesforceId, Stamp};
use holdfast_plan::restore::plan::{
    Counts, LeftOut, Page, Plan, PlannedObject, PlannedRecord, counts_name, page_name, plan_name,
};
use holdfast_plan::restore::preflight::{Check, check_name, object_check_name};
use holdfast_plan::restore::{Mode, Step};
use holdfast_runtime::{Deadline, Environment};
use holdfast_vault::Vault;
use serde::{Deserialize, Serialize};

use crate::obstacles::{ToldCheck, ToldRecord};

/// Bytes of text in one answer; Lambda allows an answer of 6 MB, and JSON escapes take room.
const TEXT_BYTES_MAX: usize = 2 << 20;
/// Of that, what one obstacle takes about, with what to do about it.
const OBSTACLE_BYTES: usize = 250;

/// What to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    org: OrgName,
    /// A job that plans a restore, or runs one.
    job: JobId,
    /// Records of this object; all objects, unless given.
    #[serde(default)]
    object: Option<ObjectName>,
    /// Only records with which this is done.
    #[serde(default)]
    steps: Option<BTreeSet<Done>>,
    /// Only records with something in their way.
    #[serde(default)]
    hindered: bool,
    /// Only this record.
    #[serde(default)]
    id: Option<SalesforceId>,
    /// Where the answer before this one ended.
    #[serde(default)]
    next: Option<Cursor>,
}

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Undelete,
    Update,
    Insert,
    Copy,
    Delete,
    Skip,
}

impl Done {
    fn of(step: &Step) -> Self {
        match step {
            Step::Undelete { .. } => Self::Undelete,
            Step::Update { .. } => Self::Update,
            Step::Insert { .. } => Self::Insert,
            Step::Copy { .. } => Self::Copy,
            Step::Delete { .. } => Self::Delete,
            Step::Skip { .. } => Self::Skip,
        }
    }
}

/// Where an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// Pass of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<Phase>,
    /// Page of the object, from 0 on.
    page: u32,
    /// Batch of the page, in a run.
    #[serde(default)]
    batch: usize,
    /// Records of the page, or of the batch, that were told.
    told: usize,
}

/// What is shown.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// All objects.
    Overview(Box<Overview>),
    /// Records of one object.
    Records(Records),
    /// A run.
    Run(Box<run::Overview>),
    /// What became of records of one object.
    Receipts(run::Receipts),
}

/// A plan.
#[derive(Debug, Serialize)]
pub struct Overview {
    org: OrgName,
    job: JobId,
    status: JobStatus,
    /// Whether there is anything to write.
    is_ready: bool,
    error: Option<Failure>,
    compare: Option<JobId>,
    mode: Option<Mode>,
    /// How it is restored.
    then: Option<Stamp>,
    /// What was found of the org before anything is written.
    check: Option<Check>,
    /// In the order in which they are written. Those of which there is nothing to say are left out.
    objects: Vec<ObjectOverview>,
    /// Children of these that are gone and that nobody asked for.
    left_out: Vec<LeftOut>,
}

/// An object of it.
#[derive(Debug, Serialize)]
struct ObjectOverview {
    #[serde(flatten)]
    planned: PlannedObject,
    counts: Counts,
    /// Salesforce calls that writing it takes about.
    calls: u64,
    /// What will fail, and what may; nothing when the plan is from before that was looked at.
    check: Option<ToldCheck>,
}

/// Some records.
#[derive(Debug, Serialize)]
pub struct Records {
    /// By Id.
    records: Vec<ToldRecord>,
    /// Where to go on; nothing at the end.
    next: Option<Cursor>,
}

/// `JOB_UNKNOWN`; `JOB_HAS_NO_RESULT` for records of a job that did not end well.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let item = environment.catalog().job(&input.org, &input.job).await?;
    match item.kind {
        JobKind::RestorePlan => {}
        JobKind::Restore => return run::show(environment, item, &input).await,
        JobKind::Backup | JobKind::Sync | JobKind::Compare => {
            return Err(Failure::new(
                ErrorCode::InputInvalid,
                format!("input: `job` is no restore: `{}`", input.job),
            ));
        }
    }
    let vault = environment.vault(&input.org).await?;
    // Half a plan is never shown.
    let plan = match item.status {
        JobStatus::Succeeded => Some(vault.document::<Plan>(&plan_name(&input.job)).await?),
        _ => None,
    };
    if let Some(object) = &input.object {
        let plan = plan.ok_or_else(|| {
            Failure::new(
                ErrorCode::JobHasNoResult,
                format!("the job has no result: `{}`", input.job),
            )
        })?;
        let records = records(&vault, &plan, object, &input).await?;
        return Ok(Output::Records(records));
    }
    let mut objects = Vec::new();
    for planned in plan.iter().flat_map(|plan| &plan.objects) {
        let name = counts_name(&input.job, &planned.turn.object);
        let counts: Counts = vault.document(&name).await?;
        if counts != Counts::default() {
            let name = object_check_name(&input.job, &planned.turn.object);
            objects.push(ObjectOverview {
                check: vault.find_document(&name).await?.map(ToldCheck::of),
                calls: counts.calls(!planned.turn.waiting.is_empty()),
                planned: planned.clone(),
                counts,
            });
        }
    }
    let request = plan.as_ref().map(|plan| &plan.request);
    let check = match &plan {
        Some(_) => vault.find_document(&check_name(&input.job)).await?,
        None => None,
    };
    Ok(Output::Overview(Box::new(Overview {
        is_ready: objects.iter().any(|object| object.counts.writes() > 0),
        compare: request.map(|request| request.compare.clone()),
        mode: request.map(|request| request.mode),
        then: plan.as_ref().map(|plan| plan.then),
        left_out: plan.map(|plan| plan.left_out).unwrap_or_default(),
        check,
        org: item.org,
        job: item.job,
        status: item.status,
        error: item.error,
        objects,
    })))
}

fn planned<'p>(plan: &'p Plan, object: &ObjectName) -> Result<&'p PlannedObject, Failure> {
    let mut planned = plan.objects.iter();
    let planned = planned.find(|planned| planned.turn.object == *object);
    planned.ok_or_else(|| {
        Failure::new(
            ErrorCode::InputInvalid,
            format!("input: `object` is not in the plan: `{object}`"),
        )
    })
}

async fn records(
    vault: &Vault,
    plan: &Plan,
    object: &ObjectName,
    input: &Input,
) -> Result<Records, Failure> {
    let planned = planned(plan, object)?;
    let is_wanted = |record: &PlannedRecord| {
        let steps = input.steps.as_ref();
        steps.is_none_or(|steps| steps.contains(&Done::of(&record.decision.step)))
            && input.id.is_none_or(|id| id == record.id)
    };
    let mut at = input.next.unwrap_or_default();
    let mut room = TEXT_BYTES_MAX;
    let mut records = Vec::new();
    while at.page < planned.pages {
        let name = page_name(&input.job, object, at.page);
        let page: Option<Page> = vault.find_document(&name).await?;
        let planned = page.map(|page| page.records).unwrap_or_default();
        let mut hindered = obstacles::of(vault, &input.job, object, at.page).await?;
        for record in planned.into_iter().skip(at.told) {
            let obstacles = hindered.remove(&record.id).unwrap_or_default();
            if is_wanted(&record) && !(input.hindered && obstacles.is_empty()) {
                let bytes = record.bytes() + obstacles.len() * OBSTACLE_BYTES;
                if bytes > room && !records.is_empty() {
                    let next = Some(at);
                    return Ok(Records { records, next });
                }
                room = room.saturating_sub(bytes);
                records.push(ToldRecord { record, obstacles });
            }
            at.told += 1;
        }
        at = Cursor {
            page: at.page + 1,
            ..Cursor::default()
        };
    }
    Ok(Records {
        records,
        next: None,
    })
}
