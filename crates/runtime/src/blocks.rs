//! The blocks of a job, as far as the catalog knows them.

use holdfast_catalog::{BlockItem, Catalog};
use holdfast_model::{Block, Failure, JobId};
use holdfast_vault::Vault;

/// Blocks asked for at once; the catalog answers a hundred items per call.
const AT_ONCE: usize = 100;

/// Hands on every block of a job's plan, and every part into which one was split, with its item if it was opened.
pub async fn each_planned(
    catalog: &Catalog,
    vault: &Vault,
    job: &JobId,
    mut take: impl AsyncFnMut(&Block, Option<BlockItem>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut plan = vault.plan(job).await?;
    let mut lines: Vec<Block> = Vec::new();
    loop {
        let group = plan.next().await?;
        let at_end = group.is_none();
        lines.extend(group.into_iter().flat_map(|group| group.blocks));
        if at_end || lines.len() >= AT_ONCE {
            let mut parts = std::mem::take(&mut lines);
            while !parts.is_empty() {
                let items = catalog.blocks(&parts).await?;
                let rests = items.iter().flatten().filter_map(BlockItem::rest);
                let rests: Vec<_> = rests.collect();
                for (part, item) in parts.iter().zip(items) {
                    take(part, item).await?;
                }
                parts = rests;
            }
        }
        if at_end {
            return Ok(());
        }
    }
}
