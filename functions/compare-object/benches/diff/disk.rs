//! Both sides on disk: sealed segments for us, Parquet files for `DuckDB`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use holdfast_model::{ErrorCode, Failure, JobId, OrgName, SegmentEntry, Stamp};
use holdfast_vault::{KeyRing, Part, Ranges, SegmentBuffer, Span};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::rows::{COLUMNS, Side, row, schema};

/// Text of a segment, as the functions gather by default.
const SEGMENT_BYTES: usize = 32 << 20;
/// Rows of a row group that `DuckDB` reads best (its documentation: Parquet tips).
const GROUP_ROWS: usize = 122_880;

/// Writes both sides unless they are there. Megabytes of segments, and of Parquet files.
pub(crate) fn write(folder: &Path, rows: u32, layers: usize) -> (f64, f64) {
    let done = folder.join("done.json");
    if let Ok(sizes) = fs::read(&done) {
        return serde_json::from_slice(&sizes).unwrap();
    }
    let mut sizes = (0.0, 0.0);
    for (side, name) in [(Side::Left, "left"), (Side::Right, "right")] {
        let home = folder.join(name);
        fs::create_dir_all(&home).unwrap();
        sizes.0 += seal(&home, side, rows, layers);
        let file = folder.join(format!("{name}.parquet"));
        write_parquet(&file, side, rows);
        sizes.1 += megabytes(&file);
    }
    fs::write(done, serde_json::to_vec(&sizes).unwrap()).unwrap();
    sizes
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the table shows no digits behind the point"
)]
fn megabytes(path: &Path) -> f64 {
    fs::metadata(path).unwrap().len() as f64 / 1e6
}

pub(crate) fn keys() -> KeyRing {
    KeyRing::derive(&OrgName::parse("acme").unwrap(), &[42; 32]).unwrap()
}

fn seal(home: &Path, side: Side, rows: u32, layers: usize) -> f64 {
    let (keys, schema) = (keys(), schema());
    let job = JobId::parse("bench").unwrap();
    let fresh =
        || SegmentBuffer::new(&schema, &job, Stamp::from_millis(1_760_000_000_000)).unwrap();
    let mut open: Vec<_> = (0..layers).map(|_| fresh()).collect();
    let mut entries: Vec<SegmentEntry> = Vec::new();
    let mut total = 0.0;
    let mut finish = |buffer: SegmentBuffer| {
        let sealed = buffer.sorted().seal(&keys).unwrap();
        let file = file_of(home, &sealed.entry().path);
        fs::write(&file, sealed.bytes()).unwrap();
        total += megabytes(&file);
        entries.push(sealed.entry().clone());
    };
    let mut texts = Default::default();
    for number in 0..rows {
        if row(number, side, &mut texts) {
            let layer = number as usize % layers;
            open[layer]
                .push(|column| Some(texts[column].as_str()))
                .unwrap();
            if open[layer].bytes() >= SEGMENT_BYTES {
                finish(std::mem::replace(&mut open[layer], fresh()));
            }
        }
    }
    for buffer in open.into_iter().filter(|buffer| buffer.rows() > 0) {
        finish(buffer);
    }
    fs::write(
        home.join("entries.json"),
        serde_json::to_vec(&entries).unwrap(),
    )
    .unwrap();
    total
}

fn write_parquet(file: &Path, side: Side, rows: u32) {
    let fields: Vec<_> = COLUMNS
        .iter()
        .map(|(name, _)| Field::new(*name, DataType::Utf8, true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    let file = File::create(file).unwrap();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).unwrap();
    let mut texts = Default::default();
    let mut number = 0;
    while number < rows {
        let mut columns: [StringBuilder; 20] = Default::default();
        for number in number..rows.min(number + 8_192) {
            if row(number, side, &mut texts) {
                for (column, text) in columns.iter_mut().zip(&texts) {
                    column.append_value(text);
                }
            }
        }
        number += 8_192;
        let columns = columns
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef);
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap();
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}

fn file_of(home: &Path, path: &str) -> PathBuf {
    home.join(path.replace('/', "_"))
}

/// A folder as a place to read sealed bytes from.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Ranges for Folder {
    fn read<'a>(&'a self, path: &'a str, span: Span) -> BoxFuture<'a, Result<Part, Failure>> {
        use std::os::unix::fs::FileExt as _;
        async move {
            let missing = |_| Failure::new(ErrorCode::VaultObjectMissing, "not there");
            let file = File::open(file_of(&self.0, path)).map_err(missing)?;
            let total = file.metadata().map_err(missing)?.len();
            let (start, end) = match span {
                Span::Range(range) => (range.start.min(total), range.end.min(total)),
                Span::Last(bytes) => (total.saturating_sub(bytes), total),
            };
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            file.read_exact_at(&mut bytes, start).map_err(missing)?;
            Ok(Part {
                bytes: Bytes::from(bytes),
                total,
            })
        }
        .boxed()
    }
}
