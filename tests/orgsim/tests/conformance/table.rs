//! CSV: rows as objects of their columns.

use csv_core::{ReadRecordResult, Reader};
use serde_json::{Map, Value};

use super::body::scalar;

/// The rows of a file, the first of which names the columns.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::new();
    let mut rest = text.as_bytes();
    let mut found = Vec::new();
    let mut cells = vec![0; text.len() + 1];
    let mut ends = vec![0; text.len() + 1];
    let (mut cell_end, mut count) = (0, 0);
    loop {
        let (result, read, written, ended) =
            reader.read_record(rest, &mut cells[cell_end..], &mut ends[count..]);
        rest = &rest[read..];
        cell_end += written;
        count += ended;
        match result {
            ReadRecordResult::Record => {
                let mut from = 0;
                let row = ends[..count].iter().map(|end| {
                    let cell = String::from_utf8_lossy(&cells[from..*end]).into_owned();
                    from = *end;
                    cell
                });
                found.push(row.collect());
                (cell_end, count) = (0, 0);
            }
            // Reading on with nothing left ends the last row.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::End => return found,
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                panic!("a file has no more cells than letters")
            }
        }
    }
}

/// The rows as an array of objects; an empty cell is a null.
pub(crate) fn value(text: &str) -> Value {
    let mut rows = rows(text).into_iter();
    let columns = rows.next().unwrap_or_default();
    let record = |row: Vec<String>| {
        let cells = columns.iter().zip(row).map(|(name, cell)| {
            let value = if cell.is_empty() {
                Value::Null
            } else {
                scalar(&cell)
            };
            (name.clone(), value)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    };
    rows.map(record).collect()
}

/// What differs in the header rows and in the number of rows.
pub(crate) fn differences(recorded: &str, ours: &str) -> Vec<String> {
    let (recorded, ours) = (rows(recorded), rows(ours));
    let mut found = Vec::new();
    let header = |rows: &[Vec<String>]| rows.first().map_or_else(String::new, |row| row.join(","));
    if header(&recorded) != header(&ours) {
        found.push(format!(
            "columns {}, recorded {}",
            header(&ours),
            header(&recorded)
        ));
    }
    if recorded.len() != ours.len() {
        found.push(format!(
            "{} rows, recorded {}",
            ours.len().saturating_sub(1),
            recorded.len().saturating_sub(1)
        ));
    }
    found
}

/// A file of these rows, every cell in quotes.
pub(crate) fn write(rows: &[Vec<String>]) -> String {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",");
    let lines: Vec<String> = rows.iter().map(line).collect();
    lines.join("\n") + "\n"
}
