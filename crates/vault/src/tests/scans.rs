//! A scan equals a naive reading of all versions.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{ErrorCode, SegmentEntry};
use proptest::prelude::*;

use super::{Memory, TextRow, id, ring, scan, sorted, stamp, text_schema};
use crate::{Fields, Filter, Presence};

/// Segments of few records and few stamps, so that they overlap and tie.
fn segments() -> impl Strategy<Value = Vec<Vec<TextRow>>> {
    let row = (
        0..12_u32,
        0..8_u32,
        any::<bool>(),
        prop::option::of("[a-c]"),
    );
    let row = row.prop_map(|(id, stamp, deleted, text)| TextRow {
        id,
        stamp,
        deleted,
        texts: vec![text],
    });
    prop::collection::vec(prop::collection::vec(row, 1..14), 1..7)
}

/// Later segments are captured later.
fn store(segments: &[Vec<TextRow>]) -> (Memory, Vec<SegmentEntry>) {
    let mut memory = Memory::default();
    let schema = text_schema(&["A__c"]);
    let entries = segments
        .iter()
        .zip(100..)
        .map(|(rows, captured)| memory.put(sorted(&schema, rows, captured).seal(&ring()).unwrap()))
        .collect();
    (memory, entries)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_scan_yields_the_newest_version_at_the_time(segments in segments(), at in 0..9_u32, pick in 0..3_usize) {
        let (memory, entries) = store(&segments);
        let chosen: BTreeSet<_> = [id(1), id(5), id(6), id(400)].into();
        let filter = [Filter::All, Filter::Live, Filter::Ids(chosen.clone())][pick].clone();
        let versions = scan(&memory, &entries, stamp(at), Fields::All, filter).unwrap();

        // Per record the greatest (stamp, time of reading); the states in the last segment that has it.
        let mut newest: BTreeMap<u32, (u32, usize)> = BTreeMap::new();
        for (number, rows) in segments.iter().enumerate() {
            for row in rows.iter().filter(|row| row.stamp <= at) {
                let place = newest.entry(row.id).or_insert((row.stamp, number));
                *place = (*place).max((row.stamp, number));
            }
        }
        let mut expected = Vec::new();
        for (number, (time, segment)) in newest {
            let states: Vec<_> = segments[segment].iter().filter(|row| (row.id, row.stamp) == (number, time)).collect();
            expected.push((id(number), stamp(time), states));
        }
        match pick {
            // Which of several states with one stamp in one segment is the newest cannot be known; it must be one of them.
            1 => expected.retain(|(id, _, states)| {
                let seen = versions.iter().any(|version| version.id == *id);
                if states.iter().all(|row| row.deleted) { assert!(!seen); }
                if states.iter().all(|row| !row.deleted) { assert!(seen); }
                seen
            }),
            2 => expected.retain(|(id, _, _)| chosen.contains(id)),
            _ => {}
        }
        prop_assert_eq!(versions.len(), expected.len());
        for (version, (id, time, states)) in versions.iter().zip(&expected) {
            prop_assert_eq!((version.id, version.modstamp), (*id, *time));
            let live = version.presence == Presence::Live;
            let found = states.iter().any(|row| version.fields["A__c"] == row.texts[0] && live != row.deleted);
            prop_assert!(found);
        }
    }

    #[test]
    fn the_history_of_a_record_is_complete_and_newest_first(segments in segments(), number in 0..12_u32) {
        let (memory, entries) = store(&segments);
        let ids = crate::filter::IdFilter::Among([id(number)].into());
        let merge = crate::scan::Merge::new(memory.ranges(), ring(), entries.iter(), Fields::All, ids);
        let versions = super::wait(merge.versions()).unwrap();
        let state = |row: &TextRow| (stamp(row.stamp), row.deleted, row.texts[0].clone());
        let expected: BTreeSet<_> = segments.iter().flatten().filter(|row| row.id == number).map(state).collect();
        let found: Vec<_> = versions
            .iter()
            .map(|version| (version.modstamp, version.presence != Presence::Live, version.fields["A__c"].clone()))
            .collect();
        prop_assert_eq!(found.len(), expected.len());
        prop_assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), expected);
        prop_assert!(versions.is_sorted_by(|a, b| a.modstamp >= b.modstamp));
    }
}

#[test]
fn a_field_that_an_older_segment_does_not_have_is_null() {
    let mut memory = Memory::default();
    let row = |id, text: &str| TextRow {
        id,
        stamp: 1,
        deleted: false,
        texts: vec![Some(text.into())],
    };
    let old = memory.put(
        sorted(&text_schema(&["Old__c"]), &[row(1, "o")], 1)
            .seal(&ring())
            .unwrap(),
    );
    let new = memory.put(
        sorted(&text_schema(&["New__c"]), &[row(2, "n")], 2)
            .seal(&ring())
            .unwrap(),
    );
    let mut scan = crate::Scan::new(
        memory.ranges(),
        ring(),
        &[old, new],
        stamp(9),
        Fields::Named(&["New__c", "Old__c"]),
        Filter::All,
    );
    super::wait(async {
        let first = scan.next().await.unwrap().unwrap();
        assert_eq!(
            (first.field("New__c"), first.field("Old__c")),
            (None, Some("o"))
        );
        let second = scan.next().await.unwrap().unwrap();
        assert_eq!(
            (second.field("New__c"), second.field("Old__c")),
            (Some("n"), None)
        );
        assert!(scan.next().await.unwrap().is_none());
    });
}

#[test]
fn segments_that_the_merge_has_not_reached_are_not_opened() {
    let segments: Vec<_> = (0..3_u32)
        .map(|number| {
            vec![TextRow {
                id: number * 10,
                stamp: 1,
                deleted: false,
                texts: vec![None],
            }]
        })
        .collect();
    let (mut memory, entries) = store(&segments);
    memory.0.remove(&entries[2].path);
    let mut scan = crate::Scan::new(
        memory.ranges(),
        ring(),
        &entries,
        stamp(9),
        Fields::All,
        Filter::All,
    );
    super::wait(async {
        assert_eq!(scan.next().await.unwrap().unwrap().id(), id(0));
        // Knowing that record 10 has no newer version needs the segment that starts at 20.
        assert_eq!(
            scan.next().await.unwrap_err().code,
            ErrorCode::VaultObjectMissing
        );
    });
    // A segment that cannot hold the record is not touched.
    let versions = super::scan(
        &memory,
        &entries,
        stamp(9),
        Fields::All,
        Filter::Ids([id(10)].into()),
    )
    .unwrap();
    assert_eq!(versions.len(), 1);
}
