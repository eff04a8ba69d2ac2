//! Automation is off while a restore runs, and certainly on afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use holdfast_catalog::{JobItem, JobStatus};
use holdfast_e2e::Execution;
use holdfast_model::ErrorCode;
use serde_json::{Value, json};

use crate::restoring::damage;
use crate::world::{Org, World, small};

/// All kinds of automation.
const KINDS: [&str; 5] = [
    "triggers",
    "flows",
    "workflow_rules",
    "validation_rules",
    "duplicate_rules",
];
/// How often a sweep is started at most until its work is done: another one may be at it.
const SWEEPS: u32 = 200;

/// Looks at the catalog until all is on.
const LOOKS: u32 = 2_000;
const PAUSE: Duration = Duration::from_millis(100);

/// Everything on the restored objects that refuses any record, or counts each; and some that is off.
fn rules() -> [Value; 9] {
    let saved = json!([
        "before_insert",
        "before_update",
        "after_delete",
        "after_undelete"
    ]);
    let refuse = json!([{"add_error": {"message": "no restore passes"}}]);
    [
        json!({"kind": "trigger", "object": "Account", "name": "AccountTrigger", "active": true, "events": saved, "actions": refuse}),
        json!({"kind": "trigger", "object": "Contact", "name": "ContactTrigger", "active": true, "events": saved, "actions": refuse}),
        json!({"kind": "trigger", "object": "Contact", "name": "ContactOff", "active": false, "events": saved, "actions": refuse}),
        json!({"kind": "flow", "object": "Contact", "name": "Contact_Flow", "active": true, "events": ["before_insert", "before_update"], "actions": refuse}),
        json!({"kind": "flow", "object": "Account", "name": "Account_Flow_Off", "active": false, "events": ["before_update"], "actions": refuse}),
        json!({"kind": "workflow", "object": "Account", "name": "Account_Rule", "active": true, "trigger_type": "onAllChanges", "condition": "NOT(ISBLANK(Name))", "actions": []}),
        json!({"kind": "validation", "object": "Contact", "name": "No_Contact", "active": true, "condition": "NOT(ISBLANK(LastName))", "message": "no restore passes"}),
        json!({"kind": "duplicate", "object": "Contact", "name": "Contact_Once", "active": true, "fields": ["LastName"], "on_insert": "block", "on_update": "block"}),
        json!({"kind": "trigger", "object": "Case", "name": "CaseTrigger", "active": true, "events": ["after_insert"], "actions": []}),
    ]
}

/// Kind, object and name.
type Named = (String, String, String);

impl Org<'_> {
    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/__sim/{path}", self.sim.url());
        let answer = self.world.http.get(url).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The rules that are on.
    async fn active(&self) -> BTreeSet<Named> {
        let rules = self.get("rules").await;
        let rules = rules["rules"].as_array().unwrap().iter();
        let text = |rule: &Value, part: &str| rule[part].as_str().unwrap().to_owned();
        rules
            .filter(|rule| rule["active"] == true)
            .map(|rule| (text(rule, "kind"), text(rule, "object"), text(rule, "name")))
            .collect()
    }

    /// Runs of automation since the last time that it was asked.
    async fn fired(&self) -> Value {
        let fired = self.get("automation").await;
        let url = format!("{}/__sim/automation", self.sim.url());
        self.world.http.delete(url).send().await.unwrap();
        fired["total"].clone()
    }

    /// A damage, the rules, and the plan that makes it good.
    async fn damaged(&self) -> JobItem {
        let damage = damage(self).await;
        for rule in rules() {
            self.control("rules", rule).await;
        }
        self.control("settings", json!({"bulk_delay_ms": 20})).await;
        let request = json!({"org": self.name, "compare": damage.compare.job, "mode": "replace"});
        self.plan_restore(request, &format!("{}-plan", self.name))
            .await
    }

    async fn start_quiet(&self, plan: &JobItem, kinds: &[&str]) -> Execution {
        let request = json!({"org": self.name, "plan": plan.job, "quiet": kinds});
        let stack = self.world.stack().await;
        let name = format!("{}-run", self.name);
        stack.start_restore(&request, &name).await.unwrap()
    }

    /// Starts a restore that stands still at its first write.
    async fn start_stalled(&self, plan: &JobItem, kinds: &[&str]) -> Execution {
        let stall = json!({"match": {"path_contains": "composite/sobjects"}, "times": 1, "action": "stall"});
        self.control("faults", stall).await;
        let execution = self.start_quiet(plan, kinds).await;
        self.until("a stalled write", |state| state["stalled"] == 1)
            .await;
        execution
    }

    /// Sweeps until the rules are as they were.
    async fn sweep_until(&self, active: &BTreeSet<Named>) {
        let stack = self.world.stack().await;
        for number in 0..SWEEPS {
            let name = format!("{}-sweep-{number}", self.name);
            let execution = stack.start_quiet_sweep(&name).await.unwrap();
            self.wait(&execution).await;
            if self.active().await == *active && !self.is_open().await {
                return;
            }
        }
        panic!("automation stays off");
    }

    /// Waits for the catalog to say that nothing is off.
    async fn until_all_on(&self) {
        for _ in 0..LOOKS {
            if !self.is_open().await {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("automation stays off");
    }

    /// Whether the catalog knows of automation that is off.
    async fn is_open(&self) -> bool {
        let catalog = self.world.catalog().await;
        catalog.quiet(&self.name).await.unwrap().quiet.is_some()
    }
}

fn quiet_of<'v>(overview: &'v Value, part: &str) -> Vec<&'v str> {
    let all = overview["quiet"][part].as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap()).collect()
}

pub(crate) async fn a_quiet_restore_fires_nothing_and_everything_is_on_again(world: &World) {
    let org = world.connect("quiet", small(91), json!({})).await;
    let plan = org.damaged().await;
    let active = org.active().await;
    assert_eq!(active.len(), 7, "{active:?}");
    org.fired().await;
    let execution = org.start_quiet(&plan, &KINDS).await;
    let job = org.finish(&execution).await;
    let overview = org.planned(&job, json!({})).await;
    assert_eq!(
        (job.status, &job.error),
        (JobStatus::Succeeded, &None),
        "{overview}"
    );
    assert_eq!(org.fired().await, 0);
    assert_eq!(org.active().await, active, "and what was off is off");
    assert_eq!(
        quiet_of(&overview, "switched"),
        [
            "AccountTrigger",
            "ContactTrigger",
            "Contact_Flow",
            "Account_Rule",
            "No_Contact",
            "Contact_Once"
        ]
    );
    assert_eq!(overview["quiet"]["is_on_again"], true);
    assert_eq!(overview["quiet"]["managed"], json!([]));
    assert!(!org.is_open().await);

    // The rules do refuse what they see.
    let names = json!({"object": "Contact", "pick": 1, "set": {"LastName": "Lost again"}});
    org.control("update", names).await;
    org.advance_clock(600).await;
    let loud = json!({"org": org.name, "plan": plan.job, "overwrite": true});
    let loud = org.restore(loud, "quiet-loud").await;
    assert_eq!(
        loud.status,
        JobStatus::Succeeded,
        "it is as it was to be: nothing is written"
    );
}

pub(crate) async fn a_cancelled_restore_switches_on_what_it_switched_off(world: &World) {
    let org = world.connect("quiet-cancelled", small(92), json!({})).await;
    let plan = org.damaged().await;
    let active = org.active().await;
    let execution = org.start_stalled(&plan, &KINDS).await;
    let off = org.active().await;
    let of_other_object = (
        "trigger".to_owned(),
        "Case".to_owned(),
        "CaseTrigger".to_owned(),
    );
    assert_eq!(off, [of_other_object].into());

    let input = json!({"org": org.name, "job": execution.job});
    let cancelled = org.invoke("cancel-job", input).await.unwrap();
    assert_eq!(cancelled["status"], "cancelled");
    org.clear_faults().await;
    org.wait(&execution).await;
    assert_eq!(org.job(&execution).await.status, JobStatus::Cancelled);
    assert_eq!(org.active().await, active);
    assert!(!org.is_open().await);
}

pub(crate) async fn a_restore_that_is_aborted_is_swept_up(world: &World) {
    let org = world.connect("quiet-aborted", small(93), json!({})).await;
    let plan = org.damaged().await;
    let active = org.active().await;
    let execution = org.start_stalled(&plan, &KINDS).await;
    assert!(org.is_open().await);
    let stack = world.stack().await;
    let stop = stack.sfn.stop_execution().execution_arn(&execution.arn);
    stop.send().await.unwrap();
    // By the event alone.
    org.until_all_on().await;
    assert_eq!(org.active().await, active);
    let job = org.job(&execution).await;
    assert_eq!(
        (job.status, job.error.unwrap().code),
        (JobStatus::Failed, ErrorCode::LeaseLost)
    );
    org.clear_faults().await;
}

/// Answers to each call of the Metadata API, as of a deployment that a test of the org stopped.
fn failing_deployments() -> Value {
    let body = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><response><result><id>0Af000000000001AAA</id>\
                <done>true</done><status>Failed</status><success>false</success><details><runTestResult><failures>\
                <name>AccountTest</name><message>assertion failed</message></failures></runTestResult></details>\
                </result></response></e:Body></e:Envelope>";
    let headers = json!({"Content-Type": "text/xml"});
    json!({"match": {"path_contains": "Soap/m"}, "times": null, "action": {"status": {"code": 200, "headers": headers, "body": body}}})
}

pub(crate) async fn a_job_is_red_until_its_triggers_are_on_again(world: &World) {
    let org = world.connect("quiet-red", small(94), json!({})).await;
    let plan = org.damaged().await;
    let active = org.active().await;
    // What is left on must not refuse the records.
    for (kind, object, name) in &active {
        if !["trigger", "validation"].contains(&kind.as_str()) {
            let off = json!({"kind": kind, "object": object, "name": name, "active": false});
            org.control("rules", off).await;
        }
    }
    let active = org.active().await;
    let execution = org
        .start_stalled(&plan, &["triggers", "validation_rules"])
        .await;
    org.clear_faults().await;
    org.control("faults", failing_deployments()).await;
    let outcome = org.wait(&execution).await;
    assert_eq!(outcome.status, "FAILED", "{}", outcome.cause);
    assert!(
        outcome.cause.contains("AUTOMATION_LEFT_OFF"),
        "{}",
        outcome.cause
    );
    let job = org.job(&execution).await;
    let error = job.error.clone().unwrap();
    assert_eq!(
        (job.status, error.code),
        (JobStatus::Failed, ErrorCode::AutomationLeftOff)
    );
    for said in [
        "trigger Contact.ContactTrigger",
        "trigger Account.AccountTrigger",
        "assertion failed",
    ] {
        assert!(error.message.contains(said), "{error}");
    }
    let overview = org.planned(&job, json!({})).await;
    assert_eq!(overview["status"], "failed");
    assert_eq!(overview["quiet"]["is_on_again"], false);
    assert_eq!(
        overview["quiet"]["left_off"].as_array().unwrap().len(),
        2,
        "{overview}"
    );
    let input = json!({"org": org.name, "job": job.job});
    let read = org.invoke("read-job", input).await.unwrap();
    assert_eq!(
        (&read["status"], &read["error"]["code"]),
        (&json!("failed"), &json!("AUTOMATION_LEFT_OFF"))
    );
    let on: Vec<_> = org
        .active()
        .await
        .into_iter()
        .map(|(_, _, name)| name)
        .collect();
    assert!(
        on.contains(&"No_Contact".to_owned()),
        "one does not stop another: {on:?}"
    );

    org.clear_faults().await;
    org.sweep_until(&active).await;
    let job = org.job(&execution).await;
    assert_eq!(
        (job.status, job.error),
        (JobStatus::Succeeded, None),
        "what it was otherwise"
    );
}

pub(crate) async fn automation_that_cannot_be_switched_off_stops_the_restore(world: &World) {
    let org = world.connect("quiet-refused", small(95), json!({})).await;
    let plan = org.damaged().await;
    let active = org.active().await;
    let people = org.live("Contact").await;
    let body = json!([{"errorCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "no"}]);
    let refuse = json!({"match": {"method": "PATCH", "path_contains": "tooling/sobjects/FlowDefinition"}, "times": 1,
        "action": {"status": {"code": 400, "body": body}}});
    org.control("faults", refuse).await;
    let execution = org.start_quiet(&plan, &KINDS).await;
    let outcome = org.wait(&execution).await;
    assert_eq!(outcome.status, "FAILED");
    assert!(
        outcome.cause.contains("AUTOMATION_STAYS_ON"),
        "{}",
        outcome.cause
    );
    assert!(
        outcome.cause.contains("flow Contact.Contact_Flow"),
        "{}",
        outcome.cause
    );
    let job = org.job(&execution).await;
    assert_eq!(job.error.unwrap().code, ErrorCode::AutomationStaysOn);
    assert_eq!(
        org.active().await,
        active,
        "the triggers, which were off, too"
    );
    assert!(org.live("Contact").await == people, "nothing is written");
    assert!(!org.is_open().await);
}

/// Users who left own records again, and are inactive again.
pub(crate) async fn inactive_owners_are_active_only_meanwhile(world: &World) {
    let org = world.connect("quiet-owners", small(96), json!({})).await;
    let me = org.state().await["user_id"].clone();
    let user = json!({"username": "left@acme.example", "profile": "Leavers"});
    let user = org.control("users", user).await["user_id"].clone();
    let records = ["Changed", "Gone"].map(|name| json!({"Name": name, "OwnerId": user}));
    let records = json!({"object": "Account", "records": records});
    let accounts = org.control("create", records).await["ids"].clone();
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    org.advance_clock(600).await;
    let to_me =
        json!({"object": "Account", "ids": [accounts[0]], "set": {"OwnerId": me, "Name": "Mine"}});
    org.control("update", to_me).await;
    let gone = json!({"object": "Account", "ids": [accounts[1]]});
    org.control("hard-delete", gone).await;
    let leaves = json!({"object": "User", "ids": [user], "set": {"IsActive": "false"}});
    org.control("update", leaves).await;
    org.advance_clock(600).await;
    let compare = org.compare_with(&then, "quiet-owners-compare").await;
    let request = json!({"org": org.name, "compare": compare.job, "mode": "replace",
        "objects": {"Account": {"ids": accounts}}});
    let plan = org.plan_restore(request, "quiet-owners-plan").await;
    let overview = org.planned(&plan, json!({})).await;
    let will = &overview["objects"][0]["check"]["will"][0];
    assert_eq!(
        (&will["code"], &will["owner"], &will["records"]),
        (&json!("INACTIVE_OWNER_OR_USER"), &user, &json!(2)),
        "{overview}"
    );

    let request = json!({"org": org.name, "plan": plan.job});
    let job = org.restore(request, "quiet-owners-refused").await;
    assert_eq!(job.status, JobStatus::Partial, "{:?}", job.error);
    let request = json!({"org": org.name, "plan": plan.job, "quiet": ["inactive_owners"]});
    let job = org.restore(request, "quiet-owners-run").await;
    assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
    let overview = org.planned(&job, json!({})).await;
    assert_eq!(quiet_of(&overview, "switched"), [user.as_str().unwrap()]);
    assert_eq!(overview["quiet"]["is_on_again"], true);
    let owned = org.live("Account").await.into_values();
    let owned = owned.filter(|account| account.get("OwnerId").map(String::as_str) == user.as_str());
    let owned: BTreeSet<_> = owned.map(|account| account["Name"].clone()).collect();
    assert_eq!(owned, ["Changed", "Gone"].map(str::to_owned).into());
    let users = org.live("User").await;
    let left = users.values().filter(|user| user["IsActive"] == "false");
    assert_eq!(left.count(), 1);
}
