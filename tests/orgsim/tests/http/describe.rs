use serde_json::Value;

use crate::sim::{Sim, answer, code};

#[tokio::test]
async fn versions_need_no_session_and_cost_nothing() {
    let sim = Sim::start().await;
    let response = sim
        .http
        .get(sim.url("/services/data/"))
        .send()
        .await
        .unwrap();
    assert!(response.headers().get("sforce-limit-info").is_none());
    let (status, versions) = answer(response).await;
    assert_eq!(status, 200);
    let v60 = versions
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["version"] == "60.0")
        .unwrap();
    assert_eq!(v60["url"], "/services/data/v60.0");
    assert_eq!(v60["label"], "Spring '24");
    assert_eq!(sim.json("/__sim/state").await.1["calls_used"], 0);
}

#[tokio::test]
async fn retired_and_unknown_versions_are_told_apart() {
    let sim = Sim::start().await;
    assert_eq!(
        code(&sim.json("/services/data/v28.0/limits").await),
        (410, "UNSUPPORTED_API_VERSION")
    );
    assert_eq!(
        code(&sim.json("/services/data/v99.0/limits").await),
        (404, "NOT_FOUND")
    );
    assert_eq!(
        code(&sim.json("/nothing/here/at/all").await),
        (404, "NOT_FOUND")
    );
    let deleted = sim
        .http
        .delete(sim.url("/limits"))
        .bearer_auth(&sim.token)
        .send()
        .await
        .unwrap();
    assert_eq!(code(&answer(deleted).await), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn the_global_list_and_the_describe_agree() {
    let sim = Sim::start().await;
    let (_, global) = sim.json("/sobjects/").await;
    assert_eq!(global["maxBatchSize"], 200);
    let objects = global["sobjects"].as_array().unwrap();
    assert!(objects.len() > 80);
    for name in [
        "Account",
        "AccountHistory",
        "CaseStatus",
        "AccountChangeEvent",
        "Project__c",
    ] {
        let listed = objects.iter().find(|o| o["name"] == name).unwrap();
        let (status, described) = sim.json(&format!("/sobjects/{name}/describe")).await;
        assert_eq!(status, 200);
        for (key, value) in listed.as_object().unwrap() {
            if key != "urls" {
                assert_eq!(&described[key], value, "{name}.{key}");
            }
        }
        // The describe of one object names pages for people, too.
        for (key, url) in listed["urls"].as_object().unwrap() {
            assert_eq!(&described["urls"][key], url, "{name}.urls.{key}");
        }
        assert!(!described["fields"].as_array().unwrap().is_empty());
    }
    assert_eq!(
        code(&sim.json("/sobjects/Nope__c/describe").await),
        (404, "NOT_FOUND")
    );
}

#[tokio::test]
async fn an_unchanged_describe_is_a_304_without_a_body() {
    let sim = Sim::start().await;
    for path in ["/sobjects", "/sobjects/Account/describe"] {
        let first = sim.get(path).await;
        let changed = first.headers()["last-modified"]
            .to_str()
            .unwrap()
            .to_owned();
        let get = |since: String| {
            let request = sim.http.get(sim.url(path)).bearer_auth(&sim.token);
            request.header("if-modified-since", since).send()
        };
        let same = get(changed).await.unwrap();
        assert_eq!(same.status(), 304);
        assert!(same.bytes().await.unwrap().is_empty());
        assert_eq!(
            get("Thu, 01 Jan 2015 00:00:00 GMT".to_owned())
                .await
                .unwrap()
                .status(),
            200
        );
    }
}

#[tokio::test]
async fn every_queryable_object_answers_for_all_its_fields() {
    let sim = Sim::start().await;
    let (_, global) = sim.json("/sobjects").await;
    let queryable = global["sobjects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|o| o["queryable"] == true);
    for name in queryable.map(|o| o["name"].as_str().unwrap()) {
        let (_, described) = sim.json(&format!("/sobjects/{name}/describe")).await;
        let fields: Vec<&str> = described["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["name"].as_str().unwrap())
            .collect();
        let filter = match name {
            "ContentFolderItem"
            | "ContentFolderMember"
            | "CollaborationGroupRecord"
            | "Vote"
            | "IdeaComment" => "WHERE Id = '000000000000000AAA'",
            "SiteDetail" => "WHERE DurableId = '0'",
            "FlexQueueItem" => "WHERE JobType = 'BatchApex'",
            "ListViewChartInstance" => "WHERE ListViewChartId = '000000000000000AAA'",
            _ => "",
        };
        let (status, body) = sim
            .query(&format!(
                "SELECT {} FROM {name} {filter} LIMIT 3",
                fields.join(",")
            ))
            .await;
        assert_eq!(status, 200, "{name}: {body}");
        for record in body["records"].as_array().unwrap() {
            assert!(
                fields.iter().all(|field| record.get(*field).is_some()),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn the_date_is_the_orgs_own_and_usage_counts_up() {
    let sim = Sim::start().await;
    let before = sim.get("/limits").await;
    assert_eq!(before.headers()["sforce-limit-info"], "api-usage=1/5000000");
    sim.control("clock", serde_json::json!({"set": "2031-05-06T07:08:00Z"}))
        .await;
    let after = sim.get("/limits").await;
    assert_eq!(after.status(), 401, "the session is long over");
    assert!(
        after.headers()["date"]
            .to_str()
            .unwrap()
            .starts_with("Tue, 06 May 2031 07:08:")
    );
}

#[tokio::test]
async fn limits_and_counts_have_their_shapes() {
    let sim = Sim::start().await;
    let (_, limits) = sim.json("/limits").await;
    assert_eq!(limits["DailyApiRequests"]["Max"], 5_000_000);
    assert_eq!(limits["DailyApiRequests"]["Remaining"], 4_999_999);
    assert_eq!(limits["DailyBulkV2QueryJobs"]["Max"], 10_000);
    let (_, counts) = sim
        .json("/limits/recordCount?sObjects=Contact,Nope,Account")
        .await;
    let counts = counts["sObjects"].as_array().unwrap();
    assert_eq!(counts.len(), 2);
    let contact = counts.iter().find(|c| c["name"] == "Contact").unwrap();
    assert_eq!(
        contact["count"].as_u64().unwrap(),
        sim.count("SELECT COUNT() FROM Contact").await
    );
}

#[tokio::test]
async fn no_calls_left_is_a_403() {
    let sim = Sim::start().await;
    let used = sim.json("/__sim/state").await.1["calls_used"]
        .as_u64()
        .unwrap();
    sim.control(
        "settings",
        serde_json::json!({"daily_api_requests": used + 1}),
    )
    .await;
    assert_eq!(sim.json("/limits").await.0, 200);
    let refused = sim.json("/limits").await;
    assert_eq!(code(&refused), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(
        refused.1[0]["message"],
        Value::from("TotalRequests Limit exceeded.")
    );
}

#[tokio::test]
async fn a_start_that_cannot_succeed_says_why() {
    use holdfast_orgsim::{Config, Credentials, start};

    let unknown = Config {
        objects: [("Nope__c".to_owned(), 1)].into(),
        ..Config::default()
    };
    assert_eq!(
        start(unknown).await.unwrap_err().to_string(),
        "volume cannot be generated"
    );
    let sim = Sim::start().await;
    let port = sim.org.url().rsplit(':').next().unwrap().parse().unwrap();
    let taken = Config {
        port,
        ..Config::default()
    };
    assert_eq!(
        start(taken).await.unwrap_err().to_string(),
        "server cannot listen"
    );
    let credentials = Credentials {
        jwt_public_key: Some("no key".to_owned()),
        ..Credentials::default()
    };
    let keyless = Config {
        credentials,
        ..Config::default()
    };
    assert_eq!(
        start(keyless).await.unwrap_err().to_string(),
        "jwt public key cannot be read"
    );
}
