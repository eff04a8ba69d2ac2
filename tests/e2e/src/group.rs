//! A program in a process group of its own, which ends when we end, however we end.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The shell leads the group and holds a pipe from us. The pipe closes when we let go of it or die, also by
/// `SIGKILL`; then everything in the group is asked to end, and killed when it does not. When the program
/// ends by itself, what it left behind is killed too.
const GUARD: &str = r#"
exec 3<&0
trap : TERM INT HUP
"$@" </dev/null 3<&- &
program=$!
( trap '' TERM INT HUP; cat <&3 >/dev/null; kill -TERM 0; sleep 5; kill -KILL 0 ) >/dev/null 2>&1 &
exec 3<&-
wait "$program"
wait "$program"
kill -KILL 0
"#;

/// Longer than the guard itself waits before it kills.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// A running program with everything that it started.
#[derive(Debug)]
pub(crate) struct Group {
    guard: Child,
}

impl Group {
    /// Starts a program with exactly these variables in its environment; what it says goes to the file `log`.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&OsStr],
        variables: &[(String, String)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let output =
            File::create(log).with_context(|| format!("cannot create `{}`", log.display()))?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(arguments)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().context("cannot share the log")?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        Ok(Self { guard })
    }

    /// The id of the process group.
    pub(crate) fn id(&self) -> u32 {
        self.guard.id()
    }

    /// Whether the program still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        if !within(END_TIMEOUT, || !self.is_running()) {
            kill_group(self.guard.id());
        }
        // Reaps; an error means that somebody else already did.
        let _ = self.guard.wait();
        within(END_TIMEOUT, || is_group_gone(self.guard.id()));
    }
}

/// Kills what is left of a group.
fn kill_group(id: u32) {
    // An error means that nothing is left.
    let _ = killpg(pid(id), Signal::SIGKILL);
}

/// Whether no process of the group is left.
pub(crate) fn is_group_gone(id: u32) -> bool {
    killpg(pid(id), None).is_err()
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}

/// Waits for a state, up to a limit; answers whether it came.
pub(crate) fn within(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, log: &str) -> Group {
        let folder = crate::run::local().unwrap();
        let path = ("PATH".to_owned(), std::env::var("PATH").unwrap());
        Group::start(
            Path::new("/bin/sh"),
            &[OsStr::new("-c"), OsStr::new(script)],
            &[path],
            &folder.join(log),
        )
        .unwrap()
    }

    fn has_said(log: &str, text: &str) -> bool {
        let log = crate::run::local().unwrap().join(log);
        within(Duration::from_mins(1), || {
            std::fs::read_to_string(&log).unwrap().contains(text)
        })
    }

    #[test]
    fn dropping_a_group_ends_its_children_too_even_stubborn_ones() {
        let group = start(
            "trap '' TERM; sleep 1000 & echo ready; sleep 1000",
            "group-stubborn.log",
        );
        assert!(has_said("group-stubborn.log", "ready"));
        let id = group.id();
        assert!(!is_group_gone(id));
        drop(group);
        assert!(is_group_gone(id));
    }

    #[test]
    fn a_program_that_ends_by_itself_leaves_nothing_behind() {
        let mut group = start("sleep 1000 & echo ready", "group-ended.log");
        assert!(has_said("group-ended.log", "ready"));
        assert!(within(Duration::from_mins(1), || !group.is_running()));
        assert!(within(Duration::from_mins(1), || is_group_gone(group.id())));
    }
}
