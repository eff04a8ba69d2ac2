//! What a job would have cost on AWS, from what it did here.

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent, HistoryEventType};
use anyhow::Context as _;
use holdfast_catalog::JobItem;
use holdfast_e2e::{Execution, Stack};

/// On-demand prices of us-east-1 in US dollars, November 2026, x86.
mod price {
    pub(super) const STATE_TRANSITION: f64 = 25.0e-6;
    pub(super) const LAMBDA_CALL: f64 = 0.2e-6;
    pub(super) const LAMBDA_GB_SECOND: f64 = 16.6667e-6;
    pub(super) const S3_PUT: f64 = 5.0e-6;
    pub(super) const DYNAMODB_WRITE: f64 = 0.625e-6;
    pub(super) const S3_GB_MONTH: f64 = 0.023;
}

/// Memory of `extract-block` in GB, taken for every function.
const MEMORY_GB: f64 = 1.769;
/// Catalog writes per call of a function: block, budget and commit, the commit counted twice as AWS does.
const WRITES_PER_CALL: f64 = 10.0;

/// An estimate, in US dollars.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Running the job once.
    pub(super) run: f64,
    /// Keeping what it sealed for a month.
    pub(super) month: f64,
}

#[derive(Default)]
struct Work {
    transitions: u32,
    calls: u32,
    seconds: f64,
}

impl Cost {
    /// Reads the histories of the execution and of the children of its map.
    pub(super) async fn of(stack: &Stack, execution: &Execution, job: &JobItem) -> anyhow::Result<Self> {
        let mut work = Work::default();
        let map_runs = stack.sfn.list_map_runs().execution_arn(&execution.arn).send().await.context("cannot list the map runs")?;
        let mut executions = vec![execution.arn.clone()];
        for run in map_runs.map_runs {
            let mut pages = stack.sfn.list_executions().map_run_arn(run.map_run_arn).status_filter(ExecutionStatus::Succeeded).into_paginator().items().send();
            while let Some(child) = pages.next().await {
                executions.push(child.context("cannot list the blocks' executions")?.execution_arn);
            }
        }
        for arn in executions {
            work.add(stack, &arn).await?;
        }
        let calls = f64::from(work.calls);
        let puts = job.counts.blocks as f64 + 2.0;
        Ok(Self {
            run: f64::from(work.transitions) * price::STATE_TRANSITION
                + calls * (price::LAMBDA_CALL + WRITES_PER_CALL * price::DYNAMODB_WRITE)
                + work.seconds * MEMORY_GB * price::LAMBDA_GB_SECOND
                + puts * price::S3_PUT,
            month: job.counts.bytes_sealed as f64 / 1e9 * price::S3_GB_MONTH,
        })
    }
}

impl Work {
    async fn add(&mut self, stack: &Stack, execution: &str) -> anyhow::Result<()> {
        let mut task_begun = None;
        let mut pages = stack.sfn.get_execution_history().execution_arn(execution).into_paginator().items().send();
        while let Some(event) = pages.next().await {
            let event: HistoryEvent = event.context("cannot read a history")?;
            let time = event.timestamp.as_secs_f64();
            let kind = event.r#type.as_str();
            if kind.ends_with("StateEntered") {
                self.transitions += 1;
            }
            if event.r#type == HistoryEventType::TaskStateEntered {
                self.calls += 1;
                task_begun = Some(time);
            } else if event.r#type == HistoryEventType::TaskStateExited {
                self.seconds += task_begun.take().map_or(0.0, |begun| time - begun);
            }
        }
        Ok(())
    }
}
