//! A restore that runs or has run.

use holdfast_catalog::{JobItem, JobStatus, RunProgress};
use holdfast_model::{ErrorCode, Failure, JobId, OrgName, Phase, RunCounts};
use holdfast_plan::restore::plan::{Plan, plan_name};
use holdfast_plan::restore::quiet::{Quiet, quiet_name};
use holdfast_plan::restore::run::{self, Outcome, Receipt, advice, receipts_name};
use holdfast_runtime::Environment;
use holdfast_vault::Vault;
use serde::Serialize;

use crate::{Cursor, Input, Output, planned};

/// Receipts in one answer; each has a message of Salesforce, which is cut where it was received.
const RECEIPTS_MAX: usize = 2_000;

/// How far it has come.
#[derive(Debug, Serialize)]
pub struct Overview {
    org: OrgName,
    job: JobId,
    status: JobStatus,
    error: Option<Failure>,
    /// The job that planned it; nothing until it has begun.
    plan: Option<JobId>,
    /// The pass at work.
    phase: Option<Phase>,
    counts: RunCounts,
    /// Automation that was off meanwhile; nothing when none was asked for.
    quiet: Option<QuietOverview>,
}

/// What was switched off.
#[derive(Debug, Serialize)]
struct QuietOverview {
    /// All of it, as it was found on.
    #[serde(flatten)]
    record: Quiet,
    /// Whether it is on again, and was read back.
    is_on_again: bool,
    /// What could not be switched on, at the last attempt.
    left_off: Vec<String>,
}

/// What became of some records.
#[derive(Debug, Serialize)]
pub struct Receipts {
    /// Those that did not become what they were to become; all of a record that is asked for.
    receipts: Vec<Told>,
    /// Where to go on; nothing at the end.
    next: Option<Cursor>,
}

#[derive(Debug, Serialize)]
struct Told {
    phase: Phase,
    #[serde(flatten)]
    receipt: Receipt,
    /// What to do about what Salesforce refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

pub(crate) async fn show(
    environment: &Environment,
    item: JobItem,
    input: &Input,
) -> Result<Output, Failure> {
    let run = environment.catalog().run(&item.org, &item.job).await?;
    if input.object.is_some() {
        let plan = run.map(|run| run.plan).ok_or_else(|| {
            Failure::new(
                ErrorCode::JobHasNoResult,
                format!("the job has written nothing: `{}`", item.job),
            )
        })?;
        let vault = environment.vault(&item.org).await?;
        let plan = vault.document(&plan_name(&plan)).await?;
        return Ok(Output::Receipts(receipts(&vault, &plan, input).await?));
    }
    let (plan, progress) = match run {
        Some(run) => (Some(run.plan), run.progress),
        None => (None, RunProgress::default()),
    };
    let quiet = quiet(environment, &item).await?;
    Ok(Output::Run(Box::new(Overview {
        quiet,
        org: item.org,
        job: item.job,
        status: item.status,
        error: item.error,
        plan,
        phase: progress.phase.filter(|_| item.status == JobStatus::Running),
        counts: progress.counts,
    })))
}

async fn quiet(
    environment: &Environment,
    item: &JobItem,
) -> Result<Option<QuietOverview>, Failure> {
    let vault = environment.vault(&item.org).await?;
    let Some(record) = vault.find_document(&quiet_name(&item.job)).await? else {
        return Ok(None);
    };
    let open = environment.catalog().quiet(&item.org).await?.quiet;
    let open = open.filter(|open| open.job == item.job);
    Ok(Some(QuietOverview {
        record,
        is_on_again: open.is_none(),
        left_off: open.map(|open| open.left_off).unwrap_or_default(),
    }))
}

async fn receipts(vault: &Vault, plan: &Plan, input: &Input) -> Result<Receipts, Failure> {
    let mut receipts = Vec::new();
    let Some(object) = &input.object else {
        return Ok(Receipts {
            receipts,
            next: None,
        });
    };
    let pages = planned(plan, object)?.pages;
    let is_wanted = |receipt: &Receipt| match input.id {
        Some(id) => receipt.id == id,
        None => !matches!(
            receipt.outcome,
            Outcome::Done | Outcome::Same | Outcome::Made { .. }
        ),
    };
    let mut at = input.next.unwrap_or_default();
    let mut phase = Some(at.phase.unwrap_or_default());
    while let Some(current) = phase {
        at.phase = phase;
        if at.page >= pages {
            phase = current.next();
            at = Cursor::default();
            continue;
        }
        let name = receipts_name(&input.job, object, current, (at.page, at.batch));
        let Some(batch) = vault.find_document::<run::Receipts>(&name).await? else {
            (at.page, at.batch) = (at.page + 1, 0);
            continue;
        };
        for receipt in batch.records.into_iter().skip(at.told) {
            if is_wanted(&receipt) {
                if receipts.len() == RECEIPTS_MAX {
                    let next = Some(at);
                    return Ok(Receipts { receipts, next });
                }
                receipts.push(told(current, receipt));
            }
            at.told += 1;
        }
        (at.batch, at.told) = (at.batch + 1, 0);
    }
    Ok(Receipts {
        receipts,
        next: None,
    })
}

fn told(phase: Phase, receipt: Receipt) -> Told {
    let advice = match &receipt.outcome {
        Outcome::Refused { code, .. } => Some(advice(code)),
        _ => None,
    };
    Told {
        phase,
        receipt,
        advice,
    }
}
