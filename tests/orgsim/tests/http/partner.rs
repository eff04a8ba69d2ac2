use holdfast_orgsim::Config;
use serde_json::json;

use crate::{
    sim::Sim,
    soap::{between, soap},
};

const PARTNER: &str = "/services/Soap/u/60.0";

async fn call(sim: &Sim, headers: &str, body: &str) -> String {
    let (status, answer) = soap(sim, PARTNER, Some(&sim.token), headers, body).await;
    assert_eq!(status, 200, "{body}: {answer}");
    answer
}

async fn fault(sim: &Sim, body: &str) -> String {
    let (status, answer) = soap(sim, PARTNER, Some(&sim.token), "", body).await;
    assert_eq!(status, 500, "{answer}");
    between(&answer, "faultcode").to_owned()
}

fn ids(xml: &str) -> Vec<String> {
    let parts = xml.split("<id>").skip(1);
    parts
        .map(|part| part.split('<').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_record_lives_its_life_over_soap() {
    let sim = Sim::start().await;
    let made = call(
        &sim,
        "",
        "<create><sObjects><type>Account</type><Name>Übung &amp; Co</Name><Phone>1</Phone></sObjects>\
         <sObjects><type>Account</type><Phone>no name</Phone></sObjects></create>",
    )
    .await;
    let id = ids(&made).remove(0);
    assert!(made.contains("<success>true</success>"));
    assert!(made.contains("<statusCode>REQUIRED_FIELD_MISSING</statusCode></errors><id xsi:nil=\"true\"/><success>false</success>"), "{made}");

    let page = call(
        &sim,
        "",
        &format!("<query><queryString>SELECT Id, Name, Phone, Website, Owner.Name, CreatedDate FROM Account WHERE Id = '{id}'</queryString></query>"),
    )
    .await;
    assert!(
        page.contains(&format!(
            "<result xsi:type=\"QueryResult\"><done>true</done><queryLocator xsi:nil=\"true\"/><records xsi:type=\"sf:sObject\">\
             <sf:type>Account</sf:type><sf:Id>{id}</sf:Id><sf:Id>{id}</sf:Id><sf:Name>Übung &amp; Co</sf:Name>"
        )),
        "{page}"
    );
    assert!(page.contains("<sf:Website xsi:nil=\"true\"/><sf:Owner xsi:type=\"sf:sObject\"><sf:type>User</sf:type><sf:Id xsi:nil=\"true\"/><sf:Name>"));
    assert!(
        between(&page, "sf:CreatedDate")
            .strip_suffix(".000Z")
            .is_some()
    );
    assert!(page.contains("<size>1</size>"));

    call(
        &sim,
        "",
        &format!("<update><sObjects><type>Account</type><fieldsToNull>Phone</fieldsToNull><Id>{id}</Id><Website>https://x.example</Website></sObjects></update>"),
    )
    .await;
    let read = call(
        &sim,
        "",
        &format!("<retrieve><fieldList>Id,Phone,Website</fieldList><sObjectType>Account</sObjectType><ids>{id}</ids><ids>001000000000000AAA</ids></retrieve>"),
    )
    .await;
    assert!(read.contains("<sf:Phone xsi:nil=\"true\"/><sf:Website>https://x.example</sf:Website></result><result xsi:nil=\"true\"/>"), "{read}");

    call(&sim, "", &format!("<delete><ids>{id}</ids></delete>")).await;
    let deleted = format!("SELECT COUNT() FROM Account WHERE Id = '{id}' AND IsDeleted = true");
    let all = format!("<queryAll><queryString>{deleted}</queryString></queryAll>");
    assert_eq!(between(&call(&sim, "", &all).await, "size"), "1");
    let back = call(&sim, "", &format!("<undelete><ids>{id}</ids></undelete>")).await;
    assert!(
        back.contains(&format!(
            "<result><id>{id}</id><success>true</success></result>"
        )),
        "{back}"
    );
    assert_eq!(between(&call(&sim, "", &all).await, "size"), "0");

    let early = call(
        &sim,
        "",
        &format!("<emptyRecycleBin><ids>{id}</ids></emptyRecycleBin>"),
    )
    .await;
    assert!(
        early.contains("<success>false</success>"),
        "it is not in the bin"
    );
    call(&sim, "", &format!("<delete><ids>{id}</ids></delete>")).await;
    let emptied = call(
        &sim,
        "",
        &format!("<emptyRecycleBin><ids>{id}</ids></emptyRecycleBin>"),
    )
    .await;
    assert!(emptied.contains("<success>true</success>"), "{emptied}");
    let any = format!(
        "<queryAll><queryString>SELECT COUNT() FROM Account WHERE Id = '{id}'</queryString></queryAll>"
    );
    assert_eq!(between(&call(&sim, "", &any).await, "size"), "0");
}

#[tokio::test]
async fn all_or_none_takes_back_what_went_well() {
    let sim = Sim::start().await;
    let answer = call(
        &sim,
        "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>",
        "<create><sObjects><type>Account</type><Name>together</Name></sObjects><sObjects><type>Account</type></sObjects></create>",
    )
    .await;
    assert!(answer.contains("<statusCode>ALL_OR_NONE_OPERATION_ROLLED_BACK</statusCode>"));
    assert_eq!(
        sim.count("SELECT COUNT() FROM Account WHERE Name = 'together'")
            .await,
        0
    );
}

#[tokio::test]
async fn upserts_say_what_they_created() {
    let sim = Sim::start().await;
    let body = "<upsert><externalIDFieldName>External_Key__c</externalIDFieldName><sObjects><type>Project__c</type>\
                <External_Key__c>soap-1</External_Key__c><Name>one</Name></sObjects></upsert>";
    let first = call(&sim, "", body).await;
    if first.contains("<created>true</created>") {
        let again = call(&sim, "", body).await;
        assert!(again.contains("<created>false</created>"), "{again}");
        assert_eq!(ids(&first), ids(&again));
    } else {
        panic!("{first}");
    }
}

#[tokio::test]
async fn pages_follow_their_locator() {
    let sim = Sim::with(Config {
        objects: [("Account".to_owned(), 500)].into(),
        ..Config::default()
    })
    .await;
    let options = "<QueryOptions><batchSize>200</batchSize></QueryOptions>";
    let total = sim.count("SELECT COUNT() FROM Account").await;
    assert!(total > 200);
    let mut page = call(
        &sim,
        options,
        "<query><queryString>SELECT Name FROM Account</queryString></query>",
    )
    .await;
    let mut rows = 0;
    loop {
        rows += page.matches("<records ").count();
        assert!(
            page.contains("<sf:Id xsi:nil=\"true\"/>"),
            "the Id was not selected"
        );
        let locator = between(&page, "queryLocator").to_owned();
        if locator.is_empty() {
            break;
        }
        page = call(
            &sim,
            options,
            &format!("<queryMore><queryLocator>{locator}</queryLocator></queryMore>"),
        )
        .await;
    }
    assert_eq!(rows as u64, total);
    assert_eq!(
        fault(
            &sim,
            "<queryMore><queryLocator>nonsense</queryLocator></queryMore>"
        )
        .await,
        "sf:INVALID_QUERY_LOCATOR"
    );
}

#[tokio::test]
async fn a_wrong_query_is_a_fault_that_says_where() {
    let sim = Sim::start().await;
    let body = "<query><queryString>SELECT Id, Nope FROM Account</queryString></query>";
    let (status, answer) = soap(&sim, PARTNER, Some(&sim.token), "", body).await;
    assert_eq!(status, 500);
    assert_eq!(between(&answer, "faultcode"), "sf:INVALID_FIELD");
    assert!(answer.contains("<sf:InvalidFieldFault xsi:type=\"sf:InvalidFieldFault\">"));
    assert!(
        answer.contains("<sf:row>1</sf:row><sf:column>12</sf:column>"),
        "{answer}"
    );
    assert_eq!(
        fault(
            &sim,
            "<query><queryString>SELECT FROM</queryString></query>"
        )
        .await,
        "sf:MALFORMED_QUERY"
    );
}

#[tokio::test]
async fn objects_describe_themselves() {
    let sim = Sim::start().await;
    let global = call(&sim, "", "<describeGlobal/>").await;
    assert!(
        global.contains("<name>Account</name>") && global.contains("<encoding>UTF-8</encoding>")
    );
    let both = call(
        &sim,
        "",
        "<describeSObjects><sObjectType>Account</sObjectType><sObjectType>Project__c</sObjectType></describeSObjects>",
    )
    .await;
    assert_eq!(both.matches("<result>").count(), 2);
    assert!(both.contains("<name>Industry</name>") && both.contains("<soapType>tns:ID</soapType>"));
    assert_eq!(
        fault(
            &sim,
            "<describeSObject><sObjectType>Nothing__c</sObjectType></describeSObject>"
        )
        .await,
        "sf:INVALID_TYPE"
    );
    let window =
        "<startDate>2026-11-20T00:00:00Z</startDate><endDate>2026-11-22T00:00:00Z</endDate>";
    sim.control("clock", json!({"set": "2026-11-22T12:00:00Z"}))
        .await;
    let updated = call(
        &sim,
        "",
        &format!("<getUpdated><sObjectType>Account</sObjectType>{window}</getUpdated>"),
    )
    .await;
    assert_eq!(
        between(&updated, "latestDateCovered"),
        "2026-11-22T00:00:00.000Z"
    );
}

#[tokio::test]
async fn merged_records_hand_over_what_refers_to_them() {
    let sim = Sim::start().await;
    let made = call(
        &sim,
        "",
        "<create><sObjects><type>Account</type><Name>kept</Name></sObjects><sObjects><type>Account</type><Name>merged</Name></sObjects></create>",
    )
    .await;
    let [kept, lost] = ids(&made).try_into().unwrap();
    let child = call(
        &sim,
        "",
        &format!("<create><sObjects><type>Contact</type><LastName>child</LastName><AccountId>{lost}</AccountId></sObjects></create>"),
    )
    .await;
    let child = ids(&child).remove(0);
    let merged = call(
        &sim,
        "",
        &format!("<merge><request><masterRecord><type>Account</type><Id>{kept}</Id><Phone>42</Phone></masterRecord><recordToMergeIds>{lost}</recordToMergeIds></request></merge>"),
    )
    .await;
    assert!(
        merged.contains(&format!("<result><id>{kept}</id><mergedRecordIds>{lost}</mergedRecordIds><success>true</success><updatedRelatedIds>{child}</updatedRelatedIds>")),
        "{merged}"
    );
    let rows = sim
        .records(&format!(
            "SELECT AccountId, Account.Phone FROM Contact WHERE Id = '{child}'"
        ))
        .await;
    assert_eq!(rows[0]["AccountId"], json!(kept));
    assert_eq!(rows[0]["Account"]["Phone"], "42");
    let all = format!(
        "<queryAll><queryString>SELECT MasterRecordId FROM Account WHERE Id = '{lost}' AND IsDeleted = true</queryString></queryAll>"
    );
    assert_eq!(
        between(&call(&sim, "", &all).await, "sf:MasterRecordId"),
        kept
    );
}

#[tokio::test]
async fn a_lead_becomes_account_contact_and_opportunity() {
    let sim = Sim::start().await;
    let made = call(
        &sim,
        "",
        "<create><sObjects><type>Lead</type><LastName>Doe</LastName><Company>Doe Ltd</Company><Status>Open - Not Contacted</Status></sObjects></create>",
    )
    .await;
    let lead = ids(&made).remove(0);
    let convert = format!(
        "<convertLead><leadConverts><convertedStatus>Closed - Converted</convertedStatus><doNotCreateOpportunity>false</doNotCreateOpportunity><leadId>{lead}</leadId></leadConverts></convertLead>"
    );
    let done = call(&sim, "", &convert).await;
    assert!(done.contains("<success>true</success>"), "{done}");
    let account = between(&done, "accountId");
    let rows = sim
        .records(&format!(
            "SELECT Name, AccountId, Account.Name FROM Contact WHERE Id = '{}'",
            between(&done, "contactId")
        ))
        .await;
    assert_eq!(rows[0]["Account"]["Name"], "Doe Ltd");
    assert_eq!(rows[0]["AccountId"], json!(account));
    let rows = sim
        .records(&format!(
            "SELECT IsConverted, ConvertedOpportunityId FROM Lead WHERE Id = '{lead}'"
        ))
        .await;
    assert_eq!(rows[0]["IsConverted"], json!(true));
    assert_eq!(
        rows[0]["ConvertedOpportunityId"],
        json!(between(&done, "opportunityId"))
    );
    let again = call(&sim, "", &convert).await;
    assert!(
        again.contains("<statusCode>CANNOT_UPDATE_CONVERTED_LEAD</statusCode>"),
        "{again}"
    );
}
