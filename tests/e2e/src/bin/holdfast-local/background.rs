//! A stack that stays: held by a process of its own, known by `target/local/up.json`.

use std::env;
use std::fs::{self, File};
use std::future;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use holdfast_e2e::{Addresses, Options, Stack};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

const START_TIMEOUT: Duration = Duration::from_mins(10);
const END_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// What `up.json` holds.
#[derive(Serialize, Deserialize)]
struct Up {
    /// The process that holds the stack.
    holder: i32,
    addresses: Addresses,
}

/// Starts a stack with so many records and leaves it running, or finds the one that runs.
pub(crate) fn up(records: u64) -> anyhow::Result<Addresses> {
    if let Some(up) = running()? {
        return Ok(up.addresses);
    }
    let log = file("up.log")?;
    let output = File::create(&log).context("cannot create the log")?;
    let mut holder = Command::new(env::current_exe()?)
        .args(["hold", "--records", &records.to_string()])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("cannot share the log")?)
        .stderr(output)
        .spawn()
        .context("cannot start the holder of the stack")?;
    let end = Instant::now() + START_TIMEOUT;
    while Instant::now() < end {
        if let Some(up) = running()? {
            return Ok(up.addresses);
        }
        if holder.try_wait()?.is_some() {
            bail!(
                "the stack did not start; it said:\n{}",
                fs::read_to_string(&log).unwrap_or_default().trim()
            );
        }
        std::thread::sleep(POLL);
    }
    // An error means that it ended by itself.
    let _ = holder.kill();
    bail!("the stack did not start in time; see `{}`", log.display())
}

/// Ends the stack that runs; answers whether there was one.
pub(crate) fn down() -> anyhow::Result<bool> {
    let Some(up) = running()? else {
        return Ok(false);
    };
    kill(Pid::from_raw(up.holder), Signal::SIGTERM)
        .context("cannot end the holder of the stack")?;
    let end = Instant::now() + END_TIMEOUT;
    while running()?.is_some() || up.addresses.is_alive() {
        if Instant::now() > end {
            bail!("the stack did not end");
        }
        std::thread::sleep(POLL);
    }
    fs::remove_file(file("up.json")?).context("cannot remove the note of what runs")?;
    fs::remove_dir_all(&up.addresses.folder).context("cannot remove the folder of the run")?;
    Ok(true)
}

/// Starts a stack, notes where it is, and holds it until this process is ended.
pub(crate) async fn hold(records: u64) -> anyhow::Result<()> {
    let lock = File::create(file("up.lock")?).context("cannot create the lock")?;
    if lock.try_lock().is_err() {
        bail!("another stack is running or starting; `cargo xtask down` ends it");
    }
    let stack = Stack::start(Options::with_records(records)).await?;
    let up = Up {
        holder: i32::try_from(std::process::id())?,
        addresses: stack.addresses().clone(),
    };
    // Renamed into place: whoever reads it reads all of it.
    let fresh = file("up.json.fresh")?;
    fs::write(&fresh, serde_json::to_vec_pretty(&up)?).context("cannot note where the stack is")?;
    fs::rename(fresh, file("up.json")?).context("cannot note where the stack is")?;
    future::pending().await
}

/// The stack whose holder lives. A note without a holder is left over from a crash.
fn running() -> anyhow::Result<Option<Up>> {
    let is_held = File::open(file("up.lock")?).is_ok_and(|lock| lock.try_lock_shared().is_err());
    match fs::read(file("up.json")?) {
        Ok(note) if is_held => {
            let up: Up =
                serde_json::from_slice(&note).context("cannot read the note of what runs")?;
            Ok(up.addresses.is_alive().then_some(up))
        }
        _ => Ok(None),
    }
}

fn file(name: &str) -> anyhow::Result<PathBuf> {
    Ok(holdfast_e2e::local()?.join(name))
}
