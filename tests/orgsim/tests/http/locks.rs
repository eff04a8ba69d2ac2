//! Records that others hold, and other trouble that passes.

use std::time::Instant;

use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

async fn made(sim: &Sim, object: &str, body: Value) -> String {
    let path = format!("/sobjects/{object}");
    let (status, answer) = sim.call("POST", &path, body).await;
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn released(sim: &Sim) -> Value {
    let request = sim.http.delete(sim.url("/__sim/locks"));
    answer(request.send().await.unwrap()).await.1["released"].clone()
}

/// A case and a comment, which is a detail of it.
async fn pair(sim: &Sim) -> (String, String) {
    let case = made(sim, "Case", json!({"Subject": "held"})).await;
    let comment = made(
        sim,
        "CaseComment",
        json!({"ParentId": case, "CommentBody": "x"}),
    )
    .await;
    (case, comment)
}

#[tokio::test]
async fn a_held_record_and_its_details_cannot_be_written() {
    let sim = Sim::start().await;
    let (case, comment) = pair(&sim).await;
    let other = made(&sim, "Case", json!({"Subject": "free"})).await;
    let held = sim
        .control("locks", json!({"object": "Case", "ids": [case]}))
        .await;
    assert_eq!(held["ids"], json!([case]));

    let path = format!("/sobjects/Case/{case}");
    let refused = sim.call("PATCH", &path, json!({"Subject": "y"})).await;
    assert_eq!(
        refused,
        (
            400,
            json!([{
                "message": format!("unable to obtain exclusive access to this record or 1 records: {case}"),
                "errorCode": "UNABLE_TO_LOCK_ROW",
                "fields": [],
            }])
        )
    );
    assert_eq!(
        code(&sim.call("DELETE", &path, Value::Null).await),
        (400, "UNABLE_TO_LOCK_ROW")
    );
    let detail = json!({"ParentId": case, "CommentBody": "another"});
    assert_eq!(
        code(
            &sim.call("POST", "/sobjects/CaseComment", detail.clone())
                .await
        ),
        (400, "UNABLE_TO_LOCK_ROW")
    );
    let below = format!("/sobjects/CaseComment/{comment}");
    let change = json!({"CommentBody": "z"});
    assert_eq!(
        code(&sim.call("PATCH", &below, change.clone()).await),
        (400, "UNABLE_TO_LOCK_ROW")
    );
    assert_eq!(
        sim.call(
            "PATCH",
            &format!("/sobjects/Case/{other}"),
            json!({"Subject": "y"})
        )
        .await
        .0,
        204
    );
    assert_eq!(sim.json(&path).await.0, 200, "it can be read");

    assert_eq!(released(&sim).await, 1);
    assert_eq!(sim.call("PATCH", &below, change).await.0, 204);
    assert_eq!(
        sim.call("POST", "/sobjects/CaseComment", detail).await.0,
        201
    );
}

#[tokio::test]
async fn a_storm_hits_every_nth_call_and_passes() {
    let sim = Sim::start().await;
    let storm = json!({
        "match": {"path_contains": "/limits", "every": 3}, "times": null, "for_seconds": 60, "action": "server_error",
    });
    sim.control("faults", storm).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(sim.json("/limits").await.0);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 200, 500]);
    sim.control("clock", json!({"advance_seconds": 61})).await;
    for _ in 0..6 {
        assert_eq!(sim.json("/limits").await.0, 200);
    }
    sim.control("faults", json!({"action": "server_error"}))
        .await;
    let broken = sim.json("/limits").await;
    assert_eq!(code(&broken), (500, "UNKNOWN_EXCEPTION"));
    assert!(
        broken.1[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("An unexpected error occurred. Please include this ErrorId")
    );
    sim.control(
        "faults",
        json!({"action": {"unavailable": {"retry_after": 2}}}),
    )
    .await;
    let busy = sim.get("/limits").await;
    assert_eq!(
        (
            busy.status().as_u16(),
            busy.headers()["retry-after"].to_str().unwrap()
        ),
        (503, "2")
    );
}

#[tokio::test]
async fn a_slow_answer_is_whole_in_the_end() {
    let sim = Sim::start().await;
    let whole = sim
        .get("/sobjects/Account/describe")
        .await
        .bytes()
        .await
        .unwrap();
    let rate = whole.len() * 2;
    let slow =
        json!({"match": {"path_contains": "describe"}, "action": {"bytes_per_second": rate}});
    sim.control("faults", slow).await;
    let began = Instant::now();
    assert_eq!(
        sim.get("/sobjects/Account/describe")
            .await
            .bytes()
            .await
            .unwrap(),
        whole
    );
    assert!(
        began.elapsed().as_millis() >= 400,
        "half a second at twice its length in a second"
    );
}

#[tokio::test]
async fn a_query_can_time_out_and_its_locator_can_expire() {
    let sim = Sim::start().await;
    sim.control("faults", json!({"action": "query_timeout"}))
        .await;
    assert_eq!(
        sim.json("/limits").await.0,
        200,
        "the rule waits for a query"
    );
    let late = sim.query("SELECT Id FROM Account LIMIT 1").await;
    assert_eq!(code(&late), (400, "QUERY_TIMEOUT"));

    let request = sim.http.get(sim.url("/query")).bearer_auth(&sim.token);
    let request = request.header("sforce-query-options", "batchSize=200");
    let response = request
        .query(&[("q", "SELECT Id FROM Contact")])
        .send()
        .await
        .unwrap();
    let (_, page) = answer(response).await;
    let next = page["nextRecordsUrl"].as_str().unwrap();
    assert_eq!(sim.json(next).await.0, 200);
    sim.control("faults", json!({"action": "expire_locators"}))
        .await;
    assert_eq!(code(&sim.json(next).await), (400, "INVALID_QUERY_LOCATOR"));
}
