//! Measurements. They print tables; none of them passes or fails.

use crate::{cargo, simulate};
use xtask::python::{Environment, Tools};

/// Objects of a large org.
const OBJECTS: u64 = 500;

/// Options of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// What is measured
    subject: Subject,
    /// Passed on to the benchmark
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Subject {
    /// CSV to sealed segments, in process
    Seal,
    /// What differs between two snapshots of 5,000,000 rows, next to `DuckDB` over the same rows
    Diff,
    /// A day of jobs over 500 objects in which nothing changes, and a job in which 5,000 records did
    Day,
    /// Jobs of the deployed machine over 500 objects: the first, one in which 5,000 records changed, one in which none did
    Head,
    /// A restore of 1,000,000 records with three levels of parents into an org that was emptied
    Restore,
}

pub(crate) fn run(options: &Bench) -> anyhow::Result<()> {
    let (package, name) = match options.subject {
        Subject::Seal => ("holdfast-vault", "seal"),
        Subject::Diff => ("holdfast-compare-object", "diff"),
        Subject::Day => return simulate::measure(OBJECTS),
        Subject::Head => return jobs("a_head_job_of_500_objects"),
        Subject::Restore => return jobs("a_restore_into_an_empty_org"),
    };
    let mut bench = cargo::cargo();
    if let Subject::Diff = options.subject {
        bench.env("DUCKDB_PYTHON", Environment::ensure(Tools::Bench)?.python());
    }
    bench
        .args(["bench", "--package", package, "--bench", name, "--"])
        .args(&options.arguments);
    cargo::finish(&mut bench)
}

fn jobs(name: &str) -> anyhow::Result<()> {
    let mut test = cargo::cargo();
    test.args(["test", "--workspace", "--test", "jobs", "--"]);
    test.args(["--ignored", "--nocapture", name]);
    cargo::finish(&mut test)
}
