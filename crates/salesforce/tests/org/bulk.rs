//! Bulk queries: whole results, and every way in which one can be less than whole.

use crate::support::{
    Org, completed, read_job, read_page, schema, select_all, sorted, with_accounts,
};
use holdfast_model::ErrorCode;
use holdfast_orgsim::Config;
use holdfast_salesforce::{BulkJobId, Client, Columns, JobState, RowBatch};
use serde_json::json;

/// An org, a client, and a complete job over all its accounts.
async fn accounts(number: usize) -> (Org, Client, BulkJobId, Columns) {
    let org = Org::start(with_accounts(number)).await;
    let client = org.client().await;
    let schema = schema(&client, "Account").await;
    let job = client.bulk_create(&select_all(&schema)).await.unwrap();
    completed(&client, &job).await.unwrap();
    (org, client, job, Columns::of(&schema))
}

#[tokio::test]
async fn all_pages_together_are_the_object_as_rest_shows_it() {
    let (_org, client, job, columns) = accounts(3_000).await;
    let bulk = read_job(&client, &job, 700, &columns).await.unwrap();

    let schema = schema(&client, "Account").await;
    let hasher = holdfast_model::row::RowHasher::new(
        schema
            .stored_fields()
            .map(|field| (field.name.as_str(), field.field_type.as_str())),
    );
    let mut pages = client.query_all(&select_all(&schema), &columns);
    let mut rest = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        rest.push(page);
    }
    assert!(rest.len() > 1, "several pages");
    assert_eq!(pages.total_size(), Some(3_000));

    let hash_rows = |batches: &[RowBatch]| {
        let rows = batches.iter().flat_map(RowBatch::rows);
        let mut all: Vec<_> = rows
            .map(|row| hasher.hash(|column| row.value(column)))
            .collect();
        all.sort_unstable();
        all
    };
    assert_eq!(hash_rows(&bulk), hash_rows(&rest));
}

#[tokio::test]
async fn a_compressed_result_is_the_same() {
    let mut rows = Vec::new();
    for gzip in [false, true] {
        let config = Config {
            gzip,
            now: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            ..with_accounts(500)
        };
        let org = Org::start(config).await;
        let client = org.client().await;
        let schema = schema(&client, "Account").await;
        let job = client.bulk_create(&select_all(&schema)).await.unwrap();
        completed(&client, &job).await.unwrap();
        let batches = read_job(&client, &job, 300, &Columns::of(&schema))
            .await
            .unwrap();
        rows.push(sorted(&batches));
    }
    assert_eq!(rows[0], rows[1]);
}

#[tokio::test]
async fn a_page_can_be_read_again_by_its_locator() {
    let (_org, client, job, columns) = accounts(500).await;
    let page = client.bulk_page(&job, None, 200, &columns).await.unwrap();
    let (_, end) = read_page(page).await.unwrap();
    let locator = end.next_locator.unwrap();
    let mut twice = Vec::new();
    for _ in 0..2 {
        let page = client
            .bulk_page(&job, Some(&locator), 200, &columns)
            .await
            .unwrap();
        twice.push(sorted(&read_page(page).await.unwrap().0));
    }
    assert_eq!(twice[0].len(), 200);
    assert_eq!(twice[0], twice[1]);
}

#[tokio::test]
async fn an_empty_result_is_a_page_without_rows() {
    let org = Org::start(with_accounts(5)).await;
    let client = org.client().await;
    let columns: Columns = ["Id".to_owned()].into_iter().collect();
    let soql = "SELECT Id FROM Account WHERE SystemModstamp < 1980-01-01T00:00:00Z";
    let job = client.bulk_create(soql).await.unwrap();
    assert_eq!(completed(&client, &job).await.unwrap(), 0);
    assert!(
        read_job(&client, &job, 100, &columns)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn dropped_rows_are_a_short_page() {
    let (org, client, job, columns) = accounts(100).await;
    org.fault(json!({"match": {"path_contains": "/results"}, "times": 1, "action": {"truncate_page_rows": 1}}))
        .await;
    let page = client.bulk_page(&job, None, 100, &columns).await.unwrap();
    let failure = read_page(page).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::PageShort);
    read_job(&client, &job, 100, &columns).await.unwrap();
}

#[tokio::test]
async fn a_page_without_its_locator_header_is_not_the_last() {
    let (org, client, job, columns) = accounts(100).await;
    org.fault(json!({"match": {"path_contains": "/results"}, "times": 1, "action": "drop_locator_header"}))
        .await;
    let failure = client
        .bulk_page(&job, None, 100, &columns)
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::MarkerMissing);
    read_job(&client, &job, 100, &columns).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_cut_is_not_the_end() {
    let (org, client, job, columns) = accounts(1_000).await;
    for bytes in [0, 1, 10_000, 50_001] {
        org.fault(json!({"match": {"path_contains": "/results"}, "times": 1, "action": {"cut_after_bytes": bytes}}))
            .await;
        let page = client.bulk_page(&job, None, 1_000, &columns).await;
        let failure = match page {
            Ok(page) => read_page(page).await.unwrap_err(),
            Err(failure) => failure,
        };
        assert_eq!(failure.code, ErrorCode::SalesforceUnreachable, "{bytes}");
    }
    read_job(&client, &job, 1_000, &columns).await.unwrap();
}

#[tokio::test]
async fn a_session_may_end_between_pages() {
    let (org, client, job, columns) = accounts(1_000).await;
    org.fault(json!({"match": {"path_contains": "/results", "nth": 3}, "times": 1, "action": "expire_session"}))
        .await;
    let batches = read_job(&client, &job, 200, &columns).await.unwrap();
    assert_eq!(sorted(&batches).len(), 1_000);
    assert_eq!(org.logins().await, 2);
}

#[tokio::test]
async fn a_job_that_counts_otherwise_is_a_mismatch() {
    let (org, client, job, columns) = accounts(100).await;
    org.fault(
        json!({"match": {"path_contains": job.as_str()}, "times": null, "action": {"wrong_count": 1}}),
    )
    .await;
    let failure = read_job(&client, &job, 100, &columns).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::CountMismatch);
}

#[tokio::test]
async fn a_failed_job_gives_its_reason() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    org.fault(json!({"action": {"fail_bulk_job": {"message": "Failed to write query result"}}}))
        .await;
    let job = client.bulk_create("SELECT Id FROM Account").await.unwrap();
    let failure = completed(&client, &job).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::BulkJobFailed);
    assert!(
        failure.message.contains("Failed to write query result"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_job_waits_is_aborted_and_deleted_and_all_of_it_twice() {
    let config = Config {
        bulk_delay: std::time::Duration::from_hours(1),
        ..with_accounts(10)
    };
    let org = Org::start(config).await;
    let client = org.client().await;
    let job = client.bulk_create("SELECT Id FROM Account").await.unwrap();
    let state = client.bulk_state(&job).await.unwrap();
    assert_eq!(state.completed().unwrap(), None);
    for _ in 0..2 {
        client.bulk_abort(&job).await.unwrap();
    }
    let state = client.bulk_state(&job).await.unwrap();
    assert_eq!(state.state, JobState::Aborted);
    assert_eq!(
        state.completed().unwrap_err().code,
        ErrorCode::BulkJobFailed
    );
    for _ in 0..2 {
        client.bulk_delete(&job).await.unwrap();
    }
    let failure = client.bulk_state(&job).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::BulkJobFailed);
}

#[tokio::test]
async fn what_bulk_refuses_is_told_apart() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    for (soql, expected) in [
        ("SELECT Id FROM CaseStatus", ErrorCode::ObjectUnsupported),
        ("SELECT Id FROM Nothing__c", ErrorCode::ObjectGone),
        ("SELECT Nothing__c FROM Account", ErrorCode::FieldUnknown),
        ("SELEKT Id FROM Account", ErrorCode::QueryRefused),
    ] {
        let failure = client.bulk_create(soql).await.unwrap_err();
        assert_eq!(failure.code, expected, "{soql}: {failure}");
    }
}

#[tokio::test]
async fn a_job_is_created_again_only_when_it_surely_was_not() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    let fault = |status: u16| {
        json!({"match": {"method": "POST", "path_contains": "/jobs/query"}, "times": 1,
               "action": {"status": {"code": status, "body": "<html>Service Not Available</html>"}}})
    };
    org.fault(fault(503)).await;
    client.bulk_create("SELECT Id FROM Account").await.unwrap();
    org.fault(fault(500)).await;
    let failure = client
        .bulk_create("SELECT Id FROM Account")
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::SalesforceUnavailable);
}
