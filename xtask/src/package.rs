//! The zips for AWS: `target/lambda/<function>/bootstrap.zip`, where the template looks for them.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use xtask::place;
use xtask::python::{Environment, Tools};

use crate::cargo;

/// Options of `package`.
#[derive(Debug, clap::Args)]
pub(crate) struct Package {
    /// The architecture that the functions run on; give `sam deploy` the same
    #[arg(long, default_value = "x86_64")]
    architecture: Architecture,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Architecture {
    #[value(name = "x86_64")]
    X86,
    Arm64,
}

impl Architecture {
    const fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// The C library of Amazon Linux 2023: what is built here must ask for nothing newer.
const C_LIBRARY: &str = "2.34";

pub(crate) fn run(options: &Package) -> anyhow::Result<()> {
    let target = options.architecture.target();
    check_installed(target)?;
    let tools = Environment::ensure(Tools::Package)?;

    let mut build = cargo::cargo();
    build.args([
        "lambda",
        "build",
        "--release",
        "--disable-optimizations",
        "--locked",
    ]);
    build.args([
        "--compiler",
        "cargo-zigbuild",
        "--target",
        &format!("{target}.{C_LIBRARY}"),
    ]);
    build
        .args(["--output-format", "zip", "--lambda-dir"])
        .arg(place::root().join("target/lambda"));
    for function in place::functions()? {
        build.args(["--package", &format!("holdfast-{function}")]);
    }
    // cargo finds cargo-lambda, and cargo-lambda finds zig, on the path
    let path = env::var_os("PATH").context("PATH is not set")?;
    let path = env::join_paths(std::iter::once(tools.programs()).chain(env::split_paths(&path)))?;
    cargo::finish(build.env("PATH", path))
}

fn check_installed(target: &str) -> anyhow::Result<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("cannot run `rustc`")?;
    let folder =
        String::from_utf8(output.stdout).context("rustc names a folder that is not text")?;
    if !Path::new(folder.trim()).is_dir() {
        bail!(
            "the standard library of `{target}` is not installed; `rustup target add {target}` adds it"
        );
    }
    Ok(())
}
