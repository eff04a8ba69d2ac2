//! Records, users and masters that a record refers to, and that are not as they were.

use holdfast_e2e::field_call;
use serde_json::{Value, json};

use super::case::{Act, Case, Loss, each, make_object, make_records};
use crate::preflight::text;
use crate::world::Org;

const TEXT: &str = "<type>Text</type><length>40</length>";

pub(super) async fn cases(org: &Org<'_>) -> Vec<Case> {
    let mut cases = owners(org).await;
    cases.extend(parents(org).await);
    cases.extend(masters(org).await);
    cases.push(own_parents(org).await);
    cases.push(converted_leads(org).await);
    cases.push(kept_regions());
    cases
}

/// A user who leaves.
async fn owners(org: &Org<'_>) -> Vec<Case> {
    let user = json!({"username": "leaver@acme.example", "profile": "Leavers"});
    let user = text(&org.control("users", user).await["user_id"]);
    let leaves = json!({"object": "User", "ids": [user], "set": {"IsActive": "false"}});
    let me = text(&org.state().await["user_id"]);
    let mut cases = Vec::new();
    for (kind, object, loss) in [
        ("inactive owner: insert", "OwnedNew__c", Loss::Gone),
        (
            "inactive owner: update",
            "OwnedOld__c",
            Loss::Changed(json!({"OwnerId": me})),
        ),
    ] {
        make_object(org, object, &[("A__c", TEXT)]).await;
        cases.push(Case {
            kind,
            object: object.to_owned(),
            ids: make_records(org, object, each(|_| json!({"OwnerId": user}))).await,
            loss,
            acts: vec![Act::Control("update", leaves.clone())],
        });
    }
    cases
}

fn lookup(to: &str, name: &str) -> String {
    format!(
        "<type>Lookup</type><referenceTo>{to}</referenceTo><relationshipName>{name}</relationshipName>"
    )
}

/// Parents that are gone, lie in the Recycle Bin, fail themselves, or are of another object.
async fn parents(org: &Org<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, name, path) in [
        ("parent gone", "Gone", "hard-delete"),
        ("parent in the Recycle Bin", "Binned", "delete"),
        ("parent in the Recycle Bin: update", "Again", "delete"),
        ("parent that fails itself", "Fails", ""),
        ("lookup to another object now", "Other", ""),
    ] {
        let (parent, child) = (format!("{name}Parent__c"), format!("{name}Child__c"));
        make_object(org, &parent, &[("A__c", TEXT)]).await;
        let to = lookup(&parent, &format!("{name}Children"));
        make_object(org, &child, &[("Parent__c", &to)]).await;
        let parents = make_records(org, &parent, each(|_| json!({"A__c": null}))).await;
        let records = each(|number| json!({"Parent__c": parents[number]}));
        let ids = make_records(org, &child, records).await;
        let named = json!({"object": parent, "ids": parents});
        let acts = match name {
            "Fails" => {
                let required = format!("{TEXT}<required>true</required>");
                cases.push(Case {
                    kind: "parent with a required field",
                    object: parent.clone(),
                    ids: parents,
                    loss: Loss::Gone,
                    acts: Vec::new(),
                });
                vec![Act::Metadata(field_call(
                    "updateMetadata",
                    &parent,
                    "A__c",
                    &required,
                ))]
            }
            "Other" => {
                let to = lookup("Region__c", "Others");
                vec![Act::Metadata(field_call(
                    "updateMetadata",
                    &child,
                    "Parent__c",
                    &to,
                ))]
            }
            _ => vec![Act::Control(path, named)],
        };
        let loss = match name {
            "Again" => Loss::Changed(json!({"Parent__c": null})),
            _ => Loss::Gone,
        };
        // Children go first, or lose their lookup.
        let place = if name == "Fails" {
            cases.len() - 1
        } else {
            cases.len()
        };
        let case = Case {
            kind,
            object: child,
            ids,
            loss,
            acts,
        };
        cases.insert(place, case);
    }
    cases
}

/// Every second record refers to the one before it, of its own object, which fails: it is made, and gets no parent.
async fn own_parents(org: &Org<'_>) -> Case {
    let object = "Own__c".to_owned();
    let to = lookup(&object, "Children");
    make_object(org, &object, &[("A__c", TEXT), ("Parent__c", &to)]).await;
    let above = each(|_| json!({"A__c": null, "Parent__c": null}));
    let mut ids = make_records(org, &object, above).await;
    let below = each(|number| json!({"A__c": "x", "Parent__c": ids[number]}));
    ids.extend(make_records(org, &object, below).await);
    let required = format!("{TEXT}<required>true</required>");
    Case {
        kind: "lookup to its own object that waits",
        acts: vec![Act::Metadata(field_call(
            "updateMetadata",
            &object,
            "A__c",
            &required,
        ))],
        object,
        ids,
        loss: Loss::Gone,
    }
}

/// Details that lie in the Recycle Bin: their masters go after them, or they go for good.
async fn masters(org: &Org<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, name) in [
        ("master in the Recycle Bin", "Late"),
        ("purged from the Recycle Bin", "Purged"),
    ] {
        let (master, detail) = (format!("{name}Master__c"), format!("{name}Detail__c"));
        make_object(org, &master, &[("A__c", TEXT)]).await;
        let to = format!(
            "<type>MasterDetail</type><referenceTo>{master}</referenceTo><relationshipName>{name}Details</relationshipName>"
        );
        make_object(org, &detail, &[("Master__c", &to)]).await;
        let masters = make_records(org, &master, each(|_| json!({}))).await;
        let records = each(|number| json!({"Master__c": masters[number]}));
        let ids = make_records(org, &detail, records).await;
        let act = match name {
            "Late" => Act::Control("delete", json!({"object": master, "ids": masters})),
            _ => Act::Control("hard-delete", json!({"object": detail, "ids": ids})),
        };
        cases.push(Case {
            kind,
            object: detail,
            ids,
            loss: Loss::Binned,
            acts: vec![act],
        });
    }
    cases
}

/// Nobody changes a lead that was converted.
async fn converted_leads(org: &Org<'_>) -> Case {
    let records = (0..4).map(|number| json!({"LastName": format!("Lead {number}"), "Company": "Then", "Status": "Open - Not Contacted"}));
    let records: Vec<Value> = records.collect();
    let ids = make_records(org, "Lead", records).await;
    let convert = json!({"object": "Lead", "ids": ids, "set": {"IsConverted": "true"}, "keep_modstamp": true});
    Case {
        kind: "converted lead",
        object: "Lead".to_owned(),
        ids,
        loss: Loss::Changed(json!({"Company": "Now"})),
        acts: vec![Act::Control("update", convert)],
    }
}

/// Regions that are new, and that projects refer to by now: a rollback does not get rid of them.
fn kept_regions() -> Case {
    Case {
        kind: "record that others keep",
        object: "Region__c".to_owned(),
        ids: Vec::new(),
        loss: Loss::CreatedSince,
        acts: vec![Act::Refer("Project__c", "Region__c")],
    }
}
