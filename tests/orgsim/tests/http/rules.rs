//! What a customer's own rules do to a save, and what the org says ran.

use reqwest::Method;
use serde_json::{Value, json};

use crate::sim::{Answer, Sim, answer};

impl Sim {
    /// A call with one more header.
    pub(crate) async fn call_with(&self, header: (&str, &str), path: &str, body: &Value) -> Answer {
        let request = self.http.post(self.url(path)).bearer_auth(&self.token);
        answer(
            request
                .header(header.0, header.1)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn rule(&self, rule: Value) {
        self.control("rules", rule).await;
    }

    /// What fired since the last look, as `kind object.name event`, with how often.
    pub(crate) async fn fired(&self) -> Vec<(String, u64)> {
        let url = self.url("/__sim/automation");
        let (_, report) = answer(self.http.get(&url).send().await.unwrap()).await;
        self.http
            .request(Method::DELETE, &url)
            .send()
            .await
            .unwrap();
        let fired = report["fired"].as_array().unwrap().iter();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        fired
            .map(|one| {
                let name = format!(
                    "{} {}.{} {}",
                    text(one, "kind"),
                    text(one, "object"),
                    text(one, "name"),
                    text(one, "event")
                );
                (name, one["count"].as_u64().unwrap())
            })
            .collect()
    }

    pub(crate) async fn value(&self, object: &str, id: &str, field: &str) -> Value {
        let soql = format!("SELECT {field} FROM {object} WHERE Id = '{id}'");
        self.records(&soql).await[0][field].clone()
    }

    pub(crate) async fn made(&self, object: &str, body: Value) -> String {
        let (status, answer) = self
            .call("POST", &format!("/sobjects/{object}"), body)
            .await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn validation(name: &str, condition: &str, message: &str, field: Option<&str>) -> Value {
    let mut rule = json!({
        "kind": "validation", "object": "Account", "name": name, "active": true,
        "condition": condition, "message": message,
    });
    if let Some(field) = field {
        rule["field"] = json!(field);
    }
    rule
}

#[tokio::test]
async fn every_validation_rule_that_refuses_a_record_says_so() {
    let sim = Sim::start().await;
    sim.rule(validation(
        "A",
        "ISBLANK(Phone)",
        "No \"phone\"",
        Some("Phone"),
    ))
    .await;
    sim.rule(validation("B", "Name = \"x\"", "Not x", None))
        .await;
    let (status, body) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "x"}))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!([
            {"message": "No &quot;phone&quot;", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Phone"]},
            {"message": "Not x", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []},
        ])
    );
    let records = json!({"records": [
        {"attributes": {"type": "Account"}, "Name": "x"},
        {"attributes": {"type": "Account"}, "Name": "y", "Phone": "1"},
    ]});
    let (_, results) = sim.call("POST", "/composite/sobjects", records).await;
    assert_eq!(
        results[0]["errors"][1]["statusCode"],
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    );
    assert_eq!(results[0]["errors"][1]["message"], "Not x");
    assert_eq!(results[1]["success"], true);

    // A change is judged by what the record will be.
    let id = results[1]["id"].as_str().unwrap();
    let path = format!("/sobjects/Account/{id}");
    assert_eq!(sim.call("PATCH", &path, json!({"Name": "z"})).await.0, 204);
    assert_eq!(
        sim.call("PATCH", &path, json!({"Phone": null})).await.0,
        400
    );
    assert_eq!(sim.value("Account", id, "Phone").await, "1");

    sim.rule(json!({"kind": "validation", "object": "Account", "name": "A", "active": false}))
        .await;
    assert_eq!(
        sim.call("PATCH", &path, json!({"Phone": null})).await.0,
        204
    );
    let fired = sim.fired().await;
    assert_eq!(
        fired,
        [
            ("validation Account.A refused".to_owned(), 3),
            ("validation Account.B refused".to_owned(), 2)
        ]
    );
}

#[tokio::test]
async fn a_custom_permission_or_a_custom_setting_lets_a_caller_pass() {
    let sim = Sim::start().await;
    let condition =
        "AND(Name = \"x\", NOT($Permission.Bypass), NOT($Setup.Sync_Setting__c.Enabled__c))";
    sim.rule(validation("A", condition, "No", None)).await;
    let body = json!({"Name": "x"});
    for setting in sim.records("SELECT Id FROM Sync_Setting__c").await {
        let path = format!(
            "/sobjects/Sync_Setting__c/{}",
            setting["Id"].as_str().unwrap()
        );
        assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    }
    assert_eq!(
        sim.call("POST", "/sobjects/Account", body.clone()).await.0,
        400
    );
    sim.control(
        "permissions",
        json!({"permission": "bypass", "granted": true}),
    )
    .await;
    assert_eq!(
        sim.call("POST", "/sobjects/Account", body.clone()).await.0,
        201
    );
    sim.control(
        "permissions",
        json!({"permission": "bypass", "granted": false}),
    )
    .await;
    assert_eq!(
        sim.call("POST", "/sobjects/Account", body.clone()).await.0,
        400
    );

    let organization = sim.records("SELECT Id FROM Organization").await[0]["Id"].clone();
    let user = sim.json("/services/oauth2/userinfo").await.1["user_id"].clone();
    let org_wide = json!({"SetupOwnerId": organization, "Enabled__c": true});
    sim.made("Sync_Setting__c", org_wide).await;
    assert_eq!(
        sim.call("POST", "/sobjects/Account", body.clone()).await.0,
        201
    );
    // The user's own setting goes before the org's.
    let own = json!({"SetupOwnerId": user, "Enabled__c": false});
    sim.made("Sync_Setting__c", own).await;
    assert_eq!(sim.call("POST", "/sobjects/Account", body).await.0, 400);
}

#[tokio::test]
async fn a_duplicate_is_refused_unless_the_caller_insists_and_may() {
    let sim = Sim::start().await;
    let rule = |on_insert: &str| {
        json!({"kind": "duplicate", "object": "Lead", "name": "Standard_Lead_Duplicate_Rule", "active": true,
               "fields": ["Email", "LastName"], "matching_rule": "Standard_Lead_Match_Rule_v1_0",
               "on_insert": on_insert, "on_update": "allow"})
    };
    sim.rule(rule("alert")).await;
    let lead = json!({"LastName": "Ng", "Company": "Acme", "Email": "ng@acme.example"});
    let id = sim.made("Lead", lead.clone()).await;
    let (status, body) = sim.call("POST", "/sobjects/Lead", lead.clone()).await;
    assert_eq!(status, 400);
    assert_eq!(body[0]["errorCode"], "DUPLICATES_DETECTED");
    assert_eq!(body[0]["message"], "Use one of these records?");
    assert_eq!(body[0].get("fields"), None);
    let found = &body[0]["duplicateResut"];
    assert_eq!(found["allowSave"], true);
    assert_eq!(found["duplicateRule"], "Standard_Lead_Duplicate_Rule");
    assert_eq!(
        found["matchResults"][0]["matchRecords"][0]["record"]["Id"],
        json!(id)
    );
    assert_eq!(found["matchResults"][0]["size"], 1);

    let insist = ("Sforce-Duplicate-Rule-Header", "allowSave=true");
    assert_eq!(sim.call_with(insist, "/sobjects/Lead", &lead).await.0, 201);
    sim.rule(rule("block")).await;
    let (status, body) = sim.call_with(insist, "/sobjects/Lead", &lead).await;
    assert_eq!(status, 400);
    assert_eq!(body[0]["duplicateResut"]["allowSave"], false);
    assert_eq!(body[0]["duplicateResut"]["matchResults"][0]["size"], 2);
    let other = json!({"LastName": "Ng", "Company": "Acme", "Email": "other@acme.example"});
    assert_eq!(sim.call("POST", "/sobjects/Lead", other).await.0, 201);
}

#[tokio::test]
async fn an_assignment_rule_gives_a_case_to_its_queue_unless_the_caller_does_not_want_it() {
    let sim = Sim::start().await;
    let queue = sim
        .records("SELECT Id FROM Group WHERE Type = 'Queue' LIMIT 1")
        .await[0]["Id"]
        .clone();
    sim.rule(json!({"kind": "assignment", "object": "Case", "name": "Standard", "active": true, "entries": [
        {"condition": "ISPICKVAL(Priority, \"High\")", "owner": queue, "email": "Assigned"},
    ]}))
    .await;
    let case = json!({"Subject": "a", "Priority": "High"});
    let id = sim.made("Case", case.clone()).await;
    assert_eq!(sim.value("Case", &id, "OwnerId").await, queue);
    assert_eq!(
        sim.fired().await,
        [
            ("assignment Case.Standard assigned".to_owned(), 1),
            ("email Case.Assigned sent".to_owned(), 1)
        ]
    );
    let (status, body) = sim
        .call_with(("Sforce-Auto-Assign", "FALSE"), "/sobjects/Case", &case)
        .await;
    assert_eq!(status, 201);
    let own = sim
        .value("Case", body["id"].as_str().unwrap(), "OwnerId")
        .await;
    assert_ne!(own, queue);
    assert!(sim.fired().await.is_empty());
}
