use holdfast_orgsim::Config;
use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

async fn big() -> Sim {
    Sim::with(Config {
        records: 0,
        objects: [("Big__c".to_owned(), 3_000)].into(),
        ..Config::default()
    })
    .await
}

async fn results(sim: &Sim) -> (Value, String) {
    let job = sim.run_job("queryAll", "SELECT Id, Name FROM Big__c").await;
    let path = format!(
        "/jobs/query/{}/results?maxRecords=1000",
        job["id"].as_str().unwrap()
    );
    (job, path)
}

#[tokio::test]
async fn a_cut_connection_is_an_error_and_not_an_end() {
    let sim = big().await;
    let (_, path) = results(&sim).await;
    let whole = sim.get(&path).await.bytes().await.unwrap();
    sim.control(
        "faults",
        json!({"match": {"object": "Big__c"}, "action": {"cut_after_bytes": 5_000}}),
    )
    .await;
    let cut = sim.get(&path).await;
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());
    assert_eq!(
        sim.get(&path).await.bytes().await.unwrap(),
        whole,
        "the rule is used up"
    );
}

#[tokio::test]
async fn a_truncated_page_still_claims_all_its_rows() {
    let sim = big().await;
    let (_, path) = results(&sim).await;
    sim.control("faults", json!({"action": {"truncate_page_rows": 7}}))
        .await;
    let page = sim.get(&path).await;
    assert_eq!(page.headers()["sforce-numberofrecords"], "1000");
    assert_eq!(page.text().await.unwrap().lines().count(), 1 + 1_000 - 7);
}

#[tokio::test]
async fn a_locator_header_can_get_lost_on_the_nth_page() {
    let sim = big().await;
    let (_, path) = results(&sim).await;
    sim.control(
        "faults",
        json!({"match": {"nth": 2}, "action": "drop_locator_header"}),
    )
    .await;
    assert!(
        sim.get(&path)
            .await
            .headers()
            .contains_key("sforce-locator")
    );
    assert!(
        !sim.get(&path)
            .await
            .headers()
            .contains_key("sforce-locator")
    );
    assert!(
        sim.get(&path)
            .await
            .headers()
            .contains_key("sforce-locator")
    );
}

#[tokio::test]
async fn a_job_can_lie_about_its_rows_and_can_fail() {
    let sim = big().await;
    sim.control(
        "faults",
        json!({"match": {"object": "Big__c"}, "times": null, "action": {"wrong_count": -3}}),
    )
    .await;
    let (job, _) = results(&sim).await;
    assert_eq!(job["numberRecordsProcessed"], 2_997);
    let failure = json!({"match": {"object": "big__c"}, "action": {"fail_bulk_job": {"message": "QUERY_TIMEOUT: too long"}}});
    sim.control("faults", failure).await;
    let job = sim.run_job("query", "SELECT Id FROM Big__c").await;
    assert_eq!(
        (&job["state"], &job["errorMessage"]),
        (&json!("Failed"), &json!("QUERY_TIMEOUT: too long"))
    );
    assert_eq!(
        sim.run_job("query", "SELECT Id FROM Big__c").await["state"],
        "JobComplete"
    );
}

#[tokio::test]
async fn a_page_can_come_twice_in_place_of_the_next() {
    let sim = big().await;
    let (_, path) = results(&sim).await;
    let first = sim.get(&path).await;
    let locator = first.headers()["sforce-locator"].to_str().unwrap();
    let next = format!("{path}&locator={locator}");
    let first = first.text().await.unwrap();
    sim.control("faults", json!({"action": "repeat_page"}))
        .await;
    let repeated = sim.get(&next).await;
    assert_eq!(repeated.headers()["sforce-numberofrecords"], "1000");
    assert_eq!(repeated.text().await.unwrap(), first);
    assert_ne!(sim.get(&next).await.text().await.unwrap(), first);
}

#[tokio::test]
async fn a_job_can_lose_rows_and_not_count_them() {
    let sim = big().await;
    sim.control("faults", json!({"action": {"lose_rows": 3}}))
        .await;
    let (job, path) = results(&sim).await;
    assert_eq!(job["numberRecordsProcessed"], 2_997);
    let page = sim.get(&path.replace("1000", "5000")).await;
    assert_eq!(page.headers()["sforce-numberofrecords"], "2997");
}

#[tokio::test]
async fn a_session_can_end_in_the_middle_of_a_download() {
    let mut sim = big().await;
    let (_, path) = results(&sim).await;
    assert_eq!(sim.get(&path).await.status(), 200);
    sim.control(
        "faults",
        json!({"match": {"path_contains": "/results"}, "action": "expire_session"}),
    )
    .await;
    assert_eq!(code(&sim.json(&path).await), (401, "INVALID_SESSION_ID"));
    sim.log_in().await;
    assert_eq!(sim.get(&path).await.status(), 200);
}

#[tokio::test]
async fn any_answer_can_be_put_in_place_of_the_real_one() {
    let sim = big().await;
    let busy = json!({
        "match": {"method": "GET", "path_contains": "/limits"},
        "times": 2,
        "action": {"status": {
            "code": 503,
            "headers": {"Retry-After": "1"},
            "body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "Server too busy"}],
        }},
    });
    sim.control("faults", busy).await;
    let response = sim.get("/limits").await;
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(code(&answer(response).await), (503, "SERVER_UNAVAILABLE"));
    assert_eq!(sim.json("/limits").await.0, 503);
    assert_eq!(sim.json("/limits").await.0, 200);
    sim.control(
        "faults",
        json!({"action": {"status": {"code": 420, "body": "<html>setting things up</html>"}}}),
    )
    .await;
    let page = sim.get("/limits").await;
    assert_eq!(page.status(), 420);
    sim.control("faults", json!({"action": "out_of_calls"}))
        .await;
    assert_eq!(
        code(&sim.json("/limits").await),
        (403, "REQUEST_LIMIT_EXCEEDED")
    );
}

#[tokio::test]
async fn a_stalled_call_goes_on_when_released() {
    let sim = big().await;
    sim.control(
        "faults",
        json!({"match": {"path_contains": "/limits"}, "action": "stall"}),
    )
    .await;
    let call = tokio::spawn(
        sim.http
            .get(sim.url("/limits"))
            .bearer_auth(&sim.token)
            .send(),
    );
    while sim.json("/__sim/state").await.1["stalled"] != 1 {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished());
    assert_eq!(
        sim.control("faults/release", json!({})).await["released"],
        1
    );
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn rules_wait_for_their_object_and_can_be_taken_back() {
    let sim = Sim::start().await;
    let rule =
        json!({"match": {"object": "Contact"}, "times": null, "action": {"status": {"code": 500}}});
    sim.control("faults", rule).await;
    assert_eq!(sim.query("SELECT Id FROM Account LIMIT 1").await.0, 200);
    assert_eq!(sim.query("SELECT Id FROM Contact LIMIT 1").await.0, 500);
    assert_eq!(sim.json("/sobjects/contact/describe").await.0, 500);
    assert_eq!(
        sim.create_job(json!({"operation": "query", "query": "SELECT Id FROM Contact"}))
            .await
            .0,
        500
    );
    let cleared = sim
        .http
        .delete(sim.url("/__sim/faults"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer(cleared).await.1["removed"], 1);
    assert_eq!(sim.query("SELECT Id FROM Contact LIMIT 1").await.0, 200);
}

#[tokio::test]
async fn a_stopped_org_closes_its_connections() {
    let sim = big().await;
    assert_eq!(sim.json("/limits").await.0, 200);
    let url = sim.url("/limits");
    sim.org.stop();
    assert!(sim.http.get(url).send().await.is_err());
}
