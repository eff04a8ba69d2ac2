//! Automation is found, and switched off and on.

use holdfast_model::{Automation, AutomationKind, ErrorCode, SalesforceId, Switch};
use holdfast_salesforce::{Client, Deployment, Entities, Found};
use serde_json::{Value, json};

use crate::support::{Org, object, with_accounts};

/// Rules of the org by kind, as its declarations bring them; and one of another object.
const RULES: [(&str, &str, &str); 6] = [
    ("trigger", "Contact", "ContactTrigger"),
    ("trigger", "Case", "CaseTrigger"),
    ("flow", "Project__c", "Project_Done"),
    ("workflow", "Lead", "Lead_From_Web"),
    ("validation", "Project__c", "Spent_Within_Budget"),
    ("duplicate", "Contact", "Standard_Contact_Duplicate_Rule"),
];

async fn set_active(org: &Org) {
    for (kind, object, name) in RULES {
        let rule = json!({"kind": kind, "object": object, "name": name, "active": true});
        org.control("rules", rule).await;
    }
}

/// Contact, Lead and the custom `Project__c`.
async fn entities(client: &Client) -> Entities {
    let objects = ["Contact", "Lead", "Project__c"].map(object);
    client.entities(&objects).await.unwrap()
}

async fn found(client: &Client, entities: &Entities) -> Vec<Found> {
    let mut all = Vec::new();
    for kind in AutomationKind::ALL {
        all.extend(client.automation(kind, entities).await.unwrap());
    }
    all
}

fn on(found: &[Found]) -> Vec<Automation> {
    let on = found.iter().filter(|found| found.is_on);
    on.map(|found| found.automation.clone()).collect()
}

/// Waits until the deployment is over.
async fn deployed(client: &Client, id: &str) -> Deployment {
    loop {
        match client.deployment(id).await.unwrap() {
            Deployment::Running => tokio::task::yield_now().await,
            ended => return ended,
        }
    }
}

async fn switch(client: &Client, found: &[Found], switch: Switch) {
    let (triggers, others): (Vec<_>, Vec<_>) = found
        .iter()
        .cloned()
        .partition(|found| found.automation.kind == AutomationKind::Triggers);
    let id = client.deploy_triggers(&triggers, switch).await.unwrap();
    assert_eq!(deployed(client, &id).await, Deployment::Done);
    for other in &others {
        // Twice is as good as once.
        for _ in 0..2 {
            // The only one that a flow has here.
            client.switch(other, switch, Some(1)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn automation_of_some_objects_is_switched_off_and_on() {
    let org = Org::start(with_accounts(5)).await;
    org.control("settings", json!({"bulk_delay_ms": 0})).await;
    set_active(&org).await;
    let client = org.client().await;
    let entities = entities(&client).await;
    let before = found(&client, &entities).await;
    let active = on(&before);
    let named: Vec<_> = active.iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "trigger Contact.ContactTrigger",
            "flow Project__c.Project_Done",
            "workflow rule Lead.Lead_From_Web",
            "validation rule Project__c.Spent_Within_Budget",
            "duplicate rule Contact.Standard_Contact_Duplicate_Rule",
        ]
    );
    assert_eq!(active[1].version, Some(1));
    assert!(before.len() > active.len(), "others are off");
    assert!(before.iter().all(|found| !found.is_managed));

    let were_on: Vec<_> = before.into_iter().filter(|found| found.is_on).collect();
    switch(&client, &were_on, Switch::Off).await;
    let off = found(&client, &entities).await;
    assert_eq!(on(&off), []);
    let still = org.rules().await;
    let case = still.iter().find(|rule| rule["name"] == "CaseTrigger");
    assert_eq!(case.unwrap()["active"], true, "of another object");

    // Under the Ids that they have by now.
    let now_off = off.into_iter().filter(|found| {
        let mut active = active.iter();
        active.any(|on| on.is_same(&found.automation))
    });
    let now_off: Vec<_> = now_off.collect();
    switch(&client, &now_off, Switch::On).await;
    assert_eq!(on(&found(&client, &entities).await), active);
}

#[tokio::test(flavor = "multi_thread")]
async fn inactive_users_are_activated_and_deactivated_again() {
    let org = Org::start(with_accounts(5)).await;
    let user = json!({"username": "left@acme.example", "profile": "Leavers"});
    let user = org.control("users", user).await["user_id"].clone();
    let leaves = json!({"object": "User", "ids": [user], "set": {"IsActive": "false"}});
    org.control("update", leaves).await;
    let client = org.client().await;
    let id = SalesforceId::parse(user.as_str().unwrap().as_bytes()).unwrap();
    let entities = entities(&client).await.with_users([id].into());
    let look = async || {
        let found = client.automation(AutomationKind::InactiveOwners, &entities);
        let mut found = found.await.unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    };
    let found = look().await;
    assert!(found.is_on);
    assert_eq!(
        found.automation.to_string(),
        format!("deactivation of User.{id}")
    );
    client.switch(&found, Switch::Off, None).await.unwrap();
    assert!(!look().await.is_on);
    client.switch(&found, Switch::On, None).await.unwrap();
    assert!(look().await.is_on);

    let refusal = json!([{"success": false, "errors": [{"statusCode": "LICENSE_LIMIT_EXCEEDED", "message": "no", "fields": []}]}]);
    org.fault(json!({"match": {"method": "PATCH"}, "times": 1, "action": {"status": {"code": 200, "body": refusal}}}))
        .await;
    let refused = client.switch(&found, Switch::Off, None).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::AutomationStaysOn);
    assert!(
        refused.message.contains("LICENSE_LIMIT_EXCEEDED"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_change_setup_is_told_so() {
    let org = Org::start(with_accounts(5)).await;
    set_active(&org).await;
    let fault = json!([{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]);
    let rule = json!({"match": {"method": "PATCH"}, "times": 1, "action": {"status": {"code": 403, "body": fault}}});
    let client = org.client().await;
    let entities = entities(&client).await;
    let found = client.automation(AutomationKind::ValidationRules, &entities);
    let found = found.await.unwrap();
    org.fault(rule).await;
    let refused = client.switch(&found[0], Switch::Off, None).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::SalesforceDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_salesforce_does_not_know_is_no_trouble_that_passes() {
    let org = Org::start(with_accounts(5)).await;
    let client = org.client().await;
    let before = client.budget().used();
    let unknown = client.deployment("0Af000000000001AAA").await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::QueryRefused);
    assert_eq!(client.budget().used(), before + 1, "asked once");
}

impl Org {
    async fn rules(&self) -> Vec<Value> {
        let rule =
            json!({"kind": "trigger", "object": "Case", "name": "CaseTrigger", "active": true});
        let all = self.control("rules", rule).await;
        all["rules"].as_array().unwrap().clone()
    }
}
