//! The checks of others: cfn-lint over the template, cargo-deny over the dependencies.

use std::process::{Command, Stdio};

use xtask::place;
use xtask::python::{Environment, Tools};

use crate::cargo;

#[expect(clippy::print_stderr, reason = "says what it leaves out")]
pub(super) fn run() -> anyhow::Result<()> {
    let tools = Environment::ensure(Tools::Local)?;
    let mut lint = Command::new(tools.program("cfn-lint"));
    lint.args(["--", super::template::PATH]);
    cargo::finish(lint.current_dir(place::root()))?;

    let mut deny = cargo::cargo();
    let is_there = deny
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if is_there.is_ok_and(|status| status.success()) {
        cargo::run(&["deny", "--workspace", "check"])
    } else {
        eprintln!("cargo-deny is not installed: licences and advisories were not checked");
        Ok(())
    }
}
