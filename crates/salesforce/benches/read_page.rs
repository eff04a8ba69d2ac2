//! Speed of the bulk page reader: CSV bytes to rows, one core, no network.
//!
//! `cargo bench -p holdfast-salesforce` (add `--profile dev` to reuse what is built)
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::Instant;

use bytes::Bytes;
use holdfast_model::Failure;
use holdfast_salesforce::{Columns, PageReader};

/// As they come from the transfer.
const CHUNK_BYTES: usize = 16 << 10;
const PAGE_BYTES: usize = 256 << 20;
const ROUNDS: usize = 5;

fn main() -> Result<(), Failure> {
    let address = r#"Äcme & ""Söhne"", 12 Rue de l'Été, Paris"#;
    let long = "Lorem ipsum dolor sit amet,\nconsetetur.\n".repeat(100);
    for (name, values) in [
        ("12 values of 16 bytes", ["001D000000K0fXOI"; 12].to_vec()),
        (
            "80 values of 0 to 40 bytes",
            ["", "true", "2024-01-02T03:04:05.000Z", address].repeat(20),
        ),
        (
            "an id and a text of 4,000 bytes",
            vec!["001D000000K0fXOIAZ", &long],
        ),
    ] {
        let columns: Columns = (0..values.len())
            .map(|column| format!("C{column}__c"))
            .collect();
        let page = page(&columns, &values);
        let mut best = u128::MAX;
        let mut rows = 0;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            rows = read(&columns, &page)?;
            best = best.min(started.elapsed().as_micros());
        }
        println!(
            "{name}: {} MB/s, {} thousand rows/s",
            page.len() as u128 / best,
            u128::from(rows) * 1000 / best
        );
    }
    Ok(())
}

fn page(columns: &Columns, values: &[&str]) -> Bytes {
    let quoted = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|value| format!("\"{value}\"")).collect();
        values.join(",") + "\n"
    };
    let names: Vec<_> = columns.names().iter().map(String::as_str).collect();
    let row = quoted(values);
    let rows = row.repeat(PAGE_BYTES / row.len());
    Bytes::from(quoted(&names) + &rows)
}

fn read(columns: &Columns, page: &Bytes) -> Result<u64, Failure> {
    let mut reader = PageReader::new(columns);
    let mut page = page.clone();
    while !page.is_empty() {
        let mut chunk = page.split_to(CHUNK_BYTES.min(page.len()));
        while let Some(batch) = reader.read(&mut chunk)? {
            std::hint::black_box(batch);
        }
    }
    std::hint::black_box(reader.finish()?);
    Ok(reader.rows())
}
