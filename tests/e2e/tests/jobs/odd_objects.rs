//! Objects that a plain query does not serve: each is read in another way, by itself, and nothing is missing.

use holdfast_catalog::JobStatus;
use holdfast_model::ObjectName;
use holdfast_vault::ObjectAddition;
use serde_json::json;

use crate::world::{Org, World, small};

fn config(seed: u64) -> holdfast_orgsim::Config {
    let mut config = small(seed);
    config.objects.insert("Big__c".to_owned(), 1_000);
    config
}

/// What the newest manifest says about an object.
async fn addition(org: &Org<'_>, object: &str) -> ObjectAddition {
    let object = ObjectName::parse(object).unwrap();
    let (_, manifest) = org.vault().await.latest_manifest().await.unwrap().unwrap();
    let mut objects = manifest.addition.objects.into_iter();
    objects.find(|addition| addition.object == object).unwrap()
}

async fn succeeds(org: &Org<'_>) -> u64 {
    let job = org.backup().await;
    assert_eq!((job.status, job.error), (JobStatus::Succeeded, None));
    job.counts.versions_sealed
}

pub(crate) async fn a_query_that_takes_too_long_is_split_until_it_does_not(world: &World) {
    for (name, bulk_rows_min) in [("slow-rest", 1_000_000), ("slow-bulk", 10)] {
        let settings = json!({"bulk_rows_min": bulk_rows_min, "bulk_page_rows": 300});
        let org = world.connect(name, config(61), settings).await;
        org.add_fault("Big__c", None, json!({"timeout_above_rows": 120}))
            .await;
        succeeds(&org).await;
        org.assert_stored_is_true().await;
        let big = addition(&org, "Big__c").await;
        assert_eq!((big.rows_reported, big.rows_received), (1_000, 1_000));
        assert!(big.coverage.is_complete());
        assert!(big.segments.len() >= 1_000 / 120, "{}", big.segments.len());

        org.advance_clock(3_600).await;
        org.control(
            "update",
            json!({"object": "Big__c", "pick": 50, "set": {"Name": "changed"}}),
        )
        .await;
        org.advance_clock(60).await;
        assert_eq!(succeeds(&org).await, 50);
        org.assert_stored_is_true().await;
    }
}

pub(crate) async fn an_object_that_bulk_refuses_is_read_by_rest(world: &World) {
    let org = world
        .connect("not-in-bulk", config(62), json!({"bulk_rows_min": 10}))
        .await;
    let refused = json!([{"errorCode": "INVALIDENTITY", "message": "Entity 'Big__c' is not supported by the Bulk API."}]);
    let fault = json!({"match": {"object": "Big__c", "method": "POST", "path_contains": "jobs/query"},
        "times": null, "action": {"status": {"code": 400, "body": refused}}});
    org.control("faults", fault).await;
    succeeds(&org).await;
    org.assert_stored_is_true().await;
    assert_eq!(addition(&org, "Big__c").await.rows_received, 1_000);
}

pub(crate) async fn an_object_whose_stamp_cannot_be_filtered_by_is_read_whole(world: &World) {
    let org = world.connect("unfiltered", config(63), json!({})).await;
    let refused = json!([{"errorCode": "INVALID_FIELD",
        "message": "field 'SystemModstamp' can not be filtered in a query call"}]);
    let fault = json!({"match": {"object": "Big__c", "path_contains": "WHERE"},
        "times": null, "action": {"status": {"code": 400, "body": refused}}});
    org.control("faults", fault).await;
    succeeds(&org).await;
    org.assert_stored_is_true().await;
    for changed in [0, 7] {
        org.advance_clock(3_600).await;
        if changed > 0 {
            let change = json!({"object": "Big__c", "pick": changed, "set": {"Name": "changed"}});
            org.control("update", change).await;
            org.advance_clock(60).await;
        }
        assert_eq!(succeeds(&org).await, changed, "only what changed is stored");
        org.assert_stored_is_true().await;
    }
    assert_eq!(addition(&org, "Big__c").await.rows_received, 1_000);
}

pub(crate) async fn rows_too_wide_for_one_query_are_joined_from_several(world: &World) {
    let org = world.connect("wide", config(64), json!({})).await;
    org.add_fault("Account", None, json!({"fields_max": 12}))
        .await;
    // Between two queries for the same rows some of them change.
    let third = json!({"match": {"object": "Account", "path_contains": "SELECT+Id%2CSystemModstamp", "nth": 2},
        "times": 1, "action": "stall"});
    org.control("faults", third).await;
    let execution = org.start_backup().await;
    org.until("a stalled query", |state| state["stalled"] == 1)
        .await;
    org.control(
        "update",
        json!({"object": "Account", "pick": 5, "set": {"Name": "changed"}}),
    )
    .await;
    org.control("faults/release", json!({})).await;
    let job = org.finish(&execution).await;
    assert_eq!((job.status, job.error), (JobStatus::Succeeded, None));
    org.advance_clock(600).await;
    succeeds(&org).await;
    org.assert_stored_is_true().await;
}

pub(crate) async fn an_object_that_demands_a_filter_is_read_by_its_parents(world: &World) {
    let org = world.start("by-parent", small(65)).await;
    org.control("create", json!({"object": "Community", "count": 1}))
        .await;
    org.control("create", json!({"object": "Idea", "count": 450}))
        .await;
    let comments = org
        .control("create", json!({"object": "IdeaComment", "count": 700}))
        .await;
    let settings = json!({"exclude_objects": org.empty_standard_objects().await});
    org.connect(settings).await;
    succeeds(&org).await;
    let read = addition(&org, "IdeaComment").await;
    assert_eq!((read.rows_reported, read.rows_received), (700, 700));
    assert_eq!(org.assert_object_is_true("IdeaComment").await, 700);

    let gone = &comments["ids"].as_array().unwrap()[..3];
    org.control("hard-delete", json!({"object": "IdeaComment", "ids": gone}))
        .await;
    org.control(
        "update",
        json!({"object": "IdeaComment", "pick": 2, "set": {"CommentBody": "changed"}}),
    )
    .await;
    org.advance_clock(7_200).await;
    let job = org.sync().await;
    assert_eq!((job.status, job.error), (JobStatus::Succeeded, None));
    org.assert_stored_is_true().await;
    assert_eq!(org.assert_object_is_true("IdeaComment").await, 697);
}

pub(crate) async fn a_formula_that_changes_without_a_stamp_is_found_by_a_refresh(world: &World) {
    let org = world.start("formulas", small(66)).await;
    org.control("create", json!({"object": "Invoice__c", "count": 60}))
        .await;
    org.advance_clock(60).await;
    let excluded = org.empty_standard_objects().await;
    let settings = json!({"formula_refresh_seconds": 86_400, "exclude_objects": excluded});
    org.connect(settings).await;
    succeeds(&org).await;
    org.advance_clock(3_600).await;
    succeeds(&org).await;
    // As when the account that a formula shows the name of is renamed.
    let renamed = json!({"object": "Invoice__c", "pick": 25, "set": {"Customer__c": "Renamed & Sons"}, "keep_modstamp": true});
    org.control("update", renamed).await;
    org.advance_clock(3_600).await;
    assert_eq!(succeeds(&org).await, 0, "no stamp shows it");

    org.advance_clock(90_000).await;
    assert_eq!(succeeds(&org).await, 25);
    org.assert_stored_is_true().await;
    org.advance_clock(3_600).await;
    assert_eq!(succeeds(&org).await, 0);
}

const SHOUTED: &str = "<createMetadata><metadata xsi:type=\"CustomField\"><fullName>Region__c.Shouted__c</fullName>\
    <label>Shouted</label><type>Text</type><length>40</length></metadata></createMetadata>";
const GONE: &str = "<deleteMetadata><type>CustomField</type><fullNames>Region__c.Shouted__c</fullNames></deleteMetadata>";

pub(crate) async fn a_field_that_joins_is_read_for_old_records_too(world: &World) {
    let org = world.start("gained", small(67)).await;
    org.control("create", json!({"object": "Region__c", "count": 40}))
        .await;
    let excluded = org.empty_standard_objects().await;
    org.connect(json!({"exclude_objects": excluded})).await;
    org.advance_clock(60).await;
    succeeds(&org).await;
    org.advance_clock(3_600).await;
    org.metadata(SHOUTED).await;
    // As if nobody had let us read it.
    let unseen = json!({"object": "Region__c", "pick": 30, "set": {"Shouted__c": "HEY"}, "keep_modstamp": true});
    org.control("update", unseen).await;
    org.advance_clock(600).await;
    succeeds(&org).await;
    let sealed: u64 = addition(&org, "Region__c")
        .await
        .segments
        .iter()
        .map(|segment| segment.rows)
        .sum();
    assert_eq!(sealed, 30, "what could not be seen before");
    assert_eq!(org.assert_object_is_true("Region__c").await, 40);
    org.advance_clock(600).await;
    assert_eq!(succeeds(&org).await, 0);
}

pub(crate) async fn a_field_that_disappears_in_mid_job_is_left_out_of_the_query(world: &World) {
    for (name, bulk_rows_min) in [("lost-rest", 1_000_000), ("lost-bulk", 1)] {
        let org = world.start(name, small(68)).await;
        org.control("create", json!({"object": "Region__c", "count": 40}))
            .await;
        org.metadata(SHOUTED).await;
        org.advance_clock(60).await;
        let excluded = org.empty_standard_objects().await;
        org.connect(json!({"bulk_rows_min": bulk_rows_min, "exclude_objects": excluded}))
            .await;
        let first = json!({"match": {"object": "Region__c", "path_contains": "quer"}, "times": 1, "action": "stall"});
        org.control("faults", first).await;
        let execution = org.start_backup().await;
        org.until("a stalled query", |state| state["stalled"] == 1)
            .await;
        org.metadata(GONE).await;
        org.control("faults/release", json!({})).await;
        let job = org.finish(&execution).await;
        assert_eq!((job.status, job.error), (JobStatus::Succeeded, None));
        assert_eq!(org.assert_object_is_true("Region__c").await, 40);
    }
}
