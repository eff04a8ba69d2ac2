//! The project's chores: `cargo xtask <command>`.

#![expect(
    clippy::print_stderr,
    reason = "a command line program talks to its user"
)]

mod bench;
mod cargo;
mod conformance;
mod local;
mod package;
mod simulate;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// The chores of Holdfast.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Shows a backup from the first login to a record read back, on this machine only
    Demo(local::Demo),
    /// Starts the local stack and the org simulator, and leaves them running
    Up,
    /// Ends what `up` and `demo --keep` left running
    Down,
    /// Checks and tests everything: format, lints, tidy, then every test
    Test,
    /// Replays recorded traffic against the simulator and writes tests/orgsim/CONFORMANCE.md
    Conformance,
    /// Moves a simulated org and the product together, seed by seed, and compares them after every round
    Simulate(simulate::Simulate),
    /// Runs our own checks: machines, template, arrows, error pages, files, cfn-lint, cargo-deny
    Tidy,
    /// Builds the zips for AWS below target/lambda/
    Package(package::Package),
    /// Measures
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Demo(options) => local::demo(&options),
        Command::Up => local::run(&["up"]),
        Command::Down => local::run(&["down"]),
        Command::Test => test::run(),
        Command::Conformance => conformance::run(),
        Command::Simulate(options) => simulate::run(&options),
        Command::Tidy => tidy::run(),
        Command::Package(options) => package::run(&options),
        Command::Bench(options) => bench::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
