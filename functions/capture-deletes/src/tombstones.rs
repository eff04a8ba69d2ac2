//! From a list of deleted records to tombstones in the vault.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_catalog::{BlockItem, BlockState, Catalog};
use holdfast_model::{
    Block, ErrorCode, Failure, ObjectSchema, SalesforceId, SegmentEntry, Stamp, Window,
};
use holdfast_runtime::{Environment, now};
use holdfast_salesforce::{Client, Columns, soql};
use holdfast_vault::{Fields, Filter, GoneBy, Presence, SegmentBuffer, Vault};

/// Ids in one condition; with them the address of a call stays short.
const IDS_PER_CALL: usize = 400;
/// Later than any stamp.
const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);

/// One object's tombstones in the making.
pub(crate) struct Tombstones<'a> {
    catalog: &'a Catalog,
    vault: Vault,
    schema: ObjectSchema,
    known: Vec<SegmentEntry>,
    block: Block,
}

impl<'a> Tombstones<'a> {
    /// Loads what is needed. Reads only.
    pub(crate) async fn open(environment: &'a Environment, block: &Block) -> Result<Self, Failure> {
        let catalog = environment.catalog();
        let vault = environment.vault(&block.org).await?;
        Ok(Self {
            schema: vault.schema(&block.object, &block.schema).await?,
            known: catalog.segments(&block.org, &block.object).await?,
            catalog,
            vault,
            block: block.clone(),
        })
    }

    /// Keeps the records that the vault takes for alive since before their deletion.
    pub(crate) async fn keep_alive(
        &self,
        deleted: &mut BTreeMap<SalesforceId, Stamp>,
    ) -> Result<(), Failure> {
        let ids: BTreeSet<_> = deleted.keys().copied().collect();
        let filter = Filter::Ids(ids);
        let mut newest = self
            .vault
            .scan(&self.known, END_OF_TIME, Fields::Named(&[]), filter);
        let mut alive = BTreeSet::new();
        while let Some(row) = newest.next().await? {
            let since = deleted
                .get(&row.id())
                .is_some_and(|gone| row.modstamp() <= *gone);
            if since && row.presence() == Presence::Live {
                alive.insert(row.id());
            }
        }
        deleted.retain(|id, _| alive.contains(id));
        Ok(())
    }

    /// Drops the records that a query still finds: they are in the Recycle Bin, and the next job reads them there. Gives the
    /// first of their deletions. Should one be purged before it is read, the log must be asked for it again.
    pub(crate) async fn drop_findable(
        &self,
        client: &Client,
        deleted: &mut BTreeMap<SalesforceId, Stamp>,
    ) -> Result<Option<Stamp>, Failure> {
        let mut first = None;
        let ids: Vec<_> = deleted.keys().copied().collect();
        let columns: Columns = ["Id".to_owned()].into_iter().collect();
        for some in ids.chunks(IDS_PER_CALL) {
            let soql = soql::ids_among(&self.schema.name, some);
            let mut pages = client.query_all(&soql, &columns);
            while let Some(batch) = pages.next_page().await? {
                for row in batch.rows() {
                    let id = row.value(0).unwrap_or_default();
                    let stamp = deleted.remove(&SalesforceId::parse(id.as_bytes())?);
                    first = first.into_iter().chain(stamp).min();
                }
            }
        }
        Ok(first)
    }

    /// Seals the tombstones and commits them; says how many. Order of durability: the segment, then the catalog.
    pub(crate) async fn commit(
        self,
        deleted: &BTreeMap<SalesforceId, Stamp>,
    ) -> Result<u64, Failure> {
        if deleted.is_empty() {
            return Ok(0);
        }
        let mut item = self.open_block().await?;
        if *item.state() != BlockState::Open {
            return Ok(0);
        }
        let mut buffer = SegmentBuffer::new(&self.schema, &self.block.job, now())?;
        for (id, stamp) in deleted {
            buffer.push_gone(*id, *stamp, GoneBy::DeleteLog)?;
        }
        let sorted = buffer.sorted();
        let keys = Arc::clone(self.vault.keys());
        let sealed = tokio::task::spawn_blocking(move || sorted.seal(&keys))
            .await
            .map_err(|_| Failure::new(ErrorCode::Internal, "sealing a segment panicked"))??;
        item.progress
            .segments
            .push(self.vault.put_segment(sealed).await?);
        item.progress.deleted = deleted.len() as u64;
        // All of them were live.
        item.progress.changes.deleted = deleted.len() as u64;
        // Nothing was read in a window: the object's cursor stays where it is.
        let nothing = Window {
            from: Some(Stamp::from_millis(0)),
            until: Stamp::from_millis(0),
        };
        self.catalog.commit_block(&item, nothing, now()).await?;
        Ok(deleted.len() as u64)
    }

    /// A repeat asks up to a later moment, and goes on with the block that the first call opened.
    async fn open_block(&self) -> Result<BlockItem, Failure> {
        match self.catalog.block(&self.block).await? {
            Some(item) => Ok(item),
            None => self.catalog.open_block(&self.block).await,
        }
    }
}
