//! Documents, manifests and the sealed stream under them.

use holdfast_model::{ErrorCode, JobId, OrgName, Stamp};
use proptest::prelude::*;

use super::ring;
use crate::KeyRing;
use crate::document::{open, seal};
use crate::envelope::{CHUNK_BYTES, HEADER_BYTES};
use crate::manifest::{Addition, Manifest, ManifestEntry};

const PATH: &str = "acme/manifests/0000000001.sealed";

fn addition(job: &str) -> Addition {
    Addition {
        job: JobId::parse(job).unwrap(),
        created: Stamp::from_millis(0),
        objects: Vec::new(),
        blobs: Vec::new(),
        signals: Vec::new(),
    }
}

fn first() -> Manifest {
    Manifest::after(None, &OrgName::parse("acme").unwrap(), addition("a"))
}

/// Text that zstd cannot shrink below a few chunks.
fn long() -> Vec<u8> {
    let mut state = 1_u32;
    (0..3 * CHUNK_BYTES)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

#[test]
fn every_flipped_byte_of_a_document_is_broken() {
    let sealed = seal(&ring(), PATH, b"{\"some\":\"json\"}").unwrap();
    for at in 0..sealed.len() {
        let mut bytes = sealed.to_vec();
        bytes[at] ^= 1 << (at % 8);
        assert_eq!(
            open(&ring(), PATH, &bytes).unwrap_err().code,
            ErrorCode::SealBroken,
            "byte {at}"
        );
    }
}

#[test]
fn every_shorter_document_is_truncated_also_at_the_end_of_a_chunk() {
    let json = long();
    let sealed = seal(&ring(), PATH, &json).unwrap();
    assert_eq!(open(&ring(), PATH, &sealed).unwrap(), json);
    let chunk = CHUNK_BYTES + 16;
    let ends = (0..HEADER_BYTES + 40).chain([
        HEADER_BYTES + chunk,
        HEADER_BYTES + 2 * chunk,
        sealed.len() - 1,
    ]);
    for length in ends {
        assert_eq!(
            open(&ring(), PATH, &sealed[..length]).unwrap_err().code,
            ErrorCode::SealTruncated,
            "{length}"
        );
    }
    let longer = [&sealed[..], b"\0"].concat();
    assert_eq!(
        open(&ring(), PATH, &longer).unwrap_err().code,
        ErrorCode::SealBroken
    );
}

#[test]
fn chunks_cannot_change_places() {
    let sealed = seal(&ring(), PATH, &long()).unwrap().to_vec();
    let (head, chunks) = sealed.split_at(HEADER_BYTES);
    let (first, rest) = chunks.split_at(CHUNK_BYTES + 16);
    let (second, rest) = rest.split_at(CHUNK_BYTES + 16);
    let exchanged = [head, second, first, rest].concat();
    assert_eq!(
        open(&ring(), PATH, &exchanged).unwrap_err().code,
        ErrorCode::SealBroken
    );
}

#[test]
fn a_document_of_another_path_is_swapped_and_one_of_another_key_does_not_fit() {
    let sealed = seal(&ring(), "acme/manifests/0000000002.sealed", b"{}").unwrap();
    assert_eq!(
        open(&ring(), PATH, &sealed).unwrap_err().code,
        ErrorCode::SealSwapped
    );
    let stranger = KeyRing::derive(&OrgName::parse("acme").unwrap(), &[7; 32]).unwrap();
    let sealed = seal(&stranger, PATH, b"{}").unwrap();
    assert_eq!(
        open(&ring(), PATH, &sealed).unwrap_err().code,
        ErrorCode::KeyMismatch
    );
}

#[test]
fn an_unknown_format_stops_the_reader() {
    use sha2::Digest as _;
    let mut sealed = seal(&ring(), PATH, b"{}").unwrap().to_vec();
    sealed[8] = 2;
    let checksum = sha2::Sha256::digest(&sealed[..HEADER_BYTES - 8]);
    sealed[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&checksum[..8]);
    assert_eq!(
        open(&ring(), PATH, &sealed).unwrap_err().code,
        ErrorCode::VersionUnknown
    );
}

#[test]
fn a_manifest_reads_back_and_continues_its_parent_only() {
    let manifest = first();
    let json = manifest.to_json(&ring()).unwrap();
    assert_eq!(Manifest::from_json(&json, &ring(), 1).unwrap(), manifest);
    assert!(manifest.check_parent(None).is_ok());

    let parent = ManifestEntry {
        path: PATH.into(),
        seq: 1,
        sha256: "aa".into(),
    };
    let second = Manifest::after(
        Some(&parent),
        &OrgName::parse("acme").unwrap(),
        addition("b"),
    );
    assert!(second.check_parent(Some(&parent)).is_ok());
    let replaced = ManifestEntry {
        sha256: "bb".into(),
        ..parent.clone()
    };
    let skipped = ManifestEntry { seq: 2, ..parent };
    for wrong in [None, Some(&replaced), Some(&skipped)] {
        assert_eq!(
            second.check_parent(wrong).unwrap_err().code,
            ErrorCode::ManifestDamaged
        );
    }
}

#[test]
fn an_older_manifest_or_one_that_was_edited_or_of_another_key_is_refused() {
    let json = first().to_json(&ring()).unwrap();
    let refuse =
        |json: &[u8], keys: &KeyRing, seq| Manifest::from_json(json, keys, seq).unwrap_err().code;
    assert_eq!(refuse(&json, &ring(), 2), ErrorCode::ManifestDamaged);
    let edited = String::from_utf8(json.clone())
        .unwrap()
        .replace("\"job\":\"a\"", "\"job\":\"b\"");
    assert_eq!(
        refuse(edited.as_bytes(), &ring(), 1),
        ErrorCode::ManifestDamaged
    );
    let stranger = KeyRing::derive(&OrgName::parse("acme").unwrap(), &[7; 32]).unwrap();
    assert_eq!(refuse(&json, &stranger, 1), ErrorCode::ManifestDamaged);
    let namesake = KeyRing::derive(&OrgName::parse("other").unwrap(), &[42; 32]).unwrap();
    assert_eq!(refuse(&json, &namesake, 1), ErrorCode::ManifestDamaged);
}

#[test]
fn a_manifest_of_a_newer_format_stops_the_reader() {
    let newer = Manifest {
        format: 2,
        ..first()
    };
    let json = newer.to_json(&ring()).unwrap();
    assert_eq!(
        Manifest::from_json(&json, &ring(), 1).unwrap_err().code,
        ErrorCode::VersionUnknown
    );
}

proptest! {
    #[test]
    fn any_content_reads_back(content in prop::collection::vec(any::<u8>(), 0..2_000), repeat in 1..200_usize) {
        let content = content.repeat(repeat);
        let sealed = seal(&ring(), PATH, &content).unwrap();
        prop_assert_eq!(open(&ring(), PATH, &sealed).unwrap(), content);
    }

    #[test]
    fn arbitrary_documents_are_refused(bytes: Vec<u8>, magic: bool) {
        let bytes = if magic { [b"HOLDFAST\x01\0\x02\x10".as_slice(), &bytes].concat() } else { bytes };
        prop_assert!(open(&ring(), PATH, &bytes).is_err());
    }

    #[test]
    fn mutated_documents_are_refused(at: prop::sample::Index, byte: u8) {
        let sealed = seal(&ring(), PATH, b"{}").unwrap();
        let mut bytes = sealed.to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(open(&ring(), PATH, &bytes).is_err());
    }

    #[test]
    fn arbitrary_json_is_no_manifest(text in ".*", body in "\\{.*\\}") {
        prop_assert!(Manifest::from_json(text.as_bytes(), &ring(), 1).is_err());
        let json = format!("{{\"body\":{body},\"mac\":\"00\"}}");
        prop_assert!(Manifest::from_json(json.as_bytes(), &ring(), 1).is_err());
    }
}
