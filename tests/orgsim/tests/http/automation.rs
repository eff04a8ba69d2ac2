//! Triggers, flows and workflow rules over HTTP: their order, what they do, and how they fail.

use serde_json::{Value, json};

use crate::{rules::validation, sim::Sim};

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
                    "actions": [{"email": "Welcome"},
                                {"create": {"object": "Contact", "values": {"LastName": "Name", "AccountId": "Id"}}}]}))
    .await;
    let id = sim.made("Account", json!({"Name": "Acme"})).await;
    let children = format!("SELECT LastName FROM Contact WHERE AccountId = '{id}'");
    assert_eq!(sim.records(&children).await[0]["LastName"], "Acme");
    let fired = sim.fired().await;
    assert_eq!(
        fired.first(),
        Some(&("email Account.Welcome sent".to_owned(), 1))
    );

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
    // No e-mail goes out for what did not happen, not even with the next save that succeeds.
    sim.made("Lead", json!({"LastName": "Ng", "Company": "Acme"}))
        .await;
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
