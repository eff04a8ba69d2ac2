//! What a job would have cost on AWS, from what it did here.

use anyhow::Context as _;
use aws_sdk_sfn::types::HistoryEventType;
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
/// Transitions that come with a call: its state, the choice after it, and what that leads to.
const TRANSITIONS_PER_CALL: f64 = 3.0;
/// Catalog writes per call: block, budget and commit, the commit counted twice as AWS does.
const WRITES_PER_CALL: f64 = 10.0;

/// An estimate, in US dollars.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Running the job once.
    pub(super) run: f64,
    /// Keeping what it sealed for a month.
    pub(super) month: f64,
}

/// What the histories tell.
#[derive(Default)]
struct Work {
    executions: u32,
    calls: u32,
    seconds: f64,
}

impl Cost {
    /// Reads the histories of the execution and of the children of its map.
    pub(super) async fn of(
        stack: &Stack,
        execution: &Execution,
        job: &JobItem,
    ) -> anyhow::Result<Self> {
        let mut work = Work::default();
        work.add(stack, &execution.arn).await?;
        let map_runs = stack
            .sfn
            .list_map_runs()
            .execution_arn(&execution.arn)
            .send()
            .await;
        for run in map_runs.context("cannot list the map runs")?.map_runs {
            let mut children = stack
                .sfn
                .list_executions()
                .map_run_arn(run.map_run_arn)
                .into_paginator()
                .items()
                .send();
            while let Some(child) = children.next().await {
                work.add(
                    stack,
                    &child
                        .context("cannot list the blocks' executions")?
                        .execution_arn,
                )
                .await?;
            }
        }
        Ok(Self::estimate(
            &work,
            job.counts.blocks,
            job.counts.bytes_sealed,
        ))
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn estimate(work: &Work, objects: u64, bytes: u64) -> Self {
        let calls = f64::from(work.calls);
        let transitions = f64::from(work.executions) + calls * TRANSITIONS_PER_CALL;
        Self {
            run: transitions * price::STATE_TRANSITION
                + calls * (price::LAMBDA_CALL + WRITES_PER_CALL * price::DYNAMODB_WRITE)
                + work.seconds * MEMORY_GB * price::LAMBDA_GB_SECOND
                + objects as f64 * price::S3_PUT,
            month: bytes as f64 / 1e9 * price::S3_GB_MONTH,
        }
    }
}

impl Work {
    async fn add(&mut self, stack: &Stack, execution: &str) -> anyhow::Result<()> {
        self.executions += 1;
        let mut called = None;
        let mut events = stack
            .sfn
            .get_execution_history()
            .execution_arn(execution)
            .into_paginator()
            .items()
            .send();
        while let Some(event) = events.next().await {
            let event = event.context("cannot read a history")?;
            let time = event.timestamp.as_secs_f64();
            match event.r#type {
                HistoryEventType::TaskScheduled | HistoryEventType::LambdaFunctionScheduled => {
                    self.calls += 1;
                    called = Some(time);
                }
                HistoryEventType::TaskSucceeded
                | HistoryEventType::TaskFailed
                | HistoryEventType::LambdaFunctionSucceeded
                | HistoryEventType::LambdaFunctionFailed => {
                    self.seconds += called.take().map_or(0.0, |called| time - called);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
