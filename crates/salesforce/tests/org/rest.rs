//! REST calls: pages, describes, limits, bodies, and what is repeated.

use crate::support::{
    Org, completed, login, object, read_job, schema, select_all, sorted, with_accounts,
};
use holdfast_model::{ErrorCode, SalesforceId, Transport};
use holdfast_salesforce::{Budget, Columns, ObjectList, Scope, soql};
use serde_json::json;

const IDS: &str = "SELECT Id FROM Account";

fn id_column() -> Columns {
    ["Id".to_owned()].into_iter().collect()
}

#[tokio::test]
async fn every_object_of_an_org_is_read_by_the_way_its_describe_says() {
    let org = Org::start(with_accounts(50)).await;
    let client = org.client().await;
    let ObjectList::Modified { objects, .. } = client.describe_global(None).await.unwrap() else {
        unreachable!("nothing was asked before")
    };
    let (mut bulk, mut rest, mut by_parent, mut left_out) = (0, 0, 0, 0);
    for summary in objects {
        let schema = schema(&client, summary.name.as_str()).await;
        let columns = Columns::of(&schema);
        let rows = match schema.transport {
            Transport::Unsupported { .. } => {
                left_out += 1;
                continue;
            }
            Transport::ByParent => {
                by_parent += 1;
                let mut whole = client.query_all(&select_all(&schema), &columns);
                let refused = whole.next_page().await.unwrap_err();
                assert_eq!(
                    refused.code,
                    ErrorCode::ObjectUnsupported,
                    "{}",
                    schema.name
                );
                assert!(holdfast_salesforce::by_parent(&schema.name).is_some());
                continue;
            }
            Transport::Bulk => {
                bulk += 1;
                let job = client.bulk_create(&select_all(&schema)).await.unwrap();
                completed(&client, &job).await.unwrap();
                read_job(&client, &job, 100, &columns).await.unwrap()
            }
            Transport::Rest { .. } => {
                rest += 1;
                let mut pages = client.query_all(&select_all(&schema), &columns);
                let mut rows = Vec::new();
                while let Some(page) = pages.next_page().await.unwrap() {
                    rows.push(page);
                }
                rows
            }
        };
        let expected = client
            .count(&soql::count(&schema, soql::Among::default()), Scope::All)
            .await
            .unwrap();
        let rows = sorted(&rows);
        assert_eq!(rows.len() as u64, expected, "{}", schema.name);
        for row in rows {
            SalesforceId::parse(row[0].as_ref().unwrap().as_bytes()).unwrap();
        }
    }
    assert!(
        bulk >= 40 && rest >= 1 && by_parent >= 3 && left_out >= 1,
        "{bulk} {rest} {by_parent} {left_out}"
    );
}

#[tokio::test]
async fn an_unchanged_list_of_objects_is_not_sent_again() {
    let org = Org::start(with_accounts(1)).await;
    let client = org.client().await;
    let ObjectList::Modified { last_modified, .. } = client.describe_global(None).await.unwrap()
    else {
        unreachable!("nothing was asked before")
    };
    let again = client
        .describe_global(last_modified.as_deref())
        .await
        .unwrap();
    assert_eq!(again, ObjectList::NotModified);
}

#[tokio::test]
async fn counts_and_limits_are_what_the_org_says() {
    let org = Org::start(with_accounts(123)).await;
    let client = org.client().await;
    let counts = client
        .record_counts(&[object("Account"), object("Nothing__c")])
        .await
        .unwrap();
    assert_eq!(counts.len(), 1);
    let schema = schema(&client, "Account").await;
    let count = soql::count(&schema, soql::Among::default());
    assert_eq!(client.count(&count, Scope::All).await.unwrap(), 123);
    let live = client.count(&count, Scope::Live).await.unwrap();
    assert_eq!(counts[&object("Account")], live);

    let limits = client.limits().await.unwrap();
    let calls = limits["DailyApiRequests"];
    assert_eq!(calls.max, 5_000_000);
    assert!(calls.remaining < calls.max);
    assert!(limits.contains_key("DailyBulkV2QueryJobs"));
}

#[tokio::test]
async fn the_clock_is_salesforces() {
    let config = holdfast_orgsim::Config {
        now: Some("2031-02-03T04:05:06Z".parse().unwrap()),
        ..with_accounts(1)
    };
    let org = Org::start(config).await;
    let client = org.client().await;
    assert!(client.server_time().is_none(), "no answer of the org yet");
    client.limits().await.unwrap();
    let time = client.server_time().unwrap().to_string();
    assert!(time.starts_with("2031-02-03T04:0"), "{time}");
}

#[tokio::test]
async fn a_session_may_end_between_pages() {
    let org = Org::start(with_accounts(5_000)).await;
    let client = org.client().await;
    let mut pages = client.query_all(IDS, &id_column());
    let mut rows = pages.next_page().await.unwrap().unwrap().len();
    org.end_sessions().await;
    while let Some(page) = pages.next_page().await.unwrap() {
        rows += page.len();
    }
    assert_eq!(rows, 5_000);
}

#[tokio::test]
async fn pages_that_do_not_add_up_are_a_mismatch() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    let record = json!({"attributes": {"type": "Account"}, "Id": "001D000000K0fXOIAZ"});
    for (total, records) in [
        (2, vec![record.clone()]),
        (1, vec![record.clone(), record.clone()]),
    ] {
        let body = json!({"totalSize": total, "done": true, "records": records});
        org.fault(json!({"match": {"path_contains": "/queryAll"}, "action": {"status": {"code": 200, "body": body}}}))
            .await;
        let failure = client
            .query_all(IDS, &id_column())
            .next_page()
            .await
            .unwrap_err();
        assert_eq!(failure.code, ErrorCode::CountMismatch);
    }
}

#[tokio::test]
async fn a_storm_that_passes_is_waited_out() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    for status in [503, 500, 420, 429, 406] {
        org.fault(json!({"match": {"path_contains": "/limits"}, "times": 3,
                         "action": {"status": {"code": status, "body": "<html>wait</html>"}}}))
            .await;
        client.limits().await.unwrap();
    }
    for body in ["<html>maintenance</html>", ""] {
        org.fault(json!({"match": {"path_contains": "/limits"}, "times": 1,
                         "action": {"status": {"code": 200, "body": body}}}))
            .await;
        client.limits().await.unwrap();
    }
    org.fault(json!({"match": {"path_contains": "/limits"}, "times": 2, "action": {"cut_after_bytes": 7}}))
        .await;
    client.limits().await.unwrap();
}

#[tokio::test]
async fn a_storm_that_stays_is_reported() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    for (status, code) in [
        (503, ErrorCode::SalesforceUnavailable),
        (429, ErrorCode::SalesforceThrottled),
    ] {
        org.fault(json!({"match": {"path_contains": "/limits"}, "times": 5,
                         "action": {"status": {"code": status, "body": "<html>wait</html>"}}}))
            .await;
        let failure = client.limits().await.unwrap_err();
        assert_eq!(failure.code, code);
    }
    client.limits().await.unwrap();
}

#[tokio::test]
async fn a_long_pause_that_salesforce_asks_for_is_left_to_the_caller() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    org.fault(json!({"match": {"path_contains": "/limits"}, "times": 1,
                     "action": {"status": {"code": 503, "body": "", "headers": {"Retry-After": "3600"}}}}))
        .await;
    let failure = client.limits().await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::SalesforceUnavailable);
    client.limits().await.unwrap();
}

#[tokio::test]
async fn an_org_out_of_calls_is_not_asked_again() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    org.fault(json!({"match": {"path_contains": "/limits"}, "times": 1, "action": "out_of_calls"}))
        .await;
    let failure = client.limits().await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::ApiBudgetExhausted);
    client.limits().await.unwrap();
}

#[tokio::test]
async fn a_grant_of_calls_is_kept_to() {
    let org = Org::start(with_accounts(10)).await;
    let client = login(&org.secret(), Budget::new(2, 80)).await.unwrap();
    client.limits().await.unwrap();
    client.limits().await.unwrap();
    let failure = client.limits().await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::ApiBudgetExhausted);
    assert_eq!(client.budget().used(), 2);
    assert_eq!(client.budget().last_seen().unwrap().max, 5_000_000);
}

#[tokio::test]
async fn nothing_is_asked_at_the_cap_of_the_org() {
    let config = holdfast_orgsim::Config {
        daily_api_requests: 10,
        ..with_accounts(10)
    };
    let org = Org::start(config).await;
    let client = org.client().await;
    let failure = loop {
        if let Err(failure) = client.limits().await {
            break failure;
        }
    };
    assert_eq!(failure.code, ErrorCode::ApiBudgetExhausted);
    let usage = client.budget().last_seen().unwrap();
    assert_eq!((usage.used, usage.max), (8, 10));
}

#[tokio::test]
async fn what_rest_refuses_is_told_apart() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    for (soql, expected) in [
        ("SELECT Id FROM Nothing__c", ErrorCode::ObjectGone),
        ("SELECT Nothing__c FROM Account", ErrorCode::FieldUnknown),
        ("SELEKT Id FROM Account", ErrorCode::QueryRefused),
    ] {
        let failure = client
            .query_all(soql, &id_column())
            .next_page()
            .await
            .unwrap_err();
        assert_eq!(failure.code, expected, "{soql}: {failure}");
    }
    let failure = client.describe(&object("Nothing__c")).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::ObjectGone);
    let wide = format!(
        "SELECT Id FROM Account WHERE Name = '{}'",
        "x".repeat(20_000)
    );
    assert!(!soql::fits_rest(&wide));
    let failure = client
        .query_all(&wide, &id_column())
        .next_page()
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::QueryTooWide);
}

#[tokio::test]
async fn a_body_is_streamed_and_a_cut_one_is_noticed() {
    let org = Org::start(with_accounts(10)).await;
    let client = org.client().await;
    let columns: Columns = ["Id", "BodyLength"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    let mut pages = client.query_all("SELECT Id, BodyLength FROM Attachment", &columns);
    let page = pages.next_page().await.unwrap().unwrap();
    let id = SalesforceId::parse(page.row(0).value(0).unwrap().as_bytes()).unwrap();
    let length: usize = page.row(0).value(1).unwrap().parse().unwrap();
    let read = async || {
        let mut blob = client
            .blob(&object("Attachment"), &id, &object("Body"))
            .await?;
        let mut bytes = 0;
        while let Some(chunk) = blob.next_chunk().await? {
            bytes += chunk.len();
        }
        Ok::<_, holdfast_model::Failure>(bytes)
    };
    assert_eq!(read().await.unwrap(), length);
    org.fault(
        json!({"match": {"path_contains": "/Body"}, "times": 1, "action": {"cut_after_bytes": 1}}),
    )
    .await;
    let failure = read().await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::SalesforceUnreachable);
}

#[tokio::test]
async fn silence_is_noticed() {
    let org = Org::start(with_accounts(10)).await;
    let credentials =
        holdfast_salesforce::Credentials::parse(org.secret().to_string().as_bytes()).unwrap();
    let settings = holdfast_salesforce::Settings {
        idle_max: std::time::Duration::from_secs(2),
        attempts_max: 1,
        ..Default::default()
    };
    let client = holdfast_salesforce::Client::connect(credentials, settings, Budget::new(10, 80))
        .await
        .unwrap();
    org.fault(json!({"match": {"path_contains": "/limits"}, "times": 1, "action": "stall"}))
        .await;
    let failure = client.limits().await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::SalesforceUnreachable);
}
