//! Rows of a CSV file on their way into the org.

use super::{
    Operation,
    chunk::{self, Load, Outcome, Row},
    header::Header,
    sheet::{Record, Sheet},
};
use crate::{
    org::Org,
    save::{Caller, Cells},
};

/// Saves some rows of a file, which other calls see at once.
pub(super) fn save(
    org: &Org,
    caller: &Caller,
    load: Load,
    (sheet, header): (&Sheet, &Header),
    rows: std::ops::Range<usize>,
    job: &str,
) -> Vec<Outcome> {
    let mut reader = sheet.reader();
    let mut records: Vec<Record> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut record = Record::default();
        sheet.read_row(row, &mut reader, &mut record);
        records.push(record);
    }
    let cells: Vec<Vec<&str>> = records.iter().map(Record::cells).collect();
    let named = match load.operation {
        Operation::Upsert => header.key.or(header.id),
        Operation::Insert => None,
        _ => header.id,
    };
    let rows: Vec<Row<'_, Cells<'_>>> = cells
        .iter()
        .map(|cells| Row {
            name: named
                .and_then(|named| cells.get(named).copied())
                .unwrap_or_default(),
            source: Cells {
                places: &header.places,
                cells,
            },
        })
        .collect();
    // A composite call that is one transaction must not take these rows back with it.
    let _turn = org.turnstile.blocking_read();
    org.settle();
    chunk::save(org, caller, load, &rows, job)
}
