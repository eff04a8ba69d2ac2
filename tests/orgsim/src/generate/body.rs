//! File bodies, computed when asked for: only their size and MD5 are stored.

use std::fmt::Write as _;

use bytes::Bytes;
use md5::{Digest, Md5};

use crate::random::Random;

/// Keeps the bodies of different objects apart.
const STREAM: u64 = 0xB0D1;

/// Sets the bodies of one object apart from those of another.
pub(crate) const fn stream(seed: u64, object: usize) -> u64 {
    seed ^ (object as u64) << 20
}

/// Bytes of the body of record `slot`.
pub(crate) fn length(stream: u64, slot: usize) -> usize {
    let mut random = Random::new(stream, STREAM, slot);
    match random.below(200) {
        0 => 1_000_000 + random.index(2_000_000),
        1..20 => 20_000 + random.index(200_000),
        20 => 0,
        _ => 100 + random.index(12_000),
    }
}

/// The body of record `slot`: text in one half of the cases, noise in the other.
pub(crate) fn bytes(stream: u64, slot: usize) -> Bytes {
    let length = length(stream, slot);
    let mut random = Random::new(stream, STREAM + 1, slot);
    let mut body = Vec::with_capacity(length + 8);
    if random.one_in(2) {
        while body.len() < length {
            body.extend_from_slice(random.pick(super::words::WORD).as_bytes());
            body.push(b' ');
        }
    } else {
        while body.len() < length {
            body.extend_from_slice(&random.next_u64().to_le_bytes());
        }
    }
    body.truncate(length);
    body.into()
}

/// The MD5 of a body in hexadecimal, as `ContentVersion.Checksum` has it.
pub(crate) fn md5_hex(body: &[u8]) -> String {
    let mut text = String::with_capacity(32);
    for byte in Md5::digest(body) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
