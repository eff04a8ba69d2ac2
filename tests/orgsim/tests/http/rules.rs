//! What a customer's own rules do to a save, and what the org says ran.

use reqwest::Method;
use serde_json::{Value, json};

use crate::sim::{Answer, Sim, answer};

impl Sim {
    /// A call with one more header.
    async fn call_with(&self, header: (&str, &str), path: &str, body: &Value) -> Answer {
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

    async fn rule(&self, rule: Value) {
        self.control("rules", rule).await;
    }

    /// What fired since the last look, as `kind object.name event`, with how often.
    async fn fired(&self) -> Vec<(String, u64)> {
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

    async fn value(&self, object: &str, id: &str, field: &str) -> Value {
        let soql = format!("SELECT {field} FROM {object} WHERE Id = '{id}'");
        self.records(&soql).await[0][field].clone()
    }

    async fn made(&self, object: &str, body: Value) -> String {
        let (status, answer) = self
            .call("POST", &format!("/sobjects/{object}"), body)
            .await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }
}

fn validation(name: &str, condition: &str, message: &str, field: Option<&str>) -> Value {
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
async fn flows_triggers_and_workflow_rules_run_in_the_platforms_order() {
    let sim = Sim::start().await;
    let step = |kind: &str, name: &str, event: &str, mark: &str| {
        json!({"kind": kind, "object": "Project__c", "name": name, "active": true, "events": [event],
               "condition": format!("NOT(CONTAINS(Summary__c, \"{mark}\"))"),
               "actions": [{"set": {"Summary__c": format!("Summary__c & \"{mark}\"")}}]})
    };
    sim.rule(step("trigger", "T1", "before_insert", "b")).await;
    sim.rule(step("flow", "F1", "before_insert", "a")).await;
    sim.rule(step("trigger", "T2", "after_insert", "c")).await;
    sim.rule(step("flow", "F2", "after_insert", "e")).await;
    sim.rule(
        json!({"kind": "workflow", "object": "Project__c", "name": "W", "active": true,
                    "trigger_type": "onCreateOnly", "condition": "TRUE",
                    "actions": [{"set": {"Summary__c": "Summary__c & \"d\""}}, {"email": "Made"}]}),
    )
    .await;
    let id = sim
        .made("Project__c", json!({"Name": "p", "Summary__c": "-"}))
        .await;
    assert_eq!(sim.value("Project__c", &id, "Summary__c").await, "-abcde");
    let fired = sim.fired().await;
    assert_eq!(
        fired
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect::<Vec<_>>(),
        [
            "email Project__c.Made sent 1",
            "flow Project__c.F1 BeforeInsert 1",
            "flow Project__c.F2 AfterInsert 1",
            "trigger Project__c.T1 BeforeInsert 1",
            "trigger Project__c.T2 AfterInsert 1",
            "workflow Project__c.W AfterInsert 1",
        ]
    );
    // All of it is one save.
    let record = &sim
        .records(&format!(
            "SELECT CreatedDate, SystemModstamp FROM Project__c WHERE Id = '{id}'"
        ))
        .await[0];
    assert_eq!(record["CreatedDate"], record["SystemModstamp"]);
}

#[tokio::test]
async fn a_workflow_update_runs_the_update_triggers_once_and_no_validation() {
    let sim = Sim::start().await;
    sim.rule(
        json!({"kind": "workflow", "object": "Account", "name": "W", "active": true,
                    "condition": "Name = \"w\"", "actions": [{"set": {"Phone": "\"bad\""}}]}),
    )
    .await;
    sim.rule(
        json!({"kind": "trigger", "object": "Account", "name": "T", "active": true,
                    "events": ["before_update", "after_update"], "actions": []}),
    )
    .await;
    sim.rule(validation("V", "Phone = \"bad\"", "No", None))
        .await;
    let id = sim.made("Account", json!({"Name": "w"})).await;
    assert_eq!(sim.value("Account", &id, "Phone").await, "bad");
    let fired = sim.fired().await;
    assert_eq!(
        fired,
        [
            ("trigger Account.T AfterUpdate".to_owned(), 1),
            ("trigger Account.T BeforeUpdate".to_owned(), 1),
            ("workflow Account.W AfterInsert".to_owned(), 1),
        ]
    );
}

#[tokio::test]
async fn what_a_trigger_does_is_undone_with_the_record_it_was_done_for() {
    let sim = Sim::start().await;
    sim.rule(json!({"kind": "trigger", "object": "Account", "name": "AccountTrigger", "active": true,
                    "events": ["after_insert"],
                    "actions": [{"create": {"object": "Contact", "values": {"LastName": "Name", "AccountId": "Id"}}},
                                {"email": "Welcome"}]}))
    .await;
    let id = sim.made("Account", json!({"Name": "Acme"})).await;
    let children = format!("SELECT LastName FROM Contact WHERE AccountId = '{id}'");
    assert_eq!(sim.records(&children).await[0]["LastName"], "Acme");
    sim.fired().await;

    sim.rule(json!({"kind": "trigger", "object": "Contact", "name": "ContactTrigger", "active": true,
                    "events": ["before_insert"], "actions": [{"add_error": {"message": "Not him", "field": "LastName"}}]}))
    .await;
    let before = sim.count("SELECT COUNT() FROM Account").await;
    let (status, body) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "Acme"}))
        .await;
    assert_eq!(status, 400);
    assert_eq!(body[0]["errorCode"], "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
    assert_eq!(
        body[0]["message"],
        "AccountTrigger: execution of AfterInsert\n\ncaused by: System.DmlException: Insert failed. First exception on row 0; first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, Not him: [LastName]\n\nTrigger.AccountTrigger: line 1, column 1"
    );
    assert_eq!(sim.count("SELECT COUNT() FROM Account").await, before);
    // No e-mail goes out for what did not happen.
    let fired = sim.fired().await;
    assert!(
        fired.iter().all(|(name, _)| !name.starts_with("email")),
        "{fired:?}"
    );

    let failing = json!({"kind": "trigger", "object": "Contact", "name": "ContactTrigger", "active": true,
                         "events": ["before_insert"],
                         "actions": [{"throw": "System.NullPointerException: Attempt to de-reference a null object"}]});
    sim.rule(failing).await;
    let (_, body) = sim
        .call("POST", "/sobjects/Contact", json!({"LastName": "a"}))
        .await;
    assert_eq!(
        body[0]["message"],
        "ContactTrigger: execution of BeforeInsert\n\ncaused by: System.NullPointerException: Attempt to de-reference a null object\n\nTrigger.ContactTrigger: line 1, column 1"
    );
}

#[tokio::test]
async fn a_trigger_that_starts_itself_ends_at_the_depth_limit() {
    let sim = Sim::start().await;
    sim.rule(json!({"kind": "trigger", "object": "Account", "name": "T", "active": true, "events": ["after_insert"],
                    "actions": [{"create": {"object": "Account", "values": {"Name": "Name"}}}]}))
    .await;
    let before = sim.count("SELECT COUNT() FROM Account").await;
    let (status, body) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "a"}))
        .await;
    assert_eq!(status, 400);
    let message = body[0]["message"].as_str().unwrap();
    assert!(
        message.contains("maximum trigger depth exceeded"),
        "{message}"
    );
    assert_eq!(sim.count("SELECT COUNT() FROM Account").await, before);
}

#[tokio::test]
async fn deleting_and_undeleting_fire_the_triggers_of_the_record_that_was_named() {
    let sim = Sim::start().await;
    for object in ["Account", "Contact"] {
        sim.rule(json!({"kind": "trigger", "object": object, "name": "T", "active": true,
                        "events": ["before_delete", "after_delete", "after_undelete"], "actions": []}))
        .await;
    }
    let id = sim.made("Account", json!({"Name": "a"})).await;
    sim.made("Contact", json!({"LastName": "a", "AccountId": id}))
        .await;
    assert_eq!(
        sim.call("DELETE", &format!("/sobjects/Account/{id}"), Value::Null)
            .await
            .0,
        204
    );
    assert_eq!(
        sim.fired().await,
        [
            ("trigger Account.T AfterDelete".to_owned(), 1),
            ("trigger Account.T BeforeDelete".to_owned(), 1)
        ]
    );
    let guard = json!({"kind": "trigger", "object": "Account", "name": "T", "active": true, "events": ["before_delete"],
                       "actions": [{"add_error": {"message": "Keep it"}}]});
    sim.rule(guard).await;
    let id = sim.made("Account", json!({"Name": "b"})).await;
    let (status, body) = sim
        .call("DELETE", &format!("/sobjects/Account/{id}"), Value::Null)
        .await;
    assert_eq!(
        (status, body[0]["message"].as_str()),
        (400, Some("Keep it"))
    );
    assert_eq!(sim.value("Account", &id, "Name").await, "b");
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

#[tokio::test]
async fn setup_objects_and_data_do_not_share_a_transaction() {
    let sim = Sim::start().await;
    let group = sim
        .records("SELECT Id FROM Group WHERE Type = 'Queue' LIMIT 1")
        .await[0]["Id"]
        .clone();
    let user = sim.json("/services/oauth2/userinfo").await.1["user_id"].clone();
    let records = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Account"}, "Name": "a"},
        {"attributes": {"type": "GroupMember"}, "GroupId": group, "UserOrGroupId": user},
    ]});
    let (_, results) = sim.call("POST", "/composite/sobjects", records).await;
    assert_eq!(results[1]["errors"][0]["statusCode"], "MIXED_DML_OPERATION");
    assert_eq!(
        results[1]["errors"][0]["message"],
        "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): GroupMember, original object: Account"
    );
    assert_eq!(
        results[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    let member = json!({"GroupId": group, "UserOrGroupId": user});
    assert_eq!(
        sim.call("POST", "/sobjects/GroupMember", member).await.0,
        201
    );
    // A name is not among what decides a user's access.
    let records = json!({"records": [
        {"attributes": {"type": "Account"}, "Name": "a"},
    ]});
    assert_eq!(
        sim.call("POST", "/composite/sobjects", records).await.1[0]["success"],
        true
    );
    for (change, allowed) in [
        (json!({"Title": "Boss"}), true),
        (json!({"IsActive": false}), false),
    ] {
        let other = sim
            .records("SELECT Id FROM User WHERE IsActive = true")
            .await;
        let mut update = change.clone();
        update["attributes"] = json!({"type": "User"});
        update["id"] = other.last().unwrap()["Id"].clone();
        let account = sim.made("Account", json!({"Name": "b"})).await;
        let records = json!({"records": [
            {"attributes": {"type": "Account"}, "id": account, "Phone": "1"}, update,
        ]});
        let (_, results) = sim.call("PATCH", "/composite/sobjects", records).await;
        assert_eq!(results[1]["success"], allowed, "{change}: {results}");
    }
}

#[tokio::test]
async fn who_and_when_can_be_set_on_insert_with_the_permission_and_never_later() {
    let sim = Sim::start().await;
    let other = sim
        .records("SELECT Id FROM User WHERE Name != null ORDER BY Id DESC LIMIT 1")
        .await[0]["Id"]
        .clone();
    let body = json!({"Name": "old", "CreatedById": other, "CreatedDate": "2020-02-03T04:05:06.000Z",
                      "LastModifiedDate": "2021-02-03T04:05:06.000+0000", "LastModifiedById": other});
    let (status, refusal) = sim.call("POST", "/sobjects/Account", body.clone()).await;
    assert_eq!(status, 400);
    assert_eq!(refusal[0]["errorCode"], "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(
        refusal[0]["fields"],
        json!([
            "CreatedById",
            "CreatedDate",
            "LastModifiedById",
            "LastModifiedDate"
        ])
    );
    sim.control(
        "permissions",
        json!({"permission": "CreateAuditFields", "granted": true}),
    )
    .await;
    let id = sim.made("Account", body).await;
    let record = &sim.records(&format!("SELECT CreatedById, CreatedDate, LastModifiedById, LastModifiedDate, SystemModstamp FROM Account WHERE Id = '{id}'")).await[0];
    assert_eq!(record["CreatedDate"], "2020-02-03T04:05:06.000+0000");
    assert_eq!(record["LastModifiedDate"], "2021-02-03T04:05:06.000+0000");
    assert_eq!(record["CreatedById"], other);
    assert_eq!(record["LastModifiedById"], other);
    assert!(record["SystemModstamp"].as_str() > record["LastModifiedDate"].as_str());

    let path = format!("/sobjects/Account/{id}");
    let late = json!({"CreatedDate": "2019-02-03T04:05:06Z"});
    assert_eq!(
        sim.call("PATCH", &path, late).await.1[0]["errorCode"],
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
    for (object, body, code) in [
        (
            "Account",
            json!({"Name": "a", "SystemModstamp": "2020-02-03T04:05:06Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (
            "Product2",
            json!({"Name": "a", "CreatedDate": "2020-02-03T04:05:06Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (
            "Account",
            json!({"Name": "a", "CreatedDate": "2099-02-03T04:05:06Z"}),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            "Account",
            json!({"Name": "a", "CreatedDate": "2020-02-03T04:05:06Z", "LastModifiedDate": "2019-02-03T04:05:06Z"}),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
    ] {
        let (status, answer) = sim
            .call("POST", &format!("/sobjects/{object}"), body.clone())
            .await;
        assert_eq!(
            (status, answer[0]["errorCode"].as_str()),
            (400, Some(code)),
            "{body}: {answer}"
        );
    }
}

#[tokio::test]
async fn an_inactive_user_owns_new_records_only_with_the_permission() {
    let sim = Sim::start().await;
    let user = sim
        .records("SELECT Id FROM User WHERE IsActive = true ORDER BY Id DESC LIMIT 1")
        .await[0]["Id"]
        .clone();
    let id = user.as_str().unwrap();
    sim.control(
        "update",
        json!({"object": "User", "ids": [id], "set": {"IsActive": false}}),
    )
    .await;
    let body = json!({"Name": "a", "OwnerId": user});
    let (status, answer) = sim.call("POST", "/sobjects/Account", body.clone()).await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (400, Some("INACTIVE_OWNER_OR_USER"))
    );
    assert_eq!(
        answer[0]["message"],
        format!(
            "operation performed with inactive user [{}] as owner of account",
            &id[..15]
        )
    );
    sim.control(
        "permissions",
        json!({"permission": "EditInactiveOwnerRecords", "granted": true}),
    )
    .await;
    assert_eq!(sim.call("POST", "/sobjects/Account", body).await.0, 201);
}
