//! The processes that run a function: tests kill one, or look at the memory that it took.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process of a function, as Linux shows it below `/proc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    id: i32,
}

impl Worker {
    /// The processes in a group that run the function of this name.
    pub(crate) fn of(group: u32, function: &str) -> Vec<Self> {
        let marker = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .map(|id| Self { id })
            .filter(|worker| worker.group() == Some(group) && worker.runs(&marker))
            .collect()
    }

    /// Ends it at once, as a crash would.
    pub fn kill(self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.id), Signal::SIGKILL).context("the worker is gone already")
    }

    /// The most memory that it held so far, in bytes.
    pub fn peak_memory(self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(self.file("status")).context("the worker is gone")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .context("the worker is ending")?;
        let kib: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .context("cannot read the peak memory")?;
        Ok(kib * 1024)
    }

    /// `stat` is `id (name) state parent group …`, and the name may hold anything.
    fn group(self) -> Option<u32> {
        let stat = fs::read_to_string(self.file("stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(2)?.parse().ok()
    }

    fn runs(self, marker: &str) -> bool {
        let Ok(variables) = fs::read(self.file("environ")) else {
            return false;
        };
        variables
            .split(|byte| *byte == 0)
            .any(|variable| variable == marker.as_bytes())
    }

    fn file(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.id))
    }
}
