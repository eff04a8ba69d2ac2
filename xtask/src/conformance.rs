//! Recorded traffic of real orgs, replayed against the simulator.

use crate::cargo;

/// Makes the test write what it found.
const WRITE: &str = "HOLDFAST_CONFORMANCE_WRITE";

pub(crate) fn run() -> anyhow::Result<()> {
    let mut command = cargo::cargo();
    command.args(["test", "--workspace", "--test", "conformance"]);
    cargo::finish(command.env(WRITE, "1"))
}
