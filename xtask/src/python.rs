//! The pinned Python tools, each set in a virtual environment below the target folder.
//!
//! The sets are `xtask/python/*.in`, locked with hashes in `*.txt`. `uv` fills them in seconds; it comes from
//! PyPI itself, so Python 3.11 and its `venv` module are all that the machine needs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::place;

/// A set of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tools {
    /// `MiniStack`, cfn-lint and pyarrow.
    Local,
    /// The SAM command line.
    Sam,
    /// cargo-lambda and zig.
    Package,
    /// simple-salesforce, a witness to the simulated org.
    Clients,
    /// `DuckDB`, next to which compares are measured.
    Bench,
    /// The installer of the others.
    Uv,
}

impl Tools {
    const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Sam => "sam",
            Self::Package => "package",
            Self::Clients => "clients",
            Self::Bench => "bench",
            Self::Uv => "uv",
        }
    }

    const fn lock(self) -> &'static str {
        match self {
            Self::Local => include_str!("../python/local.txt"),
            Self::Sam => include_str!("../python/sam.txt"),
            Self::Package => include_str!("../python/package.txt"),
            Self::Clients => include_str!("../python/clients.txt"),
            Self::Bench => include_str!("../python/bench.txt"),
            Self::Uv => include_str!("../python/uv.txt"),
        }
    }
}

/// An installed set of tools.
#[derive(Debug, Clone)]
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Installs the set, unless the environment already holds exactly what the lock file says.
    ///
    /// Safe to call from several processes at once: one installs, the others wait for it.
    pub fn ensure(tools: Tools) -> anyhow::Result<Self> {
        let all = place::target()?.join("venv");
        let environment = Self {
            folder: all.join(tools.name()),
        };
        if environment.holds(tools) {
            return Ok(environment);
        }
        fs::create_dir_all(&all).with_context(|| format!("cannot create `{}`", all.display()))?;
        if tools != Tools::Uv {
            Self::ensure(Tools::Uv)?;
        }
        let lock = File::create(all.join(format!("{}.lock", tools.name())))
            .context("cannot create the lock file")?;
        lock.lock().context("cannot take the lock")?;
        if !environment.holds(tools) {
            environment.install(tools, &all)?;
        }
        Ok(environment)
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// The folder of its programs.
    pub fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    fn holds(&self, tools: Tools) -> bool {
        fs::read_to_string(self.installed()).is_ok_and(|installed| installed == tools.lock())
    }

    /// Written last: what was installed.
    fn installed(&self) -> PathBuf {
        self.folder.join("installed.txt")
    }

    fn install(&self, tools: Tools, all: &Path) -> anyhow::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("cannot replace `{}`", self.folder.display()))?;
        }
        let requirements = all.join(format!("{}.txt", tools.name()));
        fs::write(&requirements, tools.lock()).context("cannot write the list of tools")?;
        let mut install = if tools == Tools::Uv {
            check_python()?;
            run(Command::new("python3").arg("-m").arg("venv").arg(&self.folder))
                .context("cannot create a virtual environment; on Debian and Ubuntu it needs the package `python3-venv`")?;
            let mut pip = Command::new(self.python());
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ]);
            pip
        } else {
            let base = Self {
                folder: all.join(Tools::Uv.name()),
            };
            run(Command::new(base.program("uv"))
                .args(["venv", "--quiet", "--no-config", "--python"])
                .arg(base.python())
                .arg(&self.folder))?;
            let mut uv = Command::new(base.program("uv"));
            uv.args(["pip", "install", "--quiet", "--no-config", "--python"])
                .arg(self.python());
            uv
        };
        run(install
            .args(["--no-deps", "--require-hashes", "--requirement"])
            .arg(&requirements))
        .with_context(|| format!("cannot install the Python tools `{}`", tools.name()))?;
        fs::write(self.installed(), tools.lock()).context("cannot note what was installed")
    }
}

/// The lock files are resolved for this version and later ones.
fn check_python() -> anyhow::Result<()> {
    let output = Command::new("python3")
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
        .status()
        .context("`python3` cannot be run; Python 3.11 or later is needed")?;
    ensure!(output.success(), "`python3` is older than 3.11");
    Ok(())
}

/// Runs an installer to its end; what it says is in the error.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed: {}",
            command.get_program().display(),
            said.trim()
        );
    }
    Ok(())
}
