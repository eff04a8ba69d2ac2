//! One version of one record as packed bytes: per field a length (LEB128, plus one; 0 is null) and
//! the text exactly as Bulk CSV prints it, in the order of the object's fields.

use std::sync::Arc;

/// An immutable record version. Query results share it instead of copying it.
pub(crate) type Row = Arc<[u8]>;

/// Packs the fields of one record after another.
#[derive(Debug, Default)]
pub(crate) struct RowWriter {
    bytes: Vec<u8>,
}

impl RowWriter {
    /// Adds a null.
    pub(crate) fn null(&mut self) {
        self.bytes.push(0);
    }

    /// Adds a value; the empty text is a null, as everywhere in Salesforce.
    pub(crate) fn value(&mut self, text: &[u8]) {
        if text.is_empty() {
            return self.null();
        }
        let mut rest = text.len() + 1;
        while rest >= 0x80 {
            let [low, ..] = rest.to_le_bytes();
            self.bytes.push(low | 0x80);
            rest >>= 7;
        }
        let [last, ..] = rest.to_le_bytes();
        self.bytes.push(last);
        self.bytes.extend_from_slice(text);
    }

    /// Adds what may be absent.
    pub(crate) fn cell(&mut self, cell: Option<&[u8]>) {
        match cell {
            Some(text) => self.value(text),
            None => self.null(),
        }
    }

    /// The record; the writer is ready for the next one.
    pub(crate) fn finish(&mut self) -> Row {
        let row = Row::from(self.bytes.as_slice());
        self.bytes.clear();
        row
    }
}

/// The fields of a packed record, in order.
#[derive(Clone, Debug)]
pub(crate) struct Cells<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (length, used) = length_at(self.rest)?;
        let Some(length) = length.checked_sub(1) else {
            self.rest = self.rest.get(used..)?;
            return Some(None);
        };
        let value = self.rest.get(used..used + length)?;
        self.rest = self.rest.get(used + length..)?;
        Some(Some(value))
    }
}

/// The fields of `row`.
pub(crate) const fn cells(row: &[u8]) -> Cells<'_> {
    Cells { rest: row }
}

/// The value of field number `at`; nothing for a null.
pub(crate) fn cell(row: &[u8], at: usize) -> Option<&[u8]> {
    cells(row).nth(at).flatten()
}

/// The value of field number `at` as text.
pub(crate) fn text(row: &[u8], at: usize) -> Option<&str> {
    cell(row, at).and_then(|bytes| std::str::from_utf8(bytes).ok())
}

/// Where each field of `row` begins and ends, into a buffer that the caller re-uses. A null is an
/// empty range, as no stored value is empty.
pub(crate) fn ranges(row: &[u8], out: &mut Vec<(usize, usize)>) {
    out.clear();
    let mut at = 0;
    while let Some((length, used)) = row.get(at..).and_then(length_at) {
        let start = at + used;
        at = start + length.saturating_sub(1);
        out.push((start, at));
    }
}

/// Rows one after the other, each behind its length.
pub(crate) fn pack(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.iter().map(|row| row.len() + 4).sum());
    for row in rows {
        out.extend_from_slice(&u32::try_from(row.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(row);
    }
    out
}

/// Reads what [`pack`] wrote; nothing for anything else.
pub(crate) fn unpack(mut bytes: &[u8]) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (row, rest) = rest.split_at_checked(length)?;
        rows.push(Row::from(row));
        bytes = rest;
    }
    Some(rows)
}

fn length_at(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (used, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7F) << (7 * used);
        if byte & 0x80 == 0 {
            return Some((length, used + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_nulls_survive_packing() {
        let long = "x".repeat(131_072);
        let values = [Some("a"), None, Some("b\"c\r\n"), Some(long.as_str()), None];
        let mut writer = RowWriter::default();
        for value in values {
            writer.cell(value.map(str::as_bytes));
        }
        let row = writer.finish();
        let read: Vec<_> = cells(&row)
            .map(|c| c.map(|b| std::str::from_utf8(b).unwrap()))
            .collect();
        assert_eq!(read, values);
        assert_eq!(text(&row, 2), Some("b\"c\r\n"));
        assert_eq!(cell(&row, 4), None);
        assert_eq!(cell(&row, 5), None);
    }

    #[test]
    fn an_empty_text_is_a_null() {
        let mut writer = RowWriter::default();
        writer.value(b"");
        assert_eq!(cell(&writer.finish(), 0), None);
    }
}
