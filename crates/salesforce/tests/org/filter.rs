//! Records that a filter chooses, selected and counted by Salesforce.

use std::collections::BTreeMap;

use crate::support::{Org, object, schema, with_accounts};
use holdfast_model::filter::{CheckedFilter, Filter};
use holdfast_model::{ErrorCode, ObjectName, ObjectSchema};
use holdfast_salesforce::{Client, Columns, Scope, soql};
use serde_json::json;

async fn schemas(client: &Client) -> BTreeMap<ObjectName, ObjectSchema> {
    let mut schemas = BTreeMap::new();
    for name in ["Account", "User"] {
        schemas.insert(object(name), schema(client, name).await);
    }
    schemas
}

async fn ids(client: &Client, filter: &CheckedFilter) -> Vec<String> {
    let columns: Columns = ["Id".to_owned()].into_iter().collect();
    let soql = soql::select_where(&["Id"], filter).unwrap();
    let mut pages = client.query(&soql, &columns, Scope::Live);
    let mut ids = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        ids.extend(page.rows().map(|row| row.value(0).unwrap().to_owned()));
    }
    ids
}

#[tokio::test]
async fn a_filter_finds_exactly_the_text_that_it_was_made_of() {
    let org = Org::start(with_accounts(20)).await;
    let client = org.client().await;
    let schemas = schemas(&client).await;
    let names = [
        "O'Hara",
        "' OR Name != '",
        "back\\slash",
        "\\' OR Name != '",
        "100%_sure",
        "line\nbreak",
        "tab\there",
        "Ünï😀",
        "\"double\"",
        ") OR (Id != null",
    ];
    let records: Vec<_> = names.iter().map(|name| json!({"Name": name})).collect();
    let made = org
        .control("create", json!({"object": "Account", "records": records}))
        .await;
    for (number, name) in names.iter().enumerate() {
        let json = json!({"field": "name", "operator": "=", "value": name}).to_string();
        let filter = Filter::from_declarative(&json).unwrap();
        let filter = filter.check(&object("Account"), &schemas).unwrap();
        let found = ids(&client, &filter).await;
        assert_eq!(found, [made["ids"][number].as_str().unwrap()], "{name}");
        let count = soql::count_where(&filter).unwrap();
        assert_eq!(
            client.count(&count, Scope::Live).await.unwrap(),
            1,
            "{name}"
        );
    }
    // Wildcards that are escaped are characters.
    let filter = Filter::parse("Name LIKE '100\\%\\_%' AND Owner.Name != null").unwrap();
    let filter = filter.check(&object("Account"), &schemas).unwrap();
    assert_eq!(
        ids(&client, &filter).await,
        [made["ids"][4].as_str().unwrap()]
    );
}

#[tokio::test]
async fn a_filter_that_fits_no_call_is_refused_here() {
    let org = Org::start(with_accounts(1)).await;
    let client = org.client().await;
    let values = vec!["'x'"; 9_000].join(",");
    let filter = Filter::parse(&format!("Name IN ({values})")).unwrap();
    let filter = filter
        .check(&object("Account"), &schemas(&client).await)
        .unwrap();
    assert!(soql::select_where(&["Id"], &filter).is_ok());
    let failure = soql::count_where(&filter).unwrap_err();
    assert_eq!(failure.code, ErrorCode::QueryRefused);
    let wide = vec!["Some_Field__c"; 5_000];
    let failure = soql::select_where(&wide, &filter).unwrap_err();
    assert_eq!(failure.code, ErrorCode::QueryTooWide);
}
