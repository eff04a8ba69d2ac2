//! The zip files that packages travel in, within the limits of the Metadata API: 10,000 files, 39 MB packed, 600 MB
//! unpacked.
//!
//! Source: Salesforce Developer Limits and Allocations, Metadata API.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _, Write as _},
};

use bytes::Bytes;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Most files of a package.
const FILES_MAX: usize = 10_000;
/// Largest package as it travels.
const PACKED_MAX: usize = 39 * 1024 * 1024;
/// Largest package on arrival.
const UNPACKED_MAX: u64 = 629_145_600;

/// Files by path.
pub(crate) type Files = BTreeMap<String, Bytes>;

/// Unpacks a package: `LIMIT_EXCEEDED` or `INVALID_FIELD` (no zip file), with a message.
pub(crate) fn unpack(packed: &[u8]) -> Result<Files, (&'static str, String)> {
    let limit = |what: String| ("LIMIT_EXCEEDED", what);
    if packed.len() > PACKED_MAX {
        return Err(limit(
            "Maximum size of request reached. Maximum size of request is 52428800 bytes."
                .to_owned(),
        ));
    }
    let invalid = |_| {
        (
            "INVALID_FIELD",
            "zipFile is not a valid zip file".to_owned(),
        )
    };
    let mut archive = ZipArchive::new(Cursor::new(packed)).map_err(invalid)?;
    if archive.len() > FILES_MAX {
        return Err(limit(format!(
            "Maximum number of files exceeded: {FILES_MAX}"
        )));
    }
    let mut files = Files::new();
    let mut room = UNPACKED_MAX;
    for place in 0..archive.len() {
        let file = archive.by_index(place).map_err(invalid)?;
        if file.is_dir() {
            continue;
        }
        // Windows tools write backslashes.
        let name = file.name().map_err(invalid)?.replace('\\', "/");
        let mut content = Vec::new();
        // The size in the directory is the sender's claim; what counts is what comes out.
        let read = file.take(room + 1).read_to_end(&mut content);
        read.map_err(|_| {
            (
                "INVALID_FIELD",
                "zipFile is not a valid zip file".to_owned(),
            )
        })?;
        room = room.checked_sub(content.len() as u64).ok_or_else(|| {
            limit(format!(
                "The total size of the unzipped files exceeds {UNPACKED_MAX} bytes"
            ))
        })?;
        files.insert(name, Bytes::from(content));
    }
    Ok(files)
}

/// Packs files, dated `year`-`month`-`day` and the time; `LIMIT_EXCEEDED` when there are too many.
pub(crate) fn pack(files: &Files, at: jiff::Timestamp) -> Result<Vec<u8>, (&'static str, String)> {
    let limit = |what: &str| ("LIMIT_EXCEEDED", what.to_owned());
    if files.len() > FILES_MAX {
        return Err(limit("Too many files in retrieve call, limit is: 10000"));
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(dos_time(at));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let written = writer
            .start_file(name.as_str(), options)
            .and_then(|()| writer.write_all(content).map_err(Into::into));
        written.map_err(|error| ("UNKNOWN_EXCEPTION", error.to_string()))?;
    }
    let packed = writer
        .finish()
        .map_err(|error| ("UNKNOWN_EXCEPTION", error.to_string()))?;
    let packed = packed.into_inner();
    if packed.len() > PACKED_MAX {
        return Err(limit(
            "The retrieved package exceeds the maximum size of 39 MB",
        ));
    }
    Ok(packed)
}

fn dos_time(at: jiff::Timestamp) -> DateTime {
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    let small = |n: i8| u8::try_from(n).unwrap_or(0);
    DateTime::from_date_and_time(
        u16::try_from(at.year()).unwrap_or(1980),
        small(at.month()),
        small(at.day()),
        small(at.hour()),
        small(at.minute()),
        small(at.second()),
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> jiff::Timestamp {
        "2026-03-04T05:06:08Z".parse().unwrap()
    }

    #[test]
    fn files_survive_packing() {
        let mut files = Files::new();
        files.insert("package.xml".to_owned(), Bytes::from_static(b"<Package/>"));
        files.insert("classes/A.cls".to_owned(), Bytes::from(vec![7; 100_000]));
        let packed = pack(&files, now()).unwrap();
        assert!(packed.len() < 10_000);
        assert_eq!(unpack(&packed), Ok(files));
    }

    #[test]
    fn too_many_files_are_refused() {
        let files: Files = (0..=FILES_MAX)
            .map(|n| (n.to_string(), Bytes::new()))
            .collect();
        assert_eq!(pack(&files, now()).unwrap_err().0, "LIMIT_EXCEEDED");
    }

    proptest! {
        #[test]
        fn any_bytes_are_unpacked_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpack(&bytes);
        }
    }
}
