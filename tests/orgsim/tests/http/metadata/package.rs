//! Components as packages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_orgsim::Config;
use serde_json::json;

use super::{
    all, begin_deploy, begin_retrieve, call, create_shop, deploy, deployed, manifest, one, quick,
    retrieve, retrieved, soap, unzip, zip,
};
use crate::sim::{Sim, answer};

#[tokio::test]
async fn a_retrieval_goes_through_its_states_and_hands_the_zip_out_once() {
    let sim = Sim::with(Config {
        records: 1_000,
        bulk_delay: std::time::Duration::from_hours(1),
        ..Config::default()
    })
    .await;
    let types = "<types><members>Account</members><members>Project__c</members><members>Nope__c</members><name>CustomObject</name></types>\
        <types><members>*</members><name>ApexClassa</name></types>";
    let look = |id: &str| {
        format!(
            "<checkRetrieveStatus><asyncProcessId>{id}</asyncProcessId><includeZip>true</includeZip></checkRetrieveStatus>"
        )
    };
    let id = begin_retrieve(&sim, types).await;
    let first = call(&sim, &look(&id)).await;
    assert_eq!(
        (
            one(&first, "status"),
            one(&first, "done"),
            one(&first, "success")
        ),
        ("Pending", "false", "false")
    );
    assert!(first.contains("<zipFile xsi:nil=\"true\"/>"));
    sim.control("settings", json!({"bulk_delay_ms": 0})).await;
    let id = begin_retrieve(&sim, types).await;
    let look = look(&id);
    let text = retrieved(&sim, &id).await;
    assert_eq!(
        (one(&text, "status"), one(&text, "success")),
        ("Succeeded", "true")
    );
    assert_eq!(
        all(&text, "problem"),
        [
            "Entity type: &apos;ApexClassa&apos; is unknown",
            "Entity of type &apos;CustomObject&apos; named &apos;Nope__c&apos; cannot be found",
        ]
    );
    let files = unzip(&STANDARD.decode(one(&text, "zipFile")).unwrap());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "objects/Account.object",
            "objects/Project__c.object",
            "package.xml"
        ]
    );
    assert!(
        files["objects/Project__c.object"].contains("        <fullName>Budget__c</fullName>\n")
    );
    assert!(files["package.xml"].contains("        <members>Account</members>\n        <members>Project__c</members>\n        <name>CustomObject</name>\n"));
    assert!(all(&text, "type").contains(&"Package"));
    assert!(
        call(&sim, &look)
            .await
            .contains("<zipFile xsi:nil=\"true\"/>")
    );
    let (_, fault) = soap(&sim, "", &look.replace(&id, "09S000000000000AAA")).await;
    assert_eq!(one(&fault, "faultcode"), "sf:INVALID_CROSS_REFERENCE_KEY");
}

#[tokio::test]
async fn what_was_retrieved_can_be_deployed_and_changes_nothing() {
    let sim = quick().await;
    let types = "<types><members>*</members><name>CustomObject</name></types><types><members>*</members><name>ValidationRule</name></types>\
        <types><members>*</members><name>Layout</name></types><types><members>*</members><name>Workflow</name></types>\
        <types><members>*</members><name>Flow</name></types><types><members>*</members><name>DuplicateRule</name></types>";
    let (_, files) = retrieve(&sim, types).await;
    assert!(files.len() > 20, "{:?}", files.keys());
    let list: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let text = deploy(&sim, &list, "<rollbackOnError>true</rollbackOnError>").await;
    assert_eq!(
        one(&text, "status"),
        "Succeeded",
        "{:?}",
        all(&text, "problem")
    );
    let (_, again) = retrieve(&sim, types).await;
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        again.keys().collect::<Vec<_>>()
    );
    for (name, text) in &files {
        assert_eq!(text, &again[name], "{name}");
    }
}

#[tokio::test]
async fn a_deployed_trigger_is_switched_off_and_keeps_its_source() {
    let sim = quick().await;
    let types = "<types><members>ContactTrigger</members><name>ApexTrigger</name></types>";
    let (_, files) = retrieve(&sim, types).await;
    let meta = &files["triggers/ContactTrigger.trigger-meta.xml"];
    assert!(meta.contains("<status>Inactive</status>"), "{meta}");
    let source = files["triggers/ContactTrigger.trigger"].clone();
    assert!(
        source.starts_with("trigger ContactTrigger on Contact (before insert"),
        "{source}"
    );
    for to in ["Active", "Inactive"] {
        let meta = meta.replace("Inactive", to);
        let package = manifest(&[("ApexTrigger", &["ContactTrigger"])]);
        let text = deploy(
            &sim,
            &[
                ("package.xml", &package),
                ("triggers/ContactTrigger.trigger", &source),
                ("triggers/ContactTrigger.trigger-meta.xml", &meta),
            ],
            "<rollbackOnError>true</rollbackOnError>",
        )
        .await;
        assert_eq!(one(&text, "status"), "Succeeded", "{to}: {text}");
        let rules = sim.json("/__sim/rules").await.1;
        let active = rules["rules"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["name"] == "ContactTrigger")
            .unwrap()["active"]
            .clone();
        assert_eq!(active, json!(to == "Active"));
        let (_, now) = retrieve(&sim, types).await;
        assert!(
            now["triggers/ContactTrigger.trigger-meta.xml"]
                .contains(&format!("<status>{to}</status>"))
        );
        assert_eq!(now["triggers/ContactTrigger.trigger"], source);
    }
}

#[tokio::test]
async fn a_deployment_reports_each_component_and_undoes_all_on_an_error() {
    let sim = Sim::start().await;
    let package = manifest(&[
        ("CustomField", &["Lead.One__c", "Lead.Two__c"]),
        ("ApexClass", &["Helper", "Lost"]),
    ]);
    let object = "<CustomObject xmlns=\"http://soap.sforce.com/2006/04/metadata\">\
        <fields><fullName>One__c</fullName><label>One</label><type>Date</type></fields>\
        <fields><fullName>Two__c</fullName><label>Two</label><type>Checkbox</type></fields></CustomObject>";
    let class = "<ApexClass xmlns=\"http://soap.sforce.com/2006/04/metadata\"><apiVersion>60.0</apiVersion><status>Active</status></ApexClass>";
    let files = [
        ("package.xml", package.as_str()),
        ("objects/Lead.object", object),
        ("classes/Helper.cls", "public class Helper {}"),
        ("classes/Helper.cls-meta.xml", class),
    ];
    let id = begin_deploy(&sim, &files, "<rollbackOnError>true</rollbackOnError>").await;
    let (text, states) = deployed(&sim, &id).await;
    assert_eq!(states.last().unwrap(), "Failed");
    let failures = all(&text, "componentFailures");
    assert_eq!(
        failures
            .iter()
            .map(|failure| one(failure, "problem"))
            .collect::<Vec<_>>(),
        [
            "Must specify &apos;defaultValue&apos; for a CustomField of type Checkbox",
            "An object &apos;Lost&apos; of type ApexClass was named in package.xml, but was not found in zipped directory",
        ]
    );
    assert_eq!(one(failures[0], "fileName"), "objects/Lead.object");
    assert_eq!(
        (
            one(&text, "numberComponentErrors"),
            one(&text, "numberComponentsDeployed"),
            one(&text, "numberComponentsTotal")
        ),
        ("2", "2", "3")
    );
    assert_eq!(sim.query("SELECT One__c FROM Lead").await.0, 400);
    // The same without the safety: what is right stays.
    let id = begin_deploy(&sim, &files, "<rollbackOnError>false</rollbackOnError>").await;
    let (text, states) = deployed(&sim, &id).await;
    assert_eq!(states.last().unwrap(), "SucceededPartial");
    let class = all(&text, "componentSuccesses")
        .into_iter()
        .find(|s| s.contains("ApexClass"))
        .unwrap();
    assert_eq!(
        (
            one(class, "created"),
            one(class, "changed"),
            one(class, "fileName")
        ),
        ("true", "true", "classes/Helper.cls")
    );
    assert!(one(class, "id").starts_with("01p"));
    assert_eq!(sim.query("SELECT One__c FROM Lead").await.0, 200);
}

#[tokio::test]
async fn a_check_leaves_nothing_and_can_be_deployed_later() {
    let sim = quick().await;
    let package = manifest(&[("CustomLabels", &["*"])]);
    let labels = "<CustomLabels xmlns=\"http://soap.sforce.com/2006/04/metadata\"><labels><fullName>Hello</fullName>\
        <language>en_US</language><protected>false</protected><shortDescription>Hello</shortDescription><value>Hi</value></labels></CustomLabels>";
    let files = [
        ("package.xml", package.as_str()),
        ("labels/CustomLabels.labels", labels),
    ];
    let id = begin_deploy(
        &sim,
        &files,
        "<checkOnly>true</checkOnly><rollbackOnError>true</rollbackOnError>",
    )
    .await;
    let (text, _) = deployed(&sim, &id).await;
    assert_eq!(
        (one(&text, "status"), one(&text, "checkOnly")),
        ("Succeeded", "true"),
        "{text}"
    );
    let list = "<listMetadata><queries><type>CustomLabel</type></queries></listMetadata>";
    assert!(all(&call(&sim, list).await, "fullName").is_empty());
    let text = call(
        &sim,
        &format!(
            "<deployRecentValidation><validationId>{id}</validationId></deployRecentValidation>"
        ),
    )
    .await;
    let (text, _) = deployed(&sim, one(&text, "result")).await;
    assert_eq!(one(&text, "status"), "Succeeded");
    assert_eq!(all(&call(&sim, list).await, "fullName"), ["Hello"]);
    let (_, files) = retrieve(
        &sim,
        "<types><members>*</members><name>CustomLabels</name></types>",
    )
    .await;
    assert!(files["labels/CustomLabels.labels"].contains("<value>Hi</value>"));
}

#[tokio::test]
async fn lists_of_deletions_delete_and_warn_about_what_is_not_there() {
    let sim = quick().await;
    create_shop(&sim).await;
    let package = manifest(&[]);
    let deletions = manifest(&[
        ("CustomObject", &["Shop__c"]),
        ("CustomField", &["Lead.Nope__c"]),
    ]);
    let text = deploy(&sim, &[("package.xml", &package), ("destructiveChanges.xml", &deletions)], "<rollbackOnError>true</rollbackOnError><purgeOnDelete>true</purgeOnDelete><ignoreWarnings>true</ignoreWarnings>").await;
    assert_eq!(one(&text, "status"), "Succeeded", "{text}");
    let warned = all(&text, "componentSuccesses")
        .into_iter()
        .find(|s| s.contains("Lead.Nope__c"))
        .unwrap();
    assert_eq!(
        (one(warned, "problem"), one(warned, "problemType")),
        ("No CustomField named: Lead.Nope__c found", "Warning")
    );
    let deleted = all(&text, "componentSuccesses")
        .into_iter()
        .find(|s| s.contains("Shop__c"))
        .unwrap();
    assert_eq!(
        (one(deleted, "deleted"), one(deleted, "fileName")),
        ("true", "destructiveChanges.xml")
    );
    assert_eq!(sim.query("SELECT Id FROM Shop__c").await.0, 400);
    let standard = manifest(&[("CustomObject", &["Account"])]);
    let text = deploy(
        &sim,
        &[
            ("package.xml", &package),
            ("destructiveChangesPost.xml", &standard),
        ],
        "<rollbackOnError>true</rollbackOnError>",
    )
    .await;
    assert_eq!(
        (one(&text, "status"), one(&text, "problem")),
        ("Failed", "Cannot delete standard object: Account")
    );
}

#[tokio::test]
async fn a_package_without_its_manifest_is_refused() {
    let sim = quick().await;
    let text = deploy(&sim, &[("classes/A.cls", "x")], "").await;
    assert!(text.contains("<fileName>package.xml</fileName><fullName>package.xml</fullName><problem>No package.xml found</problem><problemType>Error</problemType>"), "{text}");
    let (status, fault) = soap(
        &sim,
        "",
        "<deploy><ZipFile/><DeployOptions><runTests>T</runTests></DeployOptions></deploy>",
    )
    .await;
    assert_eq!(
        (status, one(&fault, "faultcode")),
        (500, "sf:INVALID_OPERATION")
    );
    assert_eq!(
        one(&fault, "faultstring"),
        "INVALID_OPERATION: runTests can only be used with a testLevel of RunSpecifiedTests"
    );
    let (status, fault) = soap(&sim, "", "<retrieve><retrieveRequest><unpackaged><types><membersa>*</membersa></types></unpackaged></retrieveRequest></retrieve>").await;
    assert_eq!(
        (status, one(&fault, "faultstring")),
        (500, "Element {}membersa invalid at this location")
    );
}

#[tokio::test]
async fn a_deployment_that_waits_can_be_stopped() {
    let sim = Sim::with(Config {
        records: 1_000,
        bulk_delay: std::time::Duration::from_hours(1),
        ..Config::default()
    })
    .await;
    let package = manifest(&[("RemoteSiteSetting", &["S"])]);
    let site = "<RemoteSiteSetting><url>https://x</url></RemoteSiteSetting>";
    let files = [
        ("package.xml", package.as_str()),
        ("remoteSiteSettings/S.remoteSite", site),
    ];
    let id = begin_deploy(&sim, &files, "").await;
    let look =
        format!("<checkDeployStatus><asyncProcessId>{id}</asyncProcessId></checkDeployStatus>");
    let waiting = call(&sim, &look).await;
    assert_eq!(one(&waiting, "status"), "Pending");
    assert!(!waiting.contains("<details>"));
    let text = call(
        &sim,
        &format!("<cancelDeploy><String>{id}</String></cancelDeploy>"),
    )
    .await;
    assert_eq!(
        (one(&text, "done"), one(&text, "id")),
        ("true", id.as_str())
    );
    let (text, _) = deployed(&sim, &id).await;
    assert_eq!(
        (one(&text, "status"), one(&text, "success")),
        ("Canceled", "false")
    );
    assert!(one(&text, "canceledBy").starts_with("005"));
    let (status, fault) = soap(
        &sim,
        "",
        &format!("<cancelDeploy><String>{id}</String></cancelDeploy>"),
    )
    .await;
    assert_eq!(
        (status, one(&fault, "faultcode")),
        (500, "sf:INVALID_ID_FIELD")
    );
}

#[tokio::test]
async fn rest_deploys_packages_too() {
    let sim = quick().await;
    let package = manifest(&[("StaticResource", &["logo"])]);
    let packed = zip(&[
        ("package.xml", &package),
        ("staticresources/logo.resource", "bytes"),
        (
            "staticresources/logo.resource-meta.xml",
            "<StaticResource><contentType>text/plain</contentType></StaticResource>",
        ),
    ]);
    let options = json!({"deployOptions": {"rollbackOnError": true, "singlePackage": true, "testLevel": "NoTestRun"}});
    let mut body = Vec::new();
    body.extend_from_slice(b"--b\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n");
    body.extend_from_slice(options.to_string().as_bytes());
    body.extend_from_slice(b"\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.zip\"\r\nContent-Type: application/zip\r\n\r\n");
    body.extend_from_slice(&packed);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let request = sim
        .http
        .post(sim.url("/metadata/deployRequest"))
        .bearer_auth(&sim.token);
    let request = request
        .header("Content-Type", "multipart/form-data; boundary=b")
        .body(body);
    let (status, made) = answer(request.send().await.unwrap()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["deployOptions"]["rollbackOnError"], true);
    let id = made["id"].as_str().unwrap().to_owned();
    let result = loop {
        let (status, body) = sim
            .json(&format!("/metadata/deployRequest/{id}?includeDetails=true"))
            .await;
        assert_eq!(status, 200);
        if body["deployResult"]["done"] == true {
            break body["deployResult"].clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&result["status"], &result["numberComponentsDeployed"]),
        (&json!("Succeeded"), &json!(1)),
        "{result}"
    );
    assert_eq!(
        result["details"]["componentSuccesses"][0]["fullName"],
        "logo"
    );
    let (_, files) = retrieve(
        &sim,
        "<types><members>*</members><name>StaticResource</name></types>",
    )
    .await;
    assert_eq!(files["staticresources/logo.resource"], "bytes");
    assert_eq!(
        sim.json("/metadata/deployRequest/0Af000000000000AAA")
            .await
            .0,
        404
    );
}
