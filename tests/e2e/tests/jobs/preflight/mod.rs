//! That a plan says what will fail of it, and why, before anything is written: obstacles of some thirty kinds are put into the way of
//! a plan, the run shows what Salesforce refuses, and the two are held against each other.

mod case;
mod references;
mod rules;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::{JobItem, JobStatus};
use serde_json::{Value, json};

use crate::world::{Org, World, small};
use case::{Act, Case, Loss};

/// Of the refused rows, so many percent must have been told for certain, with Salesforce's own code.
const PREDICTED_PERCENT_MIN: usize = 95;
/// Records that were said to fail and did not: at most so many percent of those that were said to.
const FALSE_ALARMS_PERCENT_MAX: usize = 2;

/// What the plan says of each record: codes that are certain, and others.
type Told = BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)>;
/// Rows that Salesforce refused: object, Id, code.
type Refused = BTreeSet<(String, String, String)>;

pub(crate) async fn refused_rows_were_told_by_the_plan(world: &World) {
    let org = world.connect("hindered", small(90), json!({})).await;
    let mut cases = schema::cases(&org).await;
    cases.extend(references::cases(&org).await);
    cases.extend(rules::cases(&org).await);
    let (plan, overview) = plan_among(&org, &mut cases).await;

    let told = told(&org, &plan, &overview).await;
    let deletes = overview["objects"].as_array().unwrap().iter();
    let deletes: u64 = deletes
        .map(|one| one["counts"]["delete"].as_u64().unwrap())
        .sum();
    let request = json!({"org": org.name, "plan": plan.job, "delete": deletes});
    let run = org.restore(request, "hindered-run").await;
    assert_eq!(run.status, JobStatus::Partial, "{:?}", run.error);
    let refused = refused(&org, &run, &overview).await;
    assert_told(&cases, &told, &refused);
    assert_counted(&overview, &told);
}

/// Backs up, damages, compares, puts the obstacles into the way, and plans; no call writes.
async fn plan_among(org: &Org<'_>, cases: &mut [Case]) -> (JobItem, Value) {
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    org.advance_clock(600).await;
    for case in &mut *cases {
        case.lose(org).await;
    }
    org.advance_clock(600).await;
    let name = format!("{}-compare", org.name);
    let compare = org.compare_with(&then, &name).await;
    for case in &*cases {
        case.obstruct(org).await;
    }
    let before = writes(org).await;
    let request = json!({"org": org.name, "compare": compare.job, "mode": "rollback"});
    let plan = org
        .plan_restore(request, &format!("{}-plan", org.name))
        .await;
    assert_eq!(plan.status, JobStatus::Succeeded, "{:?}", plan.error);
    let overview = org.planned(&plan, json!({})).await;
    assert_eq!(writes(org).await, before, "a plan writes nothing");
    let request = json!({"org": org.name, "compare": compare.job, "mode": "rollback"});
    let repeat = json!({"request": request, "job": plan.job});
    let again = org.invoke("check-restore", repeat).await.unwrap();
    assert_eq!(again["outcome"], "done");
    assert_eq!(org.planned(&plan, json!({})).await, overview);
    assert_eq!(overview["is_ready"], true);
    (plan, overview)
}

/// Calls that write, by route.
async fn writes(org: &Org<'_>) -> BTreeMap<String, u64> {
    let state = org.state().await;
    let routes = state["routes"].as_object().unwrap().iter();
    let writes = routes.filter(|(route, _)| {
        // Records are read by their Ids with a body, too.
        !route.starts_with("GET")
            && !route.contains("/__sim/")
            && !route.ends_with("/composite/sobjects/{name}")
            && !route.contains("oauth2")
    });
    writes
        .map(|(route, count)| (route.clone(), count.as_u64().unwrap()))
        .collect()
}

/// All that is told of records of the plan.
async fn told(org: &Org<'_>, plan: &JobItem, overview: &Value) -> Told {
    let mut told = Told::new();
    for object in overview["objects"].as_array().unwrap() {
        let mut question = json!({"object": object["object"], "hindered": true});
        loop {
            let answer = org.planned(plan, question.clone()).await;
            for record in answer["records"].as_array().unwrap() {
                let key = (text(&object["object"]), text(&record["id"]));
                let (will, may) = told.entry(key).or_default();
                for obstacle in record["obstacles"].as_array().unwrap() {
                    assert_ne!(obstacle["advice"], "", "{obstacle}");
                    let codes = if obstacle["certainty"] == "will" {
                        &mut *will
                    } else {
                        &mut *may
                    };
                    codes.insert(text(&obstacle["code"]));
                }
            }
            if answer["next"].is_null() {
                break;
            }
            question["next"] = answer["next"].clone();
        }
    }
    told
}

/// The rows that Salesforce refused, by the receipts of the run.
async fn refused(org: &Org<'_>, run: &JobItem, overview: &Value) -> Refused {
    let mut refused = Refused::new();
    for object in overview["objects"].as_array().unwrap() {
        let mut question = json!({"object": object["object"]});
        loop {
            let answer = org.planned(run, question.clone()).await;
            for receipt in answer["receipts"].as_array().unwrap() {
                if receipt["became"] == "refused" {
                    let id = text(&receipt["id"]);
                    refused.insert((text(&object["object"]), id, text(&receipt["code"])));
                }
            }
            if answer["next"].is_null() {
                break;
            }
            question["next"] = answer["next"].clone();
        }
    }
    refused
}

/// More records than there is room for: how much of the last megabyte is left nobody says, so of those that may find room it is said
/// that they may fail.
pub(crate) async fn a_full_org_is_told_by_the_plan(world: &World) {
    const LOST: usize = 900;
    let org = world.connect("full", small(91), json!({})).await;
    case::make_object(&org, "Lost__c", &[]).await;
    let records = (0..LOST).map(|number| json!({"Name": format!("Lost {number}")}));
    let mut cases = [Case {
        kind: "storage",
        object: "Lost__c".to_owned(),
        ids: case::make_records(&org, "Lost__c", records.collect()).await,
        loss: Loss::Gone,
        acts: vec![Act::Control("settings", json!({"data_storage_mb": 1}))],
    }];
    let (plan, overview) = plan_among(&org, &mut cases).await;
    let told = told(&org, &plan, &overview).await;
    let request = json!({"org": org.name, "plan": plan.job});
    let run = org.restore(request, "full-run").await;
    let refused = refused(&org, &run, &overview).await;
    assert_eq!(refused.len(), LOST);
    for (object, id, code) in refused {
        let (will, may) = &told[&(object, id)];
        assert!(will.contains(&code) || may.contains(&code), "{code}");
    }
    let certain = told.values().filter(|(will, _)| !will.is_empty()).count();
    assert_eq!(certain, LOST - 512, "2 KB each");
    let check = &overview["check"];
    assert_eq!(
        (&check["storage_left_mb"], &check["storage_mb"]),
        (&json!(0), &json!(2)),
        "{check}"
    );
}

/// Prints how each kind came out, and holds the whole against the goal.
fn assert_told(cases: &[Case], told: &Told, refused: &Refused) {
    let kind_of = |id: &str| {
        let mut cases = cases.iter();
        cases
            .find(|case| case.ids.iter().any(|own| own == id))
            .map_or("other", |case| case.kind)
    };
    let mut table: BTreeMap<&str, [usize; 4]> =
        cases.iter().map(|case| (case.kind, [0; 4])).collect();
    let mut codes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (object, id, code) in refused {
        let of_kind = table.entry(kind_of(id)).or_default();
        let of_record = told.get(&(object.clone(), id.clone()));
        let is_told = of_record.is_some_and(|(will, _)| will.contains(code));
        let is_possible = of_record.is_some_and(|(_, may)| may.contains(code));
        of_kind[0] += 1;
        of_kind[1] += usize::from(is_told);
        of_kind[2] += usize::from(is_possible && !is_told);
        codes.entry(kind_of(id)).or_default().insert(code);
    }
    let failed: BTreeSet<_> = refused.iter().map(|(object, id, _)| (object, id)).collect();
    let certain = told.iter().filter(|(_, (will, _))| !will.is_empty());
    for ((object, id), (will, _)) in certain.clone() {
        if !failed.contains(&(object, id)) {
            table.entry(kind_of(id)).or_default()[3] += 1;
            println!("false alarm: {} {object} {id} {will:?}", kind_of(id));
        }
    }
    println!(
        "{:<40} {:>8} {:>6} {:>5} {:>12}  codes",
        "kind", "refused", "will", "may", "false alarms"
    );
    let line = |kind: &str, [refused, will, may, alarms]: [usize; 4], codes: &str| {
        println!("{kind:<40} {refused:>8} {will:>6} {may:>5} {alarms:>12}  {codes}");
    };
    for (kind, row) in &table {
        let codes = codes.get(kind).into_iter().flatten().copied();
        line(kind, *row, &codes.collect::<Vec<_>>().join(" "));
    }
    let sum = |column: usize| table.values().map(|row| row[column]).sum::<usize>();
    let all = [sum(0), sum(1), sum(2), sum(3)];
    line("all", all, "");
    let [refused, told, _, alarms] = all;
    for case in cases {
        assert!(
            table[case.kind][0] > 0,
            "{}: nothing was refused",
            case.kind
        );
    }
    assert!(
        told * 100 >= refused * PREDICTED_PERCENT_MIN,
        "{told} of {refused}"
    );
    assert!(
        alarms * 100 <= certain.count() * FALSE_ALARMS_PERCENT_MAX,
        "{alarms}"
    );
}

/// The overview counts what the records say.
fn assert_counted(overview: &Value, told: &Told) {
    for object in overview["objects"].as_array().unwrap() {
        let of_object = told
            .iter()
            .filter(|((name, _), _)| object["object"] == name.as_str());
        let (certain, others): (Vec<_>, Vec<_>) =
            of_object.partition(|(_, (will, _))| !will.is_empty());
        let check = &object["check"];
        assert_eq!(check["will_fail"], certain.len(), "{object}");
        assert_eq!(check["may_fail"], others.len(), "{object}");
        for tally in check["will"].as_array().unwrap() {
            let code = tally["code"].as_str().unwrap();
            let records = certain.iter().filter(|(_, (will, _))| will.contains(code));
            assert!(
                tally["records"].as_u64().unwrap() <= records.count() as u64,
                "{tally}"
            );
            assert!(!tally["examples"].as_array().unwrap().is_empty());
        }
    }
    let check = &overview["check"];
    assert!(
        check["calls"].as_u64().unwrap() > 0 && check["calls_left"].as_i64().unwrap() > 0,
        "{check}"
    );
    assert!(check["storage_left_mb"].as_i64().unwrap() > 0, "{check}");
}

pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
