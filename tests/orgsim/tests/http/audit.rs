//! Who and when, owners, and what does not share a transaction.

use serde_json::json;

use crate::sim::Sim;

#[tokio::test]
async fn setup_objects_and_data_do_not_share_a_transaction() {
    let sim = Sim::start().await;
    let group = sim
        .records("SELECT Id FROM Group WHERE Type = 'Queue' LIMIT 1")
        .await[0]["Id"]
        .clone();
    let user = sim.json("/services/oauth2/userinfo").await.1["user_id"].clone();
    let records = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Account"}, "Name": "a"},
        {"attributes": {"type": "GroupMember"}, "GroupId": group, "UserOrGroupId": user},
    ]});
    let (_, results) = sim.call("POST", "/composite/sobjects", records).await;
    assert_eq!(results[1]["errors"][0]["statusCode"], "MIXED_DML_OPERATION");
    assert_eq!(
        results[1]["errors"][0]["message"],
        "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): GroupMember, original object: Account"
    );
    assert_eq!(
        results[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    let member = json!({"GroupId": group, "UserOrGroupId": user});
    assert_eq!(
        sim.call("POST", "/sobjects/GroupMember", member).await.0,
        201
    );
    // A name is not among what decides a user's access.
    let records = json!({"records": [
        {"attributes": {"type": "Account"}, "Name": "a"},
    ]});
    assert_eq!(
        sim.call("POST", "/composite/sobjects", records).await.1[0]["success"],
        true
    );
    for (change, allowed) in [
        (json!({"Title": "Boss"}), true),
        (json!({"IsActive": false}), false),
    ] {
        let other = sim
            .records("SELECT Id FROM User WHERE IsActive = true")
            .await;
        let mut update = change.clone();
        update["attributes"] = json!({"type": "User"});
        update["id"] = other.last().unwrap()["Id"].clone();
        let account = sim.made("Account", json!({"Name": "b"})).await;
        let records = json!({"records": [
            {"attributes": {"type": "Account"}, "id": account, "Phone": "1"}, update,
        ]});
        let (_, results) = sim.call("PATCH", "/composite/sobjects", records).await;
        assert_eq!(results[1]["success"], allowed, "{change}: {results}");
    }
}

#[tokio::test]
async fn who_and_when_can_be_set_on_insert_with_the_permission_and_never_later() {
    let sim = Sim::start().await;
    let other = sim
        .records("SELECT Id FROM User WHERE Name != null ORDER BY Id DESC LIMIT 1")
        .await[0]["Id"]
        .clone();
    let body = json!({"Name": "old", "CreatedById": other, "CreatedDate": "2020-02-03T04:05:06.000Z",
                      "LastModifiedDate": "2021-02-03T04:05:06.000+0000", "LastModifiedById": other});
    let (status, refusal) = sim.call("POST", "/sobjects/Account", body.clone()).await;
    assert_eq!(status, 400);
    assert_eq!(refusal[0]["errorCode"], "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(
        refusal[0]["fields"],
        json!([
            "CreatedById",
            "CreatedDate",
            "LastModifiedById",
            "LastModifiedDate"
        ])
    );
    sim.control(
        "permissions",
        json!({"permission": "CreateAuditFields", "granted": true}),
    )
    .await;
    let id = sim.made("Account", body).await;
    let record = &sim.records(&format!("SELECT CreatedById, CreatedDate, LastModifiedById, LastModifiedDate, SystemModstamp FROM Account WHERE Id = '{id}'")).await[0];
    assert_eq!(record["CreatedDate"], "2020-02-03T04:05:06.000+0000");
    assert_eq!(record["LastModifiedDate"], "2021-02-03T04:05:06.000+0000");
    assert_eq!(record["CreatedById"], other);
    assert_eq!(record["LastModifiedById"], other);
    assert!(record["SystemModstamp"].as_str() > record["LastModifiedDate"].as_str());

    let path = format!("/sobjects/Account/{id}");
    let late = json!({"CreatedDate": "2019-02-03T04:05:06Z"});
    assert_eq!(
        sim.call("PATCH", &path, late).await.1[0]["errorCode"],
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
    for (object, body, code) in [
        (
            "Account",
            json!({"Name": "a", "SystemModstamp": "2020-02-03T04:05:06Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (
            "Product2",
            json!({"Name": "a", "CreatedDate": "2020-02-03T04:05:06Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (
            "Account",
            json!({"Name": "a", "CreatedDate": "2099-02-03T04:05:06Z"}),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            "Account",
            json!({"Name": "a", "CreatedDate": "2020-02-03T04:05:06Z", "LastModifiedDate": "2019-02-03T04:05:06Z"}),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
    ] {
        let (status, answer) = sim
            .call("POST", &format!("/sobjects/{object}"), body.clone())
            .await;
        assert_eq!(
            (status, answer[0]["errorCode"].as_str()),
            (400, Some(code)),
            "{body}: {answer}"
        );
    }
}

#[tokio::test]
async fn an_inactive_user_owns_new_records_only_with_the_permission() {
    let sim = Sim::start().await;
    let user = sim
        .records("SELECT Id FROM User WHERE IsActive = true ORDER BY Id DESC LIMIT 1")
        .await[0]["Id"]
        .clone();
    let id = user.as_str().unwrap();
    sim.control(
        "update",
        json!({"object": "User", "ids": [id], "set": {"IsActive": false}}),
    )
    .await;
    let body = json!({"Name": "a", "OwnerId": user});
    let (status, answer) = sim.call("POST", "/sobjects/Account", body.clone()).await;
    assert_eq!(
        (status, answer[0]["errorCode"].as_str()),
        (400, Some("INACTIVE_OWNER_OR_USER"))
    );
    assert_eq!(
        answer[0]["message"],
        format!(
            "operation performed with inactive user [{}] as owner of account",
            &id[..15]
        )
    );
    sim.control(
        "permissions",
        json!({"permission": "UpdateWithInactiveOwner", "granted": true}),
    )
    .await;
    assert_eq!(sim.call("POST", "/sobjects/Account", body).await.0, 201);
}
