//! What a record had around it at a time.

use holdfast_model::Stamp;
use serde_json::{Value, json};

use crate::world::{Org, World, small};

/// What `read-record` tells of the children of a record: per relationship, the total and the names.
async fn children(org: &Org<'_>, account: &Value, more: Value) -> Vec<(String, u64, Vec<Value>)> {
    let mut input = json!({"org": org.name, "object": "Account", "id": account});
    input
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let told = org.invoke("read-record", input).await.unwrap();
    let children = told["children"].as_array().unwrap().iter();
    let named = |child: &Value| match &child["references"]["ContentDocumentId"] {
        Value::Null => child["name"].clone(),
        document => document["name"].clone(),
    };
    let told = children.map(|told| {
        let records = told["records"].as_array().unwrap();
        (
            format!("{}.{}", told["object"], told["field"]).replace('"', ""),
            told["total"].as_u64().unwrap(),
            records.iter().map(named).collect(),
        )
    });
    told.collect()
}

pub(crate) async fn children_and_files_of_a_record_are_told_as_of_then(world: &World) {
    let org = world.start("around", small(84)).await;
    let create = async |object: &str, records: Value| {
        let body = json!({"object": object, "records": records});
        org.control("create", body).await["ids"].clone()
    };
    let account = create("Account", json!([{"Name": "Nordwind"}])).await[0].clone();
    let contact = |last: &str| json!({"FirstName": null, "LastName": last, "AccountId": account});
    let contacts = create("Contact", json!([contact("Adler"), contact("Berg")])).await;
    let document = create("ContentDocument", json!([{"Title": "Contract"}])).await[0].clone();
    let link = json!([{"ContentDocumentId": document, "LinkedEntityId": account}]);
    let link = create("ContentDocumentLink", link).await;
    org.advance_clock(60).await;
    let excluded = org.empty_standard_objects().await;
    org.connect(json!({"exclude_objects": excluded})).await;
    let then: Stamp = org.backup().await.plan.unwrap().until.unwrap();

    org.advance_clock(3_600).await;
    org.control("delete", json!({"object": "Contact", "ids": [contacts[0]]}))
        .await;
    org.control(
        "update",
        json!({"object": "ContentDocument", "ids": [document], "set": {"Title": "Contract, signed"}}),
    )
    .await;
    org.control(
        "delete",
        json!({"object": "ContentDocumentLink", "ids": link}),
    )
    .await;
    org.advance_clock(60).await;
    org.sync().await;

    let contacts = json!({"children": ["Contact.AccountId"]});
    let expected = ("Contact.AccountId".to_owned(), 1, vec![json!("Berg")]);
    assert_eq!(children(&org, &account, contacts).await, [expected]);
    let contacts = json!({"children": ["Contact.AccountId"], "at": then});
    let expected = (
        "Contact.AccountId".to_owned(),
        2,
        vec![json!("Adler"), json!("Berg")],
    );
    assert_eq!(children(&org, &account, contacts).await, [expected]);

    let links = "ContentDocumentLink.LinkedEntityId";
    let files = children(&org, &account, json!({"files": true, "at": then})).await;
    let expected = (links.to_owned(), 1, vec![json!("Contract")]);
    assert!(files.contains(&expected), "{files:?}");
    let files = children(&org, &account, json!({"files": true})).await;
    assert!(
        files.contains(&(links.to_owned(), 0, Vec::new())),
        "{files:?}"
    );

    let input =
        json!({"org": org.name, "object": "Account", "id": account, "children": ["Contact.Id"]});
    let refused = org.invoke("read-record", input).await.unwrap_err();
    assert!(
        refused.message.contains("`children`"),
        "{}",
        refused.message
    );
}
