//! The two ends of a block: committed or given up. Each is one transaction over the block and its object.

use backon::Retryable;
use holdfast_model::{Block, Failure, Lane, Stamp, Window};

use crate::{
    BlockItem, BlockState, Catalog, ObjectItem,
    fault::{capped, conflict},
    keys::Key,
    lease::lost,
    record::Record,
    table::{Refusal, collisions, is_conflict},
};

/// A result that is final, inside one that tells whether another attempt is worth it.
type Attempt<T> = Result<Result<T, Failure>, Failure>;

impl Catalog {
    /// Commits a block: its staged segments become readable, and its object's cursor takes in the captured window.
    ///
    /// One transaction; it demands that the job holds the org, that the block is as the caller read it, and that
    /// the cursor is as it was read here. Other blocks of the object may commit at the same time. A block that is
    /// committed already is given back as it is.
    ///
    /// # Errors
    /// `LEASE_LOST`; `CATALOG_CONFLICT` when the block was changed since it was read, or given up;
    /// `CATALOG_ITEM_TOO_LARGE`.
    pub async fn commit_block(
        &self,
        item: &BlockItem,
        captured: Window,
        at: Stamp,
    ) -> Result<BlockItem, Failure> {
        if item.is_committed() {
            return Ok(item.clone());
        }
        item.check_writable()?;
        let attempt = || self.try_commit(item, captured, at);
        attempt.retry(collisions()).when(is_conflict).await?
    }

    async fn try_commit(
        &self,
        item: &BlockItem,
        captured: Window,
        at: Stamp,
    ) -> Attempt<BlockItem> {
        let Block { org, job, .. } = &item.block;
        let mut object = self.object_of(&item.block).await?;
        object = match item.block.lane {
            Lane::Refresh => object.with_refreshed(captured),
            _ => object.with_captured(captured),
        };
        object = object
            .with_changes(item.progress.changes)
            .with_text(job, item.progress.text);
        object.sweep_due &= item.block.lane != Lane::Sweep;
        let (block_part, committed) = self.table.put_part(BlockItem {
            state: BlockState::Committed {
                at,
                window: captured,
            },
            ..item.clone()
        })?;
        let (object_part, _) = self.table.put_part(object)?;
        let parts = vec![self.lease_part(org, job)?, block_part, object_part];
        let refused = match self.table.transact(parts).await {
            Ok(()) => return Ok(Ok(committed)),
            Err(Refusal::Failed(failure)) => return Ok(Err(failure)),
            Err(Refusal::At(part)) => part,
        };
        // A repeat after the answer got lost, or after the job was over, finds its own work done.
        match self.block(&item.block).await? {
            Some(stored) if stored.is_committed() => Ok(Ok(stored)),
            _ if refused == 0 => Ok(Err(lost(org, job))),
            Some(stored) if stored.version() == item.version() => Err(conflict()),
            _ => Ok(Err(conflict())),
        }
    }

    /// Gives a block up and notes the reason at its object. A block that is committed or given up already, or
    /// changes while this tries, stays as it is; what is stored now is given back.
    ///
    /// # Errors
    /// `CATALOG_CONFLICT` when others kept changing the block or the object.
    pub async fn fail_block(&self, block: &Block, failure: &Failure) -> Result<BlockItem, Failure> {
        let attempt = || self.try_fail(block, failure);
        attempt.retry(collisions()).when(is_conflict).await?
    }

    async fn try_fail(&self, block: &Block, failure: &Failure) -> Attempt<BlockItem> {
        let failure = capped(failure);
        let item = match self.block(block).await? {
            Some(item) if item.state != BlockState::Open => return Ok(Ok(item)),
            Some(item) => item,
            None => BlockItem::new(block),
        };
        let object =
            self.object_of(block)
                .await?
                .with_exception(&block.job, &failure, block.window);
        let (block_part, failed) = self.table.put_part(BlockItem {
            state: BlockState::Exception { failure },
            ..item
        })?;
        let (object_part, _) = self.table.put_part(object)?;
        match self.table.transact(vec![block_part, object_part]).await {
            Ok(()) => Ok(Ok(failed)),
            Err(Refusal::At(_)) => Err(conflict()),
            Err(Refusal::Failed(failure)) => Ok(Err(failure)),
        }
    }

    async fn object_of(&self, block: &Block) -> Result<ObjectItem, Failure> {
        let Block { org, object, .. } = block;
        let stored = self.table.get(Key::object(org, object)).await?;
        Ok(stored.unwrap_or_else(|| ObjectItem::new(org, object)))
    }
}
