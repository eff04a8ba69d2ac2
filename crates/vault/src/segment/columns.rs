//! Column batches of a segment: the schema, and arrays made from sorted rows.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int8Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use holdfast_model::Failure;

use super::buffer::{Row, SortedRows};
use super::column::{CAPTURED, DELETED, HASH, ID, JOB, MODSTAMP};
use crate::error::internal;

/// Rows of a batch at most: few enough that what is encoded column by column is still in the cache.
const BATCH_ROWS_MAX: usize = 1024;
/// Text of a batch at most, for the same reason; a row more may be in it.
const BATCH_BYTES_MAX: usize = 512 << 10;

/// The columns of a segment whose schema has these fields.
pub(crate) fn schema(fields: &[String]) -> SchemaRef {
    let stamp = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let own = [
        Field::new(ID, DataType::Utf8, false),
        Field::new(MODSTAMP, stamp.clone(), false),
        Field::new(DELETED, DataType::Int8, false),
        Field::new(CAPTURED, stamp, false),
        Field::new(JOB, DataType::Utf8, false),
        Field::new(HASH, DataType::FixedSizeBinary(16), false),
    ];
    let text = fields
        .iter()
        .filter(|name| *name != ID)
        .map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(own.into_iter().chain(text).collect::<Vec<_>>()))
}

/// Cuts sorted rows into batches of bounded size.
pub(crate) struct Batches<'a> {
    sorted: &'a SortedRows,
    schema: SchemaRef,
    next: usize,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(sorted: &'a SortedRows, schema: SchemaRef) -> Self {
        Self {
            sorted,
            schema,
            next: 0,
        }
    }

    /// The next batch and the bytes of text in it.
    pub(crate) fn next_batch(&mut self) -> Option<Result<(RecordBatch, usize), Failure>> {
        let rest = self.sorted.rows.get(self.next..)?;
        if rest.is_empty() {
            return None;
        }
        let names = &self.sorted.source.fields;
        // Capacities are guesses; builders grow.
        let rows_expected = rest.len().min(BATCH_ROWS_MAX);
        let mut columns: Vec<Option<StringBuilder>> = names
            .iter()
            .map(|name| {
                (name != ID).then(|| StringBuilder::with_capacity(rows_expected, rows_expected * 8))
            })
            .collect();
        let mut bytes = 0;
        let mut rows = 0;
        for row in rest.iter().take(BATCH_ROWS_MAX) {
            let mut values = self.sorted.values(row);
            let before = values.left();
            for (column, value) in columns.iter_mut().zip(values.by_ref()) {
                if let Some(column) = column {
                    column.append_option(value);
                }
            }
            bytes += before - values.left();
            rows += 1;
            if bytes >= BATCH_BYTES_MAX {
                break;
            }
        }
        self.next += rows;
        let taken = rest.get(..rows).unwrap_or_default();
        Some(self.batch(taken, columns).map(|batch| (batch, bytes)))
    }

    fn batch(
        &self,
        rows: &[Row],
        columns: Vec<Option<StringBuilder>>,
    ) -> Result<RecordBatch, Failure> {
        let source = &self.sorted.source;
        let ids = StringArray::from_iter_values(rows.iter().map(|row| row.id.as_str()));
        let stamps =
            TimestampMillisecondArray::from_iter_values(rows.iter().map(|row| row.stamp.millis()));
        let deleted = Int8Array::from_iter_values(rows.iter().map(|row| row.deleted));
        let captured = TimestampMillisecondArray::from_value(source.captured.millis(), rows.len());
        let jobs = StringArray::from_iter_values(rows.iter().map(|_| source.job.as_str()));
        let mut hashes = FixedSizeBinaryBuilder::with_capacity(rows.len(), 16);
        for row in rows {
            hashes
                .append_value(row.hash)
                .map_err(|_| internal("row hash has a wrong length"))?;
        }
        let own: [ArrayRef; 6] = [
            Arc::new(ids),
            Arc::new(stamps.with_timezone("UTC")),
            Arc::new(deleted),
            Arc::new(captured.with_timezone("UTC")),
            Arc::new(jobs),
            Arc::new(hashes.finish()),
        ];
        let text = columns
            .into_iter()
            .flatten()
            .map(|mut column| Arc::new(column.finish()) as ArrayRef);
        RecordBatch::try_new(self.schema.clone(), own.into_iter().chain(text).collect())
            .map_err(|error| internal(format!("batch does not fit its schema: {error}")))
    }
}
