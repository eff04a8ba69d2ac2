//! Looking up some records in all segments: how the newest version of each stands.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int8Type, TimestampMillisecondType};
use arrow_array::{Array as _, RecordBatch};
use futures_util::future::try_join_all;
use holdfast_model::{Failure, SalesforceId, SegmentEntry, Stamp, Standing};

use crate::bucket::Ranges;
use crate::error::Refusal;
use crate::filter::IdFilter;
use crate::keys::KeyRing;
use crate::segment::column::{CAPTURED, DELETED, ID, MODSTAMP};
use crate::segment::{Columns, Segment};

/// Segments that are read at the same time: reading one is mostly waiting.
const AT_ONCE: usize = 8;

/// The newest version that is held of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// How it stands.
    pub standing: Standing,
    /// The place of its segment among those that were looked in.
    pub segment: usize,
}

/// Per Id, in their order, the newest version in the segments. The Ids ascend.
///
/// Four columns of the row groups that may hold one of the Ids are read. Segments with later stamps come first, so that
/// those are left out which can only hold older versions than were found.
pub(crate) async fn held(
    ranges: &Arc<dyn Ranges>,
    keys: &KeyRing,
    ids: &Arc<[SalesforceId]>,
    entries: &[SegmentEntry],
) -> Result<Vec<Option<Held>>, Failure> {
    let mut newest: Vec<Option<Held>> = vec![None; ids.len()];
    let mut order: Vec<_> = entries.iter().enumerate().collect();
    order.sort_by_key(|(_, entry)| Reverse(entry.stamps.1));
    let mut order = order.into_iter();
    loop {
        let may_tell = |entry: &SegmentEntry| {
            let from = ids.partition_point(|id| *id < entry.ids.0);
            let until = ids.partition_point(|id| *id <= entry.ids.1);
            let mut found = newest.get(from..until).into_iter().flatten();
            found.any(|held| held.is_none_or(|held| held.standing.stamp <= entry.stamps.1))
        };
        let next = order.by_ref().filter(|(_, entry)| may_tell(entry));
        let some: Vec<_> = next.take(AT_ONCE).collect();
        if some.is_empty() {
            return Ok(newest);
        }
        let reading = some.into_iter().map(|(segment, entry)| async move {
            let versions = look(ranges, keys, ids, entry).await?;
            Ok::<_, Failure>((segment, versions))
        });
        for (segment, versions) in try_join_all(reading).await? {
            for (at, standing) in versions {
                if let Some(place) = newest.get_mut(at) {
                    // Names of segments ascend with time, so the later one is the newer among equals.
                    let order = |standing: &Standing, segment: usize| {
                        let path = entries.get(segment).map(|entry| &entry.path);
                        (standing.stamp, standing.captured, path)
                    };
                    let is_older = |held: Held| {
                        order(&held.standing, held.segment) < order(&standing, segment)
                    };
                    if place.is_none_or(is_older) {
                        *place = Some(Held { standing, segment });
                    }
                }
            }
        }
    }
}

/// The newest version in one segment of each of the Ids that it has, with the place of the Id.
async fn look(
    ranges: &Arc<dyn Ranges>,
    keys: &KeyRing,
    ids: &Arc<[SalesforceId]>,
    entry: &SegmentEntry,
) -> Result<Vec<(usize, Standing)>, Failure> {
    let segment = Segment::open(Arc::clone(ranges), keys, entry).await?;
    let columns = Columns::Named(&[ID, MODSTAMP, DELETED, CAPTURED]);
    let mut rows = segment.rows(columns, &IdFilter::Among(Arc::clone(ids)))?;
    let mut versions = Vec::new();
    while let Some(batch) = rows.next().await? {
        add(&batch, ids, &mut versions).map_err(|refusal| refusal.at(&entry.path))?;
    }
    Ok(versions)
}

fn add(
    batch: &RecordBatch,
    ids: &[SalesforceId],
    versions: &mut Vec<(usize, Standing)>,
) -> Result<(), Refusal> {
    let column = |name| {
        let column = batch.column_by_name(name);
        column
            .filter(|column| column.null_count() == 0)
            .ok_or(Refusal::Broken)
    };
    let stamps = |name| {
        column(name)?
            .as_primitive_opt::<TimestampMillisecondType>()
            .ok_or(Refusal::Broken)
    };
    let (modstamp, captured) = (stamps(MODSTAMP)?, stamps(CAPTURED)?);
    let deleted = column(DELETED)?;
    let deleted = deleted
        .as_primitive_opt::<Int8Type>()
        .ok_or(Refusal::Broken)?;
    let texts = column(ID)?.as_string_opt::<i32>().ok_or(Refusal::Broken)?;
    let mut from = versions.last().map_or(0, |(at, _)| *at);
    for row in 0..batch.num_rows() {
        let id = texts.value(row).as_bytes();
        // Both ascend: most often it is the next one or one of the next few.
        let rest = ids.get(from..).unwrap_or_default();
        if rest
            .first()
            .is_some_and(|next| next.as_bytes().as_slice() < id)
        {
            from += rest.partition_point(|next| next.as_bytes().as_slice() < id);
        }
        let is_it = ids.get(from).is_some_and(|next| next.as_bytes() == id);
        // Of one record the newest version comes first.
        if is_it && versions.last().is_none_or(|(last, _)| *last < from) {
            let standing = Standing {
                live: deleted.value(row) == 0,
                stamp: Stamp::from_millis(modstamp.value(row)),
                captured: Stamp::from_millis(captured.value(row)),
            };
            versions.push((from, standing));
        }
    }
    Ok(())
}
