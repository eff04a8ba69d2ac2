//! Some records are looked up in many segments: the same newest version is found that a scan shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use holdfast_model::{Failure, SalesforceId, Standing};
use proptest::prelude::*;

use super::{Memory, TextRow, id, ring, sorted, stamp, text_schema, wait};
use crate::bucket::{Part, Ranges, Span};
use crate::held::held;
use crate::{Fields, Filter, Scan};

fn rows() -> impl Strategy<Value = Vec<TextRow>> {
    let row = (0..30_u32, 0..4_u32, any::<bool>(), prop::option::of("[ab]"));
    let row = row.prop_map(|(id, stamp, deleted, text)| TextRow {
        id,
        stamp,
        deleted,
        texts: vec![text],
    });
    prop::collection::vec(row, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_newest_version_is_the_one_that_a_scan_shows(
        segments in prop::collection::vec((rows(), 0..3_u32), 0..12),
        wanted in prop::collection::btree_set(0..40_u32, 0..20),
    ) {
        let schema = text_schema(&["A__c"]);
        let mut memory = Memory::default();
        let entries: Vec<_> = segments
            .iter()
            .map(|(rows, captured)| memory.put(sorted(&schema, rows, *captured).seal(&ring()).unwrap()))
            .collect();
        let ids: Arc<[SalesforceId]> = wanted.into_iter().map(id).collect();
        let found = wait(held(&memory.ranges(), &ring(), &ids, &entries)).unwrap();

        let everything = Filter::Ids(ids.iter().copied().collect());
        let fields = Fields::Named(&[]);
        let mut scan = Scan::new(memory.ranges(), ring(), &entries, stamp(1_000), fields, everything);
        let mut shown = Vec::new();
        while let Some(row) = wait(scan.next()).unwrap() {
            shown.push((row.id(), row.standing(), row.job().to_owned()));
        }
        let found: Vec<_> = ids
            .iter()
            .zip(found)
            .filter_map(|(id, held)| held.map(|held| (*id, held)))
            .map(|(id, held)| (id, held.standing, format!("job-{}", segments[held.segment].1)))
            .collect();
        prop_assert_eq!(found, shown);
    }
}

/// Counts what is read.
struct Counted(Memory, Arc<AtomicUsize>);

impl Ranges for Counted {
    fn read<'a>(&'a self, path: &'a str, span: Span) -> BoxFuture<'a, Result<Part, Failure>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(path, span)
    }
}

#[test]
fn segments_that_cannot_tell_anything_newer_are_not_read() {
    let schema = text_schema(&["A__c"]);
    let mut memory = Memory::default();
    let mut put = |ids: std::ops::Range<u32>, at: u32| {
        let row = |id| TextRow {
            id,
            stamp: at,
            deleted: at == 90,
            texts: vec![None],
        };
        let rows: Vec<_> = ids.map(row).collect();
        memory.put(sorted(&schema, &rows, at).seal(&ring()).unwrap())
    };
    // Nine old ones with the same records, one with others, and one with the newest versions.
    let mut entries: Vec<_> = (1..10).map(|at| put(0..50, at)).collect();
    entries.push(put(60..70, 95));
    entries.push(put(0..50, 90));
    let reads = Arc::new(AtomicUsize::new(0));
    let ranges: Arc<dyn Ranges> = Arc::new(Counted(memory, Arc::clone(&reads)));
    let ids: Arc<[SalesforceId]> = (10..20).map(id).collect();
    // The first look is at several at once; alone, one is enough.
    let newest = entries.split_off(10);
    let found = wait(held(&ranges, &ring(), &ids, &newest)).unwrap();
    let alone = reads.swap(0, Ordering::Relaxed);
    let gone = Standing {
        live: false,
        stamp: stamp(90),
        captured: stamp(90),
    };
    assert!(
        found
            .iter()
            .all(|held| held.is_some_and(|held| held.standing == gone))
    );
    entries.extend(newest);
    let among = wait(held(&ranges, &ring(), &ids, &entries)).unwrap();
    let all = reads.load(Ordering::Relaxed);
    assert!(all <= alone * 8, "{all} reads, {alone} for one segment");
    assert!(
        among
            .iter()
            .all(|held| held.is_some_and(|held| held.segment == 10))
    );
}
