use std::collections::HashSet;

use holdfast_orgsim::Config;
use serde_json::json;

use crate::sim::{Sim, answer, code};

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let config = Config {
        records: 0,
        objects: [("Big__c".to_owned(), 4_500)].into(),
        ..Config::default()
    };
    let sim = Sim::with(config).await;
    let url = sim.url("/queryAll/");
    let request = sim
        .http
        .get(url)
        .query(&[("q", "SELECT Id, Name FROM Big__c")])
        .bearer_auth(&sim.token);
    let (_, mut page) = answer(request.send().await.unwrap()).await;
    let mut ids = HashSet::new();
    let mut sizes = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 4_500);
        let records = page["records"].as_array().unwrap();
        sizes.push(records.len());
        ids.extend(records.iter().map(|r| r["Id"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextRecordsUrl"].as_str() else {
            break;
        };
        assert_eq!(page["done"], false);
        assert!(next.starts_with("/services/data/v60.0/query/0r8"), "{next}");
        page = sim.json(next).await.1;
    }
    assert_eq!(page["done"], true);
    assert_eq!(sizes, [2_000, 2_000, 500]);
    assert_eq!(ids.len(), 4_500);
}

#[tokio::test]
async fn the_batch_size_is_a_hint_within_bounds() {
    let sim = Sim::with(Config {
        records: 0,
        objects: [("Big__c".to_owned(), 1_000)].into(),
        ..Config::default()
    })
    .await;
    for (asked, given) in [
        ("batchSize=300", 300),
        ("batchSize=1", 200),
        ("batchSize=9999", 1_000),
    ] {
        let request = sim
            .http
            .get(sim.url("/query"))
            .query(&[("q", "SELECT Id FROM Big__c")]);
        let request = request
            .header("Sforce-Query-Options", asked)
            .bearer_auth(&sim.token);
        let (_, page) = answer(request.send().await.unwrap()).await;
        // Ten or so of the thousand lie in the Recycle Bin.
        let rows = page["records"].as_array().unwrap().len();
        assert!(rows <= given && rows + 30 >= given, "{asked}: {rows}");
    }
}

#[tokio::test]
async fn a_cursor_that_nobody_opened_or_that_is_old_is_refused() {
    let sim = Sim::with(Config {
        records: 0,
        objects: [("Big__c".to_owned(), 3_000)].into(),
        ..Config::default()
    })
    .await;
    assert_eq!(
        code(&sim.json("/query/0r8Hf0000000099AAA-2000").await),
        (400, "INVALID_QUERY_LOCATOR")
    );
    sim.control("settings", json!({"session_seconds": 1_000_000}))
        .await;
    let (_, token) = sim.grant(&[("grant_type", "client_credentials")]).await;
    let (_, page) = sim.query("SELECT Id FROM Big__c").await;
    let next = sim.url(page["nextRecordsUrl"].as_str().unwrap());
    sim.control("clock", json!({"advance_seconds": 172_801}))
        .await;
    let late = sim
        .http
        .get(next)
        .bearer_auth(token["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(code(&answer(late).await), (400, "INVALID_QUERY_LOCATOR"));
}

#[tokio::test]
async fn a_row_that_is_gone_makes_its_page_shorter() {
    let sim = Sim::with(Config {
        records: 0,
        objects: [("Big__c".to_owned(), 2_500)].into(),
        ..Config::default()
    })
    .await;
    let (_, page) = sim.query("SELECT Id FROM Big__c ORDER BY Id").await;
    let total = page["totalSize"].as_u64().unwrap();
    let last = sim
        .records("SELECT Id FROM Big__c ORDER BY Id DESC LIMIT 5")
        .await;
    let ids: Vec<_> = last.iter().map(|r| r["Id"].clone()).collect();
    sim.control("hard-delete", json!({"object": "Big__c", "ids": ids}))
        .await;
    let (_, rest) = sim.json(page["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!(
        rest["records"].as_array().unwrap().len() as u64,
        total - 2_000 - 5
    );
}

#[tokio::test]
async fn records_show_what_was_selected_in_that_order() {
    let sim = Sim::start().await;
    let soql = "SELECT SystemModstamp, Name, Owner.Name, Owner.Id, Parent.Name, BillingAddress FROM Account WHERE BillingCity != null LIMIT 5";
    let response = sim
        .http
        .get(sim.url("/query"))
        .query(&[("q", soql)])
        .bearer_auth(&sim.token)
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    assert!(text.find("\"SystemModstamp\"") < text.find("\"Name\""));
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    let record = &body["records"][0];
    assert_eq!(record["attributes"]["type"], "Account");
    assert!(
        record["SystemModstamp"]
            .as_str()
            .unwrap()
            .ends_with(".000+0000")
    );
    assert_eq!(record["Owner"]["attributes"]["type"], "User");
    assert!(record["Owner"]["Id"].as_str().unwrap().starts_with("005"));
    assert!(record["BillingAddress"]["city"].is_string());
    assert!(record["BillingAddress"].get("geocodeAccuracy").is_some());
}

#[tokio::test]
async fn a_choice_by_type_shows_of_each_parent_what_its_type_has() {
    let sim = Sim::start().await;
    let choice = "TYPEOF What WHEN Account THEN Name, Owner.Name WHEN Opportunity THEN StageName ELSE Id END";
    let soql = |condition: &str| {
        format!("SELECT Id, {choice}, Subject FROM Task WHERE {condition} LIMIT 1")
    };
    for (condition, parent, names) in [
        (
            "What.Type = 'Account'",
            "Account",
            &["Name", "Owner", "attributes"][..],
        ),
        (
            "What.Type = 'Opportunity'",
            "Opportunity",
            &["StageName", "attributes"],
        ),
        ("What.Type = 'Case'", "Case", &["Id", "attributes"]),
    ] {
        let records = sim.records(&soql(condition)).await;
        let what = records[0]["What"].as_object().unwrap();
        assert_eq!(what["attributes"]["type"], parent);
        let mut shown: Vec<&str> = what.keys().map(String::as_str).collect();
        shown.sort_unstable();
        assert_eq!(shown, names, "{parent}");
        assert!(records[0]["Subject"].is_string());
    }
    let none = sim.records(&soql("WhatId = null")).await;
    assert!(none[0]["What"].is_null());
}

#[tokio::test]
async fn a_choice_by_type_is_of_a_relationship_with_several_types() {
    let sim = Sim::start().await;
    for (choice, refusal) in [
        ("TYPEOF Owner END", "MALFORMED_QUERY"),
        ("TYPEOF What WHEN Account THEN Name", "MALFORMED_QUERY"),
        ("TYPEOF What WHEN User THEN Name END", "INVALID_TYPE"),
        ("TYPEOF What WHEN Account THEN Nope END", "INVALID_FIELD"),
        ("TYPEOF Account WHEN Account THEN Name END", "INVALID_FIELD"),
    ] {
        let soql = format!("SELECT {choice} FROM Task");
        assert_eq!(code(&sim.query(&soql).await), (400, refusal), "{choice}");
    }
}

#[tokio::test]
async fn aggregates_have_rows_of_their_own() {
    let sim = Sim::start().await;
    let (_, body) = sim.query("SELECT StageName, COUNT(Id), MIN(CloseDate) d FROM Opportunity GROUP BY StageName ORDER BY StageName").await;
    let records = body["records"].as_array().unwrap();
    assert_eq!(records[0]["attributes"], json!({"type": "AggregateResult"}));
    assert!(records[0]["expr0"].is_u64() && records[0].get("d").is_some());
    let total: u64 = records.iter().map(|r| r["expr0"].as_u64().unwrap()).sum();
    assert_eq!(total, sim.count("SELECT COUNT() FROM Opportunity").await);
    let (_, one) = sim.query("SELECT COUNT(Id) FROM Opportunity").await;
    assert_eq!(one["records"][0]["expr0"], total);
}

#[tokio::test]
async fn archived_activities_are_seen_by_query_all_only() {
    let sim = Sim::start().await;
    let all = sim.url("/queryAll");
    let request = sim
        .http
        .get(all)
        .query(&[("q", "SELECT COUNT() FROM Task WHERE IsArchived = true")]);
    let (_, archived) = answer(request.bearer_auth(&sim.token).send().await.unwrap()).await;
    assert!(archived["totalSize"].as_u64().unwrap() > 10);
    assert_eq!(
        sim.count("SELECT COUNT() FROM Task WHERE IsArchived = true")
            .await,
        0
    );
}

#[tokio::test]
async fn refusals_are_arrays_with_a_code() {
    let sim = Sim::start().await;
    for (soql, refusal) in [
        ("SELEKT Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Accout", "INVALID_TYPE"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        (
            "SELECT Id FROM Account WHERE Id = 'somethingwonky'",
            "INVALID_QUERY_FILTER_OPERATOR",
        ),
        (
            "SELECT Id FROM Account LIMIT 1 OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
        ),
        (
            "SELECT Id FROM AccountChangeEvent",
            "INVALID_TYPE_FOR_OPERATION",
        ),
    ] {
        assert_eq!(code(&sim.query(soql).await), (400, refusal), "{soql}");
    }
    let endless = "x".repeat(17_000);
    assert_eq!(
        sim.query(&format!("SELECT Id FROM Account WHERE Name = '{endless}'"))
            .await
            .0,
        414
    );
}

#[tokio::test]
async fn links_between_documents_and_records_want_a_filter_before_v59() {
    let sim = Sim::start().await;
    let get = async |version: &str, soql: &str| {
        let url = sim.url(&format!("/services/data/{version}/query"));
        answer(
            sim.http
                .get(url)
                .query(&[("q", soql)])
                .bearer_auth(&sim.token)
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    let all = "SELECT Id, ContentDocumentId FROM ContentDocumentLink";
    let refused = get("v58.0", all).await;
    assert_eq!(code(&refused), (400, "MALFORMED_QUERY"));
    assert!(
        refused.1[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("Implementation restriction")
    );
    let (status, links) = get("v59.0", all).await;
    assert_eq!(status, 200);
    let document = links["records"][0]["ContentDocumentId"].as_str().unwrap();
    let filtered = get(
        "v58.0",
        &format!("{all} WHERE ContentDocumentId IN ('{document}')"),
    )
    .await;
    assert_eq!(filtered.0, 200);
}

#[tokio::test]
async fn objects_that_cannot_be_read_whole_say_which_filter_they_need() {
    let sim = Sim::start().await;
    for (soql, expected, text) in [
        (
            "SELECT Id FROM Vote",
            "MALFORMED_QUERY",
            "Implementation restriction: When querying the Vote object",
        ),
        (
            "SELECT Id FROM IdeaComment",
            "MALFORMED_QUERY",
            "Implementation restriction. When querying the Idea",
        ),
        (
            "SELECT Id FROM ContentFolderItem",
            "MALFORMED_QUERY",
            "requires a filter by Id or ParentContentFolderId",
        ),
        (
            "SELECT Id FROM ContentFolderMember",
            "MALFORMED_QUERY",
            "requires a filter by a single Id, ChildRecordId",
        ),
        (
            "SELECT Id FROM SiteDetail",
            "MALFORMED_QUERY",
            "SiteDetail: a filter on a reified column is required [DurableId]",
        ),
        (
            "SELECT Id FROM FlexQueueItem",
            "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION",
            "must contain a JobType",
        ),
    ] {
        let answer = sim.query(soql).await;
        assert_eq!(code(&answer), (400, expected), "{soql}");
        assert!(
            answer.1[0]["message"].as_str().unwrap().contains(text),
            "{}",
            answer.1
        );
    }
    let pinned = "SELECT Id FROM Vote WHERE ParentId = '087000000000001AAA'";
    assert_eq!(sim.count(pinned).await, 0);
}

#[tokio::test]
async fn views_that_describe_lists_are_not_queried() {
    let sim = Sim::start().await;
    for name in [
        "Name",
        "OpenActivity",
        "AggregateResult",
        "AccountChangeEvent",
        "FeedLike",
    ] {
        let answer = sim.query(&format!("SELECT Id FROM {name}")).await;
        assert_eq!(code(&answer), (400, "INVALID_TYPE_FOR_OPERATION"));
        let text = format!("entity type {name} does not support query");
        assert_eq!(answer.1[0]["message"], *text);
    }
}
