//! A script that reports its checks one line of JSON at a time.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use libtest_mimic::Failed;
use serde::Deserialize;

use crate::FOLDER;

/// What runs a script.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) script: &'static str,
    /// Environment variables, besides those that every script gets.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// A script and the org that it works on.
pub(crate) struct Suite {
    client: Client,
    url: String,
    key: String,
    outcomes: OnceLock<Outcomes>,
}

/// What went wrong by name of the check, and whatever the script said besides.
struct Outcomes {
    errors: BTreeMap<String, Option<String>>,
    said: String,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    error: Option<String>,
}

impl Suite {
    /// The suite of `client` for the org at `url`, which trusts the private `key`.
    pub(crate) fn new(client: Client, url: &str, key: &str) -> Self {
        Self {
            client,
            url: url.to_owned(),
            key: key.to_owned(),
            outcomes: OnceLock::new(),
        }
    }

    /// The names of the checks.
    pub(crate) fn names(&self) -> Vec<String> {
        let output = self.command().arg("--list").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let names: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(
            output.status.success() && !names.is_empty(),
            "{} lists no checks: {}",
            self.client.script,
            String::from_utf8_lossy(&output.stderr)
        );
        names
    }

    /// The name of the test that reports a check.
    pub(crate) fn title(&self, name: &str) -> String {
        format!("{}::{name}", self.client.name)
    }

    /// How the check ended. The first one asked for runs the script.
    pub(crate) fn outcome(&self, name: &str) -> Result<(), Failed> {
        let outcomes = self.outcomes.get_or_init(|| self.run());
        match outcomes.errors.get(name) {
            Some(None) => Ok(()),
            Some(Some(error)) => Err(error.into()),
            None => Err(format!("the suite ended before this check: {}", outcomes.said).into()),
        }
    }

    fn run(&self) -> Outcomes {
        let output = self.command().output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let (mut errors, mut said) = (BTreeMap::new(), String::new());
        for line in text.lines() {
            match serde_json::from_str::<Line>(line) {
                Ok(line) => {
                    errors.insert(line.name, line.error);
                }
                Err(_) => said = format!("{said}{line}\n"),
            }
        }
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Outcomes { errors, said }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.client.program);
        command
            .arg(xtask::place::root().join(FOLDER).join(self.client.script))
            .env("ORGSIM_URL", &self.url)
            .env("ORGSIM_JWT_KEY", &self.key)
            // The script's folder must not be searched for the library of the same name.
            .env("PYTHONSAFEPATH", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.client.settings.iter().cloned())
            .stdin(Stdio::null());
        command
    }
}
