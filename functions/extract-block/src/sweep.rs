//! Compares every Id that Salesforce lists with the vault: what is listed nowhere any more gets a tombstone, and what the
//! vault claims to have and does not is read again.

mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_catalog::{BlockItem, Catalog, Settings};
use holdfast_model::{
    Block, Change, Coverage, ErrorCode, Failure, IdDigest, ObjectSchema, SalesforceId,
    SegmentEntry, Stamp, Standing, Sweep, Window,
};
use holdfast_plan::{Buckets, Comparison, Differences, Held};
use holdfast_runtime::{Environment, Protection, now};
use holdfast_salesforce::{Client, Columns, soql};
use holdfast_vault::{Fields, Filter, GoneBy, Presence, Scan, SegmentBuffer, Vault};

use crate::Step;
use listing::Listing;

/// Versions that are compared one by one at a time, about 25 MB.
const COMPARED_MAX: u64 = 500_000;
/// Ids in one condition; with them the address of a call stays short.
const IDS_PER_CALL: usize = 400;
/// Calls for looking up records that are not listed, in one invocation; the next one goes on with those left.
const LOOKUPS_MAX: usize = 100;
/// Records that are missing, from which on no more are looked for: a job reads those first.
const MISSING_MAX: u64 = 10_000;
/// Windows that are read again; nearer ones become one until there are no more.
const WINDOWS_MAX: usize = 50;
/// Rows up to which the list may come by REST, of objects that Bulk does not serve.
const SMALL: u64 = 1_000_000;
const ROOM_FOR_REPEATS: u64 = 20;
/// Of every version of an object without a cursor field.
const NO_STAMP: Stamp = Stamp::from_millis(0);
/// Later than any stamp.
const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);

/// A sweep at work.
pub(crate) struct Sweeping<'a> {
    catalog: &'a Catalog,
    vault: Vault,
    settings: Settings,
    schema: ObjectSchema,
    item: BlockItem,
    /// What the vault claims to have. Read before the segments, which therefore hold at least that.
    coverage: Coverage,
    segments: Vec<SegmentEntry>,
}

/// Both sides of some buckets, or of all.
#[derive(Default)]
struct Found {
    gone: Vec<SalesforceId>,
    missing: u64,
    /// Of what is missing.
    stamps: BTreeSet<Stamp>,
}

impl Found {
    fn is_much(&self) -> bool {
        self.gone.len() > LOOKUPS_MAX * IDS_PER_CALL || self.missing > MISSING_MAX
    }
}

/// Calls that a sweep may make in one invocation: lists in pages, some of them again, and lookups.
pub(crate) fn calls(rows_expected: u64) -> u64 {
    let pages = rows_expected / u64::from(listing::PAGE_ROWS) + 1;
    let rest_pages = rows_expected.min(SMALL) / 2_000;
    8 * pages + rest_pages + LOOKUPS_MAX as u64 + ROOM_FOR_REPEATS
}

impl<'a> Sweeping<'a> {
    /// Loads what the sweep needs. Reads only.
    pub(crate) async fn open(
        environment: &'a Environment,
        item: BlockItem,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let block = item.block();
        let catalog = environment.catalog();
        let vault = environment.vault(&block.org).await?;
        let object = catalog.object(&block.org, &block.object).await?;
        let mut segments = catalog.segments(&block.org, &block.object).await?;
        // What an earlier invocation found is settled.
        segments.extend(item.progress.segments.iter().cloned());
        Ok(Self {
            schema: vault.schema(&block.object, &block.schema).await?,
            coverage: object.map(|object| object.coverage).unwrap_or_default(),
            catalog,
            vault,
            settings,
            segments,
            item,
        })
    }

    /// Moves the sweep as far as it goes in one call.
    pub(crate) async fn step(&mut self, client: &Client, waited: u32) -> Result<Step, Failure> {
        let calls_before = self.item.progress.api_calls;
        let listing = match Listing::begin(self, client, waited).await? {
            Ok(listing) => listing,
            Err(wait_seconds) => return Ok(Step::Wait(wait_seconds)),
        };
        let mut sweep = Sweep {
            gone: self.item.progress.sweep.map_or(0, |sweep| sweep.gone),
            ..Sweep::default()
        };
        let mut found = self.find(client, &listing, &mut sweep).await?;
        let all = found.gone.len() <= LOOKUPS_MAX * IDS_PER_CALL;
        found.gone.truncate(LOOKUPS_MAX * IDS_PER_CALL);
        let gone = self.not_findable(client, &found.gone).await?;
        sweep.gone += gone.len() as u64;
        sweep.missing = found.missing;
        self.stage(client, gone).await?;
        self.item.progress.sweep = Some(sweep);
        self.item.progress.api_calls = calls_before + client.budget().used();
        if !all {
            self.catalog.save_block(&mut self.item).await?;
            return Ok(Step::More);
        }
        self.read_again(&found).await?;
        // No window was read: the object's cursor stays where it is.
        let nothing = Window {
            from: Some(Stamp::from_millis(0)),
            until: Stamp::from_millis(0),
        };
        self.catalog
            .commit_block(&self.item, nothing, now())
            .await?;
        Ok(Step::Done)
    }

    /// Lists once, and where the object is too large to be compared at once, once more for each group of buckets that
    /// differ.
    async fn find(
        &self,
        client: &Client,
        listing: &Listing,
        sweep: &mut Sweep,
    ) -> Result<Found, Failure> {
        let mut listed = Buckets::default();
        let mut all = Some(BTreeMap::new());
        let mut digest = IdDigest::default();
        let mut rows = 0_u64;
        listing
            .each(self, client, |id, stamp| {
                rows += 1;
                digest.add(&id);
                listed.add(&id, stamp);
                if rows > COMPARED_MAX {
                    all = None;
                }
                if let Some(all) = &mut all {
                    all.insert(id, stamp);
                }
            })
            .await?;
        (sweep.listed, sweep.digest) = (rows, digest);
        let mut found = Found::default();
        if let Some(all) = all {
            self.compare(all, |_| true, &mut found).await?;
            return Ok(found);
        }
        let mut held = Buckets::default();
        let mut newest = self.newest();
        while let Some(row) = newest.next().await? {
            if row.presence() != Presence::Gone {
                held.add(&row.id(), self.held_stamp(row.modstamp()));
            }
        }
        for group in listed.differing(&held, COMPARED_MAX) {
            let mut some = BTreeMap::new();
            listing
                .each(self, client, |id, stamp| {
                    if group.contains(&held.of(&id)) {
                        some.insert(id, stamp);
                    }
                })
                .await?;
            let of_group = |id: &SalesforceId| group.contains(&held.of(id));
            self.compare(some, of_group, &mut found).await?;
            if found.is_much() {
                break;
            }
        }
        Ok(found)
    }

    /// Goes through the vault once, next to what is listed.
    async fn compare(
        &self,
        listed: BTreeMap<SalesforceId, Stamp>,
        concerned: impl Fn(&SalesforceId) -> bool,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let mut comparison = Comparison::new(listed, self.item.block().window.until);
        let mut newest = self.newest();
        while let Some(row) = newest.next().await? {
            if concerned(&row.id()) {
                let held = match row.presence() {
                    Presence::Gone => Held::Gone,
                    Presence::Live | Presence::InRecycleBin => Held::Row,
                };
                comparison.hold(row.id(), self.held_stamp(row.modstamp()), held);
            }
        }
        let Differences { gone, missing } = comparison.finish();
        found.gone.extend(gone);
        // What was never captured is not missing, and an object without a cursor field is read whole anyway.
        let claimed = |stamp: &Stamp| {
            let mut windows = self.coverage.windows().iter();
            self.schema.cursor_field.is_some() && windows.any(|window| window.contains(*stamp))
        };
        for stamp in missing.into_iter().filter(claimed) {
            found.missing += 1;
            found.stamps.insert(stamp);
        }
        Ok(())
    }

    fn newest(&self) -> Scan {
        self.vault
            .scan(&self.segments, END_OF_TIME, Fields::Named(&[]), Filter::All)
    }

    /// The stamp of a stored version. Without a cursor field it is that of its reading, which says nothing.
    fn held_stamp(&self, stamp: Stamp) -> Stamp {
        if !Protection::Digest.is_on() {
            return END_OF_TIME; // whichever version is held passes for the newest
        }
        if self.schema.cursor_field.is_some() {
            stamp
        } else {
            NO_STAMP
        }
    }

    /// Asks for each record that was not listed: a list that lost some must not bury them.
    async fn not_findable(
        &self,
        client: &Client,
        gone: &[SalesforceId],
    ) -> Result<BTreeSet<SalesforceId>, Failure> {
        let columns: Columns = ["Id".to_owned()].into_iter().collect();
        let mut left: BTreeSet<_> = gone.iter().copied().collect();
        for some in gone.chunks(IDS_PER_CALL) {
            let soql = soql::ids_among(&self.schema.name, some);
            let mut pages = client.query_all(&soql, &columns);
            while let Some(batch) = pages.next_page().await? {
                for row in batch.rows() {
                    let id = row.value(0).unwrap_or_default();
                    left.remove(&SalesforceId::parse(id.as_bytes())?);
                }
            }
        }
        Ok(left)
    }

    /// Seals tombstones. Order of durability: the segment, then the catalog.
    async fn stage(
        &mut self,
        client: &Client,
        gone: BTreeSet<SalesforceId>,
    ) -> Result<(), Failure> {
        if gone.is_empty() {
            return Ok(());
        }
        let learned = client.server_time().unwrap_or_else(now);
        let captured = now();
        let mut buffer = SegmentBuffer::new(&self.schema, &self.item.block().job, captured)?;
        for id in &gone {
            buffer.push_gone(*id, learned, GoneBy::Sweep)?;
        }
        let tombstone = Standing {
            live: false,
            stamp: learned,
            captured,
        };
        let ids: Arc<[SalesforceId]> = gone.iter().copied().collect();
        let held = self.vault.held(&ids, &self.segments).await?;
        let held = held.into_iter().map(|held| Some(held?.standing));
        let changes = held.filter_map(|held| Change::between(held, tombstone));
        let sorted = buffer.sorted();
        let keys = Arc::clone(self.vault.keys());
        let sealed = tokio::task::spawn_blocking(move || sorted.seal(&keys))
            .await
            .map_err(|_| Failure::new(ErrorCode::Internal, "sealing a segment panicked"))??;
        let progress = &mut self.item.progress;
        progress.deleted += gone.len() as u64;
        changes.for_each(|change| progress.changes.note(change));
        progress
            .segments
            .push(self.vault.put_segment(sealed).await?);
        Ok(())
    }

    /// Takes the windows of what is missing out of the object's cursor, so that the next plan reads them, and makes the
    /// job partial.
    async fn read_again(&self, found: &Found) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (found.stamps.first(), found.stamps.last()) else {
            return Ok(());
        };
        let line = self.item.block();
        self.catalog
            .uncover(&line.org, &line.object, &windows(&found.stamps))
            .await?;
        let unread = Block {
            block: Block::SWEEP_LOSS,
            part: 0,
            window: Window {
                from: Some(*first),
                until: after(*last),
            },
            ..line.clone()
        };
        let failure = Failure::new(
            ErrorCode::CountMismatch,
            format!(
                "`{}` records that salesforce lists are not in the vault and are read again",
                found.missing
            ),
        );
        self.catalog.fail_block(&unread, &failure).await?;
        Ok(())
    }
}

/// The next whole second.
const fn after(stamp: Stamp) -> Stamp {
    Stamp::from_millis(stamp.whole_second().millis() + 1_000)
}

/// Windows that hold all stamps: one for each second, or fewer and longer ones when there are too many.
fn windows(stamps: &BTreeSet<Stamp>) -> Vec<Window> {
    let mut apart_millis = 1_000;
    loop {
        let mut windows: Vec<Window> = Vec::new();
        for stamp in stamps {
            match windows.last_mut() {
                Some(last) if stamp.millis() - last.until.millis() < apart_millis => {
                    last.until = last.until.max(after(*stamp));
                }
                _ => windows.push(Window {
                    from: Some(stamp.whole_second()),
                    until: after(*stamp),
                }),
            }
        }
        if windows.len() <= WINDOWS_MAX {
            return windows;
        }
        apart_millis *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_windows_hold_all_that_is_missing() {
        let seconds = |seconds: i64| Stamp::from_millis(seconds * 1_000);
        let near = BTreeSet::from([seconds(10), seconds(11), seconds(500)]);
        let spans: Vec<_> = windows(&near)
            .iter()
            .map(|window| (window.from, window.until))
            .collect();
        assert_eq!(
            spans,
            [
                (Some(seconds(10)), seconds(12)),
                (Some(seconds(500)), seconds(501))
            ]
        );
        let many: BTreeSet<_> = (0..5_000).map(|number| seconds(number * 77)).collect();
        let windows = windows(&many);
        assert!(windows.len() <= WINDOWS_MAX);
        for stamp in many {
            assert!(windows.iter().any(|window| window.contains(stamp)));
        }
    }
}
