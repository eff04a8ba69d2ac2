use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::sim::{Sim, code};

#[tokio::test]
async fn a_record_is_read_whole_or_in_part() {
    let sim = Sim::start().await;
    let id = sim.records("SELECT Id FROM Contact LIMIT 1").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, whole) = sim.json(&format!("/sobjects/Contact/{id}")).await;
    assert_eq!(status, 200);
    assert!(whole.as_object().unwrap().len() > 40);
    let (_, part) = sim
        .json(&format!(
            "/sobjects/Contact/{}?fields=LastName,AccountId",
            &id[..15]
        ))
        .await;
    assert_eq!(part["LastName"], whole["LastName"]);
    assert_eq!(part.as_object().unwrap().len(), 3);
    assert_eq!(
        code(
            &sim.json(&format!("/sobjects/Contact/{id}?fields=Nope"))
                .await
        ),
        (400, "INVALID_FIELD")
    );
}

#[tokio::test]
async fn records_that_cannot_be_read_say_why() {
    let sim = Sim::start().await;
    let id = sim.records("SELECT Id FROM Contact LIMIT 1").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        code(&sim.json("/sobjects/Contact/nonsense").await),
        (404, "NOT_FOUND")
    );
    assert_eq!(
        code(&sim.json(&format!("/sobjects/Account/{id}")).await),
        (400, "MALFORMED_ID")
    );
    assert_eq!(
        code(&sim.json("/sobjects/Contact/003Hf0000zzzzzz").await),
        (404, "NOT_FOUND")
    );
    sim.control(
        "delete",
        json!({"object": "Contact", "ids": [id], "cascade": false}),
    )
    .await;
    assert_eq!(
        code(&sim.json(&format!("/sobjects/Contact/{id}")).await),
        (404, "ENTITY_IS_DELETED")
    );
    sim.control(
        "hard-delete",
        json!({"object": "Contact", "ids": [id], "cascade": false}),
    )
    .await;
    assert_eq!(
        code(&sim.json(&format!("/sobjects/Contact/{id}")).await),
        (404, "NOT_FOUND")
    );
}

#[tokio::test]
async fn a_body_has_the_size_that_its_record_tells() {
    let sim = Sim::start().await;
    for (object, field, size) in [
        ("ContentVersion", "VersionData", "ContentSize"),
        ("Attachment", "Body", "BodyLength"),
        ("Document", "Body", "BodyLength"),
    ] {
        for record in sim
            .records(&format!("SELECT Id, {size}, {field} FROM {object} LIMIT 5"))
            .await
        {
            let body = sim.get(record[field].as_str().unwrap()).await;
            assert_eq!(body.status(), 200);
            assert_eq!(
                body.bytes().await.unwrap().len() as u64,
                record[size].as_u64().unwrap(),
                "{object}"
            );
        }
    }
    let id = sim.records("SELECT Id FROM ContentVersion LIMIT 1").await[0]["Id"].clone();
    assert_eq!(
        code(
            &sim.json(&format!(
                "/sobjects/ContentVersion/{}/Title",
                id.as_str().unwrap()
            ))
            .await
        ),
        (404, "NOT_FOUND")
    );
}

#[tokio::test]
async fn a_body_can_be_replaced_and_its_checksum_follows() {
    let sim = Sim::start().await;
    let bytes = b"\x00\xFFanything".as_slice();
    let made = sim
        .control("create", json!({"object": "ContentVersion", "records": [{"VersionData": STANDARD.encode(bytes)}]}))
        .await;
    let id = made["ids"][0].as_str().unwrap();
    let (_, record) = sim
        .json(&format!(
            "/sobjects/ContentVersion/{id}?fields=Checksum,ContentSize"
        ))
        .await;
    assert_eq!(record["ContentSize"], bytes.len());
    assert_eq!(record["Checksum"].as_str().unwrap().len(), 32);
    let body = sim
        .get(&format!("/sobjects/ContentVersion/{id}/VersionData"))
        .await
        .bytes()
        .await
        .unwrap();
    assert_eq!(body, bytes);
}

#[tokio::test]
async fn a_relationship_leads_to_the_parent_and_to_the_children() {
    let sim = Sim::start().await;
    let found = sim
        .records("SELECT Id, AccountId FROM Contact WHERE AccountId != null LIMIT 1")
        .await;
    let (contact, account) = (
        found[0]["Id"].as_str().unwrap(),
        found[0]["AccountId"].as_str().unwrap(),
    );
    let (status, parent) = sim
        .json(&format!(
            "/sobjects/Contact/{contact}/Account?fields=Id,Name"
        ))
        .await;
    assert_eq!((status, parent["Id"].as_str()), (200, Some(account)));
    assert_eq!(parent.as_object().unwrap().len(), 3);
    let (status, children) = sim
        .json(&format!("/sobjects/Account/{account}/Contacts"))
        .await;
    assert_eq!(status, 200, "{children}");
    let count = sim
        .count(&format!(
            "SELECT count() FROM Contact WHERE AccountId = '{account}'"
        ))
        .await;
    assert_eq!(children["totalSize"], count);
    assert!(children["records"][0].as_object().unwrap().len() > 40);
    assert_eq!(
        sim.json(&format!("/sobjects/Account/{account}/Nothings"))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_record_is_read_and_changed_on_condition_of_its_time() {
    let sim = Sim::start().await;
    let (_, made) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "a"}))
        .await;
    let path = format!("/sobjects/Account/{}", made["id"].as_str().unwrap());
    let stamp = sim.get(&path).await.headers()["last-modified"]
        .to_str()
        .unwrap()
        .to_owned();
    let conditional = async |method: reqwest::Method, header: &str, date: &str| {
        let request = sim
            .http
            .request(method, sim.url(&path))
            .bearer_auth(&sim.token);
        let request = request.header(header, date).json(&json!({"Name": "b"}));
        request.send().await.unwrap().status().as_u16()
    };
    let old = "Mon, 01 Jan 2018 00:00:00 GMT";
    assert_eq!(
        conditional(reqwest::Method::GET, "if-modified-since", &stamp).await,
        304
    );
    assert_eq!(
        conditional(reqwest::Method::GET, "if-modified-since", old).await,
        200
    );
    assert_eq!(
        conditional(reqwest::Method::PATCH, "if-unmodified-since", old).await,
        412
    );
    assert_eq!(
        conditional(reqwest::Method::PATCH, "if-unmodified-since", &stamp).await,
        204
    );
}
