//! What a job says that became of records.

use holdfast_model::{Changes, ObjectName};
use serde_json::{Value, json};

use crate::world::{Org, World, small};

/// What `read-job` says about an object in an org's newest job.
async fn told(org: &Org<'_>, object: &str) -> Value {
    let input = json!({"org": org.name});
    let mut told = org.invoke("read-job", input).await.unwrap();
    let objects = told["objects"].as_array_mut().unwrap().iter_mut();
    let mut found = objects.filter(|told| told["object"] == object);
    found.next().map(Value::take).unwrap_or_default()
}

/// Runs a job, and compares what it says of the only object that changed with what the catalog counts as live.
async fn changes(org: &Org<'_>, object: &str) -> Changes {
    let job = org.backup().await;
    let changes = serde_json::from_value(told(org, object).await["changes"].take());
    let changes = changes.unwrap_or_default();
    assert_eq!(job.counts.changes, changes);
    let (catalog, name) = (org.world.catalog().await, ObjectName::parse(object));
    let item = catalog.object(&org.name, &name.unwrap()).await.unwrap();
    let state = org.state().await;
    assert_eq!(json!(item.unwrap().live), state["objects"][object]["live"]);
    changes
}

pub(crate) async fn a_job_says_what_became_of_records(world: &World) {
    let org = world.connect("became", small(81), json!({})).await;
    let first = org.backup().await;
    let rows = first.counts.versions_sealed;
    let added = Changes {
        added: rows - first.counts.deleted,
        ..Changes::default()
    };
    assert_eq!(
        first.counts.changes, added,
        "what lies in the bin is not added"
    );

    org.advance_clock(3_600).await;
    // Without a parent: whoever has one is modified when that is deleted.
    let alone = |count| json!({"object": "Region__c", "records": vec![json!({"Parent_Region__c": null}); count]});
    let created = org.control("create", alone(20)).await;
    let ids: Vec<_> = created["ids"].as_array().unwrap().clone();
    org.advance_clock(60).await;
    let expected = Changes {
        added: 20,
        ..Changes::default()
    };
    assert_eq!(changes(&org, "Region__c").await, expected);

    org.advance_clock(3_600).await;
    org.control("create", alone(2)).await;
    let names = json!({"object": "Region__c", "ids": ids[..5], "set": {"Name": "Nord"}});
    org.control("update", names).await;
    let binned = json!({"object": "Region__c", "ids": ids[5..9]});
    org.control("delete", binned).await;
    org.advance_clock(60).await;
    let expected = Changes {
        added: 2,
        modified: 5,
        deleted: 4,
        ..Changes::default()
    };
    assert_eq!(changes(&org, "Region__c").await, expected);

    org.advance_clock(3_600).await;
    for (path, some) in [
        ("undelete", &ids[5..6]),
        // From the bin, and from among the living.
        ("hard-delete", &ids[6..7]),
        ("hard-delete", &ids[9..12]),
    ] {
        org.control(path, json!({"object": "Region__c", "ids": some}))
            .await;
    }
    org.advance_clock(600).await;
    let expected = Changes {
        deleted: 3,
        restored: 1,
        ..Changes::default()
    };
    assert_eq!(changes(&org, "Region__c").await, expected);
    org.advance_clock(60).await;
    assert_eq!(changes(&org, "Region__c").await, Changes::default());
}
