//! Not run by default, as it asserts nothing:
//! `cargo test -p holdfast-orgsim --test http -- --ignored --nocapture measure`

use std::time::Instant;

use futures_util::StreamExt as _;
use holdfast_orgsim::Config;
use serde_json::json;

use crate::sim::Sim;

const MIB: f64 = 1_048_576.0;
/// Rows of one load.
const LOAD_ROWS: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn measure() {
    let (time, cpu, memory) = (Instant::now(), cpu_seconds(), resident_bytes());
    let sim = Sim::with(Config {
        records: 1_000_000,
        ..Config::default()
    })
    .await;
    let grown = resident_bytes() - memory;
    println!(
        "mixed org: 1,000,000 records in {:.1} s ({:.1} s of CPU), {:.0} bytes of memory each",
        time.elapsed().as_secs_f64(),
        cpu_seconds() - cpu,
        grown / 1e6,
    );
    drop(sim);

    let sim = Sim::start().await;
    let project = json!({"Name": "x"});
    let (_, project) = sim.call("POST", "/sobjects/Project__c", project).await;
    let record = json!({"attributes": {"type": "Milestone__c"}, "Project__c": project["id"], "Effort_Hours__c": 1.5, "Due__c": "2026-01-31"});
    let body = json!({"allOrNone": true, "records": vec![record; 200]});
    let time = Instant::now();
    for _ in 0..100 {
        let (status, _) = sim.call("POST", "/composite/sobjects", body.clone()).await;
        assert_eq!(status, 200);
    }
    println!(
        "collections of 200: {:.0} records saved per second",
        20_000.0 / time.elapsed().as_secs_f64()
    );
    drop(sim);

    let objects = [("Big__c".to_owned(), 2_000_000)].into();
    let (time, cpu) = (Instant::now(), cpu_seconds());
    let sim = Sim::with(Config {
        records: 0,
        objects,
        ..Config::default()
    })
    .await;
    println!(
        "Big__c: 2,000,000 records in {:.1} s ({:.1} s of CPU)",
        time.elapsed().as_secs_f64(),
        cpu_seconds() - cpu,
    );
    let fields = "SELECT FIELDS(STANDARD), Amount__c, Code__c, Note__c FROM Big__c";
    let time = Instant::now();
    let job = sim.run_job("queryAll", fields).await;
    println!(
        "bulk job over 2,000,000 records: {:.1} s",
        time.elapsed().as_secs_f64()
    );
    let path = format!(
        "/jobs/query/{}/results?maxRecords=2000000",
        job["id"].as_str().unwrap()
    );
    for _ in 0..3 {
        let (time, cpu) = (Instant::now(), cpu_seconds());
        let mut body = sim.get(&path).await.bytes_stream();
        let mut bytes = 0;
        while let Some(piece) = body.next().await {
            bytes += piece.unwrap().len();
        }
        let megabytes = f64::from(u32::try_from(bytes).unwrap()) / 1e6;
        println!(
            "one page of {megabytes:.0} MB, {:.0} bytes a row: {:.0} MB/s; {:.0} MB per second of CPU, client included",
            megabytes / 2.0,
            megabytes / time.elapsed().as_secs_f64(),
            megabytes / (cpu_seconds() - cpu),
        );
    }
    println!("resident: {:.0} MiB", resident_bytes() / MIB);
}

/// What rules cost: `cargo test -p holdfast-orgsim --test http -- --ignored --nocapture measure_rules`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn measure_rules() {
    let sim = Sim::start().await;
    let rule = json!({"kind": "validation", "object": "Big__c", "name": "V", "active": true, "message": "No",
        "condition": "AND(Amount__c > 1000, NOT($Permission.Bypass), OR(ISNEW(), ISCHANGED(Code__c)), BEGINS(Note__c, \"x\"), Owner:User.IsActive)"});
    let trigger = json!({"kind": "trigger", "object": "Big__c", "name": "T", "active": true, "events": ["before_insert"],
        "actions": [{"set": {"Note__c": "LEFT(Note__c & Code__c, 40)"}}]});
    for (what, rule) in [
        ("no rule", None),
        ("a validation rule", Some(rule)),
        ("and a trigger", Some(trigger)),
    ] {
        if let Some(rule) = rule {
            sim.control("rules", rule).await;
        }
        let record = json!({"attributes": {"type": "Big__c"}, "Amount__c": 1001.5, "Code__c": "c", "Note__c": "note"});
        let body = json!({"allOrNone": true, "records": vec![record; 200]});
        let (time, cpu) = (Instant::now(), cpu_seconds());
        for _ in 0..200 {
            let (status, _) = sim.call("POST", "/composite/sobjects", body.clone()).await;
            assert_eq!(status, 200);
        }
        println!(
            "{what}: {:.0} records saved per second, {:.1} µs of CPU each, client included",
            40_000.0 / time.elapsed().as_secs_f64(),
            (cpu_seconds() - cpu) * 1e6 / 40_000.0,
        );
    }
}

/// Records with three lookups filled, three child relationships and one validation rule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn measure_saving() {
    let sim = Sim::start().await;
    let rule = json!({"kind": "validation", "object": "Project__c", "name": "Budget", "active": true, "condition": "Spent__c > Budget__c", "message": "Too much", "field": "Spent__c"});
    sim.control("rules", rule).await;
    let owner = &sim.records("SELECT Id FROM User LIMIT 1").await[0]["Id"];
    let account = &sim.records("SELECT Id FROM Account LIMIT 1").await[0]["Id"];
    let region = &sim.records("SELECT Id FROM Region__c LIMIT 1").await[0]["Id"];
    let values = |row: usize| {
        json!({
            "Name": format!("p{row}"), "OwnerId": owner, "Account__c": account, "Region__c": region, "Stage__c": "Running",
            "Budget__c": 100.5, "Spent__c": row % 100, "Kick_Off__c": "2026-01-31T08:00:00Z", "Summary__c": "some words", "External_Key__c": format!("m-{row}"),
        })
    };
    let record = |row: usize| {
        let mut record = values(row);
        record["attributes"] = json!({"type": "Project__c"});
        record
    };
    let bodies: Vec<_> = (0..100)
        .map(|call| {
            let records: Vec<_> = (0..200).map(|row| record(call * 200 + row)).collect();
            json!({"allOrNone": false, "records": records}).to_string()
        })
        .collect();
    let (time, cpu) = (Instant::now(), cpu_seconds());
    for body in bodies {
        let request = sim
            .http
            .post(sim.url("/composite/sobjects"))
            .bearer_auth(&sim.token)
            .header("content-type", "application/json")
            .body(body);
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(!text.contains("\"success\":false"), "{text}");
    }
    println!("{}", report("collections of 200", 20_000, time, cpu));

    let mut csv = String::from(
        "Name,OwnerId,Account__c,Region__c,Stage__c,Budget__c,Spent__c,Kick_Off__c,Summary__c,External_Key__c\n",
    );
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (owner, account, region) = (text(owner), text(account), text(region));
    for row in 0..LOAD_ROWS {
        let spent = row % 100;
        let line = format!(
            "b{row},{owner},{account},{region},Running,100.5,{spent},2026-01-31T08:00:00Z,some words,b-{row}\n"
        );
        csv += &line;
    }
    for operation in ["insert", "upsert"] {
        let mut job = json!({"object": "Project__c", "operation": operation});
        if operation == "upsert" {
            job["externalIdFieldName"] = json!("External_Key__c");
        }
        let (time, cpu) = (Instant::now(), cpu_seconds());
        let info = sim.load(job, &csv).await;
        assert_eq!(
            (
                &info["numberRecordsProcessed"],
                &info["numberRecordsFailed"]
            ),
            (&json!(LOAD_ROWS), &json!(0)),
            "{info}"
        );
        let what = format!("bulk {operation} of {LOAD_ROWS}");
        println!("{}", report(&what, LOAD_ROWS, time, cpu));
    }
    println!("resident: {:.0} MiB", resident_bytes() / MIB);
}

fn report(what: &str, rows: usize, time: Instant, cpu: f64) -> String {
    let rows = f64::from(u32::try_from(rows).unwrap());
    format!(
        "{what}: {:.0} records saved per second; {:.0} per second of CPU, client included",
        rows / time.elapsed().as_secs_f64(),
        rows / (cpu_seconds() - cpu),
    )
}

/// User and system time of this process so far; a tick is a hundredth of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        * 1024.0
}
