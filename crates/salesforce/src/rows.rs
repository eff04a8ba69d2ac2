//! Rows as Salesforce sent them: text only, many rows in one allocation.

use std::sync::Arc;

use holdfast_model::limits::{FIELD_BYTES_MAX, ROW_BYTES_MAX};
use holdfast_model::{ErrorCode, Failure};

/// Some rows of one query. Values are the exact text that Salesforce sent; an empty text is null,
/// because Salesforce stores no empty text.
///
/// Has no `Debug` that shows content.
pub struct RowBatch {
    width: usize,
    /// Where a column stands in the received rows; absent when they came in the order of the SELECT.
    order: Option<Arc<[usize]>>,
    text: String,
    /// End of every value in `text`, row after row, in received order.
    ends: Vec<u32>,
}

impl RowBatch {
    /// Rows in it.
    pub fn len(&self) -> usize {
        self.ends.len() / self.width.max(1)
    }

    /// Whether no row is in it.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Columns of every row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// A row by its number; beyond the last, a row of nulls.
    pub fn row(&self, number: usize) -> Row<'_> {
        Row {
            batch: self,
            number,
        }
    }

    /// The rows in the order in which they came.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|number| self.row(number))
    }

    fn end(&self, value: usize) -> usize {
        self.ends.get(value).map_or(0, |end| *end as usize)
    }
}

impl std::fmt::Debug for RowBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowBatch")
            .field("rows", &self.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    batch: &'a RowBatch,
    number: usize,
}

impl<'a> Row<'a> {
    /// The text of a column (numbered as selected), or nothing for null.
    pub fn value(&self, column: usize) -> Option<&'a str> {
        let batch = self.batch;
        let place = match &batch.order {
            Some(order) => *order.get(column)?,
            None if column < batch.width => column,
            None => return None,
        };
        let value = self.number * batch.width + place;
        let start = value.checked_sub(1).map_or(0, |before| batch.end(before));
        let text = batch.text.get(start..batch.end(value))?;
        (!text.is_empty()).then_some(text)
    }
}

/// Collects received rows; checks limits and UTF-8 so that a [`RowBatch`] needs no check.
pub(crate) struct RowSink {
    width: usize,
    order: Option<Arc<[usize]>>,
    /// Zero-initialised room; the first `filled` bytes are values.
    room: Vec<u8>,
    filled: usize,
    row_start: usize,
    ends: Vec<u32>,
}

impl RowSink {
    pub(crate) fn new(width: usize, order: Option<Arc<[usize]>>, room: usize) -> Self {
        Self {
            width,
            order,
            room: vec![0; room],
            filled: 0,
            row_start: 0,
            ends: Vec::new(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.ends.len() / self.width.max(1)
    }

    /// Bytes of the complete rows.
    pub(crate) fn bytes(&self) -> usize {
        self.row_start
    }

    /// The free room that the next bytes of a row go to; never empty.
    pub(crate) fn free(&mut self) -> Result<&mut [u8], Failure> {
        if self.filled == self.room.len() {
            if self.filled - self.row_start >= ROW_BYTES_MAX {
                return Err(damaged("a row is larger than a row can be"));
            }
            self.room.resize((self.filled * 2).max(4096), 0);
        }
        Ok(self.room.get_mut(self.filled..).unwrap_or_default())
    }

    /// Bytes were written to the front of [`free`](Self::free).
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.filled += bytes;
    }

    /// Appends bytes to the current row.
    pub(crate) fn write(&mut self, text: &[u8]) -> Result<(), Failure> {
        let mut rest = text;
        while !rest.is_empty() {
            let free = self.free()?;
            let fits = rest.len().min(free.len());
            let (now, later) = rest.split_at(fits);
            if let Some(to) = free.get_mut(..fits) {
                to.copy_from_slice(now);
            }
            self.wrote(fits);
            rest = later;
        }
        Ok(())
    }

    /// Bytes of the current row so far.
    pub(crate) fn row_bytes(&self) -> usize {
        self.filled - self.row_start
    }

    /// The current row is complete; `ends` are the ends of its values, counted from its start.
    pub(crate) fn end_row(&mut self, ends: &[usize]) -> Result<(), Failure> {
        if ends.len() != self.width {
            return Err(damaged("a row does not have one value for every column"));
        }
        if self.row_bytes() > ROW_BYTES_MAX {
            return Err(damaged("a row is larger than a row can be"));
        }
        if u32::try_from(self.filled).is_err() {
            return Err(damaged("a page is larger than a page can be"));
        }
        let mut before = 0;
        for end in ends {
            if end - before > FIELD_BYTES_MAX {
                return Err(damaged("a value is larger than a field can be"));
            }
            before = *end;
        }
        let start = self.row_start;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "no end is behind `filled`, which fits"
        )]
        self.ends
            .extend(ends.iter().map(|end| (start + end) as u32));
        self.row_start = self.filled;
        Ok(())
    }

    /// The bytes of the current row, which is no row of data, and forgets them.
    pub(crate) fn take_row(&mut self) -> Vec<u8> {
        let row = self
            .room
            .get(self.row_start..self.filled)
            .unwrap_or_default()
            .to_vec();
        self.filled = self.row_start;
        row
    }

    /// The rows, as a batch. There is no incomplete row.
    pub(crate) fn finish(mut self) -> Result<RowBatch, Failure> {
        self.room.truncate(self.row_start);
        let text = String::from_utf8(self.room).map_err(|_| damaged("text is not UTF-8"))?;
        // The delimiter between two values could have torn a character apart that is whole without it.
        let whole = self
            .ends
            .iter()
            .all(|end| text.is_char_boundary(*end as usize));
        if !whole {
            return Err(damaged("text is not UTF-8"));
        }
        Ok(RowBatch {
            width: self.width,
            order: self.order,
            text,
            ends: self.ends,
        })
    }
}

pub(crate) fn damaged(message: &str) -> Failure {
    Failure::new(ErrorCode::DamagedAnswer, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_selected_column_whatever_the_received_order() {
        let mut sink = RowSink::new(3, Some(Arc::from([2, 0, 1])), 4);
        sink.write("bécaaaa".as_bytes()).unwrap();
        sink.end_row(&[3, 4, 8]).unwrap();
        sink.write(b"x").unwrap();
        sink.end_row(&[0, 0, 1]).unwrap();
        let batch = sink.finish().unwrap();
        let rows: Vec<Vec<_>> = batch
            .rows()
            .map(|row| (0..4).map(|column| row.value(column)).collect())
            .collect();
        assert_eq!(
            rows,
            [
                [Some("aaaa"), Some("bé"), Some("c"), None],
                [Some("x"), None, None, None]
            ]
        );
    }

    #[test]
    fn a_character_torn_by_a_delimiter_is_damage() {
        let mut sink = RowSink::new(2, None, 16);
        sink.write("é".as_bytes()).unwrap();
        sink.end_row(&[1, 2]).unwrap();
        assert_eq!(sink.finish().unwrap_err().code, ErrorCode::DamagedAnswer);
    }

    #[test]
    fn a_row_or_value_over_its_cap_is_damage_not_memory() {
        let mut sink = RowSink::new(1, None, 16);
        let piece = vec![b'x'; 1 << 20];
        let overflow = (0..64).find_map(|_| sink.write(&piece).err()).unwrap();
        assert_eq!(overflow.code, ErrorCode::DamagedAnswer);
        assert!(sink.room.len() <= 4 * ROW_BYTES_MAX);

        let mut sink = RowSink::new(1, None, 16);
        sink.write(&piece).unwrap();
        assert!(sink.end_row(&[piece.len()]).is_err());
    }
}
