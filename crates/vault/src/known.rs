//! Leaving out what the vault already holds.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array as _, RecordBatch};
use holdfast_model::{Failure, SegmentEntry, Stamp};

use crate::bucket::Ranges;
use crate::error::Refusal;
use crate::filter::IdFilter;
use crate::keys::KeyRing;
use crate::scan::Scan;
use crate::segment::column::{HASH, ID, MODSTAMP};
use crate::segment::{Columns, Row, Segment, SortedRows};

/// Drops the rows whose version (Id, stamp, hash) one of the segments holds, and says how many.
pub(crate) async fn drop_known(
    ranges: &Arc<dyn Ranges>,
    keys: &KeyRing,
    sorted: &mut SortedRows,
    entries: &[SegmentEntry],
) -> Result<u64, Failure> {
    let before = sorted.rows();
    for entry in entries {
        let (Some(ids), Some(stamps)) = (sorted.ids(), sorted.stamps()) else {
            break;
        };
        let overlap = entry.ids.0 <= ids.1
            && ids.0 <= entry.ids.1
            && entry.stamps.0 <= stamps.1
            && stamps.0 <= entry.stamps.1;
        if overlap {
            let segment = Segment::open(Arc::clone(ranges), keys, entry).await?;
            let mut rows = segment.rows(
                Columns::Named(&[ID, MODSTAMP, HASH]),
                &IdFilter::Between(ids.0, ids.1),
            )?;
            let mut known = vec![false; sorted.rows()];
            let mut from = 0;
            while let Some(batch) = rows.next().await? {
                from = flag(&batch, sorted, from, &mut known)
                    .map_err(|refusal| refusal.at(&entry.path))?;
            }
            sorted.drop_flagged(&known);
        }
    }
    Ok((before - sorted.rows()) as u64)
}

/// Drops the rows whose record has the same row hash in its newest version, and says how many.
pub(crate) async fn drop_unchanged(
    mut newest: Scan,
    sorted: &mut SortedRows,
) -> Result<u64, Failure> {
    let before = sorted.rows();
    let mut known = vec![false; before];
    let mut from = 0;
    while let Some(held) = newest.next().await? {
        from += sorted.from(from).partition_point(|row| row.id < held.id());
        let Some(row) = sorted.from(from).first() else {
            break;
        };
        if row.id == held.id()
            && row.hash == held.hash()
            && let Some(flag) = known.get_mut(from)
        {
            *flag = true;
        }
    }
    sorted.drop_flagged(&known);
    Ok((before - sorted.rows()) as u64)
}

/// Flags the rows, from `from` on, that are in the batch; both are sorted alike. Gives where the next batch starts.
fn flag(
    batch: &RecordBatch,
    sorted: &SortedRows,
    mut from: usize,
    known: &mut [bool],
) -> Result<usize, Refusal> {
    let column = |name| {
        batch
            .column_by_name(name)
            .filter(|column| column.null_count() == 0)
            .ok_or(Refusal::Broken)
    };
    let ids = column(ID)?.as_string_opt::<i32>().ok_or(Refusal::Broken)?;
    let stamps = column(MODSTAMP)?
        .as_primitive_opt::<TimestampMillisecondType>()
        .ok_or(Refusal::Broken)?;
    let hashes = column(HASH)?
        .as_fixed_size_binary_opt()
        .ok_or(Refusal::Broken)?;
    for held in 0..batch.num_rows() {
        let held = (
            ids.value(held).as_bytes(),
            Stamp::from_millis(stamps.value(held)),
            hashes.value(held),
        );
        let order = |row: &Row| {
            (row.id.as_bytes().as_slice(), held.1, row.hash.as_slice())
                .cmp(&(held.0, row.stamp, held.2))
        };
        let rest = sorted.from(from);
        // Most often the next row or one of the next few; a long jump is found by halving.
        let skipped = match rest.first().map(order) {
            None => break,
            Some(std::cmp::Ordering::Less) => rest.partition_point(|row| order(row).is_lt()),
            Some(_) => 0,
        };
        from += skipped;
        if rest.get(skipped).is_some_and(|row| order(row).is_eq())
            && let Some(flag) = known.get_mut(from)
        {
            *flag = true;
        }
    }
    Ok(from)
}
