//! Stock Salesforce clients as witnesses: simple-salesforce and jsforce, pinned and unpatched, work on a running org.
//!
//! Each client has a suite beside this file that lists its checks and reports every one of them by name, so the
//! checks are tests like any others: `cargo test -p holdfast-orgsim --test witness -- jsforce::a_query`.
//! The clients are installed on first use, as `xtask::python` and `xtask::node` say.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says what it cannot run"
)]

mod suite;

use std::{process::ExitCode, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_orgsim::{Config, Credentials, Running, start};
use libtest_mimic::{Arguments, Trial};
use suite::{Client, Suite};
use xtask::{
    node::Packages,
    python::{Environment, Tools},
};

/// Where the suites are.
const FOLDER: &str = "tests/orgsim/tests/witness";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The first test of a suite waits for the whole of it; the two suites run side by side.
    arguments.test_threads.get_or_insert(2);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let python = Environment::ensure(Tools::Clients).unwrap();
    let mut clients = vec![Client {
        name: "simple_salesforce",
        program: python.python(),
        script: "simple_salesforce.py",
        settings: Vec::new(),
    }];
    let node = Packages::ensure(FOLDER, "witness").unwrap();
    if let Some(node) = &node {
        clients.push(Client {
            name: "jsforce",
            program: "node".into(),
            script: "jsforce.mjs",
            settings: vec![("ORGSIM_NODE_FOLDER", node.folder().display().to_string())],
        });
    }
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut orgs = Vec::new();
    let mut trials = Vec::new();
    for client in clients {
        let org = runtime.block_on(org(&pair));
        let suite = Arc::new(Suite::new(client, org.url(), &private(&pair)));
        orgs.push(org);
        for name in suite.names() {
            let suite = Arc::clone(&suite);
            trials.push(Trial::test(suite.title(&name), move || {
                suite.outcome(&name)
            }));
        }
    }
    // Tests take turns, so that both suites start at once.
    trials.sort_by_key(|trial| trial.name().rsplit("::").next().map(str::to_owned));
    if node.is_none() {
        eprintln!("jsforce is left out: it needs Node 18 or later and npm");
        let skipped = Trial::test("jsforce::needs_node_18_and_npm", || Ok(()));
        trials.push(skipped.with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// An org that trusts the key.
async fn org(pair: &KeyPair) -> Running {
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let config = Config {
        records: 3_000,
        credentials: Credentials {
            jwt_public_key: Some(pem("PUBLIC KEY", public.as_ref())),
            ..Credentials::default()
        },
        ..Config::default()
    };
    start(config).await.unwrap()
}

fn private(pair: &KeyPair) -> String {
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    pem("PRIVATE KEY", private.as_ref())
}

fn pem(label: &str, der: &[u8]) -> String {
    // Readers of PEM other than ours insist on lines of 64.
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
