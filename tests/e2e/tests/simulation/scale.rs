//! What an org with hundreds of objects costs: a day of jobs in which nothing changes, and a job in which everything does.

use std::time::Instant;

use holdfast_catalog::JobKind;
use holdfast_e2e::Administrator;
use holdfast_model::{JobId, OrgName};
use holdfast_orgsim::{Config, Running};
use serde_json::{Value, json};

use crate::job;
use crate::tripwire::Tripwire;
use crate::world::World;

/// Records of each object.
const RECORDS: usize = 20;
/// Jobs of a day, and seconds between two.
const JOBS: u32 = 96;
const PAUSE_SECONDS: u32 = 900;
/// Salesforce calls of such a day (the requirement).
const CALLS_MAX: u64 = 2_500;
/// Records that change in each object.
const CHANGES: usize = 10;
/// Components in one call of the Metadata API.
const COMPONENTS_PER_CALL: usize = 10;

/// On-demand prices of us-east-1 in dollars: a state transition, a Lambda request with half a second at 512 MB, an
/// average request to DynamoDB, S3 or KMS.
const DOLLARS_PER_TRANSITION: f64 = 0.000_025;
const DOLLARS_PER_INVOCATION: f64 = 0.000_000_2 + 0.5 * 0.5 * 0.000_013_33;
const DOLLARS_PER_REQUEST: f64 = 0.000_005;
/// States that a job passes, and functions that it calls, when there is no block.
const TRANSITIONS: f64 = 9.0;
const INVOCATIONS: f64 = 5.0;

struct Large<'w> {
    world: &'w World,
    name: OrgName,
    sim: Running,
}

pub(crate) async fn run(world: &World, objects: usize) {
    let org = Large::start(world, objects).await;
    let wire = Tripwire::new();
    let environment = world.environment(&wire);
    let settings = json!({"exclude_objects": org.other_objects().await});
    job::connect(&environment, &org.name, settings).await;
    let full = JobId::parse("full").unwrap();
    let ended = job::run(&environment, &org.name, &full, JobKind::Backup).await;
    assert!(job::is_proven(&ended), "{:?}", ended.error);
    assert_eq!(ended.counts.rows_received, (objects * RECORDS) as u64);

    let (calls, requests) = (org.calls().await, wire.calls());
    for number in 0..JOBS {
        org.advance(PAUSE_SECONDS).await;
        let name = JobId::parse(format!("quiet-{number}")).unwrap();
        let ended = job::run(&environment, &org.name, &name, JobKind::Backup).await;
        assert!(job::is_proven(&ended), "{:?}", ended.error);
        assert_eq!(ended.counts.versions_sealed, 0);
    }
    let calls = org.calls().await - calls;
    let requests = f64::from(i32::try_from(wire.calls() - requests).unwrap());
    let per_job = TRANSITIONS * DOLLARS_PER_TRANSITION + INVOCATIONS * DOLLARS_PER_INVOCATION;
    let cents = 100.0 * (f64::from(JOBS) * per_job + requests * DOLLARS_PER_REQUEST);
    println!(
        "{objects} quiet objects, {JOBS} jobs: {calls} Salesforce calls, {requests} AWS requests, about {cents:.0} cents"
    );
    assert!(calls <= CALLS_MAX, "{calls} calls");

    org.change_everything(objects).await;
    // They were quiet for long, and are asked about once an hour.
    org.advance(4 * PAUSE_SECONDS).await;
    let calls = org.calls().await;
    let begun = Instant::now();
    let name = JobId::parse("busy").unwrap();
    let ended = job::run(&environment, &org.name, &name, JobKind::Backup).await;
    assert!(job::is_proven(&ended), "{:?}", ended.error);
    assert_eq!(ended.counts.versions_sealed, (objects * CHANGES) as u64);
    println!(
        "{objects} objects, {} changes: {} rows in {:.1} s, {} Salesforce calls",
        objects * CHANGES,
        ended.counts.rows_received,
        begun.elapsed().as_secs_f64(),
        org.calls().await - calls,
    );
}

fn object(number: usize) -> String {
    format!("Thing{number}__c")
}

impl<'w> Large<'w> {
    async fn start(world: &'w World, objects: usize) -> Self {
        let config = Config {
            records: 0,
            ..Config::default()
        };
        let sim = holdfast_orgsim::start(config).await.unwrap();
        let name = OrgName::parse("large").unwrap();
        let credentials = json!({
            "grant": "client_credentials",
            "login_url": sim.url(),
            "client_id": "holdfast-demo",
            "client_secret": "demo-secret",
        });
        world.aws.put_secret(name.as_str(), &credentials);
        let org = Self { world, name, sim };
        let administrator = Administrator::log_in(&world.http, org.sim.url());
        let administrator = administrator.await.unwrap();
        let names: Vec<_> = (0..objects).map(object).collect();
        for some in names.chunks(COMPONENTS_PER_CALL) {
            let made = administrator.make_objects(some.iter().map(String::as_str));
            assert_eq!(made.await.unwrap(), some.len());
        }
        for name in names {
            let body = json!({"object": name, "count": RECORDS});
            org.control("create", body).await;
        }
        org.advance(PAUSE_SECONDS).await;
        org
    }

    async fn change_everything(&self, objects: usize) {
        for number in 0..objects {
            let set = json!({"Name": "changed"});
            let body = json!({"object": object(number), "pick": CHANGES, "set": set});
            self.control("update", body).await;
        }
    }

    async fn other_objects(&self) -> Vec<String> {
        let state = self.state().await;
        let names = state["objects"].as_object().unwrap().keys();
        names
            .filter(|name| !name.starts_with("Thing"))
            .cloned()
            .collect()
    }

    /// Calls that the org was sent so far, logins too.
    async fn calls(&self) -> u64 {
        let state = self.state().await;
        let routes = state["routes"].as_object().unwrap().values();
        routes.filter_map(Value::as_u64).sum()
    }

    async fn advance(&self, seconds: u32) {
        self.control("clock", json!({"advance_seconds": seconds}))
            .await;
    }

    async fn state(&self) -> Value {
        let url = format!("{}/__sim/state", self.sim.url());
        let answer = self.world.http.get(url).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/__sim/{path}", self.sim.url());
        let request = self.world.http.post(url).body(body.to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }
}
