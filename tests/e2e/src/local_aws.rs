//! `MiniStack`, the local AWS: started on a free port of the loopback interface.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use xtask::python::{Environment, Tools};

use crate::group::Group;
use crate::run;

/// The account that `MiniStack` plays.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The region that everything local is in.
pub(crate) const REGION: &str = "us-east-1";

const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running local AWS.
#[derive(Debug)]
pub(crate) struct LocalAws {
    pub(crate) group: Group,
    pub(crate) endpoint: String,
}

impl LocalAws {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let tools = Environment::ensure(Tools::Local)?;
        // A free port stays free only until somebody else asks; one run at a time passes from here to healthy.
        let ports = File::create(run::local()?.join("ports.lock"))
            .context("cannot create the lock of the ports")?;
        ports.lock().context("cannot lock the ports")?;
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");

        let path = |inner: &str| folder.join(inner).display().to_string();
        let mut variables = environment(folder, &endpoint);
        for (name, value) in [
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("GATEWAY_PORT", port.to_string()),
            ("MINISTACK_HOST", "127.0.0.1".to_owned()),
            ("S3_PERSIST", "1".to_owned()),
            ("S3_DATA_DIR", path("s3")),
            // No container engine, even where one is installed: functions run as processes.
            ("DOCKER_HOST", "unix:///nonexistent".to_owned()),
            // Its MQTT listener has a fixed port, which two instances would both want.
            ("IOT_MTLS_ENABLED", "0".to_owned()),
            ("LOG_LEVEL", "WARNING".to_owned()),
        ] {
            variables.push((name.to_owned(), value));
        }
        let log = folder.join("ministack.log");
        let arguments = [OsStr::new("-m"), OsStr::new("ministack")];
        let group = Group::start(&tools.python(), &arguments, &variables, &log)?;
        let mut started = Self { group, endpoint };
        started.wait_until_healthy(&log).await?;
        Ok(started)
    }

    async fn wait_until_healthy(&mut self, log: &Path) -> anyhow::Result<()> {
        let health = format!("{}/_ministack/health", self.endpoint);
        let http = reqwest::Client::new();
        let end = Instant::now() + START_TIMEOUT;
        loop {
            let answer = http.get(&health).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if !self.group.is_running() || Instant::now() > end {
                let said = fs::read_to_string(log).unwrap_or_default();
                bail!("the local AWS did not start; it said:\n{}", said.trim());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The environment of whatever uses the local AWS: dummy credentials, and nothing of the user's own.
pub(crate) fn environment(folder: &Path, endpoint: &str) -> Vec<(String, String)> {
    let given = |name: &str| env::var(name).unwrap_or_default();
    let mut variables = vec![
        ("PATH", given("PATH")),
        ("HOME", folder.display().to_string()),
        ("TMPDIR", folder.join("tmp").display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    if env::var_os("RUST_LOG").is_some() {
        variables.push(("RUST_LOG", given("RUST_LOG")));
    }
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr().context("no free port")?.port())
}
