//! What differs between two snapshots, next to `DuckDB` over the same rows as Parquet files:
//! `cargo xtask bench diff -- [rows] [layers]`.
//!
//! 20 columns, 1 % of the rows changed, 0.1 % added and as many removed; the segments of both sides are different ones,
//! as those of two orgs are, so nothing is known to be alike without reading it. With more than one layer, as many
//! segments hold rows of the same Ids, as before a compaction. Both programs have one core and a process of their own.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

mod disk;
mod ours;
mod rows;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// What a process found and used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Measured {
    only_left: u64,
    only_right: u64,
    changed: u64,
    /// Fields of changed records that differ.
    fields: u64,
    cpu_seconds: f64,
    peak_megabytes: f64,
}

fn main() {
    let folder = std::env::var_os("DIFF_MEASURED_FOLDER");
    if let Some(folder) = folder {
        let measured = ours::measure(Path::new(&folder));
        println!("{}", serde_json::to_string(&measured).unwrap());
        return;
    }
    // Cargo adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());
    let rows = numbers.next().unwrap_or(5_000_000_u32);
    let layers = numbers.next().unwrap_or(1_u32);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("diff-{rows}-{layers}"));
    let sizes = disk::write(&folder, rows, layers as usize);
    println!(
        "{rows} rows, {} columns, {layers} layers; {:.0} MB sealed, {:.0} MB as Parquet files\n",
        rows::COLUMNS.len(),
        sizes.0,
        sizes.1
    );

    let mut ours = one_core(&std::env::current_exe().unwrap());
    ours.env("DIFF_MEASURED_FOLDER", &folder);
    let python = std::env::var_os("DUCKDB_PYTHON").expect("`cargo xtask bench diff` sets it");
    let mut duckdb = one_core(Path::new(&python));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/diff/duckdb_diff.py");
    duckdb.arg(script).arg(&folder);
    println!("| what | seconds | CPU seconds | peak MB |");
    println!("|---|---:|---:|---:|");
    let (one, other) = (
        line("Holdfast, sealed segments", ours),
        line("DuckDB, Parquet files", duckdb),
    );
    let found = |measured: Measured| {
        (
            measured.only_left,
            measured.only_right,
            measured.changed,
            measured.fields,
        )
    };
    assert_eq!(found(one), found(other), "both must find the same");
    println!("\nfound: {one:?}");
}

fn one_core(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

fn line(what: &str, mut command: Command) -> Measured {
    let start = Instant::now();
    let output = command.output().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let measured: Measured = serde_json::from_slice(&output.stdout).unwrap();
    println!(
        "| {what} | {seconds:.1} | {:.1} | {:.0} |",
        measured.cpu_seconds, measured.peak_megabytes
    );
    measured
}
