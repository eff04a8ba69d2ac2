//! Records that a filter chooses, counted.

use holdfast_model::Stamp;
use serde_json::{Value, json};

use crate::world::{Org, World, small};

async fn count(org: &Org<'_>, more: Value) -> Value {
    let mut input = json!({"org": org.name, "object": "Contact", "ask_salesforce": true});
    let input_fields = input.as_object_mut().unwrap();
    input_fields.extend(more.as_object().unwrap().clone());
    org.invoke("count-records", input).await.unwrap()
}

pub(crate) async fn records_that_a_filter_chooses_are_counted_as_stored_and_as_they_are(
    world: &World,
) {
    let org = world.connect("counted", small(83), json!({})).await;
    let body = json!({"object": "Account", "records": [{"Name": "Nordwind"}, {"Name": "Südwind"}]});
    let accounts = org.control("create", body).await["ids"].clone();
    let contact =
        |last: &str, account: usize| json!({"LastName": last, "AccountId": accounts[account]});
    let records = json!([
        contact("Adler", 0),
        contact("adam", 0),
        contact("Adler", 1),
        contact("Berg", 1)
    ]);
    let body = json!({"object": "Contact", "records": records});
    let contacts = org.control("create", body).await["ids"].clone();
    org.advance_clock(60).await;
    let first = org.backup().await;
    let then: Stamp = first.plan.unwrap().until.unwrap();

    let filter = "Account.Name LIKE '%wind' AND LastName LIKE 'Ad%'";
    let counted = count(&org, json!({"filter": filter})).await;
    assert_eq!(
        (&counted["stored"], &counted["salesforce"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(counted["filter"], filter);
    let again = count(&org, json!({"filter": counted["declarative"]})).await;
    assert_eq!(again, counted, "both forms mean the same");
    let all = count(&org, json!({})).await;
    assert_eq!(
        all["stored"],
        org.state().await["objects"]["Contact"]["live"]
    );
    assert_eq!(all["stored"], all["salesforce"]);

    org.advance_clock(3_600).await;
    org.control("delete", json!({"object": "Contact", "ids": [contacts[0]]}))
        .await;
    org.advance_clock(60).await;
    let counted = count(&org, json!({"filter": filter})).await;
    assert_eq!(
        (&counted["stored"], &counted["salesforce"]),
        (&json!(3), &json!(2))
    );
    org.backup().await;
    let counted = count(&org, json!({"filter": filter, "ask_salesforce": false})).await;
    assert_eq!(
        (&counted["stored"], &counted["salesforce"]),
        (&json!(2), &json!(null))
    );
    let counted = count(&org, json!({"filter": filter, "at": then})).await;
    assert_eq!(
        (&counted["stored"], &counted["salesforce"]),
        (&json!(3), &json!(2))
    );

    for (input, code, word) in [
        (
            json!({"filter": "Colour = 'red'"}),
            "FILTER_INVALID",
            "Colour",
        ),
        (
            json!({"filter": {"field": "LastName"}}),
            "FILTER_INVALID",
            "operator",
        ),
        (
            json!({"object": "Nothing__c"}),
            "INPUT_INVALID",
            "Nothing__c",
        ),
        (
            json!({"calendar": {"time_zone": "Mars"}}),
            "FILTER_INVALID",
            "time zone",
        ),
    ] {
        let mut asked = json!({"org": org.name, "object": "Contact"});
        asked
            .as_object_mut()
            .unwrap()
            .extend(input.as_object().unwrap().clone());
        let refused = org.invoke("count-records", asked).await.unwrap_err();
        assert!(refused.message.starts_with(code), "{}", refused.message);
        assert!(refused.message.contains(word), "{}", refused.message);
    }
}
