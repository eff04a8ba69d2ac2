//! Bulk result pages: RFC 4180 text in chunks of any size, to batches of rows.

use std::sync::Arc;

use bytes::Bytes;
use csv_core::{ReadRecordResult, Reader};
use holdfast_model::{ErrorCode, Failure};

use crate::name::Columns;
use crate::rows::{RowBatch, RowSink, damaged};

/// Text in one batch: large enough that the cost per batch vanishes, small against a segment.
const BATCH_BYTES: usize = 256 << 10;
/// Room for the row that fills a batch, so that it seldom has to grow.
const ROOM_BYTES: usize = BATCH_BYTES + BATCH_BYTES / 4;
/// Rows in one batch, for narrow rows.
const BATCH_ROWS: usize = 4096;

/// Reads one page. The first record is the header and must name exactly the selected columns.
///
/// `csv-core` prefers any parse to no parse, so what makes a page damaged is checked here: the width of
/// every row, the caps of values and rows, UTF-8, and that the page ends behind a whole record.
pub struct PageReader {
    columns: Columns,
    core: Reader,
    header_seen: bool,
    order: Option<Arc<[usize]>>,
    sink: RowSink,
    /// Ends of the values of the current record; one more than it may have.
    ends: Vec<usize>,
    ends_filled: usize,
    in_quotes: bool,
    last_byte: Option<u8>,
    rows: u64,
    bytes: u64,
}

impl PageReader {
    /// A reader of one page of a query for these columns.
    pub fn new(columns: &Columns) -> Self {
        let width = columns.names().len();
        Self {
            columns: columns.clone(),
            core: Reader::new(),
            header_seen: false,
            order: None,
            sink: RowSink::new(width, None, ROOM_BYTES),
            ends: vec![0; width + 1],
            ends_filled: 0,
            in_quotes: false,
            last_byte: None,
            rows: 0,
            bytes: 0,
        }
    }

    /// Rows in all batches so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of CSV so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads on in `input` and takes from its front what was read: until a batch is full, or until `input` is
    /// empty and the next chunk is needed.
    ///
    /// `DAMAGED_ANSWER` when header, row, value or encoding is not what it must be.
    pub fn read(&mut self, input: &mut Bytes) -> Result<Option<RowBatch>, Failure> {
        while !input.is_empty() {
            let free_ends = self.ends.get_mut(self.ends_filled..).unwrap_or_default();
            let (result, read, written, ended) =
                self.core.read_record(input, self.sink.free()?, free_ends);
            self.sink.wrote(written);
            self.ends_filled += ended;
            self.took(&input.split_to(read));
            match result {
                ReadRecordResult::Record => {
                    self.end_record()?;
                    if self.sink.bytes() >= BATCH_BYTES || self.sink.rows() >= BATCH_ROWS {
                        return self.take_batch();
                    }
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(damaged("a row has more values than there are columns"));
                }
                // More room is made when the loop comes round.
                ReadRecordResult::OutputFull
                | ReadRecordResult::InputEmpty
                | ReadRecordResult::End => {}
            }
        }
        Ok(None)
    }

    /// The last batch, when the page is over; `PAGE_SHORT` when it ends within a record.
    pub fn finish(&mut self) -> Result<Option<RowBatch>, Failure> {
        // Every record ends with a line feed; without it the value before could have lost its end.
        let whole = !self.in_quotes
            && self.last_byte.is_none_or(|byte| byte == b'\n')
            && self.ends_filled == 0
            && self.sink.row_bytes() == 0;
        if !whole {
            return Err(Failure::new(
                ErrorCode::PageShort,
                "page ends within a record",
            ));
        }
        self.take_batch()
    }

    fn took(&mut self, read: &[u8]) {
        self.in_quotes = read
            .iter()
            .fold(self.in_quotes, |within, byte| within ^ (*byte == b'"'));
        self.last_byte = read.last().copied().or(self.last_byte);
        self.bytes += read.len() as u64;
    }

    fn end_record(&mut self) -> Result<(), Failure> {
        let ends = self.ends.get(..self.ends_filled).unwrap_or_default();
        if self.header_seen {
            self.sink.end_row(ends)?;
            self.rows += 1;
        } else {
            let header = self.sink.take_row();
            self.order = order(&self.columns, &header, ends)?;
            self.header_seen = true;
            self.sink = self.new_sink();
        }
        self.ends_filled = 0;
        Ok(())
    }

    fn take_batch(&mut self) -> Result<Option<RowBatch>, Failure> {
        if self.sink.rows() == 0 {
            return Ok(None);
        }
        let next = self.new_sink();
        std::mem::replace(&mut self.sink, next).finish().map(Some)
    }

    fn new_sink(&self) -> RowSink {
        RowSink::new(self.columns.names().len(), self.order.clone(), ROOM_BYTES)
    }
}

impl std::fmt::Debug for PageReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageReader")
            .field("rows", &self.rows)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// Where each selected column stands in the header; nothing when the orders agree.
fn order(
    columns: &Columns,
    header: &[u8],
    ends: &[usize],
) -> Result<Option<Arc<[usize]>>, Failure> {
    let mut names = Vec::with_capacity(ends.len());
    let mut start = 0;
    for end in ends {
        names.push(header.get(start..*end).unwrap_or_default());
        start = *end;
    }
    let selected = columns.names();
    let differs = || damaged("header does not name the selected columns");
    if names.len() != selected.len() {
        return Err(differs());
    }
    let mut order = Vec::with_capacity(names.len());
    for name in selected {
        let place = names
            .iter()
            .position(|header| header.eq_ignore_ascii_case(name.as_bytes()))
            .ok_or_else(differs)?;
        order.push(place);
    }
    let same = order
        .iter()
        .enumerate()
        .all(|(column, place)| column == *place);
    Ok((!same).then(|| order.into()))
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
