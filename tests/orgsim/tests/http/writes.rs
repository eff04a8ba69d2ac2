//! Records that callers make, change and delete.

use serde_json::{Value, json};

use crate::sim::{Answer, Sim, answer};

impl Sim {
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, self.url(path))
            .bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        answer(request.send().await.unwrap()).await
    }

    /// Makes a record that must be accepted; its Id.
    pub(crate) async fn create(&self, object: &str, body: Value) -> String {
        let (status, answer) = self
            .call("POST", &format!("/sobjects/{object}"), body)
            .await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn read(&self, object: &str, id: &str) -> Value {
        let (status, record) = self.json(&format!("/sobjects/{object}/{id}")).await;
        assert_eq!(status, 200, "{record}");
        record
    }
}

#[tokio::test]
async fn a_record_is_made_read_changed_and_deleted() {
    let sim = Sim::start().await;
    let request = sim.http.post(sim.url("/sobjects/Contact"));
    let request = request
        .bearer_auth(&sim.token)
        .json(&json!({"FirstName": "Zoë", "LastName": "Ng", "Birthdate": "1990-02-28"}));
    let response = request.send().await.unwrap();
    let place = response.headers()["location"].to_str().unwrap().to_owned();
    let (status, body) = answer(response).await;
    assert_eq!(status, 201);
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(body, json!({"id": id, "success": true, "errors": []}));
    assert!(place.ends_with(&format!("/sobjects/Contact/{id}")));

    let record = sim.read("Contact", &id).await;
    assert_eq!(record["Name"], "Zoë Ng");
    assert_eq!(record["Birthdate"], "1990-02-28");
    assert_eq!(record["IsDeleted"], false);
    assert_eq!(record["CreatedDate"], record["SystemModstamp"]);

    sim.control("clock", json!({"advance_seconds": 60})).await;
    let path = format!("/sobjects/Contact/{id}");
    let change = json!({"LastName": "Okafor", "Birthdate": null});
    assert_eq!(sim.call("PATCH", &path, change).await.0, 204);
    let changed = sim.read("Contact", &id).await;
    assert_eq!(changed["Name"], "Zoë Okafor");
    assert_eq!(changed["Birthdate"], Value::Null);
    assert_ne!(changed["SystemModstamp"], record["SystemModstamp"]);
    assert_eq!(changed["CreatedDate"], record["CreatedDate"]);

    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    let (status, gone) = sim.call("DELETE", &path, Value::Null).await;
    assert_eq!(status, 404);
    assert_eq!(gone[0]["errorCode"], "ENTITY_IS_DELETED");
    assert_eq!(gone[0]["fields"], json!([]));
    let unknown = "/sobjects/Contact/003Hf00000zzzzzIAA";
    assert_eq!(sim.call("DELETE", unknown, Value::Null).await.0, 404);
}

/// Object, record, status, code and fields of a record that is refused.
type Refusal = (&'static str, Value, u16, &'static str, Value);

fn refusals(account: &str) -> Vec<Refusal> {
    vec![
        (
            "Contact",
            json!({"FirstName": "Ada"}),
            400,
            "REQUIRED_FIELD_MISSING",
            json!(["LastName"]),
        ),
        (
            "Account",
            json!({"Name": "x".repeat(256)}),
            400,
            "STRING_TOO_LONG",
            json!(["Name"]),
        ),
        (
            "Account",
            json!({"Name": "a", "Nmae": "b"}),
            400,
            "INVALID_FIELD",
            Value::Null,
        ),
        (
            "Account",
            json!({"Name": "a", "Id": account}),
            400,
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["Id"]),
        ),
        (
            "Account",
            json!({"Name": "a", "IsDeleted": true}),
            400,
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["IsDeleted"]),
        ),
        (
            "Contact",
            json!({"LastName": "a", "AccountId": "nonsense"}),
            400,
            "MALFORMED_ID",
            json!(["AccountId"]),
        ),
        (
            "Contact",
            json!({"LastName": "a", "AccountId": "001Hf00000zzzzzIAA"}),
            400,
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            json!([]),
        ),
        (
            "Contact",
            json!({"LastName": "a", "Birthdate": "2003-04-98"}),
            400,
            "JSON_PARSER_ERROR",
            json!([]),
        ),
        (
            "Contact",
            json!({"LastName": "a", "Email": "no address"}),
            400,
            "INVALID_EMAIL_ADDRESS",
            json!(["Email"]),
        ),
        (
            "Account",
            json!({"Name": "a", "AnnualRevenue": 1e19}),
            400,
            "NUMBER_OUTSIDE_VALID_RANGE",
            json!(["AnnualRevenue"]),
        ),
        (
            "Project__c",
            json!({"Name": "a", "Stage__c": "Bogus"}),
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            json!(["Stage__c"]),
        ),
        (
            "Region__c",
            json!({"Name": "a", "Code__c": "k-0001"}),
            400,
            "DUPLICATE_VALUE",
            json!(["Code__c"]),
        ),
        (
            "Nothing__c",
            json!({"Name": "a"}),
            404,
            "NOT_FOUND",
            Value::Null,
        ),
    ]
}

#[tokio::test]
async fn what_a_field_cannot_hold_is_refused_by_code_and_field() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let code = "K-0001";
    sim.create("Region__c", json!({"Name": "North", "Code__c": code}))
        .await;
    for (object, body, status, error, fields) in refusals(&account) {
        let path = format!("/sobjects/{object}");
        let (found, answer) = sim.call("POST", &path, body.clone()).await;
        assert_eq!(
            (found, answer[0]["errorCode"].as_str()),
            (status, Some(error)),
            "{body}: {answer}"
        );
        assert_eq!(answer[0]["fields"], fields, "{body}");
    }
    let path = format!("/sobjects/Account/{account}");
    let (status, answer) = sim.call("PATCH", &path, json!({"Name": null})).await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (400, Some("REQUIRED_FIELD_MISSING"))
    );
}

#[tokio::test]
async fn digits_of_numbers_survive() {
    let sim = Sim::start().await;
    let raw =
        r#"{"Serial__c": 123456789012345678, "Value__c": 12345678901234.56, "Valid__c": "true"}"#;
    let request = sim.http.post(sim.url("/sobjects/Measurement__c"));
    let request = request.bearer_auth(&sim.token).body(raw);
    let request = request.header("content-type", "application/json");
    let (status, body) = answer(request.send().await.unwrap()).await;
    assert_eq!(status, 201, "{body}");
    let dump = sim
        .get("/__sim/dump/Measurement__c?fields=Serial__c,Value__c")
        .await;
    let dump = dump.text().await.unwrap();
    let line = dump.lines().last().unwrap();
    assert!(line.contains("\"123456789012345678.0\""), "{line}");
    assert!(line.contains("\"12345678901234.56\""), "{line}");
}

#[tokio::test]
async fn an_upsert_creates_once_and_then_updates() {
    let sim = Sim::start().await;
    let path = "/sobjects/Project__c/External_Key__c/P%2F1.x";
    let (status, made) = sim.call("PATCH", path, json!({"Name": "One"})).await;
    assert_eq!((status, &made["created"]), (201, &json!(true)));
    let (status, changed) = sim.call("PATCH", path, json!({"Name": "Two"})).await;
    assert_eq!((status, &changed["created"]), (200, &json!(false)));
    assert_eq!(changed["id"], made["id"]);
    let old = format!("/services/data/v45.0{path}");
    assert_eq!(
        sim.call("PATCH", &old, json!({"Name": "Three"})).await.0,
        204
    );
    let (_, record) = sim.json(path).await;
    assert_eq!(
        (&record["Name"], &record["External_Key__c"]),
        (&json!("Three"), &json!("P/1.x"))
    );

    let member = json!({"Name": "by key", "Project__r": {"External_Key__c": "P/1.x"}});
    let article = sim.create("Article__c", member).await;
    assert_eq!(
        sim.read("Article__c", &article).await["Project__c"],
        made["id"]
    );
    let (status, answer) = sim
        .call("PATCH", "/sobjects/Project__c/Summary__c/x", json!({}))
        .await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (404, Some("NOT_FOUND"))
    );
}

#[tokio::test]
async fn a_collection_saves_what_is_valid_or_nothing_at_all() {
    let sim = Sim::start().await;
    let before = sim.count("SELECT COUNT() FROM Account").await;
    let account = |name: Value| json!({"attributes": {"type": "Account"}, "Name": name});
    let records = json!([
        account(json!("A")),
        account(Value::Null),
        account(json!("B"))
    ]);
    let body = json!({"allOrNone": false, "records": records});
    let (status, results) = sim.call("POST", "/composite/sobjects", body).await;
    assert_eq!(status, 200);
    assert_eq!(results[0]["success"], true);
    assert_eq!(
        results[1],
        json!({"success": false, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]}]})
    );
    assert_eq!(sim.count("SELECT COUNT() FROM Account").await, before + 2);

    let body = json!({"allOrNone": true, "records": records});
    let (status, results) = sim.call("POST", "/composite/sobjects", body).await;
    assert_eq!(status, 200);
    let codes: Vec<_> = (0..3)
        .map(|at| results[at]["errors"][0]["statusCode"].clone())
        .collect();
    assert_eq!(codes[1], "REQUIRED_FIELD_MISSING");
    assert_eq!(codes[0], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(sim.count("SELECT COUNT() FROM Account").await, before + 2);

    let ids: Vec<String> = sim
        .records("SELECT Id FROM Account WHERE Name IN ('A', 'B')")
        .await
        .iter()
        .map(|record| record["Id"].as_str().unwrap().to_owned())
        .collect();
    let updates: Vec<Value> = ids
        .iter()
        .map(|id| json!({"attributes": {"type": "Account"}, "id": id, "Site": "HQ"}))
        .collect();
    let body = json!({"records": updates});
    let (_, results) = sim.call("PATCH", "/composite/sobjects", body).await;
    assert_eq!(
        results,
        json!([{"id": ids[0], "success": true, "errors": []}, {"id": ids[1], "success": true, "errors": []}])
    );
    let (_, shown) = sim
        .json(&format!(
            "/composite/sobjects/Account?ids={},001Hf00000zzzzzIAA&fields=Site",
            ids[0]
        ))
        .await;
    assert_eq!((&shown[0]["Site"], &shown[1]), (&json!("HQ"), &Value::Null));
    let path = format!("/composite/sobjects?ids={}", ids.join(","));
    let (_, results) = sim.call("DELETE", &path, Value::Null).await;
    assert_eq!(results[1]["success"], true);
    assert_eq!(sim.count("SELECT COUNT() FROM Account").await, before);

    let many: Vec<Value> = (0..201).map(|_| account(json!("x"))).collect();
    let body = json!({"records": many});
    let (status, answer) = sim.call("POST", "/composite/sobjects", body).await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (400, Some("EXCEEDED_ID_LIMIT"))
    );
}

#[tokio::test]
async fn a_delete_cascades_clears_and_is_refused_as_describe_says() {
    let sim = Sim::start().await;
    let region = sim
        .create("Region__c", json!({"Name": "R", "Code__c": "ZZ-1"}))
        .await;
    let project = sim
        .create("Project__c", json!({"Name": "P", "Region__c": region}))
        .await;
    let milestone = sim
        .create("Milestone__c", json!({"Project__c": project}))
        .await;
    let article = sim
        .create("Article__c", json!({"Name": "A", "Project__c": project}))
        .await;

    let (status, answer) = sim
        .call(
            "DELETE",
            &format!("/sobjects/Region__c/{region}"),
            Value::Null,
        )
        .await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (400, Some("DELETE_FAILED"))
    );

    let path = format!("/sobjects/Project__c/{project}");
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    let (status, _) = sim
        .json(&format!("/sobjects/Milestone__c/{milestone}"))
        .await;
    assert_eq!(status, 404, "the detail went with its master");
    assert_eq!(
        sim.read("Article__c", &article).await["Project__c"],
        Value::Null
    );
    assert_eq!(
        sim.call(
            "DELETE",
            &format!("/sobjects/Region__c/{region}"),
            Value::Null
        )
        .await
        .0,
        204
    );

    sim.control("undelete", json!({"object": "Region__c", "ids": [region]}))
        .await;
    let back = sim
        .control(
            "undelete",
            json!({"object": "Project__c", "ids": [project]}),
        )
        .await;
    assert_eq!(
        back["affected"],
        json!({"Project__c": 1, "Milestone__c": 1, "Project__History": 1})
    );
    assert_eq!(
        sim.read("Milestone__c", &milestone).await["Project__c"],
        json!(project)
    );
    assert_eq!(
        sim.read("Article__c", &article).await["Project__c"],
        json!(project)
    );
}

#[tokio::test]
async fn updated_and_deleted_records_are_listed_by_minute() {
    let sim = Sim::start().await;
    let (_, clock) = sim.json("/__sim/clock").await;
    let now = clock["now"].as_str().unwrap().to_owned();
    let minute = |text: &str| text[..16].to_owned();
    let kept = sim
        .create("Lead", json!({"LastName": "A", "Company": "B"}))
        .await;
    let gone = sim
        .create("Lead", json!({"LastName": "C", "Company": "D"}))
        .await;
    assert_eq!(
        sim.call("DELETE", &format!("/sobjects/Lead/{gone}"), Value::Null)
            .await
            .0,
        204
    );
    sim.control("clock", json!({"advance_seconds": 180})).await;
    let (_, later) = sim.json("/__sim/clock").await;
    let window = format!(
        "start={}:00Z&end={}:00Z",
        minute(&now),
        minute(later["now"].as_str().unwrap())
    );

    let (status, updated) = sim.json(&format!("/sobjects/Lead/updated/?{window}")).await;
    assert_eq!(status, 200, "{updated}");
    assert_eq!(updated["ids"], json!([kept]));
    let (status, deleted) = sim.json(&format!("/sobjects/Lead/deleted/?{window}")).await;
    assert_eq!(status, 200, "{deleted}");
    assert_eq!(deleted["deletedRecords"][0]["id"], json!(gone));
    assert!(
        deleted["latestDateCovered"]
            .as_str()
            .unwrap()
            .ends_with("+0000")
    );
    sim.control("clock", json!({"advance_seconds": 180})).await;
    sim.control("hard-delete", json!({"object": "Lead", "ids": [gone]}))
        .await;
    let (_, still) = sim.json(&format!("/sobjects/Lead/deleted/?{window}")).await;
    assert_eq!(
        still["deletedRecords"].as_array().unwrap().len(),
        0,
        "it went for good later"
    );

    let (status, answer) = sim
        .json("/sobjects/Lead/deleted/?start=2020-01-01T00:00:00Z&end=2020-02-01T00:00:00Z")
        .await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (400, Some("INVALID_REPLICATION_DATE"))
    );
}
