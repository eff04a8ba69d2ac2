//! CSV text to sealed segments in process: `cargo bench -p holdfast-vault --bench seal -- [MB of CSV]`.
//!
//! Prints a table with `zstd -3` alone and AES-256-GCM alone over the same bytes. No network, one thread.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark stops at the first surprise"
)]
#![expect(clippy::cast_precision_loss, reason = "the table shows three digits")]

use std::hint::black_box;
use std::time::Instant;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use holdfast_model::{FieldSchema, JobId, ObjectName, ObjectSchema, OrgName, Stamp, Transport};
use holdfast_vault::{KeyRing, SegmentBuffer};

mod contacts;

/// Text buffered per segment, as the functions do by default.
const SEGMENT_BYTES: usize = 32 << 20;

fn main() {
    // Cargo adds `--bench`.
    let megabytes = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(256_usize);
    let csv = contacts::csv(megabytes * 1_000_000);
    let before = memory_peak();

    let start = Clock::start();
    let sealed = seal(&csv);
    let time = start.stop();
    let peak = memory_peak() - before;

    let mb = csv.len() as f64 / 1e6;
    println!(
        "{mb:.0} MB of CSV, {} rows, {} columns, 1 thread",
        sealed.rows,
        contacts::FIELDS.len()
    );
    println!();
    println!("| what | MB/s | MB/s of CPU time | rows/s of CPU time | MB out | ratio |");
    println!("|---|---:|---:|---:|---:|---:|");
    let line = |what: &str, time: Time, bytes: usize| {
        let out = bytes as f64 / 1e6;
        let (wall, cpu) = (mb / time.wall, mb / time.cpu);
        let rows = sealed.rows as f64 / time.cpu;
        println!(
            "| {what} | {wall:.0} | {cpu:.0} | {rows:.0} | {out:.1} | {:.2} |",
            mb / out
        );
    };
    line("CSV to sealed segments", time, sealed.bytes);

    let start = Clock::start();
    let parsed = parse(&csv, |row| {
        black_box(row.value(0));
    });
    assert_eq!(parsed, sealed.rows);
    line("csv-core alone", start.stop(), csv.len());

    let start = Clock::start();
    let mut compressed = 0;
    for piece in csv.chunks(1 << 20) {
        compressed += zstd::bulk::compress(piece, 3).unwrap().len();
    }
    line("zstd -3 alone", start.stop(), compressed);

    let cipher = Aes256Gcm::new(&[7; 32].into());
    let mut copy = csv;
    let start = Clock::start();
    for (number, piece) in copy.chunks_mut(1 << 16).enumerate() {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&number.to_le_bytes());
        black_box(
            cipher
                .encrypt_inout_detached(&Nonce::from(nonce), b"", piece.into())
                .unwrap(),
        );
    }
    line("AES-256-GCM alone", start.stop(), copy.len());
    println!();
    println!(
        "{} segments; peak memory of sealing {:.0} MB over the CSV itself",
        sealed.segments,
        peak as f64 / 1e6
    );
}

/// Seconds on the clock, and those that this thread had a core: they differ when others use the machine.
struct Time {
    wall: f64,
    cpu: f64,
}

struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    fn stop(&self) -> Time {
        Time {
            wall: self.wall.elapsed().as_secs_f64(),
            cpu: cpu_seconds() - self.cpu,
        }
    }
}

/// The first number is nanoseconds on a core.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}

struct Sealed {
    segments: usize,
    bytes: usize,
    rows: usize,
}

fn seal(csv: &[u8]) -> Sealed {
    let org = OrgName::parse("acme").unwrap();
    let keys = KeyRing::derive(&org, &[42; 32]).unwrap();
    let job = JobId::parse("bench").unwrap();
    let schema = contacts_schema();
    let mut buffer =
        Some(SegmentBuffer::new(&schema, &job, Stamp::from_millis(1_760_000_000_000)).unwrap());
    let mut sealed = Sealed {
        segments: 0,
        bytes: 0,
        rows: 0,
    };
    let mut finish = |buffer: SegmentBuffer| {
        let sorted = buffer.sorted();
        sealed.segments += 1;
        sealed.rows += sorted.rows();
        sealed.bytes += sorted.seal(&keys).unwrap().bytes().len();
        sorted.into_empty()
    };
    parse(csv, |row| {
        let rows = buffer.as_mut().unwrap();
        rows.push(|column| row.value(column)).unwrap();
        if rows.bytes() >= SEGMENT_BYTES {
            buffer = buffer.take().map(&mut finish);
        }
    });
    if let Some(buffer) = buffer.filter(|buffer| buffer.rows() > 0) {
        finish(buffer);
    }
    sealed
}

/// Calls `each` with every row; gives the number of rows.
fn parse(csv: &[u8], mut each: impl FnMut(&Row)) -> usize {
    let mut reader = csv_core::ReaderBuilder::new()
        .terminator(csv_core::Terminator::Any(b'\n'))
        .build();
    let mut text = vec![0; 1 << 20];
    let mut ends = [0; contacts::FIELDS.len() + 1];
    let mut rest = csv;
    let mut rows = 0;
    loop {
        let (result, read, _, fields) = reader.read_record(rest, &mut text, &mut ends);
        rest = &rest[read..];
        match result {
            // The first record is the header.
            csv_core::ReadRecordResult::Record => {
                if rows > 0 {
                    let end = ends[fields - 1];
                    each(&Row {
                        text: std::str::from_utf8(&text[..end]).unwrap(),
                        ends: &ends[..fields],
                    });
                }
                rows += 1;
            }
            csv_core::ReadRecordResult::InputEmpty | csv_core::ReadRecordResult::End => {
                return rows - 1;
            }
            _ => panic!("row is too large"),
        }
    }
}

struct Row<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    fn value(&self, column: usize) -> Option<&'a str> {
        let start = if column == 0 {
            0
        } else {
            self.ends[column - 1]
        };
        let value = &self.text[start..self.ends[column]];
        (!value.is_empty()).then_some(value)
    }
}

fn contacts_schema() -> ObjectSchema {
    ObjectSchema {
        name: ObjectName::parse("Contact").unwrap(),
        label: "Contact".into(),
        key_prefix: Some("003".into()),
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: Some("SystemModstamp".into()),
        fields: contacts::FIELDS
            .iter()
            .map(|(name, field_type)| FieldSchema {
                name: (*name).into(),
                field_type: (*field_type).into(),
                nillable: true,
                createable: true,
                updateable: true,
                filterable: true,
                ..FieldSchema::default()
            })
            .collect(),
        children: Vec::new(),
    }
}

/// Greatest memory of this process so far, in bytes.
fn memory_peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok())
        .map_or(0, |kilobytes| kilobytes << 10)
}
