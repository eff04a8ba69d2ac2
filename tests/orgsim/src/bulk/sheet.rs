//! An uploaded CSV file: where its rows are, and their cells.
//!
//! Sources: Bulk API 2.0 Developer Guide, Prepare CSV Files and Limits; the texts are those of the CSV reader that
//! Salesforce publishes with its web service connector, as jobs repeat them.

use std::ops::Range;

use bytes::Bytes;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr3};

/// Characters of a header.
const HEADER_CHARS_MAX: usize = 32_000;
/// Characters of a row.
const ROW_CHARS_MAX: usize = 400_000;
/// What some editors put in front of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Columns of a row.
const COLUMNS_MAX: usize = 5_000;

/// A file whose rows are known.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    bytes: Bytes,
    delimiter: u8,
    header: Range<usize>,
    /// The columns' names, as written.
    pub columns: Vec<String>,
    rows: Vec<Range<usize>>,
}

/// The cells of one row, and room for those of the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Sheet {
    /// Finds the rows of a file; the text says what is wrong with it. Blank lines are no rows.
    pub(crate) fn read(
        bytes: Bytes,
        delimiter: u8,
        line_end: Option<&[u8]>,
    ) -> Result<Self, String> {
        let bytes = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes,
            Err(_) => String::from_utf8_lossy(&bytes).into_owned().into(),
        };
        let mut sheet = Self {
            bytes,
            delimiter,
            header: 0..0,
            columns: Vec::new(),
            rows: Vec::new(),
        };
        let mut reader = sheet.reader();
        let mut at = 0;
        while at < sheet.bytes.len() {
            let (row, next) = sheet.row(at, line_end)?;
            at = next;
            let most = if sheet.columns.is_empty() {
                HEADER_CHARS_MAX
            } else {
                ROW_CHARS_MAX
            };
            if row.len() > most {
                return Err(format!(
                    "InvalidBatch : Failed to parse CSV. Exceeded max length for one record. Max length for one record should be less than or equal to {most}"
                ));
            }
            if row.is_empty() {
                continue;
            }
            if sheet.columns.is_empty() {
                let mut record = Record::default();
                sheet.cells_of(&row, &mut reader, &mut record);
                sheet.columns = record.cells().into_iter().map(str::to_owned).collect();
                sheet.header = row;
            } else {
                sheet.rows.push(row);
            }
        }
        if sheet.columns.len() > COLUMNS_MAX {
            return Err(format!(
                "InvalidBatch : Failed to parse CSV. Exceeded max number of columns per record. Max columns allowed is {COLUMNS_MAX}"
            ));
        }
        Ok(sheet)
    }

    /// Number of rows below the header.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The header as it was sent, without its line end.
    pub(crate) fn header(&self) -> &[u8] {
        self.bytes.get(self.header.clone()).unwrap_or_default()
    }

    /// A row as it was sent, without its line end.
    pub(crate) fn raw(&self, row: usize) -> &[u8] {
        let range = self.rows.get(row).cloned().unwrap_or_default();
        self.bytes.get(range).unwrap_or_default()
    }

    /// What reads the rows, one after the other: making it takes longer than reading a row, and a clone of it does
    /// not work (csv-core 0.1).
    pub(crate) fn reader(&self) -> Reader {
        ReaderBuilder::new().delimiter(self.delimiter).build()
    }

    /// Reads the cells of a row.
    pub(crate) fn read_row(&self, row: usize, reader: &mut Reader, record: &mut Record) {
        if let Some(range) = self.rows.get(row) {
            self.cells_of(range, reader, record);
        }
    }

    fn cells_of(&self, row: &Range<usize>, reader: &mut Reader, record: &mut Record) {
        let raw = self.bytes.get(row.clone()).unwrap_or_default();
        reader.reset();
        record.text.resize(raw.len() + 1, 0);
        record.ends.resize(COLUMNS_MAX.min(raw.len() + 1) + 1, 0);
        let (mut input, mut written, mut ended) = (raw, 0, 0);
        loop {
            let text = record.text.get_mut(written..).unwrap_or_default();
            let ends = record.ends.get_mut(ended..).unwrap_or_default();
            let (result, read, wrote, ends) = reader.read_record(input, text, ends);
            input = input.get(read..).unwrap_or_default();
            written += wrote;
            ended += ends;
            // An empty input tells the reader that the row is over; with no room left there are too many columns.
            if !matches!(result, ReadRecordResult::InputEmpty) {
                break;
            }
        }
        record.text.truncate(written);
        record.ends.truncate(ended);
        // The reader drops a byte order mark, which the platform takes for text.
        if raw.starts_with(BYTE_ORDER_MARK) {
            record.text.splice(0..0, BYTE_ORDER_MARK.iter().copied());
            for end in &mut record.ends {
                *end += BYTE_ORDER_MARK.len();
            }
        }
    }

    /// The row that begins at `start`, and where the next one begins. Stricter than a CSV reader has to be, as the
    /// platform is.
    fn row(&self, start: usize, line_end: Option<&[u8]>) -> Result<(Range<usize>, usize), String> {
        let bytes = self.bytes.as_ref();
        let failed = |why: &str| Err(format!("InvalidBatch : Failed to parse CSV. {why}"));
        let mut at = start;
        loop {
            // At the beginning of a cell.
            if bytes.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    let Some(quote) = bytes.get(at..).and_then(|rest| memchr(b'"', rest)) else {
                        return failed("EOF reached before closing an opened quote");
                    };
                    at += quote + 1;
                    if bytes.get(at) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
                let ends = |byte: &u8| matches!(byte, b'\r' | b'\n') || *byte == self.delimiter;
                if bytes.get(at).is_some_and(|byte| !ends(byte)) {
                    return failed("Not expecting more text after end quote");
                }
            } else {
                let rest = bytes.get(at..).unwrap_or_default();
                let mut length = memchr3(self.delimiter, b'\n', b'"', rest).unwrap_or(rest.len());
                if rest.get(length) == Some(&b'"') {
                    return failed(
                        "Found unescaped quote. A value with quote should be within a quote",
                    );
                }
                if rest.get(length) == Some(&b'\n')
                    && length > 0
                    && rest.get(length - 1) == Some(&b'\r')
                {
                    length -= 1;
                }
                at += length;
            }
            let rest = bytes.get(at..).unwrap_or_default();
            let found: &[u8] = match rest {
                [] => return Ok((start..at, at)),
                [b'\r', b'\n', ..] => b"\r\n",
                [b'\n', ..] => b"\n",
                // A lone carriage return at the end of a quoted cell or of the file.
                [b'\r', ..] => b"\r",
                [_, ..] => {
                    at += 1;
                    continue;
                }
            };
            if let Some(wanted) = line_end.filter(|wanted| *wanted != found) {
                let name = if wanted == b"\n" { "LF" } else { "CRLF" };
                return Err(format!(
                    "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {name}"
                ));
            }
            return Ok((start..at, at + found.len()));
        }
    }
}

impl Record {
    /// The cells, unquoted.
    pub(crate) fn cells(&self) -> Vec<&str> {
        let mut start = 0;
        let cell = |end: &usize| {
            let cell = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            std::str::from_utf8(cell).unwrap_or_default()
        };
        self.ends.iter().map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, delimiter: u8) -> Result<Vec<Vec<String>>, String> {
        let sheet = Sheet::read(Bytes::copy_from_slice(text.as_bytes()), delimiter, None)?;
        let (mut reader, mut record) = (sheet.reader(), Record::default());
        let mut all = vec![sheet.columns.clone()];
        for row in 0..sheet.len() {
            sheet.read_row(row, &mut reader, &mut record);
            all.push(record.cells().into_iter().map(str::to_owned).collect());
        }
        Ok(all)
    }

    #[test]
    fn cells_keep_their_spaces_quotes_and_line_breaks() {
        let text = "a,b\r\n \"x\"\"\n,\r\ny\", z \r\n".replacen(" \"x", "\"x", 1);
        let expected = vec![vec!["a", "b"], vec!["x\"\n,\r\ny", " z "]];
        assert_eq!(rows(&text, b',').unwrap(), expected);
        assert_eq!(
            rows("a\n\n1\n", b',').unwrap(),
            vec![vec!["a"], vec!["1"]],
            "a blank line is no row"
        );
        assert_eq!(rows("a,b\n,", b',').unwrap()[1], ["", ""]);
    }

    #[test]
    fn a_file_with_stray_quotes_is_refused_as_a_whole() {
        for (text, why) in [
            ("a\n\"x", "EOF reached before closing an opened quote"),
            ("a,b\n1, \"x\"", "Found unescaped quote"),
            ("a,b\n\"x\" ,1", "Not expecting more text after end quote"),
            ("\u{feff}\"a\"\n1", "Found unescaped quote"),
        ] {
            let error = rows(text, b',').unwrap_err();
            assert!(error.starts_with("InvalidBatch : "), "{error}");
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn line_ends_must_be_those_of_the_job() {
        let read = |text: &'static str, end: &'static [u8]| {
            Sheet::read(Bytes::from_static(text.as_bytes()), b',', Some(end)).map(|s| s.len())
        };
        assert_eq!(read("a\n1\n2", b"\n"), Ok(2));
        assert_eq!(read("a\r\n\"1\n2\"\r\n3", b"\r\n"), Ok(2));
        assert!(
            read("a\r\n1\r\n", b"\n")
                .unwrap_err()
                .ends_with("setting is LF")
        );
        assert!(
            read("a\n1\n", b"\r\n")
                .unwrap_err()
                .ends_with("setting is CRLF")
        );
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read_back(
            rows_in in proptest::collection::vec(proptest::collection::vec("[a-z\"',;|\\t^`\r\n é]{0,6}", 3), 1..6),
            delimiter in proptest::sample::select(&b",\t|;^`"[..]),
            crlf in any::<bool>(),
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut text = String::new();
            for row in &rows_in {
                let quoted: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                text.push_str(&quoted.join(&char::from(delimiter).to_string()));
                text.push_str(end);
            }
            prop_assert_eq!(rows(&text, delimiter).unwrap(), rows_in);
        }

        #[test]
        fn no_bytes_stop_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Sheet::read(bytes.into(), b',', Some(b"\n"));
        }
    }
}
