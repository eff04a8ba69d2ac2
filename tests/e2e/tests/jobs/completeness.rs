//! What proves that nothing is missing: a second count, a comparison of all Ids.

use holdfast_catalog::{JobItem, JobStatus};
use holdfast_model::{ErrorCode, ObjectName};
use holdfast_vault::ObjectAddition;
use serde_json::{Value, json};

use crate::world::{Org, World, small};

fn large(seed: u64) -> holdfast_orgsim::Config {
    let mut config = small(seed);
    config.objects.insert("Big__c".to_owned(), 1_000);
    config
}

fn by_bulk() -> Value {
    json!({"bulk_rows_min": 100, "bulk_page_rows": 300})
}

/// What the newest manifest says about an object.
async fn addition(org: &Org<'_>, object: &str) -> ObjectAddition {
    let object = ObjectName::parse(object).unwrap();
    let (_, manifest) = org.vault().await.latest_manifest().await.unwrap().unwrap();
    let objects = manifest.addition.objects;
    objects
        .into_iter()
        .find(|addition| addition.object == object)
        .unwrap()
}

fn code(job: &JobItem) -> ErrorCode {
    job.error.as_ref().unwrap().code
}

pub(crate) async fn a_bulk_job_that_loses_rows_is_asked_again_and_never_believed(world: &World) {
    let org = world.connect("losing", large(51), by_bulk()).await;
    org.add_fault("Big__c", Some(1), json!({"lose_rows": 3}))
        .await;
    let job = org.backup().await;
    assert_eq!(job.status, JobStatus::Succeeded);
    org.assert_stored_is_true().await;
    let counted = addition(&org, "Big__c").await;
    assert_eq!(
        (counted.rows_reported, counted.rows_received),
        (1_000, 1_000)
    );
    let recount = counted.recount.unwrap();
    assert_eq!(recount.salesforce, recount.received);
    let mut kept = counted.duplicate_ids;
    for segment in &counted.segments {
        kept.merge(segment.digest);
    }
    assert_eq!(kept, counted.received);

    let org = world.connect("always-losing", large(52), by_bulk()).await;
    org.add_fault("Big__c", None, json!({"lose_rows": 3})).await;
    let job = org.backup().await;
    assert_eq!(
        (job.status, code(&job)),
        (JobStatus::Partial, ErrorCode::CountMismatch)
    );
    org.clear_faults().await;
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
    org.assert_stored_is_true().await;
}

pub(crate) async fn a_page_that_comes_twice_hides_no_other(world: &World) {
    let org = world.connect("repeating", large(53), by_bulk()).await;
    let twice = json!({"match": {"object": "Big__c", "path_contains": "locator"}, "times": 1, "action": "repeat_page"});
    org.control("faults", twice).await;
    let job = org.backup().await;
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(org.state().await["faults"], 0, "the fault was met");
    org.assert_stored_is_true().await;
}

pub(crate) async fn what_a_purged_delete_log_does_not_tell_is_found_by_comparing_ids(
    world: &World,
) {
    let org = world.connect("purged", small(54), json!({})).await;
    let regions = org
        .control("create", json!({"object": "Region__c", "count": 900}))
        .await;
    let gone = &regions["ids"].as_array().unwrap()[..4];
    org.advance_clock(60).await;
    org.backup().await;

    org.advance_clock(3_600).await;
    org.control("hard-delete", json!({"object": "Region__c", "ids": gone}))
        .await;
    org.advance_clock(600).await;
    let now = org.control("clock", json!({})).await["now"].clone();
    org.control("settings", json!({"delete_log_from": now}))
        .await;
    // The log is asked by whole minutes.
    org.advance_clock(60).await;
    let holed = org.backup().await;
    assert_eq!(
        (holed.status, code(&holed)),
        (JobStatus::Partial, ErrorCode::DeleteLogIncomplete)
    );
    assert_eq!(holed.counts.deleted, 0);

    org.advance_clock(600).await;
    let next = org.backup().await;
    assert_eq!(next.error, None);
    assert_eq!(next.counts.deleted, 4);
    org.assert_stored_is_true().await;
    let sweep = addition(&org, "Region__c").await.sweep.unwrap();
    assert_eq!((sweep.gone, sweep.missing), (4, 0));

    let quiet = org.sync().await;
    assert_eq!(
        (quiet.status, quiet.counts.versions_sealed),
        (JobStatus::Succeeded, 0)
    );
}

pub(crate) async fn a_sync_job_finds_and_heals_what_no_window_reads(world: &World) {
    let org = world.connect("very-late", small(55), json!({})).await;
    org.backup().await;
    org.advance_clock(60).await;
    let late = json!({"object": "Region__c", "count": 3, "held": true});
    org.control("create", late).await;
    // Visible only when no head reaches back to its stamp any more.
    for _ in 0..2 {
        org.advance_clock(7_200).await;
        org.control("create", json!({"object": "Region__c", "count": 1}))
            .await;
        org.advance_clock(60).await;
        org.backup().await;
    }
    org.control("commit", json!({})).await;
    org.advance_clock(60).await;
    let unaware = org.backup().await;
    assert_eq!(
        (unaware.status, unaware.counts.versions_sealed),
        (JobStatus::Succeeded, 0)
    );

    let found = org.sync().await;
    assert_eq!(
        (found.status, code(&found)),
        (JobStatus::Partial, ErrorCode::CountMismatch)
    );
    let sweep = addition(&org, "Region__c").await.sweep.unwrap();
    assert_eq!((sweep.gone, sweep.missing), (0, 3));
    let healed = org.backup().await;
    assert_eq!(
        (healed.status, healed.counts.versions_sealed),
        (JobStatus::Succeeded, 3)
    );
    org.assert_stored_is_true().await;
    assert_eq!(org.sync().await.status, JobStatus::Succeeded);
}
