//! The simulated Salesforce org.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use xtask::place;

use crate::group::Group;
use crate::local_aws;

/// What it prints when it is ready, before its address.
const READY: &str = "orgsim listening on ";
/// Generating millions of records takes its time.
const START_TIMEOUT: Duration = Duration::from_mins(3);

/// A running simulator; it ends when this is dropped.
#[derive(Debug)]
pub struct OrgSim {
    pub(crate) group: Group,
    pub(crate) url: String,
}

impl OrgSim {
    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it on a port of its choice and waits until it is ready.
    pub(crate) async fn start(folder: &Path, arguments: &[String]) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let program = place::programs()?.join("orgsim");
        if !program.is_file() {
            bail!("`orgsim` is not built; `cargo build --workspace --bins` builds it");
        }
        let log = folder.join(format!(
            "orgsim-{}.log",
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        let port = ["--bind", "127.0.0.1", "--port", "0"].map(OsStr::new);
        let arguments: Vec<&OsStr> = port
            .into_iter()
            .chain(arguments.iter().map(OsStr::new))
            .collect();
        let mut group = Group::start(
            &program,
            &arguments,
            &local_aws::environment(folder, ""),
            &log,
        )?;
        let end = Instant::now() + START_TIMEOUT;
        loop {
            let said = fs::read_to_string(&log).context("cannot read the log of orgsim")?;
            let ready = said
                .lines()
                .find_map(|line| line.strip_prefix(READY))
                .filter(|_| said.ends_with('\n'));
            if let Some(url) = ready {
                return Ok(Self {
                    group,
                    url: url.trim().to_owned(),
                });
            }
            if !group.is_running() || Instant::now() > end {
                bail!("orgsim did not start; it said:\n{}", said.trim());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
