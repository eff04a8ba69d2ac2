//! The Metadata API over SOAP and REST: components one by one and as packages, and what they do to the org.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Cursor, Read as _, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_orgsim::Config;
use serde_json::json;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::sim::{Sim, answer, code};

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";
const OBJECT: &str = "<deploymentStatus>Deployed</deploymentStatus><label>Shop</label>\
    <nameField><label>Shop name</label><type>Text</type></nameField>\
    <pluralLabel>Shops</pluralLabel><sharingModel>ReadWrite</sharingModel>";

/// A call of the Metadata API: HTTP status and body.
pub(crate) async fn soap(sim: &Sim, headers: &str, body: &str) -> (u16, String) {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <e:Header xmlns=\"{NAMESPACE}\"><SessionHeader><sessionId>{}</sessionId></SessionHeader>{headers}</e:Header>\
         <e:Body xmlns=\"{NAMESPACE}\">{body}</e:Body></e:Envelope>",
        sim.token
    );
    let request = sim.http.post(sim.url("/services/Soap/m/60.0"));
    let request = request
        .header("Content-Type", "text/xml")
        .header("SOAPAction", "\"\"");
    let response = request.body(envelope).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A call that must succeed; what is inside the answer to the operation.
async fn call(sim: &Sim, body: &str) -> String {
    let (status, text) = soap(sim, "", body).await;
    assert_eq!(status, 200, "{body}: {text}");
    text
}

/// The texts of every element called `name`.
fn all<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let pieces = text.split(open.as_str()).skip(1);
    pieces
        .filter_map(|piece| piece.split(close.as_str()).next())
        .collect()
}

fn one<'t>(text: &'t str, name: &str) -> &'t str {
    let first = all(text, name).first().copied();
    assert!(first.is_some(), "no {name} in {text}");
    first.unwrap()
}

fn field(owner: &str, name: &str, rest: &str) -> String {
    format!(
        "<metadata xsi:type=\"CustomField\"><fullName>{owner}.{name}</fullName><label>{name}</label>{rest}</metadata>"
    )
}

async fn create_shop(sim: &Sim) {
    let body = format!(
        "<createMetadata><metadata xsi:type=\"CustomObject\"><fullName>Shop__c</fullName>{OBJECT}</metadata></createMetadata>"
    );
    let text = call(sim, &body).await;
    assert!(
        text.contains("<result><fullName>Shop__c</fullName><success>true</success></result>"),
        "{text}"
    );
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn unzip(packed: &[u8]) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(Cursor::new(packed)).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

fn manifest(types: &[(&str, &[&str])]) -> String {
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Package xmlns=\"{NAMESPACE}\">");
    for (name, members) in types {
        text.push_str("<types>");
        for member in *members {
            write!(text, "<members>{member}</members>").unwrap();
        }
        write!(text, "<name>{name}</name></types>").unwrap();
    }
    text + "<version>60.0</version></Package>"
}

async fn begin_deploy(sim: &Sim, files: &[(&str, &str)], options: &str) -> String {
    let packed = STANDARD.encode(zip(files));
    let body = format!(
        "<deploy><ZipFile>{packed}</ZipFile><DeployOptions>{options}<singlePackage>true</singlePackage></DeployOptions></deploy>"
    );
    let text = call(sim, &body).await;
    assert_eq!(
        (one(&text, "done"), one(&text, "state")),
        ("false", "Queued")
    );
    let id = one(&text, "id").to_owned();
    assert!(id.starts_with("0Af") && id.len() == 18);
    id
}

/// The result of a deployment that has ended, and the states it was in.
async fn deployed(sim: &Sim, id: &str) -> (String, Vec<String>) {
    let mut states: Vec<String> = Vec::new();
    loop {
        let body = format!(
            "<checkDeployStatus><asyncProcessId>{id}</asyncProcessId><includeDetails>true</includeDetails></checkDeployStatus>"
        );
        let text = call(sim, &body).await;
        let state = one(&text, "status").to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
        if one(&text, "done") == "true" {
            return (text, states);
        }
        tokio::task::yield_now().await;
    }
}

async fn deploy(sim: &Sim, files: &[(&str, &str)], options: &str) -> String {
    let id = begin_deploy(sim, files, options).await;
    deployed(sim, &id).await.0
}

async fn begin_retrieve(sim: &Sim, types: &str) -> String {
    let body = format!(
        "<retrieve><retrieveRequest><apiVersion>60.0</apiVersion><singlePackage>true</singlePackage>\
         <unpackaged>{types}<version>60.0</version></unpackaged></retrieveRequest></retrieve>"
    );
    let text = call(sim, &body).await;
    assert_eq!(one(&text, "state"), "Queued");
    one(&text, "id").to_owned()
}

async fn retrieved(sim: &Sim, id: &str) -> String {
    loop {
        let body = format!(
            "<checkRetrieveStatus><asyncProcessId>{id}</asyncProcessId><includeZip>true</includeZip></checkRetrieveStatus>"
        );
        let text = call(sim, &body).await;
        if one(&text, "done") == "true" {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

async fn retrieve(sim: &Sim, types: &str) -> (String, BTreeMap<String, String>) {
    let id = begin_retrieve(sim, types).await;
    let text = retrieved(sim, &id).await;
    let packed = STANDARD.decode(one(&text, "zipFile")).unwrap();
    (text, unzip(&packed))
}

async fn quick() -> Sim {
    Sim::with(Config {
        records: 1_000,
        bulk_delay: std::time::Duration::ZERO,
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn describe_metadata_lists_types_with_their_files() {
    let sim = quick().await;
    let text = call(
        &sim,
        "<describeMetadata><asOfVersion>60.0</asOfVersion></describeMetadata>",
    )
    .await;
    assert!(text.contains(
        "<metadataObjects><directoryName>classes</directoryName><inFolder>false</inFolder><metaFile>true</metaFile>\
         <suffix>cls</suffix><xmlName>ApexClass</xmlName></metadataObjects>"
    ));
    assert!(text.contains("<childXmlNames>ValidationRule</childXmlNames>"));
    assert!(text.ends_with(
        "<organizationNamespace/><partialSaveAllowed>true</partialSaveAllowed><testRequired>false</testRequired>\
         </result></describeMetadataResponse></soapenv:Body></soapenv:Envelope>"
    ));
}

#[tokio::test]
async fn list_metadata_names_what_is_there() {
    let sim = quick().await;
    let query = |kind: &str| format!("<queries><type>{kind}</type></queries>");
    let text = call(
        &sim,
        &format!(
            "<listMetadata>{}{}<asOfVersion>60.0</asOfVersion></listMetadata>",
            query("CustomObject"),
            query("Profile")
        ),
    )
    .await;
    let results = all(&text, "result");
    let find = |name: &str| {
        let name = format!("<fullName>{name}</fullName>");
        *results.iter().find(|r| r.contains(&name)).unwrap()
    };
    // The platform's own objects were never made.
    let account = find("Account");
    assert_eq!(one(account, "createdDate"), "1970-01-01T00:00:00.000Z");
    assert!(account.contains("<id/>") && account.contains("<namespacePrefix/>"));
    assert_eq!(one(account, "fileName"), "objects/Account.object");
    let project = find("Project__c");
    assert!(one(project, "id").starts_with("01I"));
    assert_eq!(one(project, "manageableState"), "unmanaged");
    assert!(one(find("Admin"), "id").starts_with("00e"));
    let (status, fault) = soap(
        &sim,
        "",
        &format!(
            "<listMetadata>{}</listMetadata>",
            query("CustomObject").repeat(4)
        ),
    )
    .await;
    assert_eq!(
        (status, one(&fault, "faultcode")),
        (500, "sf:LIMIT_EXCEEDED")
    );
    let (_, fault) = soap(
        &sim,
        "",
        &format!("<listMetadata>{}</listMetadata>", query("Nope")),
    )
    .await;
    assert_eq!(
        one(&fault, "faultstring"),
        "INVALID_TYPE: Unknown type:Nope"
    );
    assert!(
        call(
            &sim,
            &format!("<listMetadata>{}</listMetadata>", query("Report"))
        )
        .await
        .contains("<listMetadataResponse/>")
    );
}

#[tokio::test]
async fn a_new_object_and_its_fields_take_records_at_once() {
    let sim = quick().await;
    let (_, before) = sim.query("SELECT Id FROM Shop__c").await;
    assert_eq!(before[0]["errorCode"], "INVALID_TYPE");
    let unchanged = sim.get("/sobjects").await.headers()["last-modified"]
        .to_str()
        .unwrap()
        .to_owned();
    create_shop(&sim).await;
    let fields = [
        field(
            "Shop__c",
            "Code__c",
            "<type>Text</type><length>12</length><externalId>true</externalId><unique>true</unique>",
        ),
        field(
            "Shop__c",
            "Open__c",
            "<type>Checkbox</type><defaultValue>true</defaultValue>",
        ),
        field(
            "Shop__c",
            "Rating__c",
            "<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition>\
            <sorted>false</sorted><value><fullName>Good</fullName><default>true</default></value>\
            <value><fullName>Bad</fullName><default>false</default></value></valueSetDefinition></valueSet>",
        ),
        field(
            "Shop__c",
            "Account__c",
            "<type>MasterDetail</type><referenceTo>Account</referenceTo><relationshipName>Shops</relationshipName>",
        ),
    ];
    let text = call(
        &sim,
        &format!("<createMetadata>{}</createMetadata>", fields.concat()),
    )
    .await;
    assert_eq!(all(&text, "success"), ["true"; 4], "{text}");

    let again = sim
        .http
        .get(sim.url("/sobjects"))
        .bearer_auth(&sim.token)
        .header("If-Modified-Since", unchanged);
    assert_eq!(again.send().await.unwrap().status(), 200);
    let (_, describe) = sim.json("/sobjects/Shop__c/describe").await;
    assert_eq!(describe["label"], "Shop");
    let names: Vec<&str> = describe["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"Code__c") && !names.contains(&"OwnerId"),
        "{names:?}"
    );

    records_of_a_new_object(&sim).await;
    let text = call(
        &sim,
        "<deleteMetadata><type>CustomObject</type><fullNames>Shop__c</fullNames></deleteMetadata>",
    )
    .await;
    assert_eq!(one(&text, "success"), "true");
    assert_eq!(sim.json("/sobjects/Shop__c/describe").await.0, 404);
    let global = sim.json("/sobjects").await.1.to_string();
    assert!(!global.contains("Shop__c"));
}

/// Makes one, is refused another one, and deletes the first with its master.
async fn records_of_a_new_object(sim: &Sim) {
    let account = sim.http.post(sim.url("/sobjects/Account"));
    let account = account
        .bearer_auth(&sim.token)
        .json(&json!({"Name": "Owner"}));
    let account = answer(account.send().await.unwrap()).await.1["id"].clone();
    let post = |body| {
        sim.http
            .post(sim.url("/sobjects/Shop__c"))
            .bearer_auth(&sim.token)
            .json(&body)
            .send()
    };
    let made = answer(
        post(json!({"Name": "Corner", "Code__c": "c1", "Account__c": account}))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(made.0, 201, "{}", made.1);
    let refused = answer(
        post(json!({"Name": "x", "Account__c": account, "Rating__c": "Ugly"}))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        code(&refused),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    );
    let record = &sim
        .records("SELECT Id, Open__c, Rating__c, Account__r.Id FROM Shop__c")
        .await[0];
    assert_eq!(
        (&record["Open__c"], &record["Rating__c"]),
        (&json!(true), &json!("Good"))
    );
    assert_eq!(record["Account__r"]["Id"], account);

    // The master takes its details along.
    let gone = sim
        .http
        .delete(sim.url(&format!("/sobjects/Account/{}", account.as_str().unwrap())));
    assert_eq!(
        gone.bearer_auth(&sim.token).send().await.unwrap().status(),
        204
    );
    assert_eq!(sim.count("SELECT Id FROM Shop__c").await, 0);
}

#[tokio::test]
async fn records_older_than_a_field_have_no_value_in_it() {
    let sim = quick().await;
    let before = sim
        .records("SELECT Id, SystemModstamp FROM Lead ORDER BY Id")
        .await;
    let fields = [
        field(
            "Lead",
            "Score__c",
            "<type>Number</type><precision>5</precision><scale>1</scale>",
        ),
        field(
            "Lead",
            "Called__c",
            "<type>Checkbox</type><defaultValue>false</defaultValue>",
        ),
    ];
    call(
        &sim,
        &format!("<upsertMetadata>{}</upsertMetadata>", fields.concat()),
    )
    .await;
    let after = sim
        .records("SELECT Id, SystemModstamp, Score__c, Called__c FROM Lead ORDER BY Id")
        .await;
    assert_eq!(after.len(), before.len());
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old["SystemModstamp"], new["SystemModstamp"]);
        assert_eq!(
            (&new["Score__c"], &new["Called__c"]),
            (&json!(null), &json!(false))
        );
    }
    let id = after[0]["Id"].as_str().unwrap();
    let patch = sim
        .http
        .patch(sim.url(&format!("/sobjects/Lead/{id}")))
        .bearer_auth(&sim.token);
    assert_eq!(
        patch
            .json(&json!({"Score__c": 7.5}))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(sim.count("SELECT Id FROM Lead WHERE Score__c > 7").await, 1);
    let job = sim
        .run_job(
            "query",
            "SELECT Id, Score__c, Called__c FROM Lead WHERE Score__c = null",
        )
        .await;
    let page = &sim.pages(&job, 10_000).await[0];
    assert!(
        page.text
            .lines()
            .nth(1)
            .unwrap()
            .ends_with(",\"\",\"false\""),
        "{}",
        page.text
    );

    let text = call(&sim, "<deleteMetadata><type>CustomField</type><fullNames>Lead.Score__c</fullNames><fullNames>Lead.Nope__c</fullNames></deleteMetadata>").await;
    assert!(text.contains(
        "<result><errors><message>This custom field does not exist or is not accessible</message>\
         <statusCode>INVALID_CROSS_REFERENCE_KEY</statusCode></errors><fullName>Lead.Nope__c</fullName><success>false</success></result>"
    ), "{text}");
    assert_eq!(
        code(&sim.query("SELECT Score__c FROM Lead").await),
        (400, "INVALID_FIELD")
    );
    assert_eq!(
        sim.count("SELECT Id FROM Lead WHERE Called__c = false")
            .await,
        u64::try_from(after.len()).unwrap()
    );
}

#[tokio::test]
async fn one_bad_component_undoes_the_others_only_when_asked() {
    let sim = quick().await;
    let good = field("Lead", "Good__c", "<type>Date</type>");
    let bad = field(
        "Lead",
        "Bad__c",
        "<type>LongTextArea</type><length>30</length><visibleLines>3</visibleLines>",
    );
    let body = format!("<upsertMetadata>{good}{bad}</upsertMetadata>");
    let all_or_none = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>";
    let (_, text) = soap(&sim, all_or_none, &body).await;
    assert_eq!(
        all(&text, "statusCode"),
        [
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "FIELD_INTEGRITY_EXCEPTION"
        ]
    );
    assert_eq!(all(&text, "message")[1], "Invalid length, minimum is: 256");
    assert_eq!(sim.query("SELECT Good__c FROM Lead").await.0, 400);
    let text = call(&sim, &body).await;
    assert_eq!(all(&text, "created"), ["true", "false"]);
    assert_eq!(sim.query("SELECT Good__c FROM Lead").await.0, 200);
    let text = call(&sim, &format!("<createMetadata>{good}</createMetadata>")).await;
    assert_eq!(
        one(&text, "message"),
        "There is already a field named Good on Lead."
    );
    let other = field("Lead", "Other__c", "<type>Date</type>");
    let text = call(&sim, &format!("<updateMetadata>{other}</updateMetadata>")).await;
    assert_eq!(
        one(&text, "message"),
        "In field: fullName - no CustomField named Lead.Other__c found"
    );
    let (status, fault) = soap(
        &sim,
        "",
        &format!("<createMetadata>{}</createMetadata>", good.repeat(11)),
    )
    .await;
    assert_eq!(
        (status, one(&fault, "faultcode")),
        (500, "sf:EXCEEDED_ID_LIMIT")
    );
}

#[tokio::test]
async fn read_metadata_shows_definitions_and_nulls() {
    let sim = quick().await;
    let text = call(&sim, "<readMetadata><type>CustomField</type><fullNames>Project__c.Stage__c</fullNames><fullNames>Project__c.Nope__c</fullNames></readMetadata>").await;
    assert!(
        text.contains("<records xsi:type=\"CustomField\"><fullName>Project__c.Stage__c</fullName>"),
        "{text}"
    );
    assert!(text.contains("<restricted>true</restricted>"));
    assert!(text.contains("<records xsi:nil=\"true\"/></result>"));
    let text = call(
        &sim,
        "<readMetadata><type>CustomObject</type><fullNames>Milestone__c</fullNames></readMetadata>",
    )
    .await;
    assert!(text.contains("<sharingModel>ControlledByParent</sharingModel>"));
    assert!(
        text.contains("<fullName>Project__c</fullName>")
            && text.contains("<type>MasterDetail</type>")
    );
    let (status, fault) = soap(
        &sim,
        "",
        "<readMetadata><type>ApexClass</type><fullNames>A</fullNames></readMetadata>",
    )
    .await;
    assert_eq!(
        (status, one(&fault, "faultcode")),
        (500, "sf:INVALID_TYPE_FOR_OPERATION")
    );
}

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
