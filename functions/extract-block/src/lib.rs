//! Reads blocks: asks Salesforce, streams the answer into sealed segments, and commits them.
//!
//! Called again and again by the state machine until its blocks are committed. A block's item in the catalog is
//! the only state, so a repeat, a kill or a second caller cannot lose or double anything.

mod adapt;
mod bulk;
mod changes;
mod extraction;
mod parents;
mod rest;
mod sweep;
mod wide;

use holdfast_catalog::{BlockState, Calls};
use holdfast_model::{Block, BlockGroup, ErrorClass, Failure, Lane, Transport};
use holdfast_runtime::{Deadline, Environment};
use holdfast_salesforce::Client;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::extraction::Extraction;
use crate::rest::Read;
use crate::sweep::Sweeping;

/// Salesforce calls that one invocation may make; with full pages that is 10 million rows.
const CALLS: u64 = 200;

/// A line of the plan, as the state machine passes it the first time and later.
#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(flatten)]
    group: BlockGroup,
    /// How long the machine waited before this call.
    #[serde(default)]
    wait_seconds: u32,
}

/// The blocks that are left, and what the state machine does next.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(flatten)]
    group: BlockGroup,
    outcome: Outcome,
    wait_seconds: u32,
}

/// What the state machine does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Salesforce is at work; call again after the wait.
    Wait,
    /// The deadline came near; call again now.
    More,
    /// Every block is readable in the vault, or an exception of the job.
    Done,
}

/// How far a block came in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Salesforce is at work; so many seconds until the next look.
    Wait(u32),
    /// The deadline came near.
    More,
    /// It is readable in the vault, or was given up: the next job reads its window again.
    Done,
    /// Its beginning is readable; this is the rest.
    Rest(Block),
}

/// One step of each block. Nothing that a failed step did can be read.
///
/// A block that cannot be proven becomes an exception and stops no other; what may pass by itself is the group's error
/// when all other blocks had their turn, and finds their work done when it is repeated.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        mut group,
        wait_seconds: waited,
    } = input;
    let catalog = environment.catalog();
    catalog.assert_lease(&group.org, &group.job).await?;
    let mut passing = None;
    let mut waits = Vec::new();
    for block in std::mem::take(&mut group.blocks) {
        let step = if deadline.is_near() {
            Ok(Step::More)
        } else {
            step(environment, deadline, &block, waited).await
        };
        match step {
            Ok(Step::Done) => {}
            Ok(Step::More) => {
                waits.push(0);
                group.blocks.push(block);
            }
            Ok(Step::Rest(rest)) => {
                waits.push(0);
                group.blocks.push(rest);
            }
            Ok(Step::Wait(seconds)) => {
                waits.push(seconds);
                group.blocks.push(block);
            }
            Err(failure) if failure.class() == ErrorClass::Exhausted => return Err(failure),
            Err(failure) if failure.class().is_transient() => {
                passing.get_or_insert(failure);
            }
            Err(failure) => {
                let (object, code) = (block.object.as_str(), failure.code.name());
                warn!(object, code, message = failure.message, "block failed");
                catalog.fail_block(&block, &failure).await?;
            }
        }
    }
    if let Some(failure) = passing {
        return Err(failure);
    }
    let (outcome, wait_seconds) = match waits.into_iter().min() {
        None => (Outcome::Done, 0),
        Some(0) => (Outcome::More, 0),
        Some(seconds) => (Outcome::Wait, seconds),
    };
    Ok(Output {
        group,
        outcome,
        wait_seconds,
    })
}

async fn step(
    environment: &Environment,
    deadline: Deadline,
    block: &Block,
    waited: u32,
) -> Result<Step, Failure> {
    let catalog = environment.catalog();
    let item = catalog.open_block(block).await?;
    if *item.state() != BlockState::Open {
        return Ok(item.rest().map_or(Step::Done, Step::Rest));
    }
    let settings = catalog.org(&block.org).await?.settings;
    let caps = settings.caps();
    if block.lane == Lane::Sweep {
        let calls = Calls {
            api: sweep::calls(block.rows_expected),
            bulk_jobs: 1,
        };
        let mut sweeping = Sweeping::open(environment, item, settings).await?;
        return environment
            .with_salesforce(&block.org, caps, calls, async |client| {
                sweeping.step(client, waited).await
            })
            .await;
    }
    let mut extraction = Extraction::open(environment, deadline, item, settings).await?;
    let calls = Calls {
        api: CALLS,
        // Once it is created there is no other in this step.
        bulk_jobs: u64::from(
            extraction.bulk_is_supported() && extraction.saved().bulk_job.is_none(),
        ),
    };
    let step = environment
        .with_salesforce(&block.org, caps, calls, async |client| {
            match read(&mut extraction, client, waited).await {
                Err(failure) => adapt::adapt(&mut extraction, client, failure).await,
                step => step,
            }
        })
        .await?;
    if step == Step::Done {
        return Ok(extraction.open_rest().await?.map_or(Step::Done, Step::Rest));
    }
    Ok(step)
}

async fn read(
    extraction: &mut Extraction<'_>,
    client: &Client,
    waited: u32,
) -> Result<Step, Failure> {
    let by_parent = holdfast_salesforce::by_parent(&extraction.schema.name);
    let is_asked_by_parent =
        extraction.schema.transport == Transport::ByParent || extraction.way().by_parent;
    if let Some(way) = by_parent.filter(|_| is_asked_by_parent) {
        return parents::step(extraction, client, way).await;
    }
    if extraction.way().field_queries > 1 {
        return wide::step(extraction, client).await;
    }
    let by_bulk = extraction.bulk_is_supported()
        && (extraction.saved().bulk_job.is_some() || extraction.expects_many());
    if !by_bulk {
        match rest::step(extraction, client).await? {
            Read::Committed => return Ok(Step::Done),
            Read::InParts => return Ok(Step::More),
            Read::BulkIsBetter => {}
        }
    }
    bulk::step(extraction, client, waited).await
}
