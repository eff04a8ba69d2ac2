use serde_json::json;

use crate::sim::{Sim, answer, code};

async fn tooling(sim: &Sim, soql: &str) -> (u16, serde_json::Value) {
    let request = sim
        .http
        .get(sim.url("/tooling/query"))
        .query(&[("q", soql)]);
    answer(request.bearer_auth(&sim.token).send().await.unwrap()).await
}

#[tokio::test]
async fn definitions_say_what_describe_says() {
    let sim = Sim::start().await;
    let (status, page) = tooling(
        &sim,
        "SELECT QualifiedApiName, DataType, IsNillable FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Account'",
    )
    .await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["entityTypeName"], "FieldDefinition");
    assert_eq!(page["size"], page["totalSize"]);
    let (_, described) = sim.json("/sobjects/Account/describe").await;
    let mut told: Vec<&str> = page["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["QualifiedApiName"].as_str().unwrap())
        .collect();
    // Parts of an address are no fields of their own here, unlike in a describe.
    let mut known: Vec<&str> = described["fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|field| {
            field["compoundFieldName"].is_null() || field["compoundFieldName"] == "Name"
        })
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert!(known.contains(&"BillingAddress") && !told.contains(&"BillingCity"));
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
    let rows = sim
        .records("SELECT DurableId, QualifiedApiName, KeyPrefix FROM EntityDefinition WHERE QualifiedApiName IN ('Account', 'Project__c') ORDER BY QualifiedApiName")
        .await;
    assert_eq!(rows[0]["DurableId"], "Account");
    assert_eq!(rows[0]["KeyPrefix"], "001");
    let durable = rows[1]["DurableId"].as_str().unwrap();
    assert!(durable.starts_with("01I") && durable.len() == 15);
    let of_project =
        format!("SELECT COUNT() FROM FieldDefinition WHERE EntityDefinitionId = '{durable}'");
    assert!(sim.count(&of_project).await > 5);
    let owner = sim
        .records("SELECT Id, DurableId, DataType, IsIndexed FROM FieldDefinition WHERE EntityDefinitionId = 'Account' AND QualifiedApiName = 'OwnerId'")
        .await;
    assert_eq!(owner[0]["DurableId"], "Account.Owner");
    assert_eq!(owner[0]["IsIndexed"], true);
    assert_eq!(owner[0]["Id"], "000000000000000AAA");
    let url = owner[0]["attributes"]["url"].as_str().unwrap();
    assert!(
        url.ends_with("/sobjects/FieldDefinition/Account.Owner"),
        "{url}"
    );
    let refused = sim.query("SELECT Id FROM FieldDefinition").await;
    assert_eq!(code(&refused), (400, "MALFORMED_QUERY"));
    let many = sim
        .query("SELECT Id FROM FieldDefinition WHERE EntityDefinitionId IN ('Account')")
        .await;
    assert_eq!(many.0, 200);
}

#[tokio::test]
async fn a_user_asks_for_its_own_permissions() {
    let sim = Sim::start().await;
    let rows = sim
        .records(
            "SELECT PermissionsViewAllData, PermissionsCreateAuditFields FROM UserPermissionAccess",
        )
        .await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["PermissionsViewAllData"], json!(true));
    assert_eq!(
        rows[0]["PermissionsCreateAuditFields"],
        json!(false),
        "by a permission set only"
    );
}

#[tokio::test]
async fn a_validation_rule_is_seen_and_switched_and_a_trigger_only_seen() {
    let sim = Sim::start().await;
    sim.control(
        "rules",
        json!({"kind": "validation", "object": "Account", "name": "No_X", "active": true,
               "condition": "Name = 'X'", "message": "not X"}),
    )
    .await;
    let (_, page) = tooling(
        &sim,
        "SELECT Id, Active, ErrorMessage, EntityDefinition.QualifiedApiName FROM ValidationRule WHERE ValidationName = 'No_X'",
    )
    .await;
    let row = &page["records"][0];
    assert_eq!(row["Active"], json!(true), "{page}");
    assert_eq!(row["EntityDefinition"]["QualifiedApiName"], "Account");
    let path = format!(
        "/tooling/sobjects/ValidationRule/{}",
        row["Id"].as_str().unwrap()
    );
    let (_, record) = sim.json(&path).await;
    assert_eq!(record["FullName"], "Account.No_X");
    assert_eq!(record["Metadata"]["errorConditionFormula"], "Name = 'X'");
    let makes = async || {
        let request = sim
            .http
            .post(sim.url("/sobjects/Account"))
            .bearer_auth(&sim.token)
            .json(&json!({"Name": "X"}));
        answer(request.send().await.unwrap()).await
    };
    assert_eq!(
        code(&makes().await),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    );
    let off = sim
        .http
        .patch(sim.url(&path))
        .bearer_auth(&sim.token)
        .json(&json!({"FullName": "Account.No_X", "Metadata": {"active": false}}));
    let part = answer(off.send().await.unwrap()).await;
    assert_eq!(
        code(&part),
        (400, "REQUIRED_FIELD_MISSING"),
        "all of it is wanted"
    );
    let mut metadata = record["Metadata"].clone();
    metadata["active"] = json!(false);
    let off = sim
        .http
        .patch(sim.url(&path))
        .bearer_auth(&sim.token)
        .json(&json!({"FullName": "Account.No_X", "Metadata": metadata}));
    assert_eq!(off.send().await.unwrap().status(), 204);
    let (_, record) = sim.json(&path).await;
    assert_eq!(record["Active"], json!(false), "the Id stays");
    assert_eq!(makes().await.0, 201);
    sim.control(
        "rules",
        json!({"kind": "trigger", "object": "Account", "name": "Stamp", "active": true, "events": ["before_insert"]}),
    )
    .await;
    let (_, page) = tooling(
        &sim,
        "SELECT Id, Status, UsageBeforeInsert, TableEnumOrId FROM ApexTrigger WHERE Name = 'Stamp'",
    )
    .await;
    let row = &page["records"][0];
    assert_eq!(
        (row["Status"].as_str(), row["UsageBeforeInsert"].as_bool()),
        (Some("Active"), Some(true))
    );
    let path = format!(
        "/tooling/sobjects/ApexTrigger/{}",
        row["Id"].as_str().unwrap()
    );
    let off = sim
        .http
        .patch(sim.url(&path))
        .bearer_auth(&sim.token)
        .json(&json!({"Status": "Inactive"}));
    let refused = answer(off.send().await.unwrap()).await;
    assert_eq!(code(&refused), (400, "INSUFFICIENT_ACCESS_OR_READONLY"));
}

#[tokio::test]
async fn a_flow_is_switched_by_the_number_of_its_active_version() {
    let sim = Sim::start().await;
    sim.control(
        "rules",
        json!({"kind": "flow", "object": "Account", "name": "Greets", "active": true, "events": ["after_insert"]}),
    )
    .await;
    let soql = "SELECT Id, ActiveVersionId, LatestVersionId FROM FlowDefinition WHERE DeveloperName = 'Greets'";
    let (_, page) = tooling(&sim, soql).await;
    let row = &page["records"][0];
    assert_eq!(row["ActiveVersionId"], row["LatestVersionId"], "{page}");
    assert!(row["LatestVersionId"].as_str().unwrap().starts_with("301"));
    let path = format!(
        "/tooling/sobjects/FlowDefinition/{}",
        row["Id"].as_str().unwrap()
    );
    let set = async |number: u32| {
        let body = json!({"Metadata": {"activeVersionNumber": number}});
        let request = sim
            .http
            .patch(sim.url(&path))
            .bearer_auth(&sim.token)
            .json(&body);
        assert_eq!(request.send().await.unwrap().status(), 204);
        tooling(&sim, soql).await.1["records"][0]["ActiveVersionId"].clone()
    };
    assert!(set(0).await.is_null());
    let views = "SELECT IsActive, TriggerObjectOrEvent.QualifiedApiName FROM FlowDefinitionView WHERE ApiName = 'Greets'";
    let rows = sim.records(views).await;
    assert_eq!(rows[0]["IsActive"], json!(false));
    assert_eq!(
        rows[0]["TriggerObjectOrEvent"]["QualifiedApiName"],
        "Account"
    );
    assert!(set(1).await.is_string());
}

#[tokio::test]
async fn what_the_tooling_api_has_is_described() {
    let sim = Sim::start().await;
    let (_, global) = sim.json("/tooling/sobjects").await;
    let names: Vec<&str> = global["sobjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"ApexClass") && !names.contains(&"Account"),
        "{names:?}"
    );
    let (status, described) = sim.json("/tooling/sobjects/ValidationRule/describe").await;
    assert_eq!(status, 200);
    assert_eq!(described["keyPrefix"], "03d");
    assert_eq!(
        described["urls"]["sobject"]
            .as_str()
            .unwrap()
            .split("/v")
            .nth(1)
            .unwrap()
            .split_once('/')
            .unwrap()
            .1,
        "tooling/sobjects/ValidationRule"
    );
    assert_eq!(sim.json("/tooling/sobjects/Account/describe").await.0, 404);
    let gone = sim
        .json("/tooling/sobjects/ApexClass/01p000000000000AAA")
        .await;
    assert_eq!(code(&gone), (404, "NOT_FOUND"));
}
