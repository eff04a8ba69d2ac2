use serde_json::{Value, json};

use crate::sim::{Sim, answer};

#[tokio::test]
async fn thousands_of_records_can_change_within_one_stamp() {
    let sim = Sim::start().await;
    let stamp = "2026-11-01T12:00:00.000Z";
    let changed = sim
        .control(
            "update",
            json!({"object": "Contact", "pick": 200, "seed": 3, "set": {"Title": "new"}, "system_modstamp": stamp}),
        )
        .await;
    assert_eq!(changed["ids"].as_array().unwrap().len(), 200);
    let found = sim
        .count(&format!(
            "SELECT COUNT() FROM Contact WHERE SystemModstamp = {stamp} AND Title = 'new'"
        ))
        .await;
    assert_eq!(found, 200);
    let again = sim
        .control(
            "update",
            json!({"object": "Contact", "pick": 200, "seed": 3, "set": {"Title": "new"}}),
        )
        .await;
    assert_eq!(
        again["ids"], changed["ids"],
        "the same seed picks the same records"
    );
}

#[tokio::test]
async fn a_late_commit_shows_an_old_stamp() {
    let sim = Sim::start().await;
    let made = sim
        .control(
            "create",
            json!({"object": "Case", "records": [{"Subject": "late"}], "visible_after": 600}),
        )
        .await;
    let stamp = made["system_modstamp"].as_str().unwrap();
    let soql =
        format!("SELECT COUNT() FROM Case WHERE Subject = 'late' AND SystemModstamp = {stamp}");
    assert_eq!(sim.count(&soql).await, 0);
    // The org's clock runs on while the test does, so the steps keep away from the moment.
    sim.control("clock", json!({"advance_seconds": 300})).await;
    assert_eq!(sim.count(&soql).await, 0);
    sim.control("clock", json!({"advance_seconds": 300})).await;
    assert_eq!(sim.count(&soql).await, 1);
}

#[tokio::test]
async fn a_held_change_waits_for_the_command() {
    let sim = Sim::start().await;
    let id = sim.records("SELECT Id FROM Case LIMIT 1").await[0]["Id"].clone();
    let update = json!({"object": "Case", "ids": [id], "set": {"Subject": "held"}, "held": true});
    assert_eq!(sim.control("update", update).await["pending"], 1);
    assert_eq!(
        sim.count("SELECT COUNT() FROM Case WHERE Subject = 'held'")
            .await,
        0
    );
    assert_eq!(sim.control("commit", json!({})).await["committed"], 1);
    assert_eq!(
        sim.count("SELECT COUNT() FROM Case WHERE Subject = 'held'")
            .await,
        1
    );
}

#[tokio::test]
async fn deleting_takes_the_children_and_undeleting_brings_them_back() {
    let sim = Sim::start().await;
    let parent = sim
        .records("SELECT Project__c FROM Milestone__c LIMIT 1")
        .await[0]["Project__c"]
        .clone();
    let parent = parent.as_str().unwrap();
    let children = format!("SELECT COUNT() FROM Milestone__c WHERE Project__c = '{parent}'");
    let before = sim.count(&children).await;
    assert!(before > 0);
    let deleted = sim
        .control("delete", json!({"object": "Project__c", "ids": [parent]}))
        .await;
    assert_eq!(deleted["affected"]["Milestone__c"], before);
    assert_eq!(sim.count(&children).await, 0);
    sim.control("undelete", json!({"object": "Project__c", "ids": [parent]}))
        .await;
    assert_eq!(sim.count(&children).await, before);
    sim.control(
        "hard-delete",
        json!({"object": "Project__c", "ids": [parent], "cascade": false}),
    )
    .await;
    assert_eq!(
        sim.count(&format!(
            "SELECT COUNT() FROM Project__c WHERE Id = '{parent}'"
        ))
        .await,
        0
    );
    assert_eq!(sim.count(&children).await, before);
}

#[tokio::test]
async fn values_are_stored_exactly_as_given() {
    let sim = Sim::start().await;
    let record = json!({"Serial__c": "123456789012345678.0", "Value__c": 5, "Valid__c": true, "Taken_At__c": "2026-02-03T04:05:06.789+01:00"});
    let made = sim
        .control(
            "create",
            json!({"object": "Measurement__c", "records": [record]}),
        )
        .await;
    let id = made["ids"][0].as_str().unwrap();
    let fields = "?fields=Serial__c,Value__c,Valid__c,Taken_At__c";
    let text = sim
        .get(&format!("/sobjects/Measurement__c/{id}{fields}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("\"Serial__c\":123456789012345678.0,\"Value__c\":5.0,\"Valid__c\":true"),
        "{text}"
    );
    assert!(
        text.contains("\"Taken_At__c\":\"2026-02-03T03:05:06.789+0000\""),
        "{text}"
    );
}

#[tokio::test]
async fn the_history_holds_every_version_and_the_dump_the_present() {
    let sim = Sim::start().await;
    let id = sim.records("SELECT Id FROM Lead LIMIT 1").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    for company in ["first", "second"] {
        sim.control(
            "update",
            json!({"object": "Lead", "ids": [id], "set": {"Company": company}}),
        )
        .await;
    }
    sim.control("hard-delete", json!({"object": "Lead", "ids": [id]}))
        .await;
    let (_, history) = sim.json(&format!("/__sim/history/Lead/{id}")).await;
    let companies: Vec<&Value> = history["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["values"]["Company"])
        .collect();
    assert_eq!(
        companies[1..],
        [&json!("first"), &json!("second"), &Value::Null]
    );
    let dump = sim
        .get("/__sim/dump/Lead?fields=Company")
        .await
        .text()
        .await
        .unwrap();
    let lines: Vec<Value> = dump
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (_, state) = sim.json("/__sim/state").await;
    assert_eq!(state["objects"]["Lead"]["all"], lines.len());
    assert!(lines.iter().all(|line| line["Id"] != id.as_str()));
    assert!(
        lines
            .iter()
            .all(|line| line["SystemModstamp"].is_string() && line["IsDeleted"].is_boolean())
    );
}

#[tokio::test]
async fn a_change_can_leave_no_trace_in_the_stamps() {
    let sim = Sim::start().await;
    let record = &sim
        .records("SELECT Id, SystemModstamp FROM Account LIMIT 1")
        .await[0];
    let change = json!({"object": "Account", "ids": [record["Id"]], "set": {"Site": "quiet"}, "keep_modstamp": true});
    sim.control("update", change).await;
    let after = sim
        .records("SELECT SystemModstamp FROM Account WHERE Site = 'quiet'")
        .await;
    assert_eq!(after[0]["SystemModstamp"], record["SystemModstamp"]);
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let sim = Sim::start().await;
    for (path, body, error) in [
        (
            "create",
            json!({"object": "Nope__c"}),
            "no such object: `Nope__c`",
        ),
        (
            "create",
            json!({"object": "Case", "records": [{"Nope": 1}]}),
            "no such field: `Case.Nope`",
        ),
        (
            "update",
            json!({"object": "Case", "set": {}}),
            "give exactly one of `ids`, `pick` and `where`",
        ),
        (
            "update",
            json!({"object": "Case", "pick": 99_999, "set": {}}),
            "records to pick from",
        ),
        (
            "delete",
            json!({"object": "User", "pick": 1}),
            "object has no Recycle Bin: `User`",
        ),
        (
            "delete",
            json!({"object": "Case", "ids": ["500Hf0000zzzzzz"]}),
            "no such record: `500Hf0000zzzzzz`",
        ),
        ("faults", json!({"action": "explode"}), "not a fault rule"),
    ] {
        let request = sim
            .http
            .post(sim.url(&format!("/__sim/{path}")))
            .json(&body);
        let (status, answer) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 400, "{path} {body}");
        assert!(
            answer["error"].as_str().unwrap().contains(error),
            "{answer}"
        );
    }
}
