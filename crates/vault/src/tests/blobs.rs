//! Blobs and plans, as they stream out of the bucket.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::stream;
use holdfast_model::{ErrorCode, Failure, OrgName};
use proptest::prelude::*;

use super::{ring, wait};
use crate::KeyRing;
use crate::blob::{BlobBody, BlobEntry, BlobReader, SealedBlob};
use crate::bucket::ObjectStream;
use crate::envelope::{CHUNK_BYTES, HEADER_BYTES};
use crate::plan::PlanReader;

fn body(content: &[u8], piece: usize) -> BlobBody {
    let pieces: Vec<_> = content
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    wait(BlobBody::collect(&ring(), stream::iter(pieces), 1 << 20)).unwrap()
}

fn sealed(content: &[u8]) -> SealedBlob {
    body(content, 1000).seal(&ring()).unwrap()
}

fn object(path: &str, bytes: Bytes) -> ObjectStream {
    ObjectStream {
        path: path.to_owned(),
        total: bytes.len() as u64,
        body: ByteStream::from(bytes),
    }
}

fn read(keys: &KeyRing, entry: &BlobEntry, bytes: impl Into<Bytes>) -> Result<Vec<u8>, Failure> {
    wait(async {
        let mut reader = BlobReader::start(keys, entry, object(&entry.path, bytes.into())).await?;
        let mut content = Vec::new();
        while let Some(piece) = reader.next().await? {
            content.extend_from_slice(&piece);
        }
        Ok(content)
    })
}

#[test]
fn equal_bodies_have_equal_names_that_depend_on_the_org() {
    let name = |content: &[u8], piece| body(content, piece).name().to_owned();
    assert_eq!(name(b"the same body", 3), name(b"the same body", 100));
    assert_ne!(name(b"the same body", 3), name(b"another body", 3));
    let other = KeyRing::derive(&OrgName::parse("other").unwrap(), &[1; 32]).unwrap();
    let pieces = [Ok(Bytes::from_static(b"the same body"))];
    let elsewhere = wait(BlobBody::collect(&other, stream::iter(pieces), 100)).unwrap();
    assert_ne!(name(b"the same body", 3), elsewhere.name());
    assert_eq!(
        sealed(b"x").entry().path.split('/').nth(2),
        name(b"x", 1).get(..2)
    );
}

#[test]
fn a_body_beyond_the_maximum_is_refused() {
    let pieces = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1000])));
    let failure = wait(BlobBody::collect(&ring(), pieces, 10_000)).unwrap_err();
    assert_eq!(failure.code, ErrorCode::SealTooLarge);
}

#[test]
fn damaged_blobs_are_refused_each_with_its_own_error() {
    let content = vec![7; CHUNK_BYTES + 100];
    let blob = sealed(&content);
    let (entry, bytes) = (blob.entry(), blob.bytes());
    assert_eq!(read(&ring(), entry, bytes.clone()).unwrap(), content);
    let code = |entry: &BlobEntry, bytes: Vec<u8>| read(&ring(), entry, bytes).unwrap_err().code;

    for at in (0..HEADER_BYTES).chain([
        HEADER_BYTES,
        HEADER_BYTES + CHUNK_BYTES + 16,
        bytes.len() - 1,
    ]) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 4;
        assert_eq!(code(entry, flipped), ErrorCode::SealBroken, "byte {at}");
    }
    for length in [
        0,
        5,
        HEADER_BYTES,
        HEADER_BYTES + 9,
        HEADER_BYTES + CHUNK_BYTES + 16,
        bytes.len() - 1,
    ] {
        assert_eq!(
            code(entry, bytes[..length].to_vec()),
            ErrorCode::SealTruncated,
            "{length} bytes"
        );
    }
    let other = sealed(&content);
    assert_eq!(code(entry, other.bytes().to_vec()), ErrorCode::SealSwapped);
    let crossed = BlobEntry {
        key: other.entry().key.clone(),
        ..entry.clone()
    };
    assert_eq!(code(&crossed, bytes.to_vec()), ErrorCode::KeyMismatch);
    let stranger = KeyRing::derive(&OrgName::parse("acme").unwrap(), &[1; 32]).unwrap();
    assert_eq!(
        read(&stranger, entry, bytes.clone()).unwrap_err().code,
        ErrorCode::KeyMismatch
    );
}

proptest! {
    #[test]
    fn any_body_reads_back(content in prop::collection::vec(any::<u8>(), 0..3_000), repeat in 1..90_usize) {
        let content = content.repeat(repeat);
        let blob = sealed(&content);
        prop_assert_eq!(read(&ring(), blob.entry(), blob.bytes().clone()).unwrap(), content);
    }

    #[test]
    fn arbitrary_bytes_are_no_blob(bytes: Vec<u8>) {
        prop_assert!(read(&ring(), sealed(b"x").entry(), bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_plan(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        let mut plan = PlanReader::new("acme/plans/a/blocks.jsonl".into(), object("p", bytes.into()));
        let refused = wait(async {
            loop {
                match plan.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(failure) => return Some(failure.code),
                }
            }
        });
        prop_assert_eq!(refused, Some(ErrorCode::InputInvalid));
    }
}
