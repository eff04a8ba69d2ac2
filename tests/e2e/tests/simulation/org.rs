//! A simulated org under test.

use std::collections::BTreeMap;

use holdfast_model::{ObjectName, OrgName, SalesforceId, Stamp};
use holdfast_orgsim::{Config, Running};
use serde_json::{Value, json};

use crate::truth::{Record, Truth};
use crate::world::World;

/// The objects that change: parents, a child that goes with its parent, one that stays, and a large one.
pub(crate) const OBJECTS: [&str; 5] = [
    "Account",
    "Contact",
    "Project__c",
    "Milestone__c",
    LARGE_OBJECT,
];
/// Of so many records that no count shows the loss of one.
const LARGE_OBJECT: &str = "Region__c";
const LARGE_OBJECT_RECORDS: usize = 250;

/// Settings of the org: how long before the head is read again, and how long before the present is left.
pub(crate) const OVERLAP_SECONDS: u32 = 900;
pub(crate) const GUARD_SECONDS: u32 = 300;
/// A change that is visible so soon after its stamp is lost by no head.
pub(crate) const PROTECTED_SECONDS: u32 = OVERLAP_SECONDS + GUARD_SECONDS;

/// The org, and everything that it ever showed.
pub(crate) struct Org<'w> {
    world: &'w World,
    pub(crate) name: OrgName,
    objects: Vec<String>,
    sim: Running,
    pub(crate) truth: Truth,
}

impl<'w> Org<'w> {
    pub(crate) async fn start(world: &'w World, seed: u64) -> Self {
        let records = |object| match object {
            LARGE_OBJECT => LARGE_OBJECT_RECORDS,
            _ => 12,
        };
        let objects = OBJECTS.map(|object| (object, records(object)));
        let mut org = Self::with(world, seed, &objects).await;
        org.observe().await;
        org
    }

    /// An org with so many records of some objects, whose clock stands.
    pub(crate) async fn with(
        world: &'w World,
        seed: u64,
        objects: &[(&'static str, usize)],
    ) -> Self {
        Self::named(
            world,
            &format!("seed-{seed}"),
            seed,
            objects,
            Config::default(),
        )
        .await
    }

    /// Another org with the same people, whose Ids are all others.
    pub(crate) async fn beside(
        world: &'w World,
        seed: u64,
        objects: &[(&'static str, usize)],
    ) -> Self {
        let config = Config {
            pod: *b"Zz",
            ..Config::default()
        };
        Self::named(world, &format!("beside-{seed}"), seed, objects, config).await
    }

    async fn named(
        world: &'w World,
        name: &str,
        seed: u64,
        objects: &[(&'static str, usize)],
        config: Config,
    ) -> Self {
        // What is not counted has what every org has.
        let counts = objects.iter().filter(|(_, records)| *records > 0);
        let config = Config {
            records: 0,
            objects: counts
                .map(|(object, records)| ((*object).to_owned(), *records))
                .collect(),
            seed,
            ..config
        };
        let sim = holdfast_orgsim::start(config).await.unwrap();
        let name = OrgName::parse(name).unwrap();
        let credentials = json!({
            "grant": "client_credentials",
            "login_url": sim.url(),
            "client_id": "holdfast-demo",
            "client_secret": "demo-secret",
        });
        world.aws.put_secret(name.as_str(), &credentials);
        let org = Self {
            world,
            name,
            objects: objects
                .iter()
                .map(|(object, _)| (*object).to_owned())
                .collect(),
            sim,
            truth: Truth::default(),
        };
        org.control("settings", json!({"bulk_delay_ms": 0})).await;
        // Nothing becomes visible between a look at the truth and the job: a seed does the same on every machine.
        org.control("clock", json!({"runs": false})).await;
        org
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        self.sim.url()
    }

    /// It changes records of this object, too.
    pub(crate) fn also_has(&mut self, object: &str) {
        self.objects.push(object.to_owned());
    }

    /// Asks the control interface for something that may be refused.
    pub(crate) async fn try_control(&self, path: &str, body: Value) -> Result<Value, String> {
        let url = format!("{}/__sim/{path}", self.sim.url());
        let request = self.world.http.post(url).body(body.to_string());
        let answer = request.send().await.unwrap();
        let refused = !answer.status().is_success();
        let text = answer.text().await.unwrap();
        if refused {
            Err(text)
        } else {
            Ok(serde_json::from_str(&text).unwrap())
        }
    }

    /// Asks the control interface for something.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        self.try_control(path, body).await.unwrap()
    }

    /// The org's clock.
    pub(crate) async fn now(&self) -> Stamp {
        let clock = self.get("clock").await;
        let clock: Value = serde_json::from_str(&clock).unwrap();
        Stamp::parse(clock["now"].as_str().unwrap()).unwrap()
    }

    /// Changes that are not committed yet.
    pub(crate) async fn pending(&self) -> u64 {
        let state: Value = serde_json::from_str(&self.get("state").await).unwrap();
        state["pending"].as_u64().unwrap()
    }

    /// What never changes, and need not be read.
    pub(crate) async fn other_objects(&self) -> Vec<String> {
        let state: Value = serde_json::from_str(&self.get("state").await).unwrap();
        let names = state["objects"].as_object().unwrap().keys().cloned();
        names.filter(|name| !self.objects.contains(name)).collect()
    }

    pub(crate) async fn clear_faults(&self) {
        let url = format!("{}/__sim/faults", self.sim.url());
        let answer = self.world.http.delete(url).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Notes what can be seen now.
    pub(crate) async fn observe(&mut self) {
        let now = self.now().await;
        for object in OBJECTS {
            let records = self.records(object, now).await;
            self.truth
                .note(&ObjectName::parse(object).unwrap(), records, now);
        }
        self.truth.looked(now);
    }

    /// All records of an object, those in the Recycle Bin too.
    pub(crate) async fn records(&self, object: &str, now: Stamp) -> BTreeMap<SalesforceId, Record> {
        let text = self.get(&format!("dump/{object}?fields=*")).await;
        text.lines().map(|line| record(line, now)).collect()
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let url = format!("{}/__sim/{path}", self.sim.url());
        let answer = self.world.http.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        answer.text().await.unwrap()
    }
}

fn record(line: &str, seen: Stamp) -> (SalesforceId, Record) {
    let fields: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
    let text = |(name, value)| match value {
        Value::String(text) if !text.is_empty() => Some((name, text)),
        Value::Bool(truth) => Some((name, truth.to_string())),
        _ => None,
    };
    let fields: BTreeMap<String, String> = fields.into_iter().filter_map(text).collect();
    let id = SalesforceId::parse(fields["Id"].as_bytes()).unwrap();
    let stamp = Stamp::parse(&fields["SystemModstamp"]).unwrap();
    let deleted = fields.get("IsDeleted").is_some_and(|text| text == "true");
    (
        id,
        Record {
            stamp,
            deleted,
            seen,
            lag_seconds: 0,
            fields,
        },
    )
}
