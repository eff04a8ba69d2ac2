//! Records that are saved, deleted and brought back.

use holdfast_model::{ErrorCode, ObjectName, SalesforceId};
use holdfast_salesforce::{Client, Columns, Draft, Value};
use serde_json::json;

use crate::support::{Org, with_accounts};

fn object(name: &str) -> ObjectName {
    ObjectName::parse(name).unwrap()
}

fn draft(id: Option<SalesforceId>, fields: &[(&str, &str, &str)]) -> Draft {
    let value = |(field, field_type, text): &(&str, &str, &str)| {
        ((*field).to_owned(), Value::of(field_type, Some(text)))
    };
    Draft {
        id,
        fields: fields.iter().map(value).collect(),
    }
}

/// Id and name of accounts as users see them.
async fn names(client: &Client, ids: &[SalesforceId]) -> Vec<(String, String)> {
    let columns: Columns = ["Id", "Name", "AnnualRevenue"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    let rows = client.retrieve(&object("Account"), ids, &columns).await;
    let rows = rows.unwrap();
    let row = |row: holdfast_salesforce::Row<'_>| {
        let text = |column| row.value(column).unwrap_or_default().to_owned();
        (text(1), text(2))
    };
    rows.rows().map(row).collect()
}

#[tokio::test]
async fn records_are_made_changed_deleted_and_come_back_with_their_ids() {
    let org = Org::start(with_accounts(5)).await;
    let client = org.client().await;
    let account = object("Account");
    let drafts = [
        draft(
            None,
            &[
                ("Name", "string", "One \"1\""),
                ("AnnualRevenue", "currency", "1234"),
            ],
        ),
        draft(None, &[("Phone", "phone", "1")]),
        draft(None, &[("Name", "string", "Two")]),
    ];
    let saved = client.insert(&account, &drafts).await.unwrap();
    assert_eq!(
        saved[1].as_ref().unwrap_err().code,
        "REQUIRED_FIELD_MISSING"
    );
    let ids = [saved[0].clone().unwrap(), saved[2].clone().unwrap()];

    let drafts = [draft(Some(ids[1]), &[("Name", "string", "Second")])];
    let changed = client.update(&account, &drafts).await.unwrap();
    assert_eq!(changed, [Ok(ids[1])]);
    let expected = |texts: &[(&str, &str)]| -> Vec<_> {
        let owned = texts.iter();
        owned
            .map(|(one, two)| ((*one).to_owned(), (*two).to_owned()))
            .collect()
    };
    let both = expected(&[("One \"1\"", "1234.0"), ("Second", "")]);
    assert_eq!(names(&client, &ids).await, both);

    assert_eq!(client.delete(&ids).await.unwrap(), [Ok(ids[0]), Ok(ids[1])]);
    assert!(names(&client, &ids).await.is_empty());
    let again = client.delete(&ids[..1]).await.unwrap();
    assert_eq!(again[0].as_ref().unwrap_err().code, "ENTITY_IS_DELETED");

    // SOAP carries the session in its envelope: that is renewed, too.
    org.end_sessions().await;
    let back = client.undelete(&ids).await.unwrap();
    assert_eq!(back, [Ok(ids[0]), Ok(ids[1])]);
    assert_eq!(names(&client, &ids).await, both);
    let again = client.undelete(&ids[..1]).await.unwrap();
    assert_eq!(again[0].as_ref().unwrap_err().code, "UNDELETE_FAILED");
}

#[tokio::test]
async fn an_insert_is_not_repeated_when_its_answer_is_lost_and_an_update_is() {
    let org = Org::start(with_accounts(5)).await;
    let client = org.client().await;
    let account = object("Account");
    let ids = async || org.state().await["objects"]["Account"]["live"].clone();
    let before = ids().await.as_u64().unwrap();
    let cut = |method: &str| json!({"match": {"method": method}, "times": 1, "action": {"cut_after_bytes": 3}});
    org.fault(cut("POST")).await;
    let drafts = [draft(None, &[("Name", "string", "Once")])];
    let failure = client.insert(&account, &drafts).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::SalesforceUnreachable);
    assert_eq!(ids().await, before + 1);

    let saved = client.insert(&account, &drafts).await.unwrap();
    let id = saved[0].clone().unwrap();
    org.fault(cut("PATCH")).await;
    let drafts = [draft(Some(id), &[("Name", "string", "Twice")])];
    assert_eq!(client.update(&account, &drafts).await.unwrap(), [Ok(id)]);
    assert_eq!(names(&client, &[id]).await[0].0, "Twice");
}

#[tokio::test]
async fn a_value_that_spoils_its_whole_call_is_found_and_the_others_are_saved() {
    let org = Org::start(with_accounts(5)).await;
    let client = org.client().await;
    let spoilt = json!([{
        "errorCode": "JSON_PARSER_ERROR",
        "message": "Cannot deserialize instance of date from VALUE_STRING value soon",
    }]);
    let refused = json!({"status": {"code": 400, "body": spoilt}});
    // All four, the first two, and the first.
    org.fault(json!({"match": {"method": "POST"}, "times": 3, "action": refused}))
        .await;
    let names = ["One", "Two", "Three", "Four"];
    let drafts = names.map(|name| draft(None, &[("Name", "string", name)]));
    let saved = client.insert(&object("Account"), &drafts).await.unwrap();
    assert_eq!(saved[0].as_ref().unwrap_err().code, "JSON_PARSER_ERROR");
    let columns: Columns = ["Id", "Name"].map(str::to_owned).into_iter().collect();
    for (saved, name) in saved.into_iter().zip(names).skip(1) {
        let rows = client
            .retrieve(&object("Account"), &[saved.unwrap()], &columns)
            .await
            .unwrap();
        assert_eq!(rows.rows().next().unwrap().value(1), Some(name));
    }
}
