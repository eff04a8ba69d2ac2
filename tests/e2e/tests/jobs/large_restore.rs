//! Measured, not tested: `cargo xtask bench restore`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_catalog::JobStatus;
use holdfast_orgsim::Config;
use serde_json::{Value, json};

use crate::world::{Org, World};

/// Three levels: an account, its projects, and their milestones, which are details.
const LEVELS: [(&str, usize); 3] = [("Account", 1), ("Project__c", 3), ("Milestone__c", 6)];
const FUNCTIONS: [&str; 4] = [
    "compare-object",
    "plan-restore",
    "check-restore",
    "restore-phase",
];
/// Records that are saved without us, 200 in a call, to see what the simulator can do.
const CEILING_RECORDS: usize = 50_000;

/// An org that was emptied gets all its records back, under new Ids.
pub(crate) async fn a_restore_into_an_empty_org(world: &World) {
    let records: usize =
        std::env::var("HOLDFAST_RECORDS").map_or(1_000_000, |text| text.parse().unwrap());
    let objects = LEVELS.map(|(object, tenths)| (object.to_owned(), records * tenths / 10));
    let config = Config {
        records: 0,
        objects: objects.clone().into_iter().collect(),
        ..Config::default()
    };
    let org = world.start("large", config).await;
    let state = org.state().await;
    let others = state["objects"].as_object().unwrap().keys();
    let others: Vec<_> = others
        .filter(|name| LEVELS.iter().all(|(object, _)| object != name))
        .collect();
    org.connect(json!({"exclude_objects": others})).await;
    // Chance makes circles of parents, which no org has.
    let top = json!({"object": "Account", "where": "ParentId != null", "set": {"ParentId": null}});
    org.control("update", top).await;
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    org.advance_clock(600).await;
    let mut before = 0;
    for (object, _) in LEVELS.iter().rev() {
        before += live(&org, object).await;
        let all = json!({"object": object, "where": "Id != null", "cascade": false});
        org.control("hard-delete", all).await;
    }
    org.advance_clock(600).await;
    org.sync().await;
    org.advance_clock(600).await;

    let (peaks, done) = (Mutex::new(BTreeMap::new()), AtomicBool::new(false));
    let stack = world.stack().await;
    let watch = async {
        while !done.load(Ordering::Relaxed) {
            for function in FUNCTIONS {
                for worker in stack.workers(function) {
                    let peak = worker.peak_memory().unwrap_or(0);
                    let mut peaks = peaks.lock().unwrap();
                    let known: &mut u64 = peaks.entry(function).or_default();
                    *known = peak.max(*known);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let work = async {
        let begun = Instant::now();
        let compare = org.compare_with(&then, "large-compare").await;
        report("compare", before, begun);
        let begun = Instant::now();
        let request = json!({"org": org.name, "compare": compare.job, "mode": "replace"});
        let plan = org.plan_restore(request, "large-plan").await;
        assert_eq!((plan.status, plan.error), (JobStatus::Succeeded, None));
        report("plan and its check", before, begun);
        let calls = calls(&org).await;
        let begun = Instant::now();
        let run = json!({"org": org.name, "plan": plan.job});
        let run = org.restore(run, "large-run").await;
        assert_eq!((run.status, run.error), (JobStatus::Succeeded, None));
        report("restore", before, begun);
        println!(
            "Salesforce calls of the restore: {}",
            self::calls(&org).await - calls
        );
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(watch, work);
    let mut after = 0;
    for (object, _) in LEVELS {
        after += live(&org, object).await;
    }
    assert_eq!(after, before);
    for (function, peak) in peaks.into_inner().unwrap() {
        println!("peak memory of {function}: {} MiB", peak >> 20);
    }
    ceiling(&org).await;
}

fn report(what: &str, records: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let speed = records as f64 / seconds;
    println!("{what}: {records} records, {seconds:.1} s, {speed:.0} records/s");
}

async fn live(org: &Org<'_>, object: &str) -> u64 {
    org.state().await["objects"][object]["live"]
        .as_u64()
        .unwrap()
}

async fn calls(org: &Org<'_>) -> u64 {
    org.state().await["calls_used"].as_u64().unwrap()
}

/// The same calls, from a client that does nothing else.
async fn ceiling(org: &Org<'_>) {
    let administrator = org.administrator().await;
    let record = |number: usize| {
        json!({
            "attributes": {"type": "Account"}, "Name": format!("Ceiling {number}"), "Phone": "1", "Site": "here",
            "BillingCity": "Berlin", "Description": "What the simulator can do", "NumberOfEmployees": number,
        })
    };
    let begun = Instant::now();
    for first in (0..CEILING_RECORDS).step_by(200) {
        let records: Vec<Value> = (first..first + 200).map(record).collect();
        let body = json!({"allOrNone": false, "records": records});
        let url = format!("{}/services/data/v60.0/composite/sobjects", org.sim.url());
        let request = org.world.http.post(url).bearer_auth(administrator.token());
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success());
    }
    report("simulator alone", CEILING_RECORDS as u64, begun);
}
