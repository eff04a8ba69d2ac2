//! Automation in a disaster: a restore that is asked to be quiet meets it active, starts none of it, and leaves it as it was.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use holdfast_model::{Failure, JobId};
use holdfast_runtime::{Deadline, Environment};
use serde_json::{Value, json};

use crate::job::{call, execution};
use crate::org::Org;

/// How often the machine calls a function again after a transient error.
const TRIES: u32 = 6;
/// Calls of a function that waits for a deployment; the simulated org is done long before.
const LOOKS: u32 = 2_000;
/// Kinds as they are asked for, and as the simulated org calls them.
const KINDS: [(&str, &str); 5] = [
    ("triggers", "trigger"),
    ("flows", "flow"),
    ("workflow_rules", "workflow"),
    ("validation_rules", "validation"),
    ("duplicate_rules", "duplicate"),
];

/// What is switched, and what is on before and afterwards.
pub(crate) struct Quiet {
    random: Rng,
    kinds: Vec<&'static str>,
    active: BTreeSet<String>,
}

impl Quiet {
    /// In two of three seeds, some automation of the objects is active; each refuses what it sees, or is counted.
    pub(crate) async fn begin(org: &Org<'_>, seed: u64, objects: &[&str]) -> Self {
        // Beside the disaster's own, whose seeds do what they did before.
        let mut random = Rng::with_seed(seed ^ 0x5149_4554);
        let mut kinds = Vec::new();
        for (asked, kind) in KINDS {
            if seed.is_multiple_of(3) || random.bool() {
                continue;
            }
            kinds.push(asked);
            for object in objects {
                let active = random.u32(0..4) > 0;
                org.control("rules", rule(kind, object, active)).await;
            }
        }
        if !kinds.is_empty() {
            // Others stay as they are.
            org.control("rules", rule("trigger", "Case", true)).await;
        }
        Self {
            active: active(org).await,
            random,
            kinds,
        }
    }

    /// Some automation of every kind is active.
    pub(crate) async fn all(org: &Org<'_>, objects: &[&str]) -> Self {
        for (_, kind) in KINDS {
            for (place, object) in objects.iter().enumerate() {
                // And some is not.
                let active = place > 0 || kind != "flow";
                org.control("rules", rule(kind, object, active)).await;
            }
        }
        Self {
            random: Rng::with_seed(0),
            kinds: all(),
            active: active(org).await,
        }
    }

    /// Everything is off.
    pub(crate) async fn assert_off(&self, org: &Org<'_>) {
        assert!(!self.active.is_empty());
        assert_eq!(active(org).await, BTreeSet::new());
    }

    /// Asks for it.
    pub(crate) fn ask(&self, request: &mut Value) {
        if !self.kinds.is_empty() {
            request["quiet"] = json!(self.kinds);
        }
    }

    /// Between two attempts: the switching may meet trouble, or the sweep goes by.
    pub(crate) async fn between(&mut self, environment: &Environment, org: &Org<'_>) {
        if self.kinds.is_empty() {
            return;
        }
        if self.random.bool() {
            let path = ["tooling", "Soap/m"][self.random.usize(..2)];
            let action = match self.random.u32(0..4) {
                0 => json!({"cut_after_bytes": self.random.u32(1..400)}),
                1 => json!("expire_session"),
                2 => json!("server_error"),
                _ => json!({"unavailable": {"retry_after": 0}}),
            };
            let nth = self.random.u32(1..12);
            let body = json!({"match": {"path_contains": path, "nth": nth}, "times": self.random.u32(1..3), "action": action});
            org.control("faults", body).await;
        }
        if self.random.u32(0..4) == 0 && sweep(environment).await.is_ok() {
            assert_eq!(active(org).await, self.active, "swept up");
        }
    }

    /// Nothing has fired, and everything is as it was.
    pub(crate) async fn assert_back(&self, environment: &Environment, org: &Org<'_>) {
        let fired: Value = serde_json::from_str(&org.get("automation").await).unwrap();
        assert_eq!(fired["total"], 0, "{fired}");
        assert_eq!(active(org).await, self.active);
        assert_eq!(environment.catalog().quiets().await.unwrap(), []);
    }
}

/// Every kind.
pub(crate) fn all() -> Vec<&'static str> {
    KINDS.map(|(asked, _)| asked).into()
}

/// Whatever is off though nobody is at it.
pub(crate) async fn sweep(environment: &Environment) -> Result<(), Failure> {
    let input = json!({"direction": "sweep", "execution": "arn:sweep"});
    switch(environment, input).await
}

/// Before a run.
pub(crate) async fn off(
    environment: &Environment,
    job: &JobId,
    request: &Value,
) -> Result<(), Failure> {
    let input =
        json!({"direction": "off", "request": request, "job": job, "execution": execution(job)});
    switch(environment, input).await
}

/// Behind it. What cannot be switched on is tried again by the next one.
pub(crate) async fn on(environment: &Environment, org: &Org<'_>, job: &JobId) {
    let input =
        json!({"direction": "on", "org": org.name, "job": job, "execution": execution(job)});
    drop(switch(environment, input).await);
}

async fn switch(environment: &Environment, input: Value) -> Result<(), Failure> {
    for _ in 0..LOOKS {
        let output = call!(holdfast_switch_automation, environment, input.clone())?;
        match output["outcome"].as_str().unwrap() {
            "done" => return Ok(()),
            "wait" => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => {}
        }
    }
    panic!("a deployment does not end");
}

/// One that runs for every record of the object.
fn rule(kind: &str, object: &str, active: bool) -> Value {
    let name = format!("{}_{kind}", object.trim_end_matches("__c"));
    let mut rule = json!({"kind": kind, "object": object, "name": name, "active": active});
    let more = match kind {
        "trigger" => {
            json!({"events": ["before_insert", "before_update", "after_delete", "after_undelete"],
            "actions": [{"add_error": {"message": "no"}}]})
        }
        "flow" => {
            json!({"events": ["before_insert", "before_update"], "actions": [{"add_error": {"message": "no"}}]})
        }
        "workflow" => {
            json!({"trigger_type": "onAllChanges", "condition": "NOT(ISBLANK(Id))", "actions": []})
        }
        "validation" => json!({"condition": "NOT(ISBLANK(CreatedById))", "message": "no"}),
        _ => json!({"fields": ["CreatedById"], "on_insert": "block", "on_update": "block"}),
    };
    let more = more.as_object().unwrap().clone();
    rule.as_object_mut().unwrap().extend(more);
    rule
}

/// The rules that are on.
async fn active(org: &Org<'_>) -> BTreeSet<String> {
    let rules: Value = serde_json::from_str(&org.get("rules").await).unwrap();
    let rules = rules["rules"].as_array().unwrap().iter();
    rules
        .filter(|rule| rule["active"] == true)
        .map(|rule| format!("{} {}.{}", rule["kind"], rule["object"], rule["name"]))
        .collect()
}
