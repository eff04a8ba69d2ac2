//! What tests share: one stack, started when the first test needs it, and orgs to try it with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use holdfast_catalog::{Catalog, JobItem};
use holdfast_e2e::{Administrator, Execution, FunctionError, Options, Outcome, Stack};
use holdfast_model::row::RowHasher;
use holdfast_model::{JobId, ObjectName, OrgName, SalesforceId, SegmentEntry, Stamp};
use holdfast_orgsim::{Config, Running};
use holdfast_vault::{CustomerKey, Fields, Filter, Presence, Vault};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

/// The stack, and a client for control interfaces.
pub(crate) struct World {
    stack: OnceCell<Stack>,
    handle: Handle,
    pub(crate) http: reqwest::Client,
    jobs: AtomicU32,
}

/// A simulated org that is connected.
pub(crate) struct Org<'w> {
    pub(crate) world: &'w World,
    pub(crate) name: OrgName,
    pub(crate) sim: Running,
}

/// One record as the vault and the simulator both can show it: field to text, without nulls.
pub(crate) type Record = BTreeMap<String, String>;

impl World {
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            stack: OnceCell::new(),
            handle,
            http: reqwest::Client::new(),
            jobs: AtomicU32::new(0),
        }
    }

    pub(crate) async fn stack(&self) -> &Stack {
        let start = || async {
            Stack::start(Options::with_records(0))
                .await
                .expect("the local stack starts")
        };
        self.stack.get_or_init(start).await
    }

    pub(crate) async fn catalog(&self) -> Catalog {
        let stack = self.stack().await;
        Catalog::new(stack.dynamodb.clone(), &stack.table)
    }

    pub(crate) async fn vault(
        &self,
        org: &OrgName,
        key: Option<&CustomerKey>,
    ) -> Result<Vault, holdfast_model::Failure> {
        let stack = self.stack().await;
        let kms = aws_sdk_kms::Client::new(&stack.config());
        Vault::open(&stack.s3, &kms, &stack.bucket, org, key).await
    }

    /// Starts an org and connects it. Standard objects without a record are left out, unless the settings say
    /// themselves what is: a test that moves the few that have some takes a tenth of the time.
    pub(crate) async fn connect(&self, name: &str, config: Config, mut settings: Value) -> Org<'_> {
        let org = self.start(name, config).await;
        if settings.get("exclude_objects").is_none() {
            settings["exclude_objects"] = json!(org.empty_standard_objects().await);
        }
        org.connect(settings).await;
        org
    }

    /// Starts an org and leaves it unconnected.
    pub(crate) async fn start(&self, name: &str, config: Config) -> Org<'_> {
        let sim = holdfast_orgsim::start(config).await.unwrap();
        Org {
            world: self,
            name: OrgName::parse(name).unwrap(),
            sim,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _inside = self.handle.enter();
        drop(self.stack.take());
    }
}

impl Org<'_> {
    pub(crate) fn client_credentials(&self) -> Value {
        json!({
            "grant": "client_credentials",
            "login_url": self.sim.url(),
            "client_id": "holdfast-demo",
            "client_secret": "demo-secret",
        })
    }

    /// Connects it with these settings. Unless they say otherwise, every job asks about everything.
    pub(crate) async fn connect(&self, mut settings: Value) {
        if settings.get("quiet_poll_seconds").is_none() {
            settings["quiet_poll_seconds"] = json!(0);
        }
        self.store_secret(self.client_credentials()).await;
        self.invoke(
            "connect-org",
            json!({"org": self.name, "settings": settings}),
        )
        .await
        .unwrap();
    }

    pub(crate) async fn store_secret(&self, secret: Value) {
        self.world
            .stack()
            .await
            .put_secret(self.name.as_str(), &secret)
            .await
            .unwrap();
    }

    pub(crate) async fn invoke(
        &self,
        function: &str,
        input: Value,
    ) -> Result<Value, FunctionError> {
        self.world.stack().await.invoke(function, &input).await
    }

    /// Asks the simulator's control interface for something.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/__sim/{path}", self.sim.url());
        let answer = self
            .world
            .http
            .post(url)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn state(&self) -> Value {
        let url = format!("{}/__sim/state", self.sim.url());
        let text = self
            .world
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Standard objects without a record, deleted ones included.
    pub(crate) async fn empty_standard_objects(&self) -> Vec<String> {
        let state = self.state().await;
        let objects = state["objects"].as_object().unwrap().iter();
        objects
            .filter(|(name, count)| !name.ends_with("__c") && count["all"] == 0)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Somebody who changes what the org consists of.
    pub(crate) async fn administrator(&self) -> Administrator<'_> {
        let administrator = Administrator::log_in(&self.world.http, self.sim.url());
        administrator.await.unwrap()
    }

    /// A call of the Metadata API; says how often it succeeded.
    pub(crate) async fn metadata(&self, call: &str) -> usize {
        self.administrator().await.metadata(call).await.unwrap()
    }

    pub(crate) async fn advance_clock(&self, seconds: u32) {
        self.control("clock", json!({"advance_seconds": seconds}))
            .await;
    }

    pub(crate) async fn add_fault(&self, object: &str, times: Option<u32>, action: Value) {
        self.control(
            "faults",
            json!({"match": {"object": object}, "times": times, "action": action}),
        )
        .await;
    }

    pub(crate) async fn clear_faults(&self) {
        let url = format!("{}/__sim/faults", self.sim.url());
        assert!(
            self.world
                .http
                .delete(url)
                .send()
                .await
                .unwrap()
                .status()
                .is_success()
        );
    }

    pub(crate) async fn start_backup(&self) -> Execution {
        self.start_job("backup").await
    }

    async fn start_job(&self, kind: &str) -> Execution {
        let number = self.world.jobs.fetch_add(1, Ordering::Relaxed);
        let job = format!("{}-{number}", self.name);
        let request = json!({"org": self.name, "kind": kind});
        let stack = self.world.stack().await;
        stack.start_job(&request, &job).await.unwrap()
    }

    /// Runs a job that compares every Id, to its end.
    pub(crate) async fn sync(&self) -> JobItem {
        let execution = self.start_job("sync").await;
        self.finish(&execution).await
    }

    /// Runs a job to its end.
    pub(crate) async fn backup(&self) -> JobItem {
        let execution = self.start_backup().await;
        self.finish(&execution).await
    }

    pub(crate) async fn finish(&self, execution: &Execution) -> JobItem {
        let outcome = self.wait(execution).await;
        assert_eq!(
            outcome.status, "SUCCEEDED",
            "{}: {}",
            outcome.error, outcome.cause
        );
        self.job(execution).await
    }

    pub(crate) async fn wait(&self, execution: &Execution) -> Outcome {
        self.world.stack().await.wait(execution).await.unwrap()
    }

    pub(crate) async fn job(&self, execution: &Execution) -> JobItem {
        let job = JobId::parse(execution.job.as_str()).unwrap();
        self.world
            .catalog()
            .await
            .job(&self.name, &job)
            .await
            .unwrap()
    }

    pub(crate) async fn vault(&self) -> Vault {
        self.world.vault(&self.name, None).await.unwrap()
    }

    pub(crate) async fn segments(&self, object: &str) -> Vec<SegmentEntry> {
        self.world
            .catalog()
            .await
            .segments(&self.name, &ObjectName::parse(object).unwrap())
            .await
            .unwrap()
    }

    /// The newest stored version of every record of an object.
    pub(crate) async fn stored(&self, object: &str) -> BTreeMap<SalesforceId, Record> {
        let segments = self.segments(object).await;
        let end_of_time = Stamp::from_millis(i64::MAX);
        let mut scan = self
            .vault()
            .await
            .scan(&segments, end_of_time, Fields::All, Filter::All);
        let mut records = BTreeMap::new();
        while let Some(row) = scan.next().await.unwrap() {
            if row.presence() == Presence::Gone {
                assert!(
                    row.fields()
                        .all(|(name, text)| name == "Id" || text.is_none())
                );
                continue;
            }
            let mut record: Record = row
                .fields()
                .filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())))
                .collect();
            assert_eq!(
                row.presence() != Presence::Live,
                record.get("IsDeleted").is_some_and(|text| text == "true")
            );
            // Whole objects are compared by content; both sides have the stamp where there is one.
            record.retain(|_, text| !text.is_empty());
            assert!(records.insert(row.id(), record).is_none());
        }
        records
    }

    /// Every record of an object as the simulator has it.
    pub(crate) async fn truth(&self, object: &str) -> BTreeMap<SalesforceId, Record> {
        let url = format!("{}/__sim/dump/{object}?fields=*", self.sim.url());
        let text = self
            .world
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        text.lines()
            .map(|line| {
                let fields: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
                let record: Record = fields
                    .into_iter()
                    .filter_map(|(name, value)| match value {
                        Value::String(text) if !text.is_empty() => Some((name, text)),
                        Value::Bool(truth) => Some((name, truth.to_string())),
                        _ => None,
                    })
                    .collect();
                (
                    SalesforceId::parse(record["Id"].as_bytes()).unwrap(),
                    record,
                )
            })
            .collect()
    }

    /// Names of the objects that jobs read.
    pub(crate) async fn readable(&self) -> Vec<String> {
        let objects = self
            .world
            .catalog()
            .await
            .objects(&self.name)
            .await
            .unwrap();
        objects
            .iter()
            .filter(|object| object.is_readable())
            .map(|object| object.object.to_string())
            .collect()
    }

    /// Compares every record of every object, field by field. Values are not printed.
    pub(crate) async fn assert_stored_is_true(&self) {
        let mut records = 0;
        for object in self.readable().await {
            records += self.assert_object_is_true(&object).await;
        }
        assert!(records > 0);
    }

    pub(crate) async fn assert_object_is_true(&self, object: &str) -> usize {
        let (stored, truth) = (self.stored(object).await, self.truth(object).await);
        assert!(
            stored.keys().eq(truth.keys()),
            "{object}: {} stored, {} true",
            stored.len(),
            truth.len()
        );
        for (id, record) in &truth {
            let differing: Vec<_> = record
                .keys()
                .chain(stored[id].keys())
                .filter(|name| !is_same(record.get(*name), stored[id].get(*name)))
                .collect();
            assert!(differing.is_empty(), "{object} {id}: {differing:?}");
        }
        truth.len()
    }

    /// Waits for a state of the simulator; never for a time.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        for _ in 0..6_000 {
            if holds(&self.state().await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what} did not come");
    }
}

/// Whether two texts mean the same: REST and Bulk spell times and numbers differently, and a row hash does not.
pub(crate) fn is_same(one: Option<&String>, other: Option<&String>) -> bool {
    let alike = |kind: &str| {
        let hasher = RowHasher::new([("value", kind)]);
        hasher.hash(|_| one.map(String::as_str)) == hasher.hash(|_| other.map(String::as_str))
    };
    one == other || alike("datetime") || alike("double")
}

/// A small org with this seed.
pub(crate) fn small(seed: u64) -> Config {
    Config {
        records: 1_500,
        seed,
        ..Config::default()
    }
}
