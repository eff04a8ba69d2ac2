//! Where things are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The checkout that this works on: the one that cargo was called in, or else the one around the working directory.
///
/// It is looked for at run time, because checkouts may share a target folder and so this very program.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env::current_dir().unwrap_or_default(), PathBuf::from);
    let is_root = |folder: &&Path| folder.join("xtask/Cargo.toml").is_file();
    here.ancestors()
        .find(is_root)
        .unwrap_or(&here)
        .to_path_buf()
}

/// The folder with the programs of the profile that is running, such as `target/debug`.
pub fn programs() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("cannot find the running program")?;
    let folder = program
        .parent()
        .context("the running program has no folder")?;
    Ok(match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().unwrap_or(folder).to_path_buf(),
        _ => folder.to_path_buf(),
    })
}

/// Cargo's target folder: everything that is made goes below it.
pub fn target() -> anyhow::Result<PathBuf> {
    let programs = programs()?;
    Ok(programs
        .parent()
        .context("the running program is in no target folder")?
        .to_path_buf())
}

/// The names of the functions: the folders of `functions/`, in order.
pub fn functions() -> anyhow::Result<Vec<String>> {
    let folder = root().join("functions");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list `{}`", folder.display()))?
    {
        let entry = entry.context("cannot list the functions")?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
