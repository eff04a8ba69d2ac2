//! Opening a segment: its footer first, its columns as they are asked for.

use std::any::Any;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, StringArray};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use holdfast_model::{Failure, SalesforceId, SegmentEntry};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, RowFilter,
};
use parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use parquet::encryption::decrypt::FileDecryptionProperties;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;

use super::label::{self, Named};
use super::{FORMAT, column};
use crate::bucket::{Ranges, Span};
use crate::error::{Refusal, internal};
use crate::filter::IdFilter;
use crate::keys::KeyRing;

/// Read at once from the end of a segment: the whole footer unless the object has hundreds of fields.
const TAIL_BYTES: u64 = 64 << 10;
/// A footer of 5,000 columns in 128 row groups is below this.
const FOOTER_BYTES_MAX: u64 = 128 << 20;
/// Sealed bytes of a segment (docs/FORMAT.md, section 3).
const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// Text in one batch of a stream, about.
const BATCH_BYTES: u64 = 1 << 20;
/// Rows in one batch of a stream.
const BATCH_ROWS_MAX: u64 = 4096;
/// Ranges closer than this are fetched as one: a request costs more than the bytes between.
const GAP_BYTES_MAX: u64 = 256 << 10;

/// A segment whose footer was opened and checked.
pub(crate) struct Segment {
    path: String,
    reader: RangeReader,
    metadata: ArrowReaderMetadata,
}

impl Segment {
    /// Reads and checks the footer.
    pub(crate) async fn open(
        ranges: Arc<dyn Ranges>,
        keys: &KeyRing,
        entry: &SegmentEntry,
    ) -> Result<Self, Failure> {
        let path = entry.path.as_str();
        if entry.bytes > SEGMENT_BYTES_MAX {
            return Err(Refusal::TooLarge.at(path));
        }
        let key = keys
            .unwrap_text(&entry.key, path)
            .map_err(|refusal| refusal.at(path))?;
        let tail = read_tail(&*ranges, entry).await?;
        let mut reader = RangeReader {
            ranges,
            path: path.to_owned(),
            total: entry.bytes,
            tail,
        };
        let refused = |error| why(error, path);
        let decryption = FileDecryptionProperties::builder(key.as_bytes().to_vec())
            .build()
            .map_err(refused)?;
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_file_decryption_properties(decryption);
        // A panic of the Parquet reader comes from bytes that are no ciphertext (its lengths are not checked).
        let metadata = AssertUnwindSafe(ArrowReaderMetadata::load_async(&mut reader, options))
            .catch_unwind()
            .await
            .map_err(|panic| broken(&panic, path))?
            .map_err(refused)?;
        check_facts(metadata.metadata(), keys, entry).map_err(|refusal| refusal.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            metadata,
        })
    }

    /// Streams the named columns, those that the segment has, of rows whose Id may pass the filter.
    pub(crate) fn rows(&self, columns: Columns<'_>, ids: &IdFilter) -> Result<RowStream, Failure> {
        let groups = self.row_groups(ids);
        let descriptor = self.metadata.parquet_schema();
        let mask = match columns {
            Columns::All => ProjectionMask::all(),
            Columns::Named(names) => ProjectionMask::columns(descriptor, names.iter().copied()),
        };
        let batch_rows = self.batch_rows(&groups, &mask);
        let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(
            self.reader.clone(),
            self.metadata.clone(),
        )
        .with_row_groups(groups)
        .with_projection(mask)
        .with_batch_size(batch_rows);
        if let IdFilter::Among(_) = ids {
            let ids = ids.clone();
            let predicate = ArrowPredicateFn::new(
                ProjectionMask::columns(descriptor, [column::ID]),
                move |batch: RecordBatch| {
                    let column = batch.column(0).as_any().downcast_ref::<StringArray>();
                    let column = column.ok_or_else(|| {
                        arrow_schema::ArrowError::SchemaError(column::ID.to_owned())
                    })?;
                    Ok(column
                        .iter()
                        .map(|id| Some(id.is_some_and(|id| ids.passes_text(id))))
                        .collect::<BooleanArray>())
                },
            );
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(predicate)]));
        }
        let stream = builder.build().map_err(|error| why(error, &self.path))?;
        Ok(RowStream {
            path: self.path.clone(),
            stream: Some(stream),
        })
    }

    #[cfg(test)]
    pub(crate) fn row_group_count(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// The row groups that may hold an Id that passes.
    fn row_groups(&self, ids: &IdFilter) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups
            .filter(|(_, group)| {
                let statistics = group
                    .columns()
                    .first()
                    .and_then(|column| column.statistics());
                let Some(Statistics::ByteArray(statistics)) = statistics else {
                    return true;
                };
                let bound = |value: Option<&parquet::data_type::ByteArray>| {
                    value.and_then(|value| SalesforceId::parse(value.data()).ok())
                };
                match (bound(statistics.min_opt()), bound(statistics.max_opt())) {
                    (Some(least), Some(greatest)) => ids.may_pass(least, greatest),
                    _ => true,
                }
            })
            .map(|(number, _)| number)
            .collect()
    }

    /// Rows of a batch, so that its text stays near [`BATCH_BYTES`].
    fn batch_rows(&self, groups: &[usize], mask: &ProjectionMask) -> usize {
        let row_bytes = groups
            .iter()
            .filter_map(|number| self.metadata.metadata().row_groups().get(*number))
            .map(|group| {
                let columns = group.columns().iter().enumerate();
                let bytes: i64 = columns
                    .filter(|(column, _)| mask.leaf_included(*column))
                    .map(|(_, column)| column.uncompressed_size())
                    .sum();
                u64::try_from(bytes).unwrap_or(0)
                    / u64::try_from(group.num_rows()).unwrap_or(1).max(1)
            })
            .max();
        let rows = BATCH_BYTES / row_bytes.unwrap_or(1).max(1);
        usize::try_from(rows.clamp(1, BATCH_ROWS_MAX)).unwrap_or(1)
    }
}

/// Which columns a stream has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Columns<'a> {
    All,
    Named(&'a [&'a str]),
}

/// Batches of a segment's rows.
pub(crate) struct RowStream {
    path: String,
    stream: Option<ParquetRecordBatchStream<RangeReader>>,
}

impl RowStream {
    /// The next batch; never an empty one.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(None);
        };
        loop {
            let batch = AssertUnwindSafe(stream.next())
                .catch_unwind()
                .await
                .map_err(|panic| broken(&panic, &self.path))?;
            match batch {
                None => return Ok(None),
                Some(Err(error)) => return Err(why(error, &self.path)),
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => {
                    self.stream = Some(stream);
                    return Ok(Some(batch));
                }
            }
        }
    }
}

/// Reads the end of the object with all of its footer, and refuses what can be refused without the key.
async fn read_tail(ranges: &dyn Ranges, entry: &SegmentEntry) -> Result<Bytes, Failure> {
    let path = entry.path.as_str();
    let mut part = ranges.read(path, Span::Last(TAIL_BYTES)).await?;
    if let Some(footer) = label::footer_bytes(&part.bytes) {
        let footer = footer.min(part.total);
        if footer > FOOTER_BYTES_MAX {
            return Err(Refusal::Broken.at(path));
        }
        if footer > part.bytes.len() as u64 {
            part = ranges.read(path, Span::Last(footer)).await?;
        }
    }
    match label::find(&part.bytes) {
        Named::Path(named) if named != path => Err(Refusal::Swapped.at(path)),
        Named::OtherVersion => Err(Refusal::VersionUnknown.at(path)),
        _ if part.total < entry.bytes => Err(Refusal::Truncated.at(path)),
        _ if part.total > entry.bytes => Err(Refusal::Broken.at(path)),
        Named::Nothing => Err(Refusal::Broken.at(path)),
        Named::Path(_) => Ok(part.bytes),
    }
}

fn check_facts(
    metadata: &ParquetMetaData,
    keys: &KeyRing,
    entry: &SegmentEntry,
) -> Result<(), Refusal> {
    let file = metadata.file_metadata();
    let facts = file
        .key_value_metadata()
        .map_or([].as_slice(), Vec::as_slice);
    let fact = |key: &str| facts.iter().find(|fact| fact.key == key)?.value.as_deref();
    if fact("holdfast.format") != Some(FORMAT) {
        return Err(Refusal::VersionUnknown);
    }
    let rows = u64::try_from(file.num_rows()).ok();
    if fact("holdfast.org") != Some(keys.org().as_str())
        || fact("holdfast.schema") != Some(&entry.schema)
        || rows != Some(entry.rows)
    {
        return Err(Refusal::Broken);
    }
    Ok(())
}

/// What an error of the Parquet reader means: a failure of ours that went through it, or broken bytes.
fn why(error: ParquetError, path: &str) -> Failure {
    match error {
        ParquetError::External(source) => match source.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(_) => Refusal::Broken.at(path),
        },
        _ => Refusal::Broken.at(path),
    }
}

fn broken(_panic: &(dyn Any + Send), path: &str) -> Failure {
    Refusal::Broken.at(path)
}

/// Reads a segment in ranges; the end is there already.
#[derive(Clone)]
struct RangeReader {
    ranges: Arc<dyn Ranges>,
    path: String,
    total: u64,
    tail: Bytes,
}

impl RangeReader {
    async fn fetch(&self, range: Range<u64>) -> Result<Bytes, Failure> {
        if range.start > range.end || range.end > self.total {
            return Err(Refusal::Broken.at(&self.path));
        }
        let length =
            usize::try_from(range.end - range.start).map_err(|_| internal("range is too long"))?;
        let tail_start = self.total - self.tail.len() as u64;
        if let Some(from) = range.start.checked_sub(tail_start) {
            let from = usize::try_from(from).map_err(|_| internal("range is too long"))?;
            return Ok(self.tail.slice(from..from + length));
        }
        let part = self.ranges.read(&self.path, Span::Range(range)).await?;
        if part.bytes.len() == length {
            Ok(part.bytes)
        } else {
            Err(Refusal::Truncated.at(&self.path))
        }
    }
}

fn external(failure: Failure) -> ParquetError {
    ParquetError::External(Box::new(failure))
}

impl AsyncFileReader for RangeReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move { self.fetch(range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move {
            let mut parts = Vec::with_capacity(ranges.len());
            for near in neighbours(&ranges) {
                let (Some(first), Some(last)) = (near.first(), near.last()) else {
                    continue;
                };
                let start = first.start;
                let bytes = self.fetch(start..last.end).await.map_err(external)?;
                for range in near {
                    let at = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
                    parts.push(bytes.slice(at(range.start)..at(range.end)));
                }
            }
            Ok(parts)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let total = self.total;
            let hint = self.tail.len();
            let reader = ParquetMetaDataReader::new()
                .with_arrow_reader_options(options)
                .with_prefetch_hint(Some(hint));
            Ok(Arc::new(reader.load_and_finish(self, total).await?))
        }
        .boxed()
    }
}

/// Splits ranges into runs that ascend with small gaps.
fn neighbours(ranges: &[Range<u64>]) -> impl Iterator<Item = &[Range<u64>]> {
    ranges.chunk_by(|a, b| a.end <= b.start && b.start - a.end <= GAP_BYTES_MAX)
}
