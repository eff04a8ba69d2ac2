//! Limits that run out.

use holdfast_orgsim::Config;
use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

async fn usage(sim: &Sim) -> String {
    let response = sim.get("/limits").await;
    response.headers()["sforce-limit-info"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn calls_come_back_a_day_after_they_were_made() {
    let sim = Sim::start().await;
    sim.control("settings", json!({"daily_api_requests": 3}))
        .await;
    assert_eq!(usage(&sim).await, "api-usage=1/3");
    sim.control("clock", json!({"advance_seconds": 7_200}))
        .await;
    let mut sim = sim;
    sim.log_in().await;
    assert_eq!(usage(&sim).await, "api-usage=2/3");
    assert_eq!(usage(&sim).await, "api-usage=3/3");
    let refused = sim.get("/limits").await;
    assert_eq!(refused.headers()["sforce-limit-info"], "api-usage=3/3");
    let refused = answer(refused).await;
    assert_eq!(code(&refused), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(refused.1[0]["message"], "TotalRequests Limit exceeded.");
    // The first call is a day old, the others are not.
    sim.control("clock", json!({"advance_seconds": 22 * 3_600 + 60}))
        .await;
    sim.log_in().await;
    assert_eq!(usage(&sim).await, "api-usage=3/3");
    assert_eq!(sim.json("/limits").await.0, 403);
    sim.control("clock", json!({"advance_seconds": 2 * 3_600}))
        .await;
    sim.log_in().await;
    assert_eq!(usage(&sim).await, "api-usage=2/3");
}

#[tokio::test]
async fn an_app_can_have_a_cap_of_its_own() {
    let sim = Sim::start().await;
    sim.control(
        "settings",
        json!({"daily_api_requests": 5_000, "app_api_requests": 2}),
    )
    .await;
    let expected = "api-usage=1/5000; per-app-api-usage=1/2(appName=holdfast)";
    assert_eq!(usage(&sim).await, expected);
    let (_, limits) = sim.json("/limits").await;
    assert_eq!(
        limits["DailyApiRequests"]["holdfast"],
        json!({"Max": 2, "Remaining": 0})
    );
    assert_eq!(sim.json("/limits").await.0, 403);
}

#[tokio::test]
async fn long_calls_keep_others_out_but_short_ones_do_not() {
    let sim = Sim::start().await;
    sim.control("settings", json!({"long_requests": 2})).await;
    sim.control(
        "faults",
        json!({"match": {"path_contains": "/query"}, "times": 2, "action": "stall"}),
    )
    .await;
    let stalled: Vec<_> = (0..2)
        .map(|_| {
            let request = sim
                .http
                .get(sim.url("/query?q=SELECT+Id+FROM+Account+LIMIT+1"));
            tokio::spawn(request.bearer_auth(&sim.token).send())
        })
        .collect();
    while sim.json("/__sim/state").await.1["stalled"] != 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        sim.json("/limits").await.0,
        200,
        "they have not run for long"
    );
    sim.control("clock", json!({"advance_seconds": 20})).await;
    let refused = sim.json("/limits").await;
    assert_eq!(code(&refused), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(
        refused.1[0]["message"],
        "ConcurrentPerOrgLongTxn Limit exceeded"
    );
    sim.control("faults/release", json!({})).await;
    for call in stalled {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(sim.json("/limits").await.0, 200);
}

async fn storage(sim: &Sim, name: &str) -> (u64, u64) {
    let (_, limits) = sim.json("/limits").await;
    (
        limits[name]["Max"].as_u64().unwrap(),
        limits[name]["Remaining"].as_u64().unwrap(),
    )
}

#[tokio::test]
async fn records_take_storage_until_there_is_none_left() {
    let sim = Sim::with(Config {
        records: 0,
        ..Config::default()
    })
    .await;
    sim.control("settings", json!({"data_storage_mb": 1})).await;
    let (max, before) = storage(&sim, "DataStorageMB").await;
    assert_eq!(max, 1);
    assert!(before <= 1);
    let records = |count: usize| {
        let one = |at: usize| json!({"attributes": {"type": "Account"}, "Name": format!("a{at}")});
        json!({"records": (0..count).map(one).collect::<Vec<_>>()})
    };
    let mut saved = Vec::new();
    let refusal = loop {
        let (status, body) = sim.call("POST", "/composite/sobjects", records(200)).await;
        assert_eq!(status, 200, "{body}");
        let results = body.as_array().unwrap().clone();
        saved.extend(
            results
                .iter()
                .filter_map(|one| one["id"].as_str().map(str::to_owned)),
        );
        if let Some(refused) = results.iter().find(|one| one["success"] == false) {
            break refused.clone();
        }
    };
    assert_eq!(
        refusal["errors"],
        json!([{"statusCode": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded", "fields": []}])
    );
    assert!(
        (300..=512).contains(&saved.len()),
        "2 KB a record: {}",
        saved.len()
    );
    assert_eq!(storage(&sim, "DataStorageMB").await, (1, 0));
    let lonely = sim
        .call("POST", "/sobjects/Account", json!({"Name": "b"}))
        .await;
    assert_eq!(code(&lonely), (400, "STORAGE_LIMIT_EXCEEDED"));
    // What lies in the Recycle Bin takes no storage.
    let path = format!("/sobjects/Account/{}", saved[0]);
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(
        sim.call("POST", "/sobjects/Account", json!({"Name": "b"}))
            .await
            .0,
        201
    );
    // A transaction that is taken back gives its storage back.
    sim.control("settings", json!({"data_storage_mb": 2})).await;
    let mut bad = records(199);
    bad["allOrNone"] = json!(true);
    bad["records"]
        .as_array_mut()
        .unwrap()
        .push(json!({"attributes": {"type": "Account"}}));
    for _ in 0..10 {
        let (_, body) = sim.call("POST", "/composite/sobjects", bad.clone()).await;
        assert_eq!(
            body[199]["errors"][0]["statusCode"],
            "REQUIRED_FIELD_MISSING"
        );
    }
    assert_eq!(
        sim.call("POST", "/sobjects/Account", json!({"Name": "c"}))
            .await
            .0,
        201
    );
}

#[tokio::test]
async fn files_take_file_storage() {
    let sim = Sim::with(Config {
        records: 0,
        ..Config::default()
    })
    .await;
    sim.control("settings", json!({"file_storage_mb": 2})).await;
    let (_, made) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "a"}))
        .await;
    let file = json!({"Name": "f", "ParentId": made["id"], "Body": "QUJD".repeat(400_000)});
    let before = storage(&sim, "FileStorageMB").await;
    assert_eq!(before, (2, 2));
    assert_eq!(
        sim.call("POST", "/sobjects/Attachment", file.clone())
            .await
            .0,
        201
    );
    assert_eq!(storage(&sim, "FileStorageMB").await, (2, 0));
    let refused = sim.call("POST", "/sobjects/Attachment", file).await;
    assert_eq!(code(&refused), (400, "STORAGE_LIMIT_EXCEEDED"));
}
