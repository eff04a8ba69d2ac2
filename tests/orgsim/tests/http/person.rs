//! Person accounts.

use holdfast_orgsim::Config;
use serde_json::{Value, json};

use crate::sim::Sim;

async fn with_people() -> (Sim, Value) {
    let sim = Sim::with(Config {
        records: 500,
        person_accounts: true,
        ..Config::default()
    })
    .await;
    let types = sim
        .records("SELECT Id, DeveloperName FROM RecordType WHERE IsPersonType = true")
        .await;
    assert_eq!(types.len(), 1);
    assert_eq!(types[0]["DeveloperName"], "PersonAccount");
    let id = types[0]["Id"].clone();
    (sim, id)
}

#[tokio::test]
async fn a_person_is_an_account_with_a_contact_of_its_own() {
    let (sim, person) = with_people().await;
    let (_, described) = sim.json("/sobjects/Account/describe").await;
    let infos = described["recordTypeInfos"].as_array().unwrap();
    assert!(infos.iter().any(|info| info["recordTypeId"] == person));
    let body = json!({"RecordTypeId": person, "FirstName": "Zoë", "LastName": "Ng", "PersonEmail": "zoe@acme.example", "Newsletter__pc": true});
    let id = sim.create("Account", body).await;
    let account = sim.read("Account", &id).await;
    assert_eq!(
        (&account["Name"], &account["IsPersonAccount"]),
        (&json!("Zoë Ng"), &json!(true))
    );
    let contact = account["PersonContactId"].as_str().unwrap().to_owned();
    let record = sim.read("Contact", &contact).await;
    for (field, value) in [
        ("AccountId", json!(id)),
        ("Name", json!("Zoë Ng")),
        ("Email", json!("zoe@acme.example")),
        ("IsPersonAccount", json!(true)),
        ("Newsletter__c", json!(true)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let path = format!("/sobjects/Account/{id}");
    let change = json!({"LastName": "Okafor", "PersonMailingCity": "Oslo"});
    assert_eq!(sim.call("PATCH", &path, change).await.0, 204);
    assert_eq!(sim.read("Account", &id).await["Name"], "Zoë Okafor");
    let record = sim.read("Contact", &contact).await;
    assert_eq!(
        (&record["Name"], &record["MailingCity"]),
        (&json!("Zoë Okafor"), &json!("Oslo"))
    );

    let own = format!("/sobjects/Contact/{contact}");
    let (status, answer) = sim.call("DELETE", &own, Value::Null).await;
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (400, &json!("INVALID_PERSON_ACCOUNT_OPERATION"))
    );
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(sim.json(&own).await.0, 404);
    sim.control("undelete", json!({"object": "Account", "ids": [id]}))
        .await;
    assert_eq!(
        sim.read("Account", &id).await["PersonContactId"],
        json!(contact)
    );
    assert_eq!(sim.read("Contact", &contact).await["AccountId"], json!(id));
}

#[tokio::test]
async fn the_record_type_says_which_names_an_account_has() {
    let (sim, person) = with_people().await;
    for (body, code, fields) in [
        (
            json!({"RecordTypeId": person, "LastName": "Ng", "Name": "Ng Ltd"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["Name"]),
        ),
        (
            json!({"RecordTypeId": person, "FirstName": "Zoë"}),
            "REQUIRED_FIELD_MISSING",
            json!(["LastName"]),
        ),
        (
            json!({"Name": "Acme", "PersonEmail": "a@acme.example"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["PersonEmail"]),
        ),
    ] {
        let (status, answer) = sim.call("POST", "/sobjects/Account", body.clone()).await;
        assert_eq!(
            (status, &answer[0]["errorCode"]),
            (400, &json!(code)),
            "{body}: {answer}"
        );
        assert_eq!(answer[0]["fields"], fields, "{body}");
    }
    let business = sim.create("Account", json!({"Name": "Acme"})).await;
    assert_eq!(
        sim.read("Account", &business).await["IsPersonAccount"],
        false
    );
    let path = format!("/sobjects/Account/{business}");
    let switch = json!({"RecordTypeId": person});
    let (_, answer) = sim.call("PATCH", &path, switch.clone()).await;
    assert_eq!(
        answer[0]["errorCode"], "INVALID_PERSON_ACCOUNT_OPERATION",
        "it has no contact"
    );
    let contact = sim
        .create("Contact", json!({"LastName": "Ng", "AccountId": business}))
        .await;
    let more = json!({"RecordTypeId": person, "Site": "HQ"});
    let (_, answer) = sim.call("PATCH", &path, more).await;
    assert_eq!(answer[0]["errorCode"], "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(sim.call("PATCH", &path, switch).await.0, 204);
    let account = sim.read("Account", &business).await;
    assert_eq!(
        (&account["Name"], &account["PersonContactId"]),
        (&json!("Ng"), &json!(contact))
    );
    assert_eq!(sim.read("Contact", &contact).await["IsPersonAccount"], true);
}

#[tokio::test]
async fn an_org_without_person_accounts_does_not_know_their_fields() {
    let sim = Sim::start().await;
    let (status, answer) = sim.query("SELECT IsPersonAccount FROM Account").await;
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (400, &json!("INVALID_FIELD"))
    );
}
