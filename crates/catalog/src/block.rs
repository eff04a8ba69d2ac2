//! Blocks: the only state of an extraction, and with it the list of an object's segments.

use holdfast_model::{
    Authors, Block, Changes, Entropy, ErrorCode, Failure, IdDigest, JobId, Lane, ObjectName,
    OrgName, SegmentEntry, Stamp, Sweep, Window,
};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog,
    keys::{Key, Range},
    record::Record,
    table::Change,
};

/// Segments in one block. An entry takes at most about 650 bytes, and an item of `DynamoDB` holds 400 KB; every
/// entry is written again with each later one, so this also bounds what a block costs.
/// At 32 MiB of text per segment it is a block of 16 GiB, which Salesforce answers in several jobs anyway.
pub const SEGMENTS_PER_BLOCK_MAX: usize = 500;

/// A block and how far it has come.
///
/// Its state is changed by the catalog only; its progress by whoever extracts it, with
/// [`save_block`](Catalog::save_block).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockItem {
    /// How far the extraction has come.
    pub progress: Progress,
    pub(crate) block: Block,
    pub(crate) state: BlockState,
    pub(crate) version: u64,
}

/// Where a block stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum BlockState {
    /// Its segments are staged and not readable.
    Open,
    /// Its segments belong to the object, and its window is captured. Final.
    Committed {
        /// When.
        at: Stamp,
        /// What it captured.
        window: Window,
    },
    /// It was given up. The next job reads its window again.
    Exception {
        /// Why.
        failure: Failure,
    },
}

/// How far the extraction of a block has come. A repeat goes on from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Calls of the function that worked on it.
    pub attempts: u32,
    /// Id of the Bulk job, once it is created.
    pub bulk_job: Option<String>,
    /// When it was created, by Salesforce's clock.
    pub bulk_since: Option<Stamp>,
    /// How its rows are asked for; stays when the block begins anew.
    pub way: Way,
    /// Where the next page begins, as Salesforce names it.
    pub locator: Option<String>,
    /// Pages received whole.
    pub pages: u32,
    /// Rows received.
    pub rows_received: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Salesforce API calls made.
    pub api_calls: u64,
    /// Rows that Salesforce says the query has: `totalSize`, or the job's `numberRecordsProcessed`.
    pub rows_reported: u64,
    /// Rows that came more than once.
    pub rows_repeated: u64,
    /// Rows that Salesforce counts once more; nothing when it was not asked or cannot say.
    pub rows_counted: Option<u64>,
    /// How often the block began anew because a count did not agree.
    pub restarts: u32,
    /// Rows that the vault already held.
    pub duplicates: u64,
    /// Digest over their ids.
    pub duplicate_ids: IdDigest,
    /// Versions staged that say that their record is deleted.
    pub deleted: u64,
    /// What its versions make of those held before; known from its commit on.
    pub changes: Changes,
    /// Who changed, deleted or restored records; known from its commit on.
    pub authors: Authors,
    /// What the texts of its versions say.
    pub text: Entropy,
    /// Digest over the ids of all rows received.
    pub digest: IdDigest,
    /// What a sweep found so far; nothing in other lanes.
    pub sweep: Option<Sweep>,
    /// Segments that are sealed and in the bucket.
    pub segments: Vec<SegmentEntry>,
}

/// How rows are asked for that a plain query does not give.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    /// Bulk does not serve the object, or did not come to an end: REST, however many rows there are.
    pub avoids_bulk: bool,
    /// The block ends here, because Salesforce does not finish the query of its whole window. What is left is its next part.
    pub until: Option<Stamp>,
    /// So many queries share the fields, because one with all of them is refused; 0 is one.
    pub field_queries: u32,
    /// Hash of the schema, when it is not the plan's: fields came or went since.
    pub schema: Option<String>,
    /// The window cannot be asked for: everything is read.
    pub unfiltered: bool,
    /// Only the children of named parents can be asked for.
    pub by_parent: bool,
}

impl Record for BlockItem {
    const NAME: &'static str = "block";

    fn key(&self) -> Key {
        Key::block(&self.block)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl BlockItem {
    pub(crate) fn new(block: &Block) -> Self {
        Self {
            progress: Progress::default(),
            block: block.clone(),
            state: BlockState::Open,
            version: 0,
        }
    }

    /// The line of the plan.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// Where it stands.
    pub fn state(&self) -> &BlockState {
        &self.state
    }

    /// Whether its segments belong to the object.
    pub fn is_committed(&self) -> bool {
        matches!(self.state, BlockState::Committed { .. })
    }

    /// Whether its window says nothing about when it was read.
    fn is_history(&self) -> bool {
        matches!(
            self.block.lane,
            Lane::Backfill | Lane::Refresh | Lane::Sweep
        )
    }

    /// Why it was given up, if it was.
    pub fn exception(&self) -> Option<&Failure> {
        match &self.state {
            BlockState::Exception { failure } => Some(failure),
            BlockState::Open | BlockState::Committed { .. } => None,
        }
    }

    /// The part that follows, when it captured less than its window.
    pub fn rest(&self) -> Option<Block> {
        match &self.state {
            BlockState::Committed { window, .. } => self.block.rest(*window),
            BlockState::Open | BlockState::Exception { .. } => None,
        }
    }

    /// Whether it may be written: only open blocks change, and only so far as an item can hold them.
    pub(crate) fn check_writable(&self) -> Result<(), Failure> {
        let Block { block, object, .. } = &self.block;
        if self.state != BlockState::Open {
            return Err(Failure::new(
                ErrorCode::CatalogConflict,
                format!("block {block} of `{object}` is committed or given up"),
            ));
        }
        let segments = self.progress.segments.len();
        if segments > SEGMENTS_PER_BLOCK_MAX {
            return Err(Failure::new(
                ErrorCode::CatalogItemTooLarge,
                format!(
                    "block {block} of `{object}` has too many segments: `{segments}` of `{SEGMENTS_PER_BLOCK_MAX}`"
                ),
            ));
        }
        Ok(())
    }
}

impl Catalog {
    /// Opens the part that follows a block, to be asked for in the same way; one that was opened before stays as it is.
    pub async fn open_rest(&self, rest: &Block, way: Way) -> Result<BlockItem, Failure> {
        self.table
            .update(Key::block(rest), |item: Option<BlockItem>| {
                let fresh = || {
                    let mut item = BlockItem::new(rest);
                    item.progress.way = way.clone();
                    item
                };
                Ok(item.map_or_else(|| Change::Write(fresh()), Change::Keep))
            })
            .await
    }

    /// The block, if it was opened.
    pub async fn block(&self, block: &Block) -> Result<Option<BlockItem>, Failure> {
        self.table.get(Key::block(block)).await
    }

    /// The blocks, in the order asked for; nothing for those that were not opened.
    pub async fn blocks(&self, blocks: &[Block]) -> Result<Vec<Option<BlockItem>>, Failure> {
        let keys: Vec<_> = blocks.iter().map(Key::block).collect();
        let mut found = self.table.get_all(keys.iter().cloned()).await?;
        Ok(keys.iter().map(|key| found.remove(key)).collect())
    }

    /// Opens a block; one that was opened before is given back as it is, in whatever state.
    ///
    /// # Errors
    /// `INPUT_INVALID` when it was opened with another line of the plan.
    pub async fn open_block(&self, block: &Block) -> Result<BlockItem, Failure> {
        let item = self
            .table
            .update(Key::block(block), |item: Option<BlockItem>| {
                Ok(item.map_or_else(|| Change::Write(BlockItem::new(block)), Change::Keep))
            })
            .await?;
        if item.block == *block {
            Ok(item)
        } else {
            Err(Failure::new(
                ErrorCode::InputInvalid,
                format!(
                    "the block was opened with another line of the plan: `{}`",
                    block.block
                ),
            ))
        }
    }

    /// Stores the progress of an open block that nobody else changed since it was read.
    ///
    /// # Errors
    /// `CATALOG_CONFLICT` when somebody did, or it is committed or given up; read it again. `CATALOG_ITEM_TOO_LARGE` for more than
    /// [`SEGMENTS_PER_BLOCK_MAX`] segments; nothing is written then.
    pub async fn save_block(&self, item: &mut BlockItem) -> Result<(), Failure> {
        item.check_writable()?;
        *item = self.table.put(item.clone()).await?;
        Ok(())
    }

    /// The segments of an object: those of its committed blocks.
    pub async fn segments(
        &self,
        org: &OrgName,
        object: &ObjectName,
    ) -> Result<Vec<SegmentEntry>, Failure> {
        self.segments_of(org, object, |_| true).await
    }

    /// The segments of an object that other jobs added.
    pub async fn segments_of_others(
        &self,
        org: &OrgName,
        object: &ObjectName,
        job: &JobId,
    ) -> Result<Vec<SegmentEntry>, Failure> {
        self.segments_of(org, object, |block| block.job != *job)
            .await
    }

    async fn segments_of(
        &self,
        org: &OrgName,
        object: &ObjectName,
        counts: impl Fn(&Block) -> bool,
    ) -> Result<Vec<SegmentEntry>, Failure> {
        let blocks: Vec<BlockItem> = self.table.list(Range::blocks(org, object)).await?;
        Ok(blocks
            .into_iter()
            .filter(|item| item.is_committed() && counts(&item.block))
            .flat_map(|item| item.progress.segments)
            .collect())
    }

    /// How an object was described when a time was captured, and since when it is captured; nothing when it never was.
    ///
    /// The time before the first capture has the schema of that one.
    pub async fn described_at(
        &self,
        org: &OrgName,
        object: &ObjectName,
        at: Stamp,
    ) -> Result<Option<(String, Stamp)>, Failure> {
        let blocks: Vec<BlockItem> = self.table.list(Range::blocks(org, object)).await?;
        let mut described: Vec<_> = blocks
            .into_iter()
            .filter(|item| item.is_committed() && item.block.lane != Lane::Deletes)
            .map(|item| (item.is_history(), item.block.window.until, item))
            .collect();
        // What is read of history belongs to its job, however old it is.
        described.sort_by_key(|(is_history, until, _)| (*is_history, *until));
        let first = described.first().map(|(_, until, _)| *until);
        let before =
            described.partition_point(|(is_history, until, _)| !is_history && *until <= at);
        let item = described.into_iter().nth(before.saturating_sub(1));
        Ok(item.zip(first).map(|((_, _, item), first)| {
            let schema = item.progress.way.schema.unwrap_or(item.block.schema);
            (schema, first)
        }))
    }

    /// The segments of an object that hold a version with this stamp or a later one.
    pub async fn segments_since(
        &self,
        org: &OrgName,
        object: &ObjectName,
        since: Stamp,
    ) -> Result<Vec<SegmentEntry>, Failure> {
        let mut segments = self.segments(org, object).await?;
        segments.retain(|segment| segment.stamps.1 >= since);
        Ok(segments)
    }
}
