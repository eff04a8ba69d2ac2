//! Looking for records, and for those that were used last.

use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

async fn three(sim: &Sim) {
    for (object, body) in [
        ("Account", json!({"Name": "Zyzzyva Holding"})),
        (
            "Account",
            json!({"Name": "Other", "Description": "like zyzzyva"}),
        ),
        (
            "Contact",
            json!({"LastName": "Zyzzyva", "Email": "who@zyzzyva.example"}),
        ),
    ] {
        assert_eq!(
            sim.call("POST", &format!("/sobjects/{object}"), body)
                .await
                .0,
            201
        );
    }
}

async fn search(sim: &Sim, text: &str) -> Vec<Value> {
    let request = sim.http.get(sim.url("/search")).query(&[("q", text)]);
    let (status, body) = answer(request.bearer_auth(&sim.token).send().await.unwrap()).await;
    assert_eq!(status, 200, "{text}: {body}");
    body["searchRecords"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_search_finds_words_in_the_objects_that_it_names() {
    let sim = Sim::start().await;
    three(&sim).await;
    assert_eq!(search(&sim, "FIND {zyzzyva}").await.len(), 3);
    let found = search(
        &sim,
        "FIND {ZYZZ*} IN NAME FIELDS RETURNING Account(Id, Name ORDER BY Name), Contact(LastName)",
    )
    .await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["Name"], "Zyzzyva Holding");
    assert_eq!(found[0]["attributes"]["type"], "Account");
    assert_eq!(found[1]["LastName"], "Zyzzyva");
    assert_eq!(
        search(
            &sim,
            "FIND {zyzzyva} IN EMAIL FIELDS RETURNING Account, Contact, Lead"
        )
        .await
        .len(),
        1
    );
    let limited = "FIND {zyzzyva} RETURNING Account(Id WHERE Name != 'x' LIMIT 1), Contact LIMIT 5";
    assert_eq!(search(&sim, limited).await.len(), 2);
    assert_eq!(
        search(&sim, "FIND {zyzzyva AND NOT holding} RETURNING Account")
            .await
            .len(),
        1
    );
    assert!(search(&sim, "FIND {nothingofthekind}").await.is_empty());
}

#[tokio::test]
async fn a_search_can_come_as_parameters() {
    let sim = Sim::start().await;
    three(&sim).await;
    let path = "/parameterizedSearch?q=zyzzyva&sobject=Account&Account.fields=Id,Name&Account.limit=1&sobject=Contact&in=NAME";
    let (status, body) = sim.json(path).await;
    assert_eq!(status, 200, "{body}");
    let records = body["searchRecords"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["Name"], "Zyzzyva Holding");
    let request = json!({
        "q": "zyzzyva", "in": "ALL", "fields": ["Id"], "overallLimit": 2,
        "sobjects": [{"name": "Account", "fields": ["Name"], "where": "Name = 'Other'"}, {"name": "Contact"}],
    });
    let (status, body) = sim.call("POST", "/parameterizedSearch", request).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["searchRecords"][0]["Name"], "Other");
    assert_eq!(body["searchRecords"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_search_that_is_none_is_refused() {
    let sim = Sim::start().await;
    let refused = sim.json("/search?q=FIND+Acme").await;
    assert_eq!(code(&refused), (400, "MALFORMED_SEARCH"));
    assert_eq!(
        refused.1[0]["message"],
        "No search term found. The search term must be enclosed in braces."
    );
    assert_eq!(
        code(&sim.json("/search?q=FIND+%7Ba%7D").await),
        (400, "MALFORMED_SEARCH")
    );
    assert_eq!(
        code(&sim.json("/search?q=FIND+%7Bab%7D+RETURNING+Nope(Id)").await),
        (400, "INVALID_TYPE")
    );
    assert_eq!(sim.json("/parameterizedSearch?q=").await.0, 400);
}

#[tokio::test]
async fn what_was_just_made_is_recent() {
    let sim = Sim::start().await;
    assert_eq!(sim.json("/recent").await.1, json!([]));
    three(&sim).await;
    let (_, recent) = sim.json("/recent").await;
    let names: Vec<&str> = recent
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["Name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Zyzzyva", "Other", "Zyzzyva Holding"]);
    let first = recent[2]["Id"].as_str().unwrap();
    let path = format!("/sobjects/Account/{first}");
    assert_eq!(sim.call("PATCH", &path, json!({"Phone": "1"})).await.0, 204);
    let (_, basic) = sim.json("/sobjects/Account").await;
    assert_eq!(basic["objectDescribe"]["name"], "Account");
    assert_eq!(basic["recentItems"][0]["Id"], first);
    assert_eq!(basic["recentItems"].as_array().unwrap().len(), 2);
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(sim.json("/recent?limit=1").await.1[0]["Name"], "Zyzzyva");
    assert_eq!(sim.json("/recent").await.1.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_resource_of_a_version_answers() {
    let sim = Sim::start().await;
    let (_, resources) = sim.json("").await;
    for (name, path) in resources.as_object().unwrap() {
        let path = path.as_str().unwrap().trim_start_matches(sim.org.url());
        // Jobs are below, by kind.
        let below = if name == "jobs" { "/query" } else { "" };
        let path = format!("{path}{below}");
        let status = sim.get(&path).await.status();
        assert_ne!(status, 404, "{name}");
        assert_ne!(status, 405, "{name}");
    }
}

#[tokio::test]
async fn a_layout_shows_the_fields() {
    let sim = Sim::start().await;
    let (status, body) = sim.json("/sobjects/Account/describe/layouts").await;
    assert_eq!(status, 200);
    let items = &body["layouts"][0]["editLayoutSections"][0]["layoutRows"];
    let fields: Vec<&str> = items
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["layoutItems"].as_array().unwrap())
        .map(|item| item["layoutComponents"][0]["value"].as_str().unwrap())
        .collect();
    assert!(fields.contains(&"Name") && !fields.contains(&"CreatedDate"));
    let mapping = &body["recordTypeMappings"][0];
    assert_eq!(mapping["layoutId"], body["layouts"][0]["id"]);
    assert_eq!(
        sim.json(mapping["urls"]["layout"].as_str().unwrap())
            .await
            .1,
        body["layouts"][0]
    );
    assert_eq!(sim.json("/sobjects/Nope/describe/layouts").await.0, 404);
}
