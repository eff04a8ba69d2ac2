//! Formula fields and roll-up summaries.

use serde_json::{Value, json};

use crate::sim::Sim;

#[tokio::test]
async fn formulas_follow_what_they_read_and_move_no_stamp() {
    let sim = Sim::start().await;
    let account = sim.made("Account", json!({"Name": "Acme"})).await;
    let id = sim
        .made(
            "Invoice__c",
            json!({"Name": "i", "Account__c": account, "Discount__c": 10}),
        )
        .await;
    let fields = "Customer__c, Net__c, Size__c, SystemModstamp, LastModifiedDate";
    let soql = format!("SELECT {fields} FROM Invoice__c WHERE Id = '{id}'");
    let before = sim.records(&soql).await.remove(0);
    assert_eq!(before["Customer__c"], "Acme");
    assert_eq!(before["Net__c"], 0.0);
    assert_eq!(before["Size__c"], "small");
    sim.control("clock", json!({"advance_seconds": 60})).await;
    let path = format!("/sobjects/Account/{account}");
    assert_eq!(
        sim.call("PATCH", &path, json!({"Name": "Acme Ltd"}))
            .await
            .0,
        204
    );
    let after = sim.records(&soql).await.remove(0);
    assert_eq!(after["Customer__c"], "Acme Ltd");
    assert_eq!(after["SystemModstamp"], before["SystemModstamp"]);
    // An account that is gone takes its name along.
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(sim.records(&soql).await[0]["Customer__c"], Value::Null);
    let (_, answer) = sim
        .call(
            "POST",
            "/sobjects/Invoice__c",
            json!({"Name": "i", "Net__c": 5}),
        )
        .await;
    assert_eq!(answer[0]["errorCode"], "INVALID_FIELD_FOR_INSERT_UPDATE");
    let project = sim
        .made(
            "Project__c",
            json!({"Name": "p", "Budget__c": "12.50", "Spent__c": 2.25}),
        )
        .await;
    assert_eq!(
        sim.value("Project__c", &project, "Remaining__c").await,
        10.25
    );
}

#[tokio::test]
async fn roll_ups_follow_their_details_through_every_kind_of_change() {
    let sim = Sim::start().await;
    let first = sim
        .made("Invoice__c", json!({"Name": "a", "Discount__c": 50}))
        .await;
    let second = sim.made("Invoice__c", json!({"Name": "b"})).await;
    let line = |invoice: &str, quantity: &str, price: f64, due: &str, delivered: bool| json!({"Invoice__c": invoice, "Quantity__c": quantity, "Price__c": price, "Due__c": due, "Delivered__c": delivered});
    let soql = format!(
        "SELECT Total__c, Lines__c, Open_Lines__c, Dearest__c, First_Due__c, Net__c, SystemModstamp, LastModifiedDate FROM Invoice__c WHERE Id = '{first}'"
    );
    let totals = |record: &Value| {
        [
            "Total__c",
            "Lines__c",
            "Open_Lines__c",
            "Dearest__c",
            "First_Due__c",
            "Net__c",
        ]
        .map(|name| record[name].clone())
    };
    let empty = [
        json!(0.0),
        json!(0.0),
        json!(0.0),
        Value::Null,
        Value::Null,
        json!(0.0),
    ];
    assert_eq!(totals(&sim.records(&soql).await[0]), empty);
    sim.control("clock", json!({"advance_seconds": 60})).await;
    let one = sim
        .made(
            "Invoice_Line__c",
            line(&first, "3", 0.1, "2026-05-01", false),
        )
        .await;
    let two = sim
        .made(
            "Invoice_Line__c",
            line(&first, "2.5", 10.0, "2026-04-01", true),
        )
        .await;
    sim.made(
        "Invoice_Line__c",
        line(&second, "1", 99.0, "2020-01-01", false),
    )
    .await;
    let record = sim.records(&soql).await.remove(0);
    let both = [
        json!(25.3),
        json!(2.0),
        json!(1.0),
        json!(10.0),
        json!("2026-04-01"),
        json!(12.65),
    ];
    assert_eq!(totals(&record), both);
    // The summary moves the record's stamp, and not who changed it last and when.
    assert!(record["SystemModstamp"].as_str() > record["LastModifiedDate"].as_str());

    let path = format!("/sobjects/Invoice_Line__c/{two}");
    assert_eq!(
        sim.call("PATCH", &path, json!({"Quantity__c": 1})).await.0,
        204
    );
    assert_eq!(sim.records(&soql).await[0]["Total__c"], 10.3);
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    let left = [
        json!(0.3),
        json!(1.0),
        json!(1.0),
        json!(0.1),
        json!("2026-05-01"),
        json!(0.15),
    ];
    assert_eq!(totals(&sim.records(&soql).await[0]), left);

    sim.control(
        "undelete",
        json!({"object": "Invoice_Line__c", "ids": [two]}),
    )
    .await;
    assert_eq!(sim.records(&soql).await[0]["Total__c"], 10.3);
    sim.control(
        "hard-delete",
        json!({"object": "Invoice_Line__c", "ids": [one]}),
    )
    .await;
    assert_eq!(sim.records(&soql).await[0]["Total__c"], 10.0);
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    let none = [
        json!(0.0),
        json!(0.0),
        json!(0.0),
        Value::Null,
        Value::Null,
        json!(0.0),
    ];
    assert_eq!(totals(&sim.records(&soql).await[0]), none);
    let invoice = format!("/sobjects/Invoice__c/{first}");
    assert_eq!(sim.call("DELETE", &invoice, Value::Null).await.0, 204);
}

#[tokio::test]
async fn a_rule_of_the_master_can_refuse_what_its_details_come_to() {
    let sim = Sim::start().await;
    let invoice = sim.made("Invoice__c", json!({"Name": "a"})).await;
    sim.rule(
        json!({"kind": "validation", "object": "Invoice__c", "name": "V", "active": true,
                    "condition": "Lines__c > 1", "message": "Too many"}),
    )
    .await;
    let line = json!({"Invoice__c": invoice, "Quantity__c": 1, "Price__c": 1});
    sim.made("Invoice_Line__c", line.clone()).await;
    let (status, answer) = sim.call("POST", "/sobjects/Invoice_Line__c", line).await;
    assert_eq!(
        (status, answer[0]["message"].as_str()),
        (400, Some("Too many"))
    );
    assert_eq!(sim.value("Invoice__c", &invoice, "Lines__c").await, 1.0);
    let lines = format!("SELECT COUNT() FROM Invoice_Line__c WHERE Invoice__c = '{invoice}'");
    assert_eq!(sim.count(&lines).await, 1);
}
