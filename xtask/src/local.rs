//! The local stack: builds, then hands over to `holdfast-local`, which knows AWS.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;
use xtask::place;

use crate::cargo;

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Leave everything running afterwards, and print the addresses
    #[arg(long)]
    keep: bool,
    /// Records that the simulated org has; the story needs 10,000
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    records: u64,
}

pub(crate) fn demo(options: &Demo) -> anyhow::Result<()> {
    let records = options.records.to_string();
    let mut arguments = vec!["demo", "--records", &records];
    if options.keep {
        arguments.push("--keep");
    }
    run(&arguments)
}

/// Becomes `holdfast-local`, so that Ctrl-C reaches it and nothing stands between.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    cargo::build_programs()?;
    let program = place::programs()?.join("holdfast-local");
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot run `{}`", program.display()))
}
