//! What is sealed reads back to the byte.

use holdfast_model::{ErrorCode, IdDigest, JobId, Stamp};
use proptest::prelude::*;

use super::{Memory, TextRow, buffer, id, push, ring, scan, schema, sorted, stamp, text_schema};
use crate::segment::Segment;
use crate::{Fields, Filter, Presence, SegmentBuffer, Version};

const LATER: Stamp = Stamp::from_millis(i64::MAX);

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(String::new())),
        4 => ".{0,40}".prop_map(Some),
        2 => "[a-c]".prop_map(Some),
        2 => r#"[",\r\n\x00\t 😀äß€0-9]{0,12}"#.prop_map(Some),
        1 => Just(Some("123456789012345678".to_owned())),
        1 => (0..70_000_usize).prop_map(|length| Some("long ".repeat(length / 5))),
    ]
}

fn rows() -> impl Strategy<Value = Vec<TextRow>> {
    let row = (
        0..500_u32,
        0..50_u32,
        any::<bool>(),
        prop::collection::vec(text(), 3),
    );
    let row = row.prop_map(|(id, stamp, deleted, texts)| TextRow {
        id,
        stamp,
        deleted,
        texts,
    });
    prop::collection::vec(row, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_version_reads_back_as_it_was_pushed(rows in rows()) {
        let schema = text_schema(&["A__c", "B__c", "C__c"]);
        let sealed = sorted(&schema, &rows, 99).seal(&ring()).unwrap();
        let mut memory = Memory::default();
        let entry = memory.put(sealed);
        for row in &rows {
            let merge = crate::scan::Merge::new(
                memory.ranges(), ring(), [&entry].into_iter(), Fields::All,
                crate::filter::IdFilter::Among([id(row.id)].into()),
            );
            let versions: Vec<Version> = super::wait(merge.versions()).unwrap();
            let found = versions.iter().any(|version| {
                version.modstamp == stamp(row.stamp)
                    && version.presence == if row.deleted { Presence::InRecycleBin } else { Presence::Live }
                    && ["A__c", "B__c", "C__c"].iter().zip(&row.texts).all(|(name, text)| version.fields[*name] == *text)
                    && version.fields["Id"].as_deref() == Some(id(row.id).as_str())
                    && version.fields.len() == 6
                    && version.captured == stamp(99)
                    && version.job == "job-99"
            });
            prop_assert!(found, "{row:?}");
            prop_assert!(versions.is_sorted_by(|a, b| a.modstamp >= b.modstamp));
        }
    }

    #[test]
    fn a_truncated_buffer_is_as_if_the_rows_had_never_come(first in rows(), second in rows(), third in rows()) {
        let schema = text_schema(&["A__c", "B__c", "C__c"]);
        let mut rolled_back = buffer(&schema, &first, 1);
        let bytes = rolled_back.bytes();
        let mark = rolled_back.rows();
        for row in &second {
            push(&mut rolled_back, row);
        }
        rolled_back.truncate(mark);
        prop_assert_eq!(rolled_back.bytes(), bytes);
        for row in &third {
            push(&mut rolled_back, row);
        }
        let straight = buffer(&schema, &[first, third].concat(), 1).sorted();
        let rolled_back = rolled_back.sorted();
        prop_assert_eq!(&rolled_back.rows.iter().map(|row| row.hash).collect::<Vec<_>>(), &straight.rows.iter().map(|row| row.hash).collect::<Vec<_>>());
        for (a, b) in rolled_back.rows.iter().zip(&straight.rows) {
            prop_assert!(rolled_back.values(a).take(6).eq(straight.values(b).take(6)));
        }
    }

    #[test]
    fn an_entry_says_what_is_in_the_segment(rows in rows()) {
        let sorted = sorted(&text_schema(&["A__c", "B__c", "C__c"]), &rows, 7);
        let sealed = sorted.seal(&ring()).unwrap();
        let entry = sealed.entry();
        prop_assert_eq!(entry.bytes, sealed.bytes().len() as u64);
        prop_assert_eq!(entry.rows, sorted.rows() as u64);
        prop_assert_eq!(sorted.rows() + sorted.duplicates(), rows.len());
        prop_assert_eq!(entry.ids.0, id(rows.iter().map(|row| row.id).min().unwrap()));
        prop_assert_eq!(entry.ids.1, id(rows.iter().map(|row| row.id).max().unwrap()));
        prop_assert_eq!(entry.stamps.0, stamp(rows.iter().map(|row| row.stamp).min().unwrap()));
        prop_assert_eq!(entry.stamps.1, stamp(rows.iter().map(|row| row.stamp).max().unwrap()));
        let mut digest = IdDigest::default();
        sorted.rows.iter().for_each(|row| digest.add(&row.id));
        prop_assert_eq!(entry.digest, digest);
    }
}

#[test]
fn the_same_version_twice_is_stored_once() {
    let row = TextRow {
        id: 1,
        stamp: 1,
        deleted: false,
        texts: vec![Some("a".into())],
    };
    let newer = TextRow {
        stamp: 2,
        ..row.clone()
    };
    let changed = TextRow {
        texts: vec![Some("b".into())],
        ..row.clone()
    };
    let sorted = sorted(
        &text_schema(&["A__c"]),
        &[row.clone(), newer, row.clone(), changed, row],
        1,
    );
    assert_eq!((sorted.rows(), sorted.duplicates()), (3, 2));
}

#[test]
fn an_object_without_stamps_is_stamped_by_the_time_of_reading() {
    let mut schema = schema(&[("Id", "id"), ("Name", "string")]);
    schema.cursor_field = None;
    let job = JobId::parse("j").unwrap();
    let mut buffer = SegmentBuffer::new(&schema, &job, stamp(5)).unwrap();
    buffer
        .push(|column| [Some("001D000000K0fXO"), Some("n")][column])
        .unwrap();
    assert_eq!(buffer.sorted().stamps(), Some((stamp(5), stamp(5))));
}

#[test]
fn a_row_without_id_or_stamp_or_beyond_the_limits_leaves_the_buffer_as_it_was() {
    let schema = text_schema(&["A__c"]);
    let good = TextRow {
        id: 1,
        stamp: 1,
        deleted: false,
        texts: vec![Some("a".into())],
    };
    let mut buffer = buffer(&schema, &[good], 1);
    let bytes = buffer.bytes();
    let (key, time) = ("001D000000K0fXO", "2024-01-02T03:04:05.000Z");
    let huge = "x".repeat(holdfast_model::limits::FIELD_BYTES_MAX + 1);
    for (row, code) in [
        ([None, None, Some(time), None], ErrorCode::DamagedAnswer),
        (
            [Some("001"), None, Some(time), None],
            ErrorCode::DamagedAnswer,
        ),
        ([Some(key), None, None, None], ErrorCode::DamagedAnswer),
        (
            [Some(key), None, Some("yesterday"), None],
            ErrorCode::DamagedAnswer,
        ),
        (
            [Some(key), None, Some(time), Some(huge.as_str())],
            ErrorCode::SealTooLarge,
        ),
    ] {
        assert_eq!(buffer.push(|column| row[column]).unwrap_err().code, code);
        assert_eq!((buffer.rows(), buffer.bytes()), (1, bytes));
    }
}

#[test]
fn an_object_without_id_is_refused() {
    let schema = schema(&[("Name", "string")]);
    let refused = SegmentBuffer::new(&schema, &JobId::parse("j").unwrap(), stamp(0));
    assert_eq!(refused.unwrap_err().code, ErrorCode::ObjectUnsupported);
}

#[test]
fn many_rows_make_several_row_groups_that_read_as_one() {
    let schema = text_schema(&["A__c"]);
    let rows: Vec<_> = (0..30_000)
        .rev()
        .map(|id| TextRow {
            id,
            stamp: id % 7,
            deleted: false,
            texts: vec![Some(format!("{id:0>1000}"))],
        })
        .collect();
    let mut memory = Memory::default();
    let entry = memory.put(sorted(&schema, &rows, 1).seal(&ring()).unwrap());
    let segment = super::wait(Segment::open(memory.ranges(), &ring(), &entry)).unwrap();
    assert!(segment.row_group_count() >= 3);
    let versions = scan(
        &memory,
        &[entry],
        LATER,
        Fields::Named(&["A__c"]),
        Filter::All,
    )
    .unwrap();
    assert_eq!(versions.len(), rows.len());
    for (version, row) in versions.iter().zip(rows.iter().rev()) {
        assert_eq!(version.id, id(row.id));
        assert_eq!(version.fields["A__c"], row.texts[0]);
        assert_eq!(version.fields.len(), 1);
    }
}
