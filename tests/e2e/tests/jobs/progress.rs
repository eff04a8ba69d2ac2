//! What a job says of itself while it runs, waits, and keeps failing.

use std::time::Duration;

use holdfast_catalog::JobStatus;
use serde_json::{Value, json};

use crate::world::{Org, World, small};

/// What `read-job` says about an org's newest job.
async fn told(org: &Org<'_>) -> Value {
    let input = json!({"org": org.name});
    org.invoke("read-job", input).await.unwrap()
}

fn object<'v>(told: &'v Value, name: &str) -> &'v Value {
    let mut objects = told["objects"].as_array().unwrap().iter();
    objects.find(|object| object["object"] == name).unwrap()
}

pub(crate) async fn a_job_at_work_says_how_far_it_is(world: &World) {
    let mut config = small(71);
    config.objects.insert("Big__c".to_owned(), 3_000);
    let settings = json!({"bulk_rows_min": 100, "bulk_page_rows": 500});
    let org = world.connect("progress", config, settings).await;
    let input = json!({"org": org.name});
    let unknown = org.invoke("read-job", input).await.unwrap_err();
    assert!(unknown.message.contains("JOB_UNKNOWN"));

    let stalled = json!({"match": {"object": "Big__c", "path_contains": "/results", "nth": 3}, "times": 1, "action": "stall"});
    org.control("faults", stalled).await;
    let execution = org.start_backup().await;
    org.until("a stalled page", |state| state["stalled"] == 1)
        .await;
    let at_work = told(&org).await;
    assert_eq!(at_work["status"], "running");
    let big = object(&at_work, "Big__c");
    assert_eq!(big["state"], "reading");
    // What Salesforce estimates, without the Recycle Bin.
    assert!(big["rows_expected"].as_u64() > Some(2_500));
    assert!(at_work["blocks_done"].as_u64() < at_work["blocks"].as_u64());

    org.control("faults/release", json!({})).await;
    let job = org.finish(&execution).await;
    let ended = told(&org).await;
    assert_eq!(ended["status"], "succeeded");
    assert_eq!(ended["blocks_done"], ended["blocks"]);
    let big = object(&ended, "Big__c");
    assert_eq!(
        (&big["state"], &big["rows_received"], &big["is_complete"]),
        (&json!("captured"), &json!(3_000), &json!(true))
    );
    assert_eq!(ended["calls"]["api"], job.counts.api_calls);
    assert!(job.counts.bulk_jobs > 0 && job.counts.api_calls > job.counts.bulk_jobs);
    let by_day = ended["calls_by_day"].as_object().unwrap();
    let days = by_day.values().map(|day| day["api"].as_u64().unwrap());
    assert!(days.sum::<u64>() >= job.counts.api_calls, "connecting too");
}

pub(crate) async fn a_job_without_calls_left_is_suspended(world: &World) {
    let org = world.connect("suspended", small(72), json!({})).await;
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
    org.advance_clock(3_600).await;
    org.control("settings", json!({"daily_api_requests": 50}))
        .await;
    let execution = org.start_backup().await;
    let suspended = async || {
        let budget = world.catalog().await.budget(&org.name).await.unwrap();
        budget.suspended_since.is_some()
    };
    let mut looks = 0;
    while !suspended().await {
        looks += 1;
        assert!(looks < 2_400, "the job goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let waiting = told(&org).await;
    assert_eq!(waiting["status"], "suspended");
    assert!(waiting["suspended_since"].is_string());

    // Nobody wants to wait a quarter of an hour for the machine.
    let stop = world.stack().await.sfn.stop_execution();
    stop.execution_arn(&execution.arn).send().await.unwrap();
    org.control("settings", json!({"daily_api_requests": 100_000}))
        .await;
    org.advance_clock(600).await;
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
    assert_eq!(told(&org).await["status"], "succeeded");
    org.assert_stored_is_true().await;
}

pub(crate) async fn an_object_that_keeps_failing_turns_to_a_warning(world: &World) {
    let mut config = small(73);
    config.objects.insert("Big__c".to_owned(), 200);
    let org = world
        .connect("warning", config, json!({"bulk_rows_min": 100}))
        .await;
    let failing = json!({"fail_bulk_job": {"message": "InternalServerError"}});
    org.add_fault("Big__c", None, failing).await;
    for (state, warnings) in [("exception", 0), ("exception", 0), ("warning", 1)] {
        let job = org.backup().await;
        assert_eq!(job.status, JobStatus::Partial);
        assert_eq!((job.counts.exceptions, job.counts.warnings), (1, warnings));
        assert_eq!(object(&told(&org).await, "Big__c")["state"], state);
        org.advance_clock(600).await;
    }
    org.clear_faults().await;
    let healed = org.backup().await;
    assert_eq!(
        (healed.status, healed.counts.warnings),
        (JobStatus::Succeeded, 0)
    );
    assert_eq!(object(&told(&org).await, "Big__c")["state"], "captured");
}
