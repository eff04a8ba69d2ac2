//! Components one by one.

use serde_json::json;

use super::{all, call, create_shop, field, one, quick, soap};
use crate::sim::{Sim, answer, code};

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
