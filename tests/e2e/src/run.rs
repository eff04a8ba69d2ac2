//! The folder of one run, `target/local/<run>`: everything that the local stack writes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use xtask::place;

/// Folders of ended runs that are kept for a look at their logs.
const KEPT: usize = 3;

/// A run's folder, locked for as long as the run lives.
#[derive(Debug)]
pub(crate) struct Run {
    folder: PathBuf,
    _lock: File,
}

impl Run {
    /// Makes a new folder, and clears away those of earlier runs that ended without doing so.
    pub(crate) fn create() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let all = local()?;
        sweep(&all)?;
        let millis = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let folder = all.join(format!(
            "run-{millis}-{}-{}",
            process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        for inner in ["tmp", "s3", "infra", "statemachines", "target/lambda"] {
            fs::create_dir_all(folder.join(inner))
                .with_context(|| format!("cannot create `{}`", folder.display()))?;
        }
        let lock =
            File::create(folder.join("lock")).context("cannot create the lock of the run")?;
        lock.lock().context("cannot lock the run")?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder. What cannot be removed is left for the next sweep.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `target/local`, where everything is that the local stack leaves on the disk.
pub fn local() -> anyhow::Result<PathBuf> {
    let folder = place::target()?.join("local");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    Ok(folder)
}

fn sweep(all: &Path) -> anyhow::Result<()> {
    let mut runs: Vec<_> = fs::read_dir(all)
        .with_context(|| format!("cannot list `{}`", all.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("run-"))
        })
        .filter(|path| has_ended(path))
        .collect();
    runs.sort();
    runs.truncate(runs.len().saturating_sub(KEPT));
    for run in runs {
        // Another process may be sweeping too.
        let _ = fs::remove_dir_all(run);
    }
    Ok(())
}

/// A run holds its lock until its process ends. One without a lock file is only just being made.
fn has_ended(run: &Path) -> bool {
    File::open(run.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok())
}
