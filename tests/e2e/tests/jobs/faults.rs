//! Salesforce, or the way to it, misbehaves.

use holdfast_catalog::JobStatus;
use holdfast_model::{ErrorCode, ObjectName};
use serde_json::json;

use crate::world::{World, small};

pub(crate) async fn a_block_that_cannot_be_proven_makes_the_job_partial_and_the_next_one_heals_it(
    world: &World,
) {
    let mut config = small(21);
    config.objects.insert("Big__c".to_owned(), 300);
    let settings = json!({"bulk_rows_min": 100, "bulk_page_rows": 120});
    let org = world.connect("faults", config, settings).await;
    let big = ObjectName::parse("Big__c").unwrap();
    for (action, code) in [
        (json!({"truncate_page_rows": 7}), ErrorCode::PageShort),
        (json!("drop_locator_header"), ErrorCode::MarkerMissing),
        (json!({"wrong_count": 1}), ErrorCode::CountMismatch),
        (
            json!({"fail_bulk_job": {"message": "InternalServerError"}}),
            ErrorCode::BulkJobFailed,
        ),
    ] {
        let before = world
            .catalog()
            .await
            .object(&org.name, &big)
            .await
            .unwrap()
            .map(|object| object.coverage);
        org.add_fault("Big__c", None, action).await;
        let partial = org.backup().await;
        assert_eq!(partial.status, JobStatus::Partial);
        assert_eq!(partial.counts.exceptions, 1);
        assert_eq!(partial.error.unwrap().code, code);
        let after = world
            .catalog()
            .await
            .object(&org.name, &big)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            after.coverage,
            before.unwrap_or_default(),
            "the cursor did not move past the loss"
        );
        assert_eq!(after.last_exception.unwrap().failure.code, code);

        org.clear_faults().await;
        let healed = org.backup().await;
        assert_eq!(healed.status, JobStatus::Succeeded);
        let object = world
            .catalog()
            .await
            .object(&org.name, &big)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(object.last_exception, None);
        org.assert_stored_is_true().await;

        org.advance_clock(3_600).await;
        org.control(
            "update",
            json!({"object": "Big__c", "pick": 200, "set": {"Note__c": code.name()}}),
        )
        .await;
        org.advance_clock(30).await;
    }
}

pub(crate) async fn an_ended_session_a_cut_connection_and_a_storm_are_survived(world: &World) {
    let mut config = small(22);
    config.objects.insert("Big__c".to_owned(), 3_000);
    let org = world
        .connect(
            "storm",
            config,
            json!({"bulk_rows_min": 100, "bulk_page_rows": 700}),
        )
        .await;
    let results = |action: serde_json::Value, nth: u32| json!({"match": {"path_contains": "/results", "nth": nth}, "times": 1, "action": action});
    org.control("faults", results(json!("expire_session"), 2))
        .await;
    org.control("faults", results(json!({"cut_after_bytes": 5_000}), 4))
        .await;
    org.control(
        "faults",
        results(
            json!({"status": {"code": 503, "body": "<html>down</html>"}}),
            6,
        ),
    )
    .await;
    org.control("faults", results(json!({"truncate_page_rows": 1}), 9))
        .await;
    let job = org.backup().await;
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(org.state().await["faults"], 0, "all faults struck");
    org.assert_stored_is_true().await;
}
