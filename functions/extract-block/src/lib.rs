//! Reads one block: asks Salesforce, streams the answer into sealed segments, and commits them.
//!
//! Called again and again by the state machine until the block is committed. The block's item in the catalog is
//! the only state, so a repeat, a kill or a second caller cannot lose or double anything.

mod bulk;
mod extraction;
mod rest;
mod sweep;

use holdfast_catalog::BlockState;
use holdfast_model::{Block, Failure, Lane};
use holdfast_runtime::{Deadline, Environment};
use serde::{Deserialize, Serialize};

use crate::extraction::Extraction;
use crate::rest::Read;
use crate::sweep::Sweeping;

/// Salesforce calls that one invocation may make; with full pages that is 10 million rows.
const CALLS: u64 = 200;

/// A line of the plan, as the state machine passes it the first time and later.
#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(flatten)]
    block: Block,
    /// How long the machine waited before this call.
    #[serde(default)]
    wait_seconds: u32,
}

/// The block, and what the state machine does next.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(flatten)]
    block: Block,
    outcome: Outcome,
    wait_seconds: u32,
}

/// What the state machine does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Salesforce is at work; call again after the wait.
    Wait,
    /// The deadline came near; call again now.
    More,
    /// The block is readable in the vault.
    Committed,
    /// The block failed earlier in this job; the next job reads its window again.
    Exception,
}

/// One step of the block. Nothing that a failed step did can be read.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        block,
        wait_seconds,
    } = input;
    let (outcome, wait_seconds) = step(environment, deadline, &block, wait_seconds).await?;
    Ok(Output {
        block,
        outcome,
        wait_seconds,
    })
}

async fn step(
    environment: &Environment,
    deadline: Deadline,
    block: &Block,
    waited: u32,
) -> Result<(Outcome, u32), Failure> {
    let catalog = environment.catalog();
    catalog.assert_lease(&block.org, &block.job).await?;
    let item = catalog.open_block(block).await?;
    match item.state() {
        BlockState::Committed { .. } => return Ok((Outcome::Committed, 0)),
        BlockState::Exception { .. } => return Ok((Outcome::Exception, 0)),
        BlockState::Open => {}
    }
    let settings = catalog.org(&block.org).await?.settings;
    let cap_percent = settings.api_cap_percent;
    if block.lane == Lane::Sweep {
        let calls = sweep::calls(block.rows_expected);
        let mut sweeping = Sweeping::open(environment, item, settings).await?;
        return environment
            .with_salesforce(&block.org, cap_percent, calls, async |client| {
                sweeping.step(client, waited).await
            })
            .await;
    }
    let mut extraction = Extraction::open(environment, deadline, item, settings).await?;
    environment
        .with_salesforce(&block.org, cap_percent, CALLS, async |client| {
            let by_bulk = extraction.bulk_is_supported()
                && (extraction.saved().bulk_job.is_some() || extraction.expects_many());
            if !by_bulk && matches!(rest::step(&mut extraction, client).await?, Read::Committed) {
                return Ok((Outcome::Committed, 0));
            }
            bulk::step(&mut extraction, client, waited).await
        })
        .await
}
