//! Everything, from format to end to end.

use crate::{cargo, tidy};

pub(crate) fn run() -> anyhow::Result<()> {
    cargo::run(&["fmt", "--all", "--check"])?;
    tidy::run()?;
    cargo::run(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    // The end-to-end tests deploy the functions' programs and start the simulator: they must be there.
    cargo::run(&["build", "--workspace", "--bins", "--tests"])?;
    cargo::run(&["test", "--workspace"])
}
