//! What the second job moves.

use serde_json::json;

use crate::world::{World, small};

pub(crate) async fn a_second_job_seals_exactly_what_changed(world: &World) {
    let org = world.connect("changes", small(11), json!({})).await;
    let first = org.backup().await;
    assert_eq!(first.status, holdfast_catalog::JobStatus::Succeeded);
    assert_eq!(first.counts.rows_received, first.counts.versions_sealed);
    org.assert_stored_is_true().await;

    org.advance_clock(3_600).await;
    let updated = org
        .control(
            "update",
            json!({"object": "Contact", "pick": 40, "set": {"Title": "Änderung, \"neu\""}}),
        )
        .await;
    let created = org
        .control("create", json!({"object": "Region__c", "count": 25}))
        .await;
    let deleted = org
        .control("delete", json!({"object": "Measurement__c", "pick": 10}))
        .await;
    let changes =
        [&updated, &created, &deleted].map(|answer| answer["ids"].as_array().unwrap().len() as u64);
    assert_eq!(changes, [40, 25, 10]);
    org.advance_clock(60).await;

    let second = org.backup().await;
    assert_eq!(second.counts.versions_sealed, 75);
    assert_eq!(second.counts.deleted, 10);
    org.assert_stored_is_true().await;

    org.advance_clock(60).await;
    let third = org.backup().await;
    assert_eq!(third.counts.versions_sealed, 0, "nothing changed");
    // Of the deletions the log tells, and the vault knows them.
    assert!(third.counts.duplicates >= 65, "the overlap was read again");
    let vault = org.vault().await;
    let (end, _) = vault.latest_manifest().await.unwrap().unwrap();
    assert_eq!(end.seq, 3);
    let verified = vault
        .verify_chain(Some(&end), holdfast_vault::Depth::Objects)
        .await
        .unwrap();
    assert_eq!(verified.manifests, 3);
}

pub(crate) async fn rows_that_share_one_stamp_are_sealed_once_each(world: &World) {
    let mut config = small(12);
    config.objects.insert("Big__c".to_owned(), 6_000);
    let org = world
        .connect("one-stamp", config, json!({"bulk_page_rows": 1_500}))
        .await;
    org.backup().await;

    org.advance_clock(3_600).await;
    org.control(
        "update",
        json!({"object": "Big__c", "pick": 5_000, "set": {"Note__c": "mass update"}}),
    )
    .await;
    org.advance_clock(30).await;
    let mass = org.backup().await;
    assert_eq!(mass.counts.versions_sealed, 5_000);

    // The stamp lies in the overlap of the next jobs.
    org.advance_clock(30).await;
    let quiet = org.backup().await;
    assert_eq!(
        (quiet.counts.versions_sealed, quiet.counts.duplicates),
        (0, 5_000)
    );
    org.assert_stored_is_true().await;
}

pub(crate) async fn a_row_that_becomes_visible_after_its_stamp_is_found(world: &World) {
    let org = world.connect("late", small(13), json!({})).await;
    org.backup().await;

    org.advance_clock(3_600).await;
    let late = org
        .control(
            "create",
            json!({"object": "Region__c", "count": 3, "held": true}),
        )
        .await;
    assert_eq!(late["ids"].as_array().unwrap().len(), 3);
    org.advance_clock(300).await;
    let before = org.backup().await;
    assert_eq!(before.counts.versions_sealed, 0, "they cannot be seen yet");

    org.control("commit", json!({})).await;
    org.advance_clock(300).await;
    let after = org.backup().await;
    assert_eq!(after.counts.versions_sealed, 3);
    org.assert_stored_is_true().await;
}

pub(crate) async fn a_record_that_no_query_shows_any_more_gets_a_tombstone(world: &World) {
    let org = world.connect("gone", small(14), json!({})).await;
    let regions = org
        .control("create", json!({"object": "Region__c", "count": 9}))
        .await;
    let (soon_deleted, soon_purged) = regions["ids"].as_array().unwrap().split_at(2);
    org.advance_clock(60).await;
    org.backup().await;

    org.advance_clock(3_600).await;
    for (path, ids) in [("delete", soon_deleted), ("hard-delete", soon_purged)] {
        org.control(path, json!({"object": "Region__c", "ids": ids}))
            .await;
    }
    org.advance_clock(600).await;
    let job = org.backup().await;
    assert_eq!(job.status, holdfast_catalog::JobStatus::Succeeded);
    assert_eq!(job.counts.deleted, 2 + 7);
    org.assert_stored_is_true().await;

    // From the Recycle Bin to nowhere: the vault knows it for deleted already.
    let purge = json!({"object": "Region__c", "ids": soon_deleted});
    org.control("hard-delete", purge).await;
    org.advance_clock(600).await;
    let job = org.backup().await;
    assert_eq!(job.status, holdfast_catalog::JobStatus::Succeeded);
    assert_eq!((job.counts.versions_sealed, job.counts.deleted), (0, 0));
}
