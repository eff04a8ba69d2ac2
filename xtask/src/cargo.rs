//! Calls of cargo, all with the same profile and the same features, so that nothing is built twice.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context as _, bail};
use xtask::place;

/// Builds every function, the simulator and the program that drives the local stack.
pub(crate) fn build_programs() -> anyhow::Result<()> {
    run(&["build", "--workspace", "--bins"])
}

/// Runs cargo in the checkout, after saying what it runs.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    finish(cargo().args(arguments))
}

/// Cargo, in the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(place::root());
    command
}

/// Runs a command to its end, after saying what it runs.
#[expect(clippy::print_stderr, reason = "says what it runs")]
pub(crate) fn finish(command: &mut Command) -> anyhow::Result<()> {
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .collect();
    let line = format!(
        "{} {}",
        command.get_program().to_string_lossy(),
        arguments.join(" ")
    );
    eprintln!("> {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed");
    }
    Ok(())
}
