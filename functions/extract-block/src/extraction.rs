//! The way of rows from an answer of Salesforce into the vault: gather, seal, write down the place, commit.

use std::sync::Arc;

use holdfast_catalog::{BlockItem, Catalog, Progress, Settings};
use holdfast_model::{
    ErrorCode, Failure, Lane, ObjectSchema, SalesforceId, SegmentEntry, Stamp, Transport, Window,
};
use holdfast_runtime::{Deadline, Environment, now};
use holdfast_salesforce::{BulkJobId, RowBatch, soql};
use holdfast_vault::{SegmentBuffer, SortedRows, Vault};

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
        let catalog = environment.catalog();
        let vault = environment.vault(&block.org).await?;
        let schema = vault.schema(&block.object, &block.schema).await?;
        let known = match (block.lane, block.window.from) {
            (Lane::Whole, _) | (_, None) => catalog.segments(&block.org, &block.object).await?,
            (_, Some(from)) => {
                catalog
                    .segments_since(&block.org, &block.object, from)
                    .await?
            }
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
        soql::select(&self.schema, &self.item.block().window)
    }

    /// Whether Bulk may be used for the object.
    pub(crate) fn bulk_is_supported(&self) -> bool {
        self.schema.transport == Transport::Bulk
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
            let id = SalesforceId::parse(row.value(self.id_column).unwrap_or_default().as_bytes())?;
            self.progress.digest.add(&id);
            self.buffer.push(|column| row.value(column))?;
        }
        self.progress.rows_received += batch.len() as u64;
        if self.buffer.bytes() >= self.segment_bytes {
            self.seal().await?;
        }
        Ok(())
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

    /// Forgets what was received since the catalog was written. Segments staged since then are garbage.
    pub(crate) fn roll_back(&mut self) {
        self.progress = self.item.progress.clone();
        self.buffer.truncate(0);
    }

    /// Begins anew, with a new query: what came does not agree with a count.
    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        self.progress = Progress {
            attempts: self.progress.attempts,
            api_calls: self.progress.api_calls,
            restarts: self.progress.restarts + 1,
            avoids_bulk: self.progress.avoids_bulk,
            ..Progress::default()
        };
        self.buffer.truncate(0);
        self.save().await
    }

    /// Begins anew by REST, if its query fits there.
    pub(crate) async fn restart_by_rest(&mut self) -> Result<(), Failure> {
        self.progress.avoids_bulk = true;
        self.restart().await
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

    /// The window that was asked for.
    pub(crate) fn window(&self) -> Window {
        self.item.block().window
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
        let mut item = self.item.clone();
        item.progress = self.progress.clone();
        let window = self.item.block().window;
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
            Lane::Whole => self.vault.drop_unchanged(sorted, segments).await?,
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

fn mismatch(salesforce: u64, rows: u64) -> Failure {
    Failure::new(
        ErrorCode::CountMismatch,
        format!("salesforce counts `{salesforce}` rows, `{rows}` different ones came"),
    )
}
