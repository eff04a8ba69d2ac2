//! Compares of the deployed machine: what they find, and how they are stopped.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::{JobItem, JobStatus};
use holdfast_e2e::Execution;
use holdfast_model::SalesforceId;
use serde_json::{Value, json};

use crate::world::{Org, Record, World, small};

impl Org<'_> {
    async fn start_compare(&self, request: Value, name: &str) -> Execution {
        let stack = self.world.stack().await;
        stack.start_compare(&request, name).await.unwrap()
    }

    pub(crate) async fn compare(&self, request: Value, name: &str) -> JobItem {
        let execution = self.start_compare(request, name).await;
        self.finish(&execution).await
    }

    async fn found(&self, job: &JobItem, more: Value) -> Value {
        let mut input = json!({"org": self.name, "job": job.job});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.invoke("read-compare", input).await.unwrap()
    }

    /// Salesforce's clock, as text.
    pub(crate) async fn clock(&self) -> Value {
        let url = format!("{}/__sim/clock", self.sim.url());
        let answer = self.world.http.get(url).send().await.unwrap();
        let clock: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        clock["now"].clone()
    }

    pub(crate) async fn live(&self, object: &str) -> BTreeMap<SalesforceId, Record> {
        let mut truth = self.truth(object).await;
        truth.retain(|_, record| record.get("IsDeleted").is_none_or(|text| text != "true"));
        truth
    }
}

fn ids(found: &Value, kind: &str) -> BTreeSet<SalesforceId> {
    let differences = found["differences"].as_array().into_iter().flatten();
    let of_kind = differences.filter(|difference| difference["kind"] == kind);
    of_kind
        .map(|difference| serde_json::from_value(difference["id"].clone()).unwrap())
        .collect()
}

pub(crate) async fn a_compare_with_the_live_org_finds_what_differs(world: &World) {
    let org = world
        .connect("compared", small(81), json!({"quiet_poll_seconds": 86_400}))
        .await;
    let alone = vec![json!({"Parent_Region__c": null}); 300];
    let regions = json!({"object": "Region__c", "records": alone});
    let regions = org.control("create", regions).await["ids"].clone();
    org.advance_clock(3_600).await;
    org.backup().await;
    let before = org.live("Account").await;
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    let too_late = org.clock().await;
    org.advance_clock(600).await;

    let some: Vec<_> = before.keys().take(6).collect();
    org.control("update", json!({"object": "Account", "ids": [some[0], some[1]], "set": {"Name": "Changed; \"quoted\""}})).await;
    org.control(
        "update",
        json!({"object": "Account", "ids": [some[2]], "set": {"Name": before[some[2]]["Name"]}}),
    )
    .await;
    org.control("delete", json!({"object": "Contact", "pick": 3}))
        .await;
    // So few of so many that no count shows it, in an object in which nothing else changed.
    org.control(
        "delete",
        json!({"object": "Region__c", "ids": [regions[0]]}),
    )
    .await;
    org.control(
        "create",
        json!({"object": "Lead", "records": [{"LastName": "One", "Company": "New"}, {"LastName": "Two", "Company": "New"}]}),
    )
    .await;
    let after = org.live("Account").await;

    // A moment that no backup has captured is not made up.
    let request =
        json!({"left": {"org": org.name, "at": too_late}, "right": {"org": org.name, "at": then}});
    let refused = org.start_compare(request, "compared-too-late").await;
    let refused = org.wait(&refused).await;
    assert_eq!(refused.status, "FAILED");
    assert!(refused.cause.contains("left.at"), "{}", refused.cause);

    let request = json!({"left": {"org": org.name, "at": then}, "right": {"org": org.name}});
    let job = org.compare(request, "compared-live").await;
    assert_eq!(job.status, JobStatus::Succeeded);
    let overview = org.found(&job, json!({})).await;
    assert_eq!(
        (&overview["percent"], &overview["status"]),
        (&json!(100), &json!("succeeded"))
    );
    let object = |name: &str| {
        let mut objects = overview["objects"].as_array().unwrap().iter();
        objects
            .find(|object| object["object"] == name)
            .unwrap()
            .clone()
    };
    let accounts = object("Account");
    assert_eq!(accounts["counts"]["left"], before.len());
    assert_eq!(accounts["counts"]["right"], after.len());
    let contacts = org.live("Contact").await;
    assert_eq!(object("Contact")["counts"]["right"], contacts.len());
    assert_eq!(object("Contact")["counts"]["only_left"], 3);
    assert_eq!(object("Lead")["counts"]["only_right"], 2);
    assert_eq!(object("Region__c")["counts"]["only_left"], 1);

    // Record by record it is the simulator's own difference.
    let differing = |id: &&SalesforceId| before.get(*id) != after.get(*id);
    let true_ids: BTreeSet<_> = before.keys().filter(differing).copied().collect();
    let found = org.found(&job, json!({"object": "Account"})).await;
    let all = ["changed", "recalculated", "touched"].map(|kind| ids(&found, kind));
    assert_eq!(
        all.iter().flatten().copied().collect::<BTreeSet<_>>(),
        true_ids
    );
    assert_eq!(all[0], [*some[0], *some[1]].into());
    assert!(all[2].contains(some[2]), "saved as it was");
    let of_one = org
        .found(
            &job,
            json!({"object": "Account", "id": some[0], "kinds": ["changed"]}),
        )
        .await;
    let changes = of_one["differences"][0]["changes"].as_array().unwrap();
    let name = changes
        .iter()
        .find(|change| change["field"] == "Name")
        .unwrap();
    assert_eq!(
        (&name["left"], &name["right"]),
        (
            &json!(before[some[0]]["Name"]),
            &json!("Changed; \"quoted\"")
        )
    );

    assert_tables(&org, &job).await;
    assert_history(&org, *some[0]).await;
    assert_narrowed(&org, &then).await;
}

/// The same as CSV, and where deleted records are.
async fn assert_tables(org: &Org<'_>, job: &JobItem) {
    let csv = org
        .found(
            job,
            json!({"object": "Account", "csv": "changes", "kinds": ["changed"]}),
        )
        .await;
    let csv = csv["csv"].as_str().unwrap();
    assert!(csv.starts_with("Id,Kind,Field,Left,Right\n"), "{csv}");
    assert!(csv.contains("\"Changed; \"\"quoted\"\"\""));
    let gone = org
        .found(job, json!({"object": "Contact", "csv": "only_left"}))
        .await;
    // A value may have lines of its own.
    let lines = gone["csv"].as_str().unwrap().lines();
    assert_eq!(lines.filter(|line| line.starts_with("003")).count(), 3);
    let bin = org.found(job, json!({"object": "Contact"})).await;
    assert_eq!(bin["differences"][0]["other_side"], "in_recycle_bin");
}

/// The same, told as the history of one record.
async fn assert_history(org: &Org<'_>, id: SalesforceId) {
    let record = json!({"org": org.name, "object": "Account", "id": id, "names": true});
    let history = org.invoke("read-record", record.clone()).await.unwrap();
    assert_eq!(history["versions_stored"], 2);
    let (newest, first) = (&history["versions"][0], &history["versions"][1]);
    let fields = newest["changes"].as_array().unwrap().iter();
    let name = fields
        .clone()
        .find(|change| change["field"] == "Name")
        .unwrap();
    assert_eq!(name["right"], "Changed; \"quoted\"");
    assert_eq!(first["changes"], json!([]));
    assert!(
        newest["changed_by"]["name"].is_string(),
        "a user is called by a name"
    );
    assert!(newest["references"]["OwnerId"]["name"].is_string());
    let mut between = record.clone();
    between["between"] = json!([1, 0]);
    let between = org.invoke("read-record", between).await.unwrap();
    assert_eq!(between["changes"], newest["changes"]);
    let mut unknown = record;
    unknown["between"] = json!([0, 2]);
    let refused = org.invoke("read-record", unknown).await.unwrap_err();
    assert!(refused.message.contains("between"), "{}", refused.message);
}

/// Filters narrow both sides, and what is ignored makes no difference.
async fn assert_narrowed(org: &Org<'_>, then: &Value) {
    let request = json!({
        "left": {"org": org.name, "at": then}, "right": {"org": org.name}, "objects": ["Account"],
        "filters": {"Account": "Name LIKE 'Changed%'"},
        "ignore": {"system": true, "formulas": true},
    });
    let narrow = org.compare(request, "compared-narrow").await;
    let overview = org.found(&narrow, json!({})).await;
    let counts = &overview["objects"][0]["counts"];
    assert_eq!(
        (&counts["left"], &counts["right"], &counts["changed"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(overview["objects"].as_array().unwrap().len(), 1);
}

pub(crate) async fn two_orgs_are_compared(world: &World) {
    let production = world.connect("twin-left", small(82), json!({})).await;
    let sandbox = world.connect("twin-right", small(82), json!({})).await;
    let account = *sandbox.live("Account").await.keys().next().unwrap();
    sandbox
        .control(
            "update",
            json!({"object": "Account", "ids": [account], "set": {"Name": "Only here"}}),
        )
        .await;
    let request = json!({
        "left": {"org": production.name}, "right": {"org": sandbox.name},
        "objects": ["Account", "Contact"], "ignore": {"system": true, "formulas": true},
    });
    let job = production.compare(request, "twins").await;
    let found = production.found(&job, json!({"object": "Account"})).await;
    assert_eq!(ids(&found, "changed"), [account].into());
    let overview = production.found(&job, json!({"show": "alike"})).await;
    assert_eq!(overview["objects"][0]["object"], "Contact");
    assert_eq!(overview["summary"]["different"], 1);
}

pub(crate) async fn a_compare_that_is_cancelled_shows_nothing_and_costs_nothing(world: &World) {
    let org = world
        .connect("cancelled", small(83), json!({"bulk_rows_min": 100}))
        .await;
    org.backup().await;
    org.advance_clock(600).await;
    org.backup().await;
    // The live side hangs in its backup.
    org.control(
        "update",
        json!({"object": "Account", "pick": 20, "set": {"Name": "x"}}),
    )
    .await;
    let stalled = json!({"match": {"path_contains": "queryAll"}, "times": 1, "action": "stall"});
    org.control("faults", stalled).await;
    let request = json!({"left": {"org": org.name, "at": "2026-01-01T00:00:00Z"}, "right": {"org": org.name}});
    let execution = org.start_compare(request, "cancelled-compare").await;
    org.until("a stalled page", |state| state["stalled"] == 1)
        .await;
    let cancel = json!({"org": org.name, "job": execution.job});
    let cancelled = org.invoke("cancel-job", cancel.clone()).await.unwrap();
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(org.wait(&execution).await.status, "ABORTED");
    let job = org.job(&execution).await;
    assert_eq!(job.status, JobStatus::Cancelled);
    let capture = job.capture.unwrap();
    let backup = world
        .catalog()
        .await
        .job(&org.name, &capture.job)
        .await
        .unwrap();
    assert_eq!(backup.status, JobStatus::Cancelled);
    let stack = world.stack().await;
    let nested = Execution {
        job: capture.job.to_string(),
        arn: backup.execution,
    };
    assert_eq!(stack.wait(&nested).await.unwrap().status, "ABORTED");
    org.control("faults/release", json!({})).await;
    org.clear_faults().await;

    let input = json!({"org": org.name, "job": execution.job, "object": "Account"});
    let refused = org.invoke("read-compare", input).await.unwrap_err();
    assert!(
        refused.message.contains("JOB_HAS_NO_RESULT"),
        "{}",
        refused.message
    );
    let overview = org.found(&org.job(&execution).await, json!({})).await;
    assert!(overview.get("objects").is_none());
    assert_eq!(
        org.invoke("cancel-job", cancel).await.unwrap()["status"],
        "cancelled"
    );
    // The org is free, and what was cancelled is made good.
    org.advance_clock(600).await;
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
    org.assert_stored_is_true().await;
}
