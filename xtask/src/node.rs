//! The pinned Node packages of a folder, installed below the target folder.
//!
//! The folder holds `package.json` and `package-lock.json`; the lock has hashes and names no registry. Node and npm
//! come with the machine, or they do not: not everyone who works on Holdfast has them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::{place, python};

/// The oldest Node that the packages run on.
const NODE_MIN: u32 = 18;

/// Installed packages.
#[derive(Debug, Clone)]
pub struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// Installs the packages of `source`, a folder of the checkout, unless they are there already; nothing on a
    /// machine without Node 18 and npm.
    ///
    /// Safe to call from several processes at once: one installs, the others wait for it.
    pub fn ensure(source: &str, name: &str) -> anyhow::Result<Option<Self>> {
        if !node_is_there() {
            return Ok(None);
        }
        let source = place::root().join(source);
        let wanted = read(&source.join("package-lock.json"))?;
        let all = place::target()?.join("node");
        fs::create_dir_all(&all).with_context(|| format!("cannot create `{}`", all.display()))?;
        let packages = Self {
            folder: all.join(name),
        };
        let lock = File::create(all.join(format!("{name}.lock")))
            .context("cannot create the lock file")?;
        lock.lock().context("cannot take the lock")?;
        // Written last: what was installed.
        let installed = packages.folder.join("installed.json");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(Some(packages));
        }
        fs::create_dir_all(&packages.folder).context("cannot create the folder of the packages")?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), packages.folder.join(file))
                .with_context(|| format!("cannot copy `{file}`"))?;
        }
        python::run(
            Command::new("npm")
                .args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                ])
                .current_dir(&packages.folder),
        )
        .with_context(|| format!("cannot install the Node packages `{name}`"))?;
        fs::write(&installed, wanted).context("cannot note what was installed")?;
        Ok(Some(packages))
    }

    /// The folder that holds `node_modules`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn node_is_there() -> bool {
    let version = |program: &str| {
        let output = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let major = text.trim().trim_start_matches('v').split('.').next()?;
        major.parse::<u32>().ok()
    };
    version("npm").is_some() && version("node").is_some_and(|version| version >= NODE_MIN)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
