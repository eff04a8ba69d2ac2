//! The readable label of a segment: tells a file in the wrong place from a damaged one.

use sha2::{Digest, Sha256};

use super::FORMAT;

const PREFIX: &str = "holdfast/";
/// A path is at most 40 + 10 + 80 + 45 characters.
const LABEL_BYTES_MAX: usize = 256;

/// `holdfast/<version> <path> <16 hex>`
pub(crate) fn label(version: &str, path: &str) -> String {
    format!("{PREFIX}{version} {path} {}", check(version, path))
}

/// What the tail of a Parquet file says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// The path that it was sealed for.
    Path(&'a str),
    /// It was written by another version.
    OtherVersion,
    /// No label that is whole.
    Nothing,
}

/// Bytes from the start of the footer to the end of the file, as the last eight bytes say.
pub(crate) fn footer_bytes(tail: &[u8]) -> Option<u64> {
    let (_, end) = tail.split_last_chunk::<8>()?;
    let (length, magic) = end.split_first_chunk::<4>()?;
    (magic == b"PARE").then(|| u64::from(u32::from_le_bytes(*length)) + 8)
}

/// Finds the label in the last bytes of a file. It is in the plain part of the footer.
pub(crate) fn find(tail: &[u8]) -> Named<'_> {
    let footer = footer_bytes(tail)
        .and_then(|bytes| tail.len().checked_sub(usize::try_from(bytes).ok()?))
        .and_then(|start| tail.get(start..));
    let Some(footer) = footer else {
        return Named::Nothing;
    };
    let Some(at) = footer
        .windows(PREFIX.len())
        .take(LABEL_BYTES_MAX)
        .position(|window| window == PREFIX.as_bytes())
    else {
        return Named::Nothing;
    };
    let label = footer.get(at + PREFIX.len()..).unwrap_or_default();
    let label = label
        .get(..label.len().min(LABEL_BYTES_MAX))
        .unwrap_or_default();
    parse(label).unwrap_or(Named::Nothing)
}

fn parse(label: &[u8]) -> Option<Named<'_>> {
    let mut words = label.splitn(3, |byte| *byte == b' ');
    let version = std::str::from_utf8(words.next()?).ok()?;
    let path = std::str::from_utf8(words.next()?).ok()?;
    let check_value = words.next()?.get(..16)?;
    if check_value != check(version, path).as_bytes() {
        None
    } else if version == FORMAT {
        Some(Named::Path(path))
    } else {
        Some(Named::OtherVersion)
    }
}

/// Tells a damaged label from a whole one; everybody can make it.
fn check(version: &str, path: &str) -> String {
    let hash = Sha256::digest(format!("{PREFIX}{version} {path}"));
    hex::encode(hash.first_chunk::<8>().map_or([].as_slice(), |c| c))
}
