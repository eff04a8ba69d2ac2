//! What the versions of a block make of those that were held before: counted when all of them are sealed, right before
//! the commit, so that a repeat or a page that was rolled back leaves no trace.

use std::sync::Arc;

use holdfast_catalog::{Catalog, Progress};
use holdfast_model::{
    Authors, Block, Change, Changes, Failure, Lane, SalesforceId, SegmentEntry, Stamp,
};
use holdfast_vault::{Fields, Filter, Vault};

/// Versions that are held against the vault at a time, about 30 MB. More looks at fewer of them would open the same segments
/// again and again.
const ROWS_AT_ONCE: u64 = 250_000;
/// Segments that are merged at a time.
const SEGMENTS_AT_ONCE: usize = 16;
/// Later than any stamp.
const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);
/// Who changed a record last, also when it was deleted or undeleted.
const AUTHOR: &str = "LastModifiedById";

/// What the staged segments change, and who did. A record counts once, by its newest version.
pub(crate) async fn of_block(
    catalog: &Catalog,
    vault: &Vault,
    block: &Block,
    progress: &Progress,
) -> Result<(Changes, Authors), Failure> {
    let (mut changes, mut authors) = <(Changes, Authors)>::default();
    if progress.segments.is_empty() {
        return Ok((changes, authors));
    }
    let Block {
        org, object, job, ..
    } = block;
    let mut held = match block.lane {
        // Salesforce shows one version of a record, so that no other window of the same plan has one of these.
        Lane::Backfill if !progress.way.unfiltered => {
            catalog.segments_of_others(org, object, job).await?
        }
        _ => catalog.segments(org, object).await?,
    };
    if held.is_empty() {
        let rows: u64 = progress.segments.iter().map(|segment| segment.rows).sum();
        changes.added = rows.saturating_sub(progress.deleted);
        return Ok((changes, authors));
    }
    for some in portions(&progress.segments) {
        let mut newest = vault.scan(some, END_OF_TIME, Fields::Named(&[AUTHOR]), Filter::All);
        let (mut ids, mut rows) = (Vec::new(), Vec::new());
        while let Some(row) = newest.next().await? {
            ids.push(row.id());
            let author = row.field(AUTHOR).map(str::as_bytes);
            let author = author.and_then(|author| SalesforceId::parse(author).ok());
            rows.push((row.standing(), author));
        }
        let ids: Arc<[SalesforceId]> = ids.into();
        let before = vault.held(&ids, &held).await?;
        for (before, (new, author)) in before.iter().zip(rows) {
            let before = before.map(|held| held.standing);
            let Some(change) = Change::between(before, new) else {
                continue;
            };
            changes.note(change);
            if let Some(author) = author.filter(|_| change.has_author()) {
                authors.note(author);
            }
        }
        held.extend_from_slice(some);
    }
    Ok((changes, authors))
}

/// Cuts a list of segments, so that each piece has few enough and not too many rows, or is one segment.
fn portions(segments: &[SegmentEntry]) -> impl Iterator<Item = &[SegmentEntry]> {
    let mut rest = segments;
    std::iter::from_fn(move || {
        let mut rows = 0;
        let fitting = rest.iter().take(SEGMENTS_AT_ONCE).take_while(|segment| {
            rows += segment.rows;
            rows <= ROWS_AT_ONCE
        });
        let count = fitting.count().max(1).min(rest.len());
        let (some, others) = rest.split_at_checked(count)?;
        rest = others;
        Some(some).filter(|some| !some.is_empty())
    })
}
