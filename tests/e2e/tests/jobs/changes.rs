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

/// Characters that say six bits each, as encrypted text does in Base64.
fn noise(random: &mut fastrand::Rng) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = (0..250).map(|_| char::from(alphabet[random.usize(..64)]));
    letters.collect()
}

/// What kinds of signals a job raises about which objects, and what it says of those about an object.
async fn signals(org: &Org<'_>, object: &str) -> Vec<Value> {
    let job = org.backup().await;
    let input = json!({"org": org.name});
    let mut told = org.invoke("read-job", input).await.unwrap();
    let signals: Vec<Value> = serde_json::from_value(told["signals"].take()).unwrap();
    assert_eq!(job.counts.signals, signals.len() as u64);
    let about = |signal: &Value| signal["object"] == object || signal["kind"] == "one_author";
    assert!(signals.iter().all(about), "{signals:?}");
    signals
}

pub(crate) async fn text_that_becomes_noise_and_mass_deletions_raise_signals(world: &World) {
    let settings = json!({"signal_author_percent": 5});
    let org = world.connect("signals", small(82), settings).await;
    let words =
        "A customer asked for a call about an invoice that was sent twice, and wants a refund. ";
    let accounts: Vec<_> = (0..200)
        .map(|number| json!({"Name": format!("{number}"), "Description": words.repeat(3)}))
        .collect();
    let body = json!({"object": "Account", "records": accounts});
    let created = org.control("create", body).await;
    let ids: Vec<_> = created["ids"].as_array().unwrap().clone();
    assert!(signals(&org, "Account").await.is_empty(), "all is new");

    org.advance_clock(3_600).await;
    let body = json!({"object": "Account", "ids": ids[..99], "set": {"Site": "North"}});
    org.control("update", body).await;
    org.advance_clock(60).await;
    assert!(
        signals(&org, "Account").await.is_empty(),
        "a few, in plain words"
    );

    org.advance_clock(3_600).await;
    let mut random = fastrand::Rng::with_seed(82);
    for id in &ids {
        let set = json!({"Description": noise(&mut random)});
        let body = json!({"object": "Account", "ids": [id], "set": set});
        org.control("update", body).await;
    }
    org.advance_clock(60).await;
    let raised = signals(&org, "Account").await;
    let live = org.state().await["objects"]["Account"]["live"].clone();
    let [modified, one, noise] = &raised[..] else {
        panic!("{raised:?}");
    };
    assert_eq!(one["kind"], "one_author");
    assert_eq!(modified["kind"], "many_modified");
    assert_eq!(
        (&modified["records"], &modified["of"]),
        (&json!(200), &live)
    );
    assert_eq!(modified["by"], json!({"user": one["user"], "records": 200}));
    assert_eq!(noise["kind"], "text_became_noise");
    assert!(noise["before"].as_u64() < Some(400), "{noise}");
    assert!(noise["now"].as_u64() > Some(550), "{noise}");

    org.advance_clock(3_600).await;
    let body = json!({"object": "Account", "ids": ids[..120]});
    org.control("delete", body).await;
    org.advance_clock(60).await;
    let raised = signals(&org, "Account").await;
    let deleted = raised
        .iter()
        .find(|signal| signal["kind"] == "many_deleted");
    let deleted = deleted.unwrap_or_else(|| panic!("{raised:?}"));
    assert_eq!((&deleted["records"], &deleted["of"]), (&json!(120), &live));
    assert!(signals(&org, "Account").await.is_empty(), "it is told once");
}
