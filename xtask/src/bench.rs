//! Measurements. They print tables; none of them passes or fails.

use crate::cargo;

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
}

pub(crate) fn run(options: &Bench) -> anyhow::Result<()> {
    let (package, name) = match options.subject {
        Subject::Seal => ("holdfast-vault", "seal"),
    };
    let mut bench = cargo::cargo();
    bench
        .args(["bench", "--package", package, "--bench", name, "--"])
        .args(&options.arguments);
    cargo::finish(&mut bench)
}
