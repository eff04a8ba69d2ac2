//! Bulk results: CSV rendered straight from the packed rows, in pieces, so that no page is ever
//! whole in memory.
//!
//! Source: Bulk API 2.0 Developer Guide, Get Results for a Query Job.

use bytes::Bytes;
use memchr::memchr;

use crate::{
    soql::{Column, Source, View},
    store::row::{Row, ranges},
};

/// Size of the pieces of a page. One piece is one write to the socket.
const PIECE_BYTES: usize = 64 * 1024;

/// How a job prints its rows.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<Source>,
    header: Vec<u8>,
    delimiter: u8,
    line_end: &'static [u8],
}

impl Layout {
    /// The layout of `columns`; every value is quoted, names too.
    pub(crate) fn new(columns: &[Column], delimiter: u8, line_end: &'static [u8]) -> Self {
        let mut header = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                header.push(delimiter);
            }
            push_quoted(&mut header, column.path.join(".").as_bytes());
        }
        header.extend_from_slice(line_end);
        let columns = columns.iter().map(|column| column.source.clone()).collect();
        Self {
            columns,
            header,
            delimiter,
            line_end,
        }
    }

    /// The first row of every page.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// The next piece: at least one row of `rows` from `from` on, and the row to go on with.
    pub(crate) fn piece(
        &self,
        view: View<'_>,
        rows: &[Row],
        from: usize,
        until: usize,
    ) -> (Bytes, usize) {
        let mut out = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 8);
        let mut scratch = Vec::with_capacity(64);
        let mut next = from;
        while next < until && out.len() < PIECE_BYTES {
            let Some(row) = rows.get(next) else { break };
            self.push_row(&mut out, &mut scratch, view, row);
            next += 1;
        }
        (out.into(), next)
    }

    fn push_row(
        &self,
        out: &mut Vec<u8>,
        scratch: &mut Vec<(usize, usize)>,
        view: View<'_>,
        row: &Row,
    ) {
        ranges(row, scratch);
        for (place, source) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(self.delimiter);
            }
            let value = match source {
                Source::Own(field) => scratch
                    .get(*field)
                    .and_then(|(start, end)| row.get(*start..*end)),
                other => view.value(other, row),
            };
            push_quoted(out, value.unwrap_or_default());
        }
        out.extend_from_slice(self.line_end);
    }
}

/// One cell in quotes.
pub(crate) fn push_quoted(out: &mut Vec<u8>, mut value: &[u8]) {
    out.push(b'"');
    while let Some(quote) = memchr(b'"', value) {
        let (head, tail) = value.split_at(quote + 1);
        out.extend_from_slice(head);
        out.push(b'"');
        value = tail;
    }
    out.extend_from_slice(value);
    out.push(b'"');
}
