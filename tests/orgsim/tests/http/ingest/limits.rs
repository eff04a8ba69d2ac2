//! Batches that run out, and a job that comes with its data.

use serde_json::{Value, json};

use super::{counts, insert};
use crate::sim::{Sim, answer};

#[tokio::test]
async fn batches_of_loads_run_out() {
    let sim = Sim::start().await;
    let left = |limits: &Value| limits["DailyBulkApiBatches"]["Remaining"].as_u64().unwrap();
    let before = left(&sim.json("/limits").await.1);
    sim.load(insert("Big__c"), "Name\na\n").await;
    assert_eq!(left(&sim.json("/limits").await.1), before - 1);
    sim.control("settings", json!({"daily_bulk_batches": 1}))
        .await;
    let info = sim.load(insert("Big__c"), "Name\nb\n").await;
    assert_eq!(counts(&info), ("Failed", 0, 0));
    assert_eq!(
        info["errorMessage"],
        "ExceededQuota : ApiBatchItems Limit exceeded."
    );
    assert_eq!(
        sim.result_file(&info, "unprocessedrecords").await,
        "Name\nb\n"
    );
}

#[tokio::test]
async fn a_small_job_comes_with_its_data() {
    let sim = Sim::start().await;
    let body = "--b\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{\"object\":\"Big__c\",\"operation\":\"insert\",\"contentType\":\"CSV\",\"lineEnding\":\"LF\"}\r\n--b\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\nName\na\nb\n\r\n--b--\r\n";
    let request = sim.http.post(sim.url("/jobs/ingest"));
    let request = request
        .bearer_auth(&sim.token)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body);
    let (status, job) = answer(request.send().await.unwrap()).await;
    assert_eq!(
        (status, &job["state"]),
        (200, &json!("UploadComplete")),
        "{job}"
    );
    assert_eq!(job["contentUrl"], Value::Null);
    let info = sim.load_ended(job["id"].as_str().unwrap()).await;
    assert_eq!(counts(&info), ("JobComplete", 2, 0), "{info}");
}
