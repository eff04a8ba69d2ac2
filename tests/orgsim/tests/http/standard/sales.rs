//! Campaigns, stages, and what accounts, people and users must hold to.

use serde_json::{Value, json};

use crate::sim::Sim;

#[tokio::test]
async fn a_member_belongs_to_a_campaign_once_with_one_of_its_statuses() {
    let sim = Sim::start().await;
    let campaign = sim.create("Campaign", json!({"Name": "Spring"})).await;
    let statuses = format!(
        "SELECT Label, IsDefault, HasResponded FROM CampaignMemberStatus WHERE CampaignId = '{campaign}' ORDER BY SortOrder"
    );
    let labels: Vec<Value> = sim
        .records(&statuses)
        .await
        .iter()
        .map(|status| json!([status["Label"], status["IsDefault"], status["HasResponded"]]))
        .collect();
    assert_eq!(
        labels,
        [
            json!(["Sent", true, false]),
            json!(["Responded", false, true])
        ]
    );

    let lead = sim
        .create("Lead", json!({"LastName": "Lee", "Company": "Lee Ltd"}))
        .await;
    let contact = sim
        .create("Contact", json!({"LastName": "Ng", "FirstName": "Ann"}))
        .await;
    let member = json!({"CampaignId": campaign, "LeadId": lead, "Status": "Nonsense"});
    let member = sim.create("CampaignMember", member).await;
    let record = sim.read("CampaignMember", &member).await;
    assert_eq!(
        (&record["Status"], &record["HasResponded"]),
        (&json!("Sent"), &json!(false))
    );
    assert_eq!(
        (&record["CompanyOrAccount"], &record["Type"]),
        (&json!("Lee Ltd"), &json!("Lead"))
    );
    let again = sim
        .refused(
            "CampaignMember",
            json!({"CampaignId": campaign, "LeadId": lead}),
        )
        .await;
    assert_eq!(
        (again.0.as_str(), again.1.as_str()),
        ("DUPLICATE_VALUE", "Already a campaign member.")
    );
    let nobody = sim
        .refused("CampaignMember", json!({"CampaignId": campaign}))
        .await;
    assert_eq!(nobody.0, "REQUIRED_FIELD_MISSING");
    let both = json!({"CampaignId": campaign, "LeadId": lead, "ContactId": contact, "Status": "Responded"});
    let both = sim.create("CampaignMember", both).await;
    let record = sim.read("CampaignMember", &both).await;
    assert_eq!(
        (&record["LeadId"], &record["LeadOrContactId"]),
        (&Value::Null, &json!(contact))
    );
    assert_eq!(record["Name"], "Ann Ng");

    let counts = async |leads: u64, contacts: u64, responses: u64| {
        let record = sim.read("Campaign", &campaign).await;
        let found = ["NumberOfLeads", "NumberOfContacts", "NumberOfResponses"]
            .map(|field| record[field].as_u64().unwrap());
        assert_eq!(found, [leads, contacts, responses]);
    };
    counts(1, 1, 1).await;
    sim.change("CampaignMember", &member, json!({"Status": "Responded"}))
        .await;
    counts(1, 1, 2).await;
    assert_eq!(sim.remove("Contact", &contact).await.0, 204);
    counts(1, 0, 1).await;
    sim.control("undelete", json!({"object": "Contact", "ids": [contact]}))
        .await;
    counts(1, 1, 2).await;
    assert_eq!(sim.remove("Campaign", &campaign).await.0, 204);
    sim.control("undelete", json!({"object": "Campaign", "ids": [campaign]}))
        .await;
    counts(1, 1, 2).await;
}

#[tokio::test]
async fn a_stage_decides_and_leaves_a_trail() {
    let sim = Sim::start().await;
    let campaign = sim.create("Campaign", json!({"Name": "Spring"})).await;
    let contact = sim.create("Contact", json!({"LastName": "Ng"})).await;
    let deal = sim
        .deal(json!({"Amount": 100, "CampaignId": campaign, "ContactId": contact}))
        .await;
    sim.change("Opportunity", &deal, json!({"StageName": "Closed Won"}))
        .await;
    let record = sim.read("Opportunity", &deal).await;
    for (field, value) in [
        ("Probability", json!(100.0)),
        ("IsClosed", json!(true)),
        ("IsWon", json!(true)),
        ("ForecastCategory", json!("Closed")),
        ("ForecastCategoryName", json!("Closed")),
        ("ExpectedRevenue", json!(100.0)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let trail = format!(
        "SELECT StageName, Amount FROM OpportunityHistory WHERE OpportunityId = '{deal}' ORDER BY Id"
    );
    let trail = sim.records(&trail).await;
    let stages: Vec<&Value> = trail.iter().map(|row| &row["StageName"]).collect();
    assert_eq!(stages, ["Value Proposition", "Closed Won"]);
    sim.change("Opportunity", &deal, json!({"NextStep": "none"}))
        .await;
    let rows = format!("SELECT COUNT() FROM OpportunityHistory WHERE OpportunityId = '{deal}'");
    assert_eq!(sim.count(&rows).await, 2);
    let sums = sim.read("Campaign", &campaign).await;
    assert_eq!(
        (
            &sums["NumberOfWonOpportunities"],
            &sums["AmountWonOpportunities"]
        ),
        (&json!(1), &json!(100.0))
    );

    let role =
        format!("SELECT Id, IsPrimary FROM OpportunityContactRole WHERE OpportunityId = '{deal}'");
    let role = sim.records(&role).await;
    assert_eq!(role[0]["IsPrimary"], true);
    let second = sim.create("Contact", json!({"LastName": "Okafor"})).await;
    let first = json!({"OpportunityId": deal, "ContactId": second, "IsPrimary": true});
    sim.create("OpportunityContactRole", first).await;
    let former = sim
        .read("OpportunityContactRole", role[0]["Id"].as_str().unwrap())
        .await;
    assert_eq!(former["IsPrimary"], false);
    assert_eq!(
        sim.read("Opportunity", &deal).await["ContactId"],
        json!(second)
    );
}

#[tokio::test]
async fn an_account_goes_with_what_is_open_and_stays_for_what_is_not() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let contact = sim
        .create(
            "Contact",
            json!({"LastName": "Ng", "Salutation": "Ms.", "AccountId": account}),
        )
        .await;
    let case = sim.create("Case", json!({"ContactId": contact})).await;
    let record = sim.read("Case", &case).await;
    assert_eq!(
        record["AccountId"],
        json!(account),
        "a case belongs to its contact's account"
    );
    let number = record["CaseNumber"].as_str().unwrap();
    for (object, id, name) in [
        ("Account", &account, "Acme"),
        ("Contact", &contact, "Ms. Ng"),
    ] {
        let (status, answer) = sim.remove(object, id).await;
        assert_eq!(
            (status, &answer[0]["errorCode"]),
            (400, &json!("DELETE_FAILED"))
        );
        let text = format!(
            "Your attempt to delete {name} could not be completed because it is associated with the following cases.: {number}\n"
        );
        assert_eq!(answer[0]["message"], json!(text));
    }
    sim.change("Case", &case, json!({"Status": "Closed"})).await;
    let record = sim.read("Case", &case).await;
    assert_eq!(
        (&record["IsClosed"], &record["ClosedDate"]),
        (&json!(true), &record["LastModifiedDate"])
    );
    assert_eq!(sim.remove("Case", &case).await.0, 204);

    let deal = sim
        .deal(json!({"AccountId": account, "StageName": "Closed Won"}))
        .await;
    let (_, answer) = sim.remove("Account", &account).await;
    let text = answer[0]["message"].as_str().unwrap();
    assert!(
        text.contains("some opportunities in that account were closed won"),
        "{text}"
    );
    sim.change("Opportunity", &deal, json!({"StageName": "Prospecting"}))
        .await;
    let asset = sim
        .create("Asset", json!({"Name": "Drill", "AccountId": account}))
        .await;
    let draft = sim.create("Contract", json!({"AccountId": account})).await;
    assert_eq!(sim.remove("Account", &account).await.0, 204);
    for (object, id) in [
        ("Opportunity", &deal),
        ("Asset", &asset),
        ("Contract", &draft),
        ("Contact", &contact),
    ] {
        assert_eq!(
            sim.json(&format!("/sobjects/{object}/{id}")).await.0,
            404,
            "{object}"
        );
    }
    let alone = sim.refused("Asset", json!({"Name": "Drill"})).await;
    assert_eq!(alone.1, "Every asset needs an account, a contact, or both.");
}

#[tokio::test]
async fn no_record_is_its_own_ancestor() {
    let sim = Sim::start().await;
    let top = sim.create("Account", json!({"Name": "Top"})).await;
    let middle = sim
        .create("Account", json!({"Name": "Middle", "ParentId": top}))
        .await;
    let code = sim
        .change_refused("Account", &top, json!({"ParentId": middle}))
        .await;
    assert_eq!(code, "CIRCULAR_DEPENDENCY");
    let owner = sim
        .create("Asset", json!({"Name": "Root", "AccountId": top}))
        .await;
    let part = sim
        .create(
            "Asset",
            json!({"Name": "Part", "AccountId": top, "ParentId": owner}),
        )
        .await;
    let record = sim.read("Asset", &part).await;
    assert_eq!(
        (&record["RootAssetId"], &record["AssetLevel"]),
        (&json!(owner), &json!(2))
    );
}

#[tokio::test]
async fn tracked_changes_are_written_down() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Old"})).await;
    sim.change("Account", &account, json!({"Name": "New", "Site": "HQ"}))
        .await;
    let users = sim
        .records("SELECT Id, Name FROM User WHERE IsActive = true ORDER BY Id")
        .await;
    let (first, second) = (&users[0], &users[1]);
    sim.change("Account", &account, json!({"OwnerId": second["Id"]}))
        .await;
    let rows = format!(
        "SELECT Field, DataType, OldValue, NewValue FROM AccountHistory WHERE AccountId = '{account}' ORDER BY Id"
    );
    let rows: Vec<Value> = sim
        .records(&rows)
        .await
        .iter()
        .map(|row| {
            json!([
                row["Field"],
                row["DataType"],
                row["OldValue"],
                row["NewValue"]
            ])
        })
        .collect();
    assert_eq!(
        rows,
        [
            json!(["created", "Text", null, null]),
            json!(["Name", "Text", "Old", "New"]),
            json!(["OwnerId", "Text", first["Name"], second["Name"]]),
            json!(["OwnerId", "EntityId", first["Id"], second["Id"]]),
        ]
    );
}

#[tokio::test]
async fn two_users_do_not_share_a_name() {
    let sim = Sim::start().await;
    let profile = sim.records("SELECT Id FROM Profile LIMIT 1").await[0]["Id"].clone();
    let user = json!({
        "Username": "Zoe@acme.example", "LastName": "Ng", "Email": "zoe@acme.example", "Alias": "zng",
        "TimeZoneSidKey": "UTC", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US", "ProfileId": profile
    });
    let id = sim.create("User", user.clone()).await;
    let record = sim.read("User", &id).await;
    assert_eq!(
        (&record["IsActive"], &record["CommunityNickname"]),
        (&json!(true), &json!("Zoe"))
    );
    let mut twin = user;
    twin["Username"] = json!("zoe@ACME.example");
    let (code, _, fields) = sim.refused("User", twin).await;
    assert_eq!(
        (code.as_str(), fields),
        ("DUPLICATE_USERNAME", json!(["Username"]))
    );
    assert_eq!(sim.remove("User", &id).await.0, 400);
}
