use std::{collections::HashSet, time::Duration};

use holdfast_orgsim::Config;
use serde_json::json;

use crate::sim::{Sim, answer, code};

async fn big(rows: usize) -> Sim {
    Sim::with(Config {
        records: 0,
        objects: [("Big__c".to_owned(), rows)].into(),
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn a_job_tells_what_it_is() {
    let sim = big(1_000).await;
    let job = sim.run_job("queryAll", "SELECT Id, Name FROM Big__c").await;
    for (key, value) in [
        ("operation", json!("queryAll")),
        ("object", json!("Big__c")),
        ("state", json!("JobComplete")),
        ("concurrencyMode", json!("Parallel")),
        ("contentType", json!("CSV")),
        ("apiVersion", json!(60.0)),
        ("jobType", json!("V2Query")),
        ("lineEnding", json!("LF")),
        ("columnDelimiter", json!("COMMA")),
        ("numberRecordsProcessed", json!(1_000)),
        ("retries", json!(0)),
    ] {
        assert_eq!(job[key], value, "{key}");
    }
    let id = job["id"].as_str().unwrap();
    assert!(id.starts_with("750") && id.len() == 18);
    assert!(job["createdDate"].as_str().unwrap().ends_with(".000+0000"));
    let (_, list) = sim.json("/jobs/query").await;
    assert_eq!(list["records"][0]["id"], job["id"]);
}

#[tokio::test]
async fn pages_carry_a_header_row_and_end_with_the_word_null() {
    let sim = big(2_345).await;
    let job = sim
        .run_job("queryAll", "SELECT Id, Code__c FROM Big__c")
        .await;
    let pages = sim.pages(&job, 1_000).await;
    assert_eq!(
        pages.iter().map(|page| page.rows).collect::<Vec<_>>(),
        [1_000, 1_000, 345]
    );
    let mut ids = HashSet::new();
    for page in &pages {
        let mut lines = page.text.lines();
        assert_eq!(lines.next(), Some("\"Id\",\"Code__c\""));
        assert_eq!(lines.clone().count(), page.rows);
        ids.extend(lines.map(|line| line[1..19].to_owned()));
    }
    assert_eq!(ids.len(), 2_345);
}

#[tokio::test]
async fn an_empty_result_is_a_header_row() {
    let sim = big(10).await;
    let job = sim
        .run_job(
            "query",
            "SELECT Id FROM Big__c WHERE Name = 'nobody has this name'",
        )
        .await;
    assert_eq!(job["numberRecordsProcessed"], 0);
    let pages = sim.pages(&job, 10).await;
    assert_eq!(
        (pages.len(), pages[0].rows, pages[0].text.as_str()),
        (1, 0, "\"Id\"\n")
    );
}

#[tokio::test]
async fn values_are_quoted_and_survive_quotes_breaks_and_nulls() {
    let sim = big(0).await;
    let texts = [
        "a,b",
        "say \"so\"",
        "one\ntwo",
        "one\r\ntwo",
        "🙂 \u{0} end",
        " padded ",
        "#N/A",
    ];
    let records: Vec<_> = texts
        .iter()
        .map(|text| json!({"Name": text, "Note__c": null, "Amount__c": "12345678901234.56"}))
        .collect();
    sim.control("create", json!({"object": "Big__c", "records": records}))
        .await;
    let (_, job) = sim
        .create_job(json!({
            "operation": "query", "query": "SELECT Name, Note__c, Amount__c, IsDeleted FROM Big__c ORDER BY Id",
            "lineEnding": "CRLF", "columnDelimiter": "SEMICOLON",
        }))
        .await;
    let job = sim.ended(job["id"].as_str().unwrap()).await;
    let page = &sim.pages(&job, 100).await[0];
    let expected: Vec<String> = texts
        .iter()
        .map(|text| {
            format!(
                "\"{}\";\"\";\"12345678901234.56\";\"false\"\r\n",
                text.replace('"', "\"\"")
            )
        })
        .collect();
    assert_eq!(
        page.text,
        format!(
            "\"Name\";\"Note__c\";\"Amount__c\";\"IsDeleted\"\r\n{}",
            expected.concat()
        )
    );
}

#[tokio::test]
async fn rows_come_in_no_order_unless_asked() {
    let sim = big(20_000).await;
    let column = |page: &str| {
        page.lines()
            .skip(1)
            .map(|line| line[1..16].to_owned())
            .collect::<Vec<_>>()
    };
    let plain = sim.run_job("query", "SELECT Id FROM Big__c").await;
    let ordered = sim
        .run_job("query", "SELECT Id FROM Big__c ORDER BY Id")
        .await;
    let plain = column(&sim.pages(&plain, 50_000).await[0].text);
    let ordered = column(&sim.pages(&ordered, 50_000).await[0].text);
    assert!(ordered.is_sorted() && !plain.is_sorted());
    assert_eq!(
        plain.iter().collect::<HashSet<_>>(),
        ordered.iter().collect::<HashSet<_>>()
    );
}

#[tokio::test]
async fn result_pages_are_five_links_at_a_time() {
    let sim = big(6_500).await;
    sim.control("settings", json!({"page_rows": 1_000})).await;
    let job = sim.run_job("queryAll", "SELECT Id FROM Big__c").await;
    let root = format!("/jobs/query/{}", job["id"].as_str().unwrap());
    let (_, first) = sim.json(&format!("{root}/resultPages")).await;
    assert_eq!(first["done"], false);
    let (_, second) = sim.json(first["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!(second["done"], true);
    let links: Vec<_> = [first, second]
        .iter()
        .flat_map(|p| p["resultPages"].as_array().unwrap().clone())
        .collect();
    assert_eq!(links.len(), 7);
    let mut rows = 0;
    for link in links.iter().rev() {
        let text = sim
            .get(link["resultUrl"].as_str().unwrap())
            .await
            .text()
            .await
            .unwrap();
        rows += text.lines().count() - 1;
    }
    assert_eq!(rows, 6_500);
    let old = sim
        .json(&format!("/services/data/v57.0{root}/resultPages"))
        .await;
    assert_eq!(old.0, 404);
}

#[tokio::test]
async fn results_want_the_version_of_their_job() {
    let sim = big(10).await;
    let job = sim.run_job("query", "SELECT Id FROM Big__c").await;
    let id = job["id"].as_str().unwrap();
    assert_eq!(
        sim.json(&format!("/services/data/v61.0/jobs/query/{id}/results"))
            .await
            .0,
        409
    );
    assert_eq!(
        sim.json(&format!("/services/data/v61.0/jobs/query/{id}"))
            .await
            .0,
        200
    );
    assert_eq!(
        code(
            &sim.json(&format!("/jobs/query/{id}/results?locator=bogus!"))
                .await
        ),
        (400, "INVALID_QUERY_LOCATOR")
    );
    assert_eq!(
        code(&sim.json("/jobs/query/750Hf0000000099AAA").await),
        (404, "NOT_FOUND")
    );
}

#[tokio::test]
async fn a_job_passes_through_its_states() {
    let sim = big(10).await;
    // Long enough that the first look comes before the end on any machine, and never waited for.
    sim.control("settings", json!({"bulk_delay_ms": 3_600_000}))
        .await;
    let (_, job) = sim
        .create_job(json!({"operation": "query", "query": "SELECT Id FROM Big__c"}))
        .await;
    let path = format!("/jobs/query/{}", job["id"].as_str().unwrap());
    assert_eq!(sim.json(&path).await.1["state"], "UploadComplete");
    assert_eq!(
        code(&sim.json(&format!("{path}/results")).await),
        (400, "INVALIDJOBSTATE")
    );
    let delete = || {
        sim.http
            .delete(sim.url(&path))
            .bearer_auth(&sim.token)
            .send()
    };
    assert_eq!(
        code(&answer(delete().await.unwrap()).await),
        (400, "API_ERROR")
    );
    let abort = || {
        sim.http
            .patch(sim.url(&path))
            .bearer_auth(&sim.token)
            .json(&json!({"state": "Aborted"}))
            .send()
    };
    assert_eq!(answer(abort().await.unwrap()).await.1["state"], "Aborted");
    assert_eq!(
        code(&answer(abort().await.unwrap()).await),
        (400, "INVALIDJOBSTATE")
    );
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(code(&sim.json(&path).await), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn what_bulk_cannot_do_is_refused_with_its_code() {
    let sim = Sim::start().await;
    for (soql, refusal) in [
        ("SELECT COUNT() FROM Account", "FEATURENOTENABLED"),
        (
            "SELECT Name, COUNT(Id) FROM Account GROUP BY Name",
            "FEATURENOTENABLED",
        ),
        ("SELECT Id FROM Account OFFSET 5", "FEATURENOTENABLED"),
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "FEATURENOTENABLED",
        ),
        (
            "SELECT Id, BillingAddress FROM Account",
            "FUNCTIONALITY_NOT_ENABLED",
        ),
        ("SELECT Id FROM CaseStatus", "INVALIDENTITY"),
        ("SELECT Id FROM AccountChangeEvent", "INVALIDENTITY"),
        ("SELECT Id FROM Accout", "INVALID_TYPE"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELEKT", "MALFORMED_QUERY"),
        (
            "SELECT FIELDS(ALL) FROM Account LIMIT 10",
            "MALFORMED_QUERY",
        ),
    ] {
        let refused = sim
            .create_job(json!({"operation": "query", "query": soql}))
            .await;
        assert_eq!(code(&refused), (400, refusal), "{soql}");
    }
    assert_eq!(
        code(&sim.create_job(json!({"operation": "insert"})).await),
        (400, "INVALIDJOB")
    );
    assert_eq!(
        code(&sim.create_job(json!("x")).await),
        (400, "JSON_PARSER_ERROR")
    );
    let binary = sim
        .run_job("query", "SELECT Id, Body FROM Attachment")
        .await;
    assert_eq!(binary["state"], "Failed");
    assert!(binary["errorMessage"].as_str().unwrap().contains("binary"));
}

#[tokio::test]
async fn answers_are_compressed_when_that_is_switched_on_and_asked_for() {
    let config = Config {
        gzip: true,
        bulk_delay: Duration::from_millis(1),
        ..Config::default()
    };
    let mut sim = Sim::with(config).await;
    sim.http = reqwest::Client::builder().no_gzip().build().unwrap();
    let ask = sim
        .http
        .get(sim.url("/sobjects"))
        .bearer_auth(&sim.token)
        .header("accept-encoding", "gzip");
    let response = ask.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(
        sim.get("/sobjects")
            .await
            .headers()
            .get("content-encoding")
            .is_none()
    );
}
