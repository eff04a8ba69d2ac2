//! Killed, and called twice.

use holdfast_catalog::{Counts, JobStatus};
use holdfast_model::{JobId, SalesforceId, Stamp};
use holdfast_vault::{Fields, Filter};
use serde_json::{Value, json};

use crate::world::{Org, World, small};

/// Most bytes that may travel between two states.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

/// What must be the same however the job went: counts, and every version of every object.
async fn result(
    org: &Org<'_>,
    counts: Counts,
) -> (Counts, Vec<(String, SalesforceId, Stamp, [u8; 16])>) {
    let mut versions = Vec::new();
    for object in org.readable().await {
        let segments = org.segments(&object).await;
        let fields = Fields::Named(&[]);
        let mut scan =
            org.vault()
                .await
                .scan(&segments, Stamp::from_millis(i64::MAX), fields, Filter::All);
        while let Some(row) = scan.next().await.unwrap() {
            versions.push((object.clone(), row.id(), row.modstamp(), row.hash()));
        }
    }
    // How often Salesforce was asked, and how many bytes a key or a name took, may differ.
    (
        Counts {
            api_calls: 0,
            bulk_jobs: 0,
            bytes_sealed: 0,
            bytes_received: 0,
            ..counts
        },
        versions,
    )
}

fn config() -> holdfast_orgsim::Config {
    let mut config = small(31);
    config.now = Some("2026-03-01T12:00:00Z".parse().unwrap());
    config.objects.insert("Big__c".to_owned(), 4_000);
    config
}

fn settings() -> Value {
    json!({"bulk_rows_min": 100, "bulk_page_rows": 1_000})
}

pub(crate) async fn a_killed_process_changes_nothing(world: &World) {
    let undisturbed = world.connect("undisturbed", config(), settings()).await;
    let expected = result(&undisturbed, undisturbed.backup().await.counts).await;

    let org = world.connect("killed", config(), settings()).await;
    let stalled = json!({"match": {"object": "Big__c", "path_contains": "/results", "nth": 3}, "times": 1, "action": "stall"});
    org.control("faults", stalled).await;
    let execution = org.start_backup().await;
    org.until("a stalled page", |state| state["stalled"] == 1)
        .await;
    let mut killed = 0;
    for worker in world.stack().await.workers("extract-block") {
        killed += u32::from(worker.kill().is_ok());
    }
    assert!(killed > 0);
    let job = org.finish(&execution).await;
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(result(&org, job.counts).await, expected);
    org.assert_stored_is_true().await;
}

pub(crate) async fn a_first_backup_goes_on_where_it_was_interrupted(world: &World) {
    let mut settings = settings();
    settings["backfill_block_rows"] = json!(1_000);
    let org = world.connect("interrupted", config(), settings).await;
    let failing = json!({"fail_bulk_job": {"message": "InternalServerError"}});
    let third = json!({"match": {"object": "Big__c", "nth": 3}, "times": null, "action": failing});
    org.control("faults", third).await;
    let first = org.backup().await;
    assert_eq!(first.status, JobStatus::Partial);
    org.clear_faults().await;

    let second = org.backup().await;
    assert_eq!(second.status, JobStatus::Succeeded);
    org.assert_stored_is_true().await;
    let of_both = [first, second].map(|job| job.counts.versions_sealed);
    assert!(of_both.iter().all(|versions| *versions > 0));
    let stored = org.segments("Big__c").await;
    let rows: u64 = stored.iter().map(|segment| segment.rows).sum();
    assert_eq!(rows, 4_000, "what was read once is not read again");
}

pub(crate) async fn a_bulk_job_that_does_not_end_is_given_up_and_read_by_rest(world: &World) {
    let org = world.connect("stuck", config(), settings()).await;
    org.control("settings", json!({"bulk_delay_ms": 100_000_000}))
        .await;
    let execution = org.start_backup().await;
    org.until("a bulk job", |state| state["query_jobs"] != json!(0))
        .await;
    let org = &org;
    let hours = async {
        loop {
            org.advance_clock(3_600).await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let job = tokio::select! {
        job = org.finish(&execution) => job,
        () = hours => unreachable!("hours do not end"),
    };
    assert_eq!(job.status, JobStatus::Succeeded);
    org.assert_stored_is_true().await;
}

pub(crate) async fn every_function_can_be_repeated(world: &World) {
    let undisturbed = world.connect("once", config(), settings()).await;
    let expected = result(&undisturbed, undisturbed.backup().await.counts).await;

    let org = world.connect("twice", config(), settings()).await;
    let job = "by-hand";
    let begin = json!({"request": {"org": "twice"}, "job": job, "execution": "arn:aws:states:us-east-1:000000000000:execution:none:by-hand"});
    let of_job = json!({"org": "twice", "job": job});
    let twice = async |function: &str, input: &Value| {
        let first = org.invoke(function, input.clone()).await.unwrap();
        let again = org.invoke(function, input.clone()).await.unwrap();
        for payload in [input, &first, &again] {
            assert!(payload.to_string().len() < PAYLOAD_BYTES_MAX);
        }
        (first, again)
    };
    let (first, again) = twice("begin-job", &begin).await;
    assert_eq!((&first, &first["outcome"]), (&again, &json!("started")));
    twice("describe-org", &of_job).await;
    let (first, again) = twice("plan-backup", &of_job).await;
    assert_eq!(first, again);

    let mut plan = org
        .vault()
        .await
        .plan(&JobId::parse(job).unwrap())
        .await
        .unwrap();
    let mut blocks = 0;
    while let Some(group) = plan.next().await.unwrap() {
        blocks += group.blocks.len();
        let mut input = serde_json::to_value(&group).unwrap();
        for _ in 0..600 {
            let (_, again) = twice("extract-block", &input).await;
            input = again;
            if input["outcome"] == "done" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(input["outcome"], "done");
    }
    assert_eq!(first["blocks"], blocks);
    let (first, again) = twice("capture-deletes", &of_job).await;
    assert_eq!(first, again);
    let (first, again) = twice("commit-job", &of_job).await;
    assert_eq!(first, again);
    assert_eq!(first["status"], "succeeded");
    let (after_the_end, _) = twice("begin-job", &begin).await;
    assert_eq!(after_the_end["outcome"], "ended");
    assert!(
        world
            .catalog()
            .await
            .lease(&org.name)
            .await
            .unwrap()
            .is_none()
    );

    let item = world
        .catalog()
        .await
        .job(&org.name, &JobId::parse(job).unwrap())
        .await
        .unwrap();
    assert_eq!(result(&org, item.counts).await, expected);
    let manifests = org
        .vault()
        .await
        .verify_chain(None, holdfast_vault::Depth::Objects)
        .await
        .unwrap()
        .manifests;
    assert_eq!(manifests, 1);
}
