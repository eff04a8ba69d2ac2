//! Sealing: sorted rows become the bytes of a segment and its entry.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_model::{Failure, IdDigest, OrgName, SegmentEntry};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::FORMAT;
use super::buffer::SortedRows;
use super::column::{CAPTURED, DELETED, HASH, ID, JOB, MODSTAMP};
use super::columns::{Batches, schema};
use super::label::label;
use crate::error::internal;
use crate::keys::{KeyRing, ObjectKey};

/// Text of a row group. A scan holds one row group per open segment, so this bounds its memory.
const ROW_GROUP_BYTES: usize = 8 << 20;
/// Rows of a row group, where rows are short.
const ROW_GROUP_ROWS: usize = 131_072;
/// On columns of short text level 3 costs more time and gains next to nothing (docs/BENCHMARKS.md).
const ZSTD_LEVEL: i32 = 1;
/// Rows looked at to decide whether a column repeats itself enough for a dictionary.
const SAMPLE_ROWS: usize = 512;

/// A segment in memory, ready to be put.
pub struct SealedSegment {
    pub(crate) entry: SegmentEntry,
    pub(crate) bytes: Bytes,
}

impl SealedSegment {
    /// What the catalog and the manifest say about it.
    pub fn entry(&self) -> &SegmentEntry {
        &self.entry
    }

    /// The sealed bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl std::fmt::Debug for SealedSegment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedSegment")
            .field("path", &self.entry.path)
            .finish_non_exhaustive()
    }
}

impl SortedRows {
    /// Seals the rows as a segment with a name and a key of its own. CPU work. There must be rows.
    pub fn seal(&self, keys: &KeyRing) -> Result<SealedSegment, Failure> {
        let path = format!(
            "{}/segments/{}/{}.parquet",
            keys.org(),
            self.source.object,
            Uuid::now_v7()
        );
        seal(self, keys, path)
    }
}

fn seal(sorted: &SortedRows, keys: &KeyRing, path: String) -> Result<SealedSegment, Failure> {
    let ids = sorted
        .ids()
        .ok_or_else(|| internal("segment without rows"))?;
    let stamps = sorted
        .stamps()
        .ok_or_else(|| internal("segment without rows"))?;
    let key = ObjectKey::random()?;
    let bytes = write(sorted, keys.org(), &key, &path)?;
    let mut digest = IdDigest::default();
    for row in &sorted.rows {
        digest.add(&row.id);
    }
    let entry = SegmentEntry {
        bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
        rows: sorted.rows.len() as u64,
        ids,
        stamps,
        digest,
        schema: sorted.source.schema.clone(),
        key: keys.wrap_text(&key, &path)?,
        path,
    };
    Ok(SealedSegment {
        entry,
        bytes: bytes.into(),
    })
}

fn write(
    sorted: &SortedRows,
    org: &OrgName,
    key: &ObjectKey,
    path: &str,
) -> Result<Vec<u8>, Failure> {
    let refused = |error| internal(format!("parquet writer refuses: {error}"));
    let schema = schema(&sorted.source.fields);
    let options = ArrowWriterOptions::new()
        .with_properties(properties(sorted, org, key, path)?)
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options)
        .map_err(refused)?;
    let mut batches = Batches::new(sorted, schema);
    let (mut group_bytes, mut group_rows) = (0, 0);
    while let Some(batch) = batches.next_batch() {
        let (batch, bytes) = batch?;
        writer.write(&batch).map_err(refused)?;
        group_bytes += bytes;
        group_rows += batch.num_rows();
        if group_bytes >= ROW_GROUP_BYTES || group_rows >= ROW_GROUP_ROWS {
            writer.flush().map_err(refused)?;
            (group_bytes, group_rows) = (0, 0);
        }
    }
    writer.into_inner().map_err(refused)
}

fn properties(
    sorted: &SortedRows,
    org: &OrgName,
    key: &ObjectKey,
    path: &str,
) -> Result<WriterProperties, Failure> {
    let refused = |error| internal(format!("parquet writer refuses: {error}"));
    let encryption = FileEncryptionProperties::builder(key.as_bytes().to_vec())
        .with_footer_key_metadata(label(FORMAT, path).into_bytes())
        .build()
        .map_err(refused)?;
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).map_err(refused)?);
    let column = |name: &str| ColumnPath::from(name);
    let source = &sorted.source;
    let facts = [
        ("holdfast.format", FORMAT),
        ("holdfast.org", org.as_str()),
        ("holdfast.object", source.object.as_str()),
        ("holdfast.schema", &source.schema),
    ];
    let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    let ascending = |column_idx| SortingColumn {
        column_idx,
        descending: false,
        nulls_first: false,
    };
    let descending = |column_idx| SortingColumn {
        column_idx,
        descending: true,
        nulls_first: false,
    };
    let mut properties = WriterProperties::builder()
        .with_file_encryption_properties(encryption)
        .set_created_by(concat!("holdfast version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(facts.into()))
        .set_sorting_columns(Some(vec![ascending(0), descending(1), ascending(5)]))
        .set_compression(zstd)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(None)
        .set_column_encoding(column(ID), Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding(column(MODSTAMP), Encoding::DELTA_BINARY_PACKED)
        .set_column_compression(column(HASH), Compression::UNCOMPRESSED); // it is random
    for name in [ID, MODSTAMP] {
        properties =
            properties.set_column_statistics_enabled(column(name), EnabledStatistics::Page);
    }
    for name in [DELETED, CAPTURED, JOB] {
        properties = properties.set_column_dictionary_enabled(column(name), true);
    }
    for (name, repeats) in source.fields.iter().zip(repeating(sorted)) {
        if repeats && name != ID {
            properties = properties.set_column_dictionary_enabled(column(name), true);
        }
    }
    Ok(properties.build())
}

/// Per field, whether few enough different values are in a sample for a dictionary to pay.
fn repeating(sorted: &SortedRows) -> Vec<bool> {
    let step = sorted.rows.len().div_ceil(SAMPLE_ROWS).max(1);
    let mut seen = vec![(HashSet::new(), 0_usize); sorted.source.fields.len()];
    for row in sorted.rows.iter().step_by(step) {
        for ((different, count), value) in seen.iter_mut().zip(sorted.values(row)) {
            if let Some(value) = value {
                different.insert(value);
                *count += 1;
            }
        }
    }
    seen.into_iter()
        .map(|(different, count)| different.len() * 4 <= count)
        .collect()
}
