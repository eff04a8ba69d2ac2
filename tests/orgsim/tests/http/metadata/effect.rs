//! What components do to the org besides being there.

use holdfast_orgsim::Config;
use serde_json::json;

use super::{call, create_shop, deploy, field, manifest, one, quick, retrieve, soap};
use crate::sim::{Sim, answer, code};

#[tokio::test]
async fn a_validation_rule_refuses_records_while_it_is_active() {
    let sim = quick().await;
    let rule = |active: bool| {
        format!(
            "<metadata xsi:type=\"ValidationRule\"><fullName>Lead.Phone_Needed</fullName><active>{active}</active>\
         <errorConditionFormula>ISBLANK(Phone)</errorConditionFormula><errorMessage>A lead needs a phone.</errorMessage></metadata>"
        )
    };
    let text = call(
        &sim,
        &format!("<createMetadata>{}</createMetadata>", rule(true)),
    )
    .await;
    assert_eq!(one(&text, "success"), "true", "{text}");
    let lead = json!({"LastName": "L", "Company": "C"});
    let post = || {
        sim.http
            .post(sim.url("/sobjects/Lead"))
            .bearer_auth(&sim.token)
            .json(&lead)
            .send()
    };
    let refused = answer(post().await.unwrap()).await;
    assert_eq!(code(&refused), (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"));
    assert_eq!(refused.1[0]["message"], "A lead needs a phone.");
    call(
        &sim,
        &format!("<updateMetadata>{}</updateMetadata>", rule(false)),
    )
    .await;
    assert_eq!(post().await.unwrap().status(), 201);
    let (_, files) = retrieve(
        &sim,
        "<types><members>Lead.Phone_Needed</members><name>ValidationRule</name></types>",
    )
    .await;
    let object = &files["objects/Lead.object"];
    assert!(
        object.contains("<active>false</active>") && !object.contains("<fields>"),
        "{object}"
    );
    let wrong = rule(true).replace("ISBLANK(Phone)", "ISBLANK(Nope__c)");
    let text = call(&sim, &format!("<updateMetadata>{wrong}</updateMetadata>")).await;
    assert_eq!(one(&text, "statusCode"), "FIELD_INTEGRITY_EXCEPTION");
}

#[tokio::test]
async fn a_permission_set_is_rows_that_can_be_queried() {
    let sim = quick().await;
    let set = "<metadata xsi:type=\"PermissionSet\"><fullName>Restorer</fullName><label>Restores</label>\
        <fieldPermissions><editable>true</editable><field>Lead.Phone</field><readable>true</readable></fieldPermissions>\
        <objectPermissions><allowCreate>true</allowCreate><allowRead>true</allowRead><object>Lead</object></objectPermissions>\
        <userPermissions><enabled>true</enabled><name>ViewAllData</name></userPermissions></metadata>";
    let text = call(&sim, &format!("<createMetadata>{set}</createMetadata>")).await;
    assert_eq!(one(&text, "success"), "true", "{text}");
    let rows = sim
        .records(
            "SELECT Id, Label, PermissionsViewAllData FROM PermissionSet WHERE Name = 'Restorer'",
        )
        .await;
    assert_eq!(
        (&rows[0]["Label"], &rows[0]["PermissionsViewAllData"]),
        (&json!("Restores"), &json!(true))
    );
    let id = rows[0]["Id"].as_str().unwrap();
    let rows = sim
        .records(&format!(
            "SELECT Field, PermissionsEdit FROM FieldPermissions WHERE ParentId = '{id}'"
        ))
        .await;
    assert_eq!(
        (rows.len(), &rows[0]["Field"], &rows[0]["PermissionsEdit"]),
        (1, &json!("Lead.Phone"), &json!(true))
    );
    assert_eq!(
        sim.count(&format!(
            "SELECT Id FROM ObjectPermissions WHERE ParentId = '{id}' AND PermissionsCreate = true"
        ))
        .await,
        1
    );
    let text = call(
        &sim,
        "<readMetadata><type>PermissionSet</type><fullNames>Restorer</fullNames></readMetadata>",
    )
    .await;
    assert!(text.contains(
        "<records xsi:type=\"PermissionSet\"><fullName>Restorer</fullName><fieldPermissions><editable>true</editable>\
         <field>Lead.Phone</field><readable>true</readable></fieldPermissions>"
    ), "{text}");
    let wrong = set
        .replace("Lead.Phone", "Lead.Nope__c")
        .replace("Restorer", "Wrong");
    let text = call(&sim, &format!("<createMetadata>{wrong}</createMetadata>")).await;
    assert_eq!(
        one(&text, "message"),
        "In field: field - no CustomField named Lead.Nope__c found"
    );
    let text = call(&sim, "<deleteMetadata><type>PermissionSet</type><fullNames>Restorer</fullNames></deleteMetadata>").await;
    assert_eq!(one(&text, "success"), "true");
    assert_eq!(
        sim.count("SELECT Id FROM PermissionSet WHERE Name = 'Restorer'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_session_is_needed() {
    let mut sim = quick().await;
    sim.token = "00D!nope".to_owned();
    let (status, fault) = soap(
        &sim,
        "",
        "<describeMetadata><asOfVersion>60.0</asOfVersion></describeMetadata>",
    )
    .await;
    assert_eq!(
        (status, one(&fault, "faultcode")),
        (500, "sf:INVALID_SESSION_ID")
    );
}

#[tokio::test]
async fn components_survive_the_end_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::with(Config {
        records: 500,
        bulk_delay: std::time::Duration::ZERO,
        state: Some(folder.path().to_owned()),
        ..Config::default()
    })
    .await;
    create_shop(&sim).await;
    let package = manifest(&[("StaticResource", &["logo"])]);
    let files = [
        ("package.xml", package.as_str()),
        ("staticresources/logo.resource", "bytes"),
        (
            "staticresources/logo.resource-meta.xml",
            "<StaticResource><contentType>text/plain</contentType></StaticResource>",
        ),
    ];
    deploy(&sim, &files, "<rollbackOnError>true</rollbackOnError>").await;
    let object =
        "<readMetadata><type>CustomObject</type><fullNames>Shop__c</fullNames></readMetadata>";
    let list = "<listMetadata><queries><type>StaticResource</type></queries></listMetadata>";
    let before = (call(&sim, object).await, call(&sim, list).await);
    assert!(before.1.contains("<fullName>logo</fullName>"));

    let restart = sim.http.post(sim.url("/__sim/restart")).send().await;
    assert!(restart.is_err(), "nobody is left to answer");
    assert_eq!((call(&sim, object).await, call(&sim, list).await), before);
    let types = "<types><members>*</members><name>StaticResource</name></types>";
    let (_, files) = retrieve(&sim, types).await;
    assert_eq!(files["staticresources/logo.resource"], "bytes");
    // A new component does not take the Id of an old one.
    let text = call(
        &sim,
        "<createMetadata><metadata xsi:type=\"RemoteSiteSetting\"><fullName>S</fullName><url>https://x</url></metadata></createMetadata>",
    )
    .await;
    assert_eq!(one(&text, "success"), "true");
    let sites = "<listMetadata><queries><type>RemoteSiteSetting</type></queries></listMetadata>";
    let sites = call(&sim, sites).await;
    assert_ne!(one(&sites, "id").get(3..), one(&before.1, "id").get(3..));
}

#[tokio::test]
async fn a_new_roll_up_sums_the_details_that_its_filter_lets_pass() {
    let sim = quick().await;
    let summary = field(
        "Invoice__c",
        "Delivered_Total__c",
        "<summarizedField>Invoice_Line__c.Price__c</summarizedField>\
         <summaryFilterItems><field>Invoice_Line__c.Delivered__c</field><operation>equals</operation><value>True</value></summaryFilterItems>\
         <summaryForeignKey>Invoice_Line__c.Invoice__c</summaryForeignKey><summaryOperation>sum</summaryOperation><type>Summary</type>",
    );
    let text = call(&sim, &format!("<createMetadata>{summary}</createMetadata>")).await;
    assert_eq!(one(&text, "success"), "true", "{text}");
    let post = async |object: &str, body: serde_json::Value| {
        let request = sim.http.post(sim.url(&format!("/sobjects/{object}")));
        let request = request.bearer_auth(&sim.token).json(&body);
        let (status, made) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let invoice = post("Invoice__c", json!({"Name": "I"})).await;
    for (price, delivered) in [(3, true), (5, false), (8, true)] {
        let line = json!({"Invoice__c": invoice, "Price__c": price, "Delivered__c": delivered});
        post("Invoice_Line__c", line).await;
    }
    let soql = format!("SELECT Delivered_Total__c FROM Invoice__c WHERE Id = '{invoice}'");
    assert_eq!(
        sim.records(&soql).await[0]["Delivered_Total__c"].as_f64(),
        Some(11.0)
    );
    let types =
        "<types><members>Invoice__c.Delivered_Total__c</members><name>CustomField</name></types>";
    let (_, files) = retrieve(&sim, types).await;
    let object = &files["objects/Invoice__c.object"];
    assert!(object.contains("<summaryOperation>sum</summaryOperation>"));
    let wrong = summary.replace("Invoice_Line__c.Invoice__c", "Contact.AccountId");
    let text = call(&sim, &format!("<upsertMetadata>{wrong}</upsertMetadata>")).await;
    assert_eq!(
        one(&text, "message"),
        "Contact.AccountId is not a master-detail relationship to Invoice__c"
    );
}
