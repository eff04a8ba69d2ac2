//! The way of rows from an answer of Salesforce into the vault: gather, seal, write down the place, commit.

use std::sync::Arc;

use holdfast_catalog::{BlockItem, Catalog, Progress, Settings, Way};
use holdfast_model::{
    Block, ErrorCode, Failure, Lane, ObjectSchema, SalesforceId, SegmentEntry, Stamp, Transport,
    Window,
};
use holdfast_runtime::{Deadline, Environment, now};
use holdfast_salesforce::soql::{self, Among};
use holdfast_salesforce::{BulkJobId, RowBatch};
use holdfast_vault::{SegmentBuffer, SortedRows, Vault};

use crate::changes;

/// A block at work.
pub(crate) struct Extraction<'a> {
    catalog: &'a Catalog,
    vault: Vault,
    pub(crate) settings: Settings,
    pub(crate) schema: ObjectSchema,
    id_column: usize,
    /// Segments that may hold versions of this window already.
    known: Vec<SegmentEntry>,
    /// As the catalog has it: what a crash or a damaged page falls back to.
    item: BlockItem,
    /// As it is now; the same until something is received.
    progress: Progress,
    buffer: SegmentBuffer,
    segment_bytes: usize,
    /// API calls of earlier invocations.
    calls_before: u64,
    deadline: Deadline,
}

impl<'a> Extraction<'a> {
    /// Loads what the block needs. Reads only.
    pub(crate) async fn open(
        environment: &'a Environment,
        deadline: Deadline,
        item: BlockItem,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let block = item.block();
        let way = &item.progress.way;
        let catalog = environment.catalog();
        let vault = environment.vault(&block.org).await?;
        let hash = way.schema.as_ref().unwrap_or(&block.schema);
        let schema = vault.schema(&block.object, hash).await?;
        let known = match (block.lane, block.window.from) {
            (Lane::Head | Lane::Backfill, Some(from)) if !way.unfiltered => {
                catalog
                    .segments_since(&block.org, &block.object, from)
                    .await?
            }
            _ => catalog.segments(&block.org, &block.object).await?,
        };
        let id_column = schema
            .stored_fields()
            .position(|field| field.name == "Id")
            .ok_or_else(|| {
                Failure::new(ErrorCode::ObjectUnsupported, "object has no field `Id`")
            })?;
        Ok(Self {
            catalog,
            buffer: SegmentBuffer::new(&schema, &block.job, now())?,
            vault,
            settings,
            schema,
            id_column,
            known,
            calls_before: item.progress.api_calls,
            progress: item.progress.clone(),
            item,
            segment_bytes: environment.settings().segment_bytes,
            deadline,
        })
    }

    /// The query of the block.
    pub(crate) fn soql(&self) -> Result<String, Failure> {
        soql::select(&self.schema, self.among())
    }

    /// Which records the block is about.
    pub(crate) fn among(&self) -> Among<'static> {
        let whole = self.item.block().lane == Lane::Whole || self.way().unfiltered;
        Among {
            window: Some(self.window()).filter(|_| !whole),
            parents: None,
        }
    }

    /// How its rows are asked for.
    pub(crate) fn way(&self) -> &Way {
        &self.progress.way
    }

    /// Whether Bulk may be used for the object.
    pub(crate) fn bulk_is_supported(&self) -> bool {
        self.schema.transport == Transport::Bulk && !self.way().avoids_bulk
    }

    /// Whether so many rows are likely that asking by REST first is a waste.
    pub(crate) fn expects_many(&self) -> bool {
        let block = self.item.block();
        block.lane != Lane::Head && block.rows_expected >= u64::from(self.settings.bulk_rows_min)
    }

    /// How far the block has come, as the catalog has it.
    pub(crate) fn saved(&self) -> &Progress {
        &self.item.progress
    }

    /// Notes how many API calls this invocation has made so far.
    pub(crate) fn note_calls(&mut self, calls: u64) {
        self.progress.api_calls = self.calls_before + calls;
    }

    /// Whether it is time to return.
    pub(crate) fn deadline_is_near(&self) -> bool {
        self.deadline.is_near()
    }

    /// Writes down the Bulk job, before anything waits for it.
    pub(crate) async fn save_bulk_job(
        &mut self,
        job: &BulkJobId,
        since: Option<Stamp>,
    ) -> Result<(), Failure> {
        self.progress.bulk_job = Some(job.as_str().to_owned());
        self.progress.bulk_since = since;
        self.save().await
    }

    /// Takes in rows. Whenever enough are gathered, a segment is sealed and staged.
    pub(crate) async fn take(&mut self, batch: &RowBatch) -> Result<(), Failure> {
        for row in batch.rows() {
            self.take_row(|column| row.value(column))?;
        }
        if self.buffer.bytes() >= self.segment_bytes {
            self.seal().await?;
        }
        Ok(())
    }

    /// Takes in one row, by the text of each stored field.
    pub(crate) fn take_row<'v>(
        &mut self,
        value: impl Fn(usize) -> Option<&'v str>,
    ) -> Result<(), Failure> {
        let id = SalesforceId::parse(value(self.id_column).unwrap_or_default().as_bytes())?;
        self.buffer.push(value)?;
        self.progress.digest.add(&id);
        self.progress.rows_received += 1;
        Ok(())
    }

    /// Bytes that may be gathered before they are sealed.
    pub(crate) fn segment_bytes(&self) -> usize {
        self.segment_bytes
    }

    /// Where the next page begins.
    pub(crate) fn locator(&self) -> Option<&str> {
        self.progress.locator.as_deref()
    }

    /// Notes a whole and verified page behind which there is another one. When much is gathered, or in a `hurry`,
    /// everything so far is staged and written down, so that a repeat goes on behind this page.
    pub(crate) async fn page_done(
        &mut self,
        bytes: u64,
        next: String,
        hurry: bool,
    ) -> Result<(), Failure> {
        self.last_page_done(bytes);
        self.gathered(next, hurry).await
    }

    /// Notes a place to go on from. When much is gathered, or in a `hurry`, everything so far is staged and written down.
    pub(crate) async fn gathered(&mut self, next: String, hurry: bool) -> Result<(), Failure> {
        self.progress.locator = Some(next);
        let staged = self.progress.segments.len() > self.item.progress.segments.len();
        if hurry || staged || self.buffer.bytes() >= self.segment_bytes / 2 {
            self.seal().await?;
            self.save().await?;
        }
        Ok(())
    }

    /// Notes a whole and verified page that no other one follows.
    pub(crate) fn last_page_done(&mut self, bytes: u64) {
        self.progress.pages += 1;
        self.progress.bytes_received += bytes;
    }

    /// Adds to what Salesforce says that the queries of the block have.
    pub(crate) fn add_reported(&mut self, rows: u64) {
        self.progress.rows_reported += rows;
    }

    /// Compares the rows received with what was [added up](Self::add_reported).
    pub(crate) async fn verify_all_reported(&mut self) -> Result<(), Failure> {
        self.verify_reported(self.progress.rows_reported).await
    }

    /// Forgets what was received since the catalog was written. Segments staged since then are garbage.
    pub(crate) fn roll_back(&mut self) {
        self.progress = self.item.progress.clone();
        self.buffer.truncate(0);
    }

    /// Begins anew, with a new query: what came does not agree with a count.
    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        self.progress.restarts += 1;
        self.begin_anew(self.progress.way.clone()).await
    }

    /// Begins anew in another way.
    pub(crate) async fn begin_anew(&mut self, way: Way) -> Result<(), Failure> {
        self.progress = Progress {
            attempts: self.progress.attempts,
            api_calls: self.progress.api_calls,
            restarts: self.progress.restarts,
            way,
            ..Progress::default()
        };
        self.buffer.truncate(0);
        self.save().await
    }

    /// The line of the plan.
    pub(crate) fn block(&self) -> &Block {
        self.item.block()
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Rows that one part of a block should not exceed by much; pieces of history are planned by estimates.
    pub(crate) fn rows_at_once(&self) -> u64 {
        4 * u64::from(self.settings.backfill_block_rows)
    }

    /// How many rows the block is likely to have.
    pub(crate) fn rows_expected(&self) -> u64 {
        self.item.block().rows_expected
    }

    /// How often the block began anew.
    pub(crate) fn restarts(&self) -> u32 {
        self.progress.restarts
    }

    /// Compares the rows received with what Salesforce says that its query has: `COUNT_MISMATCH`.
    pub(crate) async fn verify_reported(&mut self, reported: u64) -> Result<(), Failure> {
        self.seal().await?;
        self.progress.rows_reported = reported;
        let rows = self.progress.rows_received - self.progress.rows_repeated;
        if rows == reported {
            Ok(())
        } else {
            Err(mismatch(reported, rows))
        }
    }

    /// The window that is asked for: the block's, or its beginning.
    pub(crate) fn window(&self) -> Window {
        let window = self.item.block().window;
        Window {
            until: self.way().until.unwrap_or(window.until),
            ..window
        }
    }

    /// The part that is left to read, and how far of it to ask for at first: twice as far as the last query that ended.
    pub(crate) async fn open_rest(&self) -> Result<Option<Block>, Failure> {
        let Some(rest) = self.item.rest() else {
            return Ok(None);
        };
        let reach = 2 * span_seconds(self.window());
        let until = rest.window.from.unwrap_or(rest.window.until);
        let until = Stamp::from_millis(until.millis().saturating_add(reach.saturating_mul(1_000)));
        let way = Way {
            until: Some(until).filter(|until| *until < rest.window.until),
            ..self.way().clone()
        };
        self.catalog.open_rest(&rest, way).await?;
        Ok(Some(rest))
    }

    /// Compares the rows received with an independent count of them: `COUNT_MISMATCH` when some are missing. There may
    /// be fewer by now: a row that changed has left the window.
    pub(crate) fn verify_counted(&mut self, counted: u64) -> Result<(), Failure> {
        self.progress.rows_counted = Some(counted);
        let rows = self.progress.rows_received - self.progress.rows_repeated;
        if counted <= rows {
            Ok(())
        } else {
            Err(mismatch(counted, rows))
        }
    }

    /// Every row that was received must be in a segment, or have been in one before: `COUNT_MISMATCH`.
    fn verify_kept(&self) -> Result<(), Failure> {
        let progress = &self.progress;
        let mut kept = progress.duplicate_ids;
        let mut rows = progress.duplicates;
        for segment in &progress.segments {
            kept.merge(segment.digest);
            rows += segment.rows;
        }
        if kept == progress.digest && rows == progress.rows_received {
            return Ok(());
        }
        Err(Failure::new(
            ErrorCode::CountMismatch,
            format!(
                "rows received and rows kept are not the same: `{}`, `{rows}`",
                progress.rows_received
            ),
        ))
    }

    /// Seals the rest and commits the block: from here on its versions can be read.
    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        self.seal().await?;
        self.verify_kept()?;
        let (block, progress) = (self.item.block(), &self.progress);
        (self.progress.changes, self.progress.authors) =
            changes::of_block(self.catalog, &self.vault, block, progress).await?;
        let mut item = self.item.clone();
        item.progress = self.progress.clone();
        let window = self.window();
        self.item = self.catalog.commit_block(&item, window, now()).await?;
        Ok(())
    }

    /// Order of durability: the segment is in the bucket before the catalog hears of it.
    async fn seal(&mut self) -> Result<(), Failure> {
        if self.buffer.rows() == 0 {
            return Ok(());
        }
        let fresh = SegmentBuffer::new(&self.schema, &self.item.block().job, now())?;
        let mut sorted = std::mem::replace(&mut self.buffer, fresh).sorted();
        self.drop_held(&mut sorted, &self.progress.segments).await?;
        self.progress.rows_repeated += sorted.duplicates() as u64;
        self.drop_held(&mut sorted, &self.known).await?;
        self.progress.duplicates += sorted.duplicates() as u64;
        self.progress.duplicate_ids.merge(sorted.duplicate_ids());
        if sorted.is_empty() {
            return Ok(());
        }
        self.progress.deleted += sorted.deleted() as u64;
        self.progress.text.add(sorted.entropy(&self.schema)?);
        let keys = Arc::clone(self.vault.keys());
        let sealed = tokio::task::spawn_blocking(move || sorted.seal(&keys))
            .await
            .map_err(|_| Failure::new(ErrorCode::Internal, "sealing a segment panicked"))??;
        self.progress
            .segments
            .push(self.vault.put_segment(sealed).await?);
        Ok(())
    }

    /// Drops what the segments hold.
    async fn drop_held(
        &self,
        sorted: &mut SortedRows,
        segments: &[SegmentEntry],
    ) -> Result<(), Failure> {
        match self.item.block().lane {
            // Without a cursor field there is no stamp to tell versions apart by.
            // In a refresh, stamps are what says nothing.
            Lane::Whole | Lane::Refresh => self.vault.drop_unchanged(sorted, segments).await?,
            Lane::Head | Lane::Backfill | Lane::Sweep | Lane::Deletes => {
                self.vault.drop_known(sorted, segments).await?
            }
        };
        Ok(())
    }

    async fn save(&mut self) -> Result<(), Failure> {
        let mut item = self.item.clone();
        item.progress = self.progress.clone();
        self.catalog.save_block(&mut item).await?;
        self.item = item;
        Ok(())
    }
}

/// The year of Salesforce's first records is as good as the beginning of time.
const BEGINNING: Stamp = Stamp::from_millis(915_148_800_000);

/// Whole seconds of a window.
pub(crate) fn span_seconds(window: Window) -> i64 {
    let from = window.from.unwrap_or(BEGINNING);
    (window.until.millis() - from.millis()).max(0) / 1_000
}

/// The first of so many equal pieces of a window, if it can be cut between two seconds.
pub(crate) fn first_piece(window: Window, pieces: u64) -> Option<Stamp> {
    let pieces = i64::try_from(pieces.max(2)).unwrap_or(i64::MAX);
    let seconds = (span_seconds(window) / pieces).max(1);
    let from = window.from.unwrap_or(BEGINNING).whole_second();
    let until = Stamp::from_millis(from.millis() + seconds * 1_000);
    (until < window.until && span_seconds(window) > 1).then_some(until)
}

fn mismatch(salesforce: u64, rows: u64) -> Failure {
    Failure::new(
        ErrorCode::CountMismatch,
        format!("salesforce counts `{salesforce}` rows, `{rows}` different ones came"),
    )
}
