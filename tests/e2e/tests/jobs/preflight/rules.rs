//! Rules that refuse records; those that only a save can try are told as possible, and are few.

use serde_json::{Value, json};

use super::case::{Act, Case, Loss, each, make_object, make_records};
use crate::world::Org;

const TEXT: &str = "<type>Text</type><length>40</length>";
const DATE: &str = "<type>Date</type>";
const NUMBER: &str = "<type>Number</type><precision>10</precision><scale>2</scale>";
const PICKLIST: &str = "<type>Picklist</type><valueSet><valueSetDefinition><sorted>false</sorted><value><fullName>Idea</fullName>\
    <default>false</default><label>Idea</label></value><value><fullName>Done</fullName><default>false</default><label>Done</label>\
    </value></valueSetDefinition></valueSet>";

/// A rule on an object of its own.
struct Refusing {
    kind: &'static str,
    fields: &'static [(&'static str, &'static str)],
    record: fn(usize) -> Value,
    loss: Loss,
    condition: &'static str,
}

pub(super) async fn cases(org: &Org<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, refusing) in refusing().into_iter().enumerate() {
        let object = format!("Ruled{number}__c");
        make_object(org, &object, refusing.fields).await;
        let ids = make_records(org, &object, each(refusing.record)).await;
        let rule = json!({
            "kind": "validation", "object": object, "name": "Refuses", "active": true, "condition": refusing.condition,
            "message": "No", "field": "Name",
        });
        cases.push(Case {
            kind: refusing.kind,
            object,
            ids,
            loss: refusing.loss,
            acts: vec![Act::Control("rules", rule)],
        });
    }
    cases.extend(untold(org).await);
    cases
}

fn refusing() -> Vec<Refusing> {
    let changed = |set| Loss::Changed(set);
    vec![
        Refusing {
            kind: "rule: blank fields",
            fields: &[("A__c", TEXT), ("B__c", TEXT)],
            record: |number| json!({"A__c": format!("{number}"), "B__c": null}),
            loss: Loss::Gone,
            condition: "AND(ISBLANK(B__c), NOT(ISBLANK(A__c)), LEN(A__c) < 5)",
        },
        Refusing {
            kind: "rule: numbers",
            fields: &[("A__c", NUMBER), ("B__c", NUMBER)],
            record: |number| json!({"A__c": format!("{}.5", 200 + number), "B__c": "100.0"}),
            loss: Loss::Gone,
            condition: "A__c > B__c * 1.1 /* a tenth more */ || ABS(B__c) > 1000",
        },
        Refusing {
            kind: "rule: dates",
            fields: &[("A__c", DATE)],
            record: |_| json!({"A__c": "2020-02-29"}),
            loss: Loss::Gone,
            condition: "IF(ISNEW(), A__c < TODAY() - 30, FALSE)",
        },
        Refusing {
            kind: "rule: picklists",
            fields: &[("A__c", PICKLIST)],
            record: |_| json!({"A__c": "Done"}),
            loss: Loss::Gone,
            condition: "CASE(A__c, 'Idea', 1, 'Done', 2, 3) = 2 && BEGINS(TEXT(A__c), 'Do')",
        },
        Refusing {
            kind: "rule: what changes",
            fields: &[("A__c", PICKLIST)],
            record: |_| json!({"A__c": "Idea"}),
            loss: changed(json!({"A__c": "Done"})),
            condition: "ISCHANGED(A__c) && ISPICKVAL(PRIORVALUE(A__c), 'Done')",
        },
        Refusing {
            kind: "rule: values that stay",
            fields: &[("A__c", TEXT), ("B__c", TEXT)],
            record: |_| json!({"A__c": "then", "B__c": "closed"}),
            loss: changed(json!({"A__c": "now"})),
            condition: "UPPER(B__c) = 'CLOSED' && NOT(ISNEW())",
        },
        Refusing {
            kind: "rule: out of the Recycle Bin",
            fields: &[("A__c", TEXT), ("B__c", TEXT)],
            record: |_| json!({"A__c": "then", "B__c": "x"}),
            loss: Loss::ChangedAndBinned(json!({"A__c": "now"})),
            condition: "A__c = 'then' && B__c <> 'y'",
        },
    ]
}

/// What a plan cannot tell for certain: a rule about the user, a trigger, a duplicate rule, and records that others hold.
async fn untold(org: &Org<'_>) -> Vec<Case> {
    let rule = json!({
        "kind": "validation", "object": "Unsure0__c", "name": "Of_User", "active": true,
        "condition": "NOT(ISBLANK($User.Username))", "message": "No",
    });
    let trigger = json!({
        "kind": "trigger", "object": "Unsure1__c", "name": "Throws", "active": true, "events": ["before_insert"],
        "actions": [{"throw": "System.NullPointerException: Attempt to de-reference a null object"}],
    });
    let duplicate = json!({
        "kind": "duplicate", "object": "Unsure2__c", "name": "Twice", "active": true, "fields": ["A__c"], "on_insert": "block",
    });
    let mut cases = Vec::new();
    for (kind, object, act) in [
        (
            "rule about the user",
            "Unsure0__c",
            Act::Control("rules", rule),
        ),
        (
            "trigger that fails",
            "Unsure1__c",
            Act::Control("rules", trigger),
        ),
        (
            "duplicate rule",
            "Unsure2__c",
            Act::Control("rules", duplicate),
        ),
        ("record that others hold", "Unsure3__c", Act::Lock),
    ] {
        make_object(org, object, &[("A__c", TEXT)]).await;
        let mut records = each(|_| json!({"A__c": "same"}));
        records.truncate(2);
        let is_held = matches!(act, Act::Lock);
        let ids = make_records(org, object, records).await;
        let changed = Loss::Changed(json!({"A__c": "now"}));
        cases.push(Case {
            kind,
            object: object.to_owned(),
            ids,
            loss: if is_held { changed } else { Loss::Gone },
            acts: vec![act],
        });
    }
    // As an org lists its rules.
    let listed = json!({"DeveloperName": "Twice", "MasterLabel": "Twice", "SobjectType": "Unsure2__c", "IsActive": "true"});
    make_records(org, "DuplicateRule", vec![listed]).await;
    // One that stays, for the others to be found the same.
    make_records(
        org,
        "Unsure2__c",
        vec![json!({"Name": "Stays", "A__c": "same"})],
    )
    .await;
    cases
}
