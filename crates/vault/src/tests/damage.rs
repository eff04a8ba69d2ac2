//! Flipped, shortened, swapped and invented segments are refused, each with its own error, and nothing panics.

use bytes::Bytes;
use holdfast_model::{ErrorCode, Failure, OrgName, SegmentEntry};
use proptest::prelude::*;

use super::{Memory, TextRow, ring, scan, sorted, stamp, text_schema};
use crate::segment::{FORMAT, Segment, label};
use crate::{Fields, Filter, KeyRing, Version};

/// Six of every segment, two of its schema and the two texts.
const COLUMNS: usize = 10;

fn rows(count: u32) -> Vec<TextRow> {
    (0..count)
        .map(|id| TextRow {
            id,
            stamp: 1,
            deleted: false,
            texts: vec![Some(format!("text of {id}")), None],
        })
        .collect()
}

fn sealed(count: u32) -> (Memory, SegmentEntry) {
    let mut memory = Memory::default();
    let entry = memory.put(
        sorted(&text_schema(&["A__c", "B__c"]), &rows(count), 1)
            .seal(&ring())
            .unwrap(),
    );
    (memory, entry)
}

fn read(memory: &Memory, entry: &SegmentEntry) -> Result<Vec<Version>, Failure> {
    scan(
        memory,
        std::slice::from_ref(entry),
        stamp(9),
        Fields::All,
        Filter::All,
    )
}

fn with_bytes(entry: &SegmentEntry, bytes: impl Into<Bytes>) -> Memory {
    Memory([(entry.path.clone(), bytes.into())].into())
}

#[test]
fn no_flipped_byte_is_ever_read() {
    let (memory, entry) = sealed(40);
    let original = &memory.0[&entry.path];
    let versions = read(&memory, &entry).unwrap();
    let mut refused = 0;
    for at in 0..original.len() {
        let mut bytes = original.to_vec();
        bytes[at] ^= 1 << (at % 8);
        match read(&with_bytes(&entry, bytes), &entry) {
            Err(failure) => {
                assert_eq!(failure.code, ErrorCode::SealBroken, "byte {at}");
                refused += 1;
            }
            // The leading magic and the length in front of a module, which the footer knows as well.
            Ok(read) => assert_eq!(read, versions, "byte {at}"),
        }
    }
    let modules = 4 * COLUMNS + 2;
    assert!(
        refused >= original.len() - 4 - 5 * modules,
        "{refused} of {}",
        original.len()
    );
}

#[test]
fn every_shorter_file_is_truncated() {
    let (memory, entry) = sealed(40);
    let original = &memory.0[&entry.path];
    for length in 0..original.len() {
        let failure = read(&with_bytes(&entry, original.slice(..length)), &entry).unwrap_err();
        assert_eq!(failure.code, ErrorCode::SealTruncated, "{length} bytes");
    }
}

#[test]
fn a_longer_file_is_broken() {
    let (memory, entry) = sealed(40);
    let longer = [&memory.0[&entry.path][..], b"more"].concat();
    assert_eq!(
        read(&with_bytes(&entry, longer), &entry).unwrap_err().code,
        ErrorCode::SealBroken
    );
}

#[test]
fn a_segment_in_the_place_of_another_is_swapped_whatever_its_length() {
    let (_, entry) = sealed(40);
    for count in [1, 40, 400] {
        let (other, other_entry) = sealed(count);
        let swapped = with_bytes(&entry, other.0[&other_entry.path].clone());
        let failure = read(&swapped, &entry).unwrap_err();
        assert_eq!(failure.code, ErrorCode::SealSwapped, "{count} rows");
    }
}

#[test]
fn an_entry_that_points_to_another_segment_does_not_fit_its_key() {
    let (_, mut entry) = sealed(40);
    let (other, other_entry) = sealed(40);
    entry.path.clone_from(&other_entry.path);
    assert_eq!(
        read(&other, &entry).unwrap_err().code,
        ErrorCode::KeyMismatch
    );
}

#[test]
fn the_key_of_another_org_opens_nothing() {
    let (memory, entry) = sealed(40);
    let stranger = KeyRing::derive(&OrgName::parse("acme").unwrap(), &[43; 32]).unwrap();
    let refused = super::wait(Segment::open(memory.ranges(), &stranger, &entry))
        .err()
        .unwrap();
    assert_eq!(refused.code, ErrorCode::KeyMismatch);
}

#[test]
fn an_entry_with_another_count_or_schema_is_refused() {
    let (memory, entry) = sealed(40);
    let more = SegmentEntry {
        rows: 41,
        ..entry.clone()
    };
    assert_eq!(
        read(&memory, &more).unwrap_err().code,
        ErrorCode::SealBroken
    );
    let other = SegmentEntry {
        schema: "0".repeat(64),
        ..entry
    };
    assert_eq!(
        read(&memory, &other).unwrap_err().code,
        ErrorCode::SealBroken
    );
}

#[test]
fn a_missing_segment_says_so() {
    let (_, entry) = sealed(40);
    assert_eq!(
        read(&Memory::default(), &entry).unwrap_err().code,
        ErrorCode::VaultObjectMissing
    );
}

#[test]
fn a_failure_names_the_object_and_nothing_of_its_content() {
    let (memory, entry) = sealed(40);
    let mut bytes = memory.0[&entry.path].to_vec();
    bytes[200] ^= 1;
    let failure = read(&with_bytes(&entry, bytes), &entry).unwrap_err();
    assert_eq!(
        failure.message,
        format!("sealed object was changed, `{}`", entry.path)
    );
}

#[test]
fn a_version_that_is_not_known_stops_the_reader() {
    let (memory, entry) = sealed(40);
    let mut bytes = memory.0[&entry.path].to_vec();
    let (old, new) = (label(FORMAT, &entry.path), label("2", &entry.path));
    let at = bytes
        .windows(old.len())
        .position(|window| window == old.as_bytes())
        .unwrap();
    bytes[at..at + old.len()].copy_from_slice(new.as_bytes());
    assert_eq!(
        read(&with_bytes(&entry, bytes), &entry).unwrap_err().code,
        ErrorCode::VersionUnknown
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_are_refused_and_do_not_panic(bytes: Vec<u8>, end in prop::option::of(0..4_000_u32)) {
        let (_, entry) = sealed(3);
        let mut bytes = bytes;
        if let Some(length) = end {
            bytes.extend(length.to_le_bytes());
            bytes.extend(b"PARE");
        }
        let claimed = SegmentEntry { bytes: bytes.len() as u64, ..entry };
        prop_assert!(read(&with_bytes(&claimed, bytes), &claimed).is_err());
    }

    #[test]
    fn mutated_segments_are_refused_or_read_the_same(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (memory, entry) = sealed(20);
        let versions = read(&memory, &entry).unwrap();
        let mut bytes = memory.0[&entry.path].to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = read(&with_bytes(&entry, bytes), &entry) {
            prop_assert_eq!(read, versions);
        }
    }
}
