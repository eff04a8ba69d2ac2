use serde_json::json;

use crate::sim::{Sim, answer};

/// A user with these permissions, and a session of the username-password flow.
pub(crate) async fn user(sim: &Sim, body: serde_json::Value) -> (String, String) {
    let made = sim.control("users", body.clone()).await;
    let (status, token) = sim
        .grant(&[
            ("grant_type", "password"),
            ("username", body["username"].as_str().unwrap()),
            ("password", body["password"].as_str().unwrap()),
        ])
        .await;
    assert_eq!(status, 200, "{token}");
    (
        made["user_id"].as_str().unwrap().to_owned(),
        token["access_token"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn a_named_user_logs_in_with_a_password_and_is_who_it_says() {
    let sim = Sim::start().await;
    let (id, token) = user(
        &sim,
        json!({"username": "clerk@acme.example", "password": "pw", "objects": {"Account": "CRUD"}, "fields": {"Account.*": "RU"}}),
    )
    .await;
    let info = sim
        .http
        .get(sim.url("/services/oauth2/userinfo"))
        .bearer_auth(&token);
    let (status, info) = answer(info.send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(info["user_id"], json!(id));
    assert_eq!(info["preferred_username"], "clerk@acme.example");
    let made = sim
        .http
        .post(sim.url("/sobjects/Account"))
        .bearer_auth(&token)
        .json(&json!({"Name": "by the clerk"}));
    assert_eq!(made.send().await.unwrap().status(), 201);
    let rows = sim
        .records("SELECT CreatedById, OwnerId FROM Account WHERE Name = 'by the clerk'")
        .await;
    assert_eq!(rows[0]["CreatedById"], json!(id));
    assert_eq!(rows[0]["OwnerId"], json!(id));

    for (username, password) in [
        ("clerk@acme.example", "other"),
        ("nobody@acme.example", "pw"),
    ] {
        let (status, refused) = sim
            .grant(&[
                ("grant_type", "password"),
                ("username", username),
                ("password", password),
            ])
            .await;
        assert_eq!(status, 400);
        assert_eq!(refused["error"], "invalid_grant");
        assert_eq!(refused["error_description"], "authentication failure");
    }
}

#[tokio::test]
async fn permissions_are_rows() {
    let sim = Sim::start().await;
    let (id, _) = user(
        &sim,
        json!({"username": "reader@acme.example", "password": "pw", "permissions": ["ViewSetup"], "objects": {"Account": "R", "Contact": "CRU"}, "fields": {"Account.Industry": "R"}}),
    )
    .await;
    let rows = sim
        .records(&format!(
            "SELECT SobjectType, PermissionsRead, PermissionsEdit FROM ObjectPermissions WHERE Parent.ProfileId IN \
             ('{}') ORDER BY SobjectType",
            sim.records(&format!("SELECT ProfileId FROM User WHERE Id = '{id}'")).await[0]["ProfileId"].as_str().unwrap()
        ))
        .await;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["SobjectType"].as_str().unwrap(),
                row["PermissionsRead"].as_bool().unwrap(),
                row["PermissionsEdit"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(shown, [("Account", true, false), ("Contact", true, true)]);
    assert_eq!(
        sim.count("SELECT COUNT() FROM FieldPermissions WHERE Field = 'Account.Industry' AND PermissionsEdit = false").await,
        1
    );
}

async fn as_user(sim: &Sim, token: &str, path: &str) -> (u16, serde_json::Value) {
    let request = sim.http.get(sim.url(path)).bearer_auth(token);
    answer(request.send().await.unwrap()).await
}

async fn asks(sim: &Sim, token: &str, soql: &str) -> (u16, serde_json::Value) {
    let request = sim
        .http
        .get(sim.url("/query"))
        .query(&[("q", soql)])
        .bearer_auth(token);
    answer(request.send().await.unwrap()).await
}

#[tokio::test]
async fn an_object_that_a_user_may_not_read_is_not_there() {
    let sim = Sim::start().await;
    let (_, token) = user(
        &sim,
        json!({"username": "reader@acme.example", "password": "pw", "objects": {"Account": "R"}}),
    )
    .await;
    let (_, global) = as_user(&sim, &token, "/sobjects").await;
    let names: Vec<&str> = global["sobjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Account"));
    assert!(names.contains(&"Task"), "needs no permission");
    assert!(!names.contains(&"Contact"));
    assert!(!names.contains(&"ContactHistory") && !names.contains(&"Project__c"));
    assert_eq!(
        as_user(&sim, &token, "/sobjects/Contact/describe").await.0,
        404
    );
    let (status, refused) = asks(&sim, &token, "SELECT Id FROM Contact").await;
    assert_eq!(
        (status, refused[0]["errorCode"].as_str()),
        (400, Some("INVALID_TYPE"))
    );
    let text = refused[0]["message"].as_str().unwrap();
    assert!(
        text.contains("sObject type 'Contact' is not supported."),
        "{text}"
    );
    let contact = sim.records("SELECT Id FROM Contact LIMIT 1").await[0]["Id"].clone();
    let path = format!("/sobjects/Contact/{}", contact.as_str().unwrap());
    assert_eq!(as_user(&sim, &token, &path).await.0, 404);
    let job = sim
        .http
        .post(sim.url("/jobs/query"))
        .bearer_auth(&token)
        .json(&json!({"operation": "query", "query": "SELECT Id FROM Contact"}));
    let (status, refused) = answer(job.send().await.unwrap()).await;
    assert_eq!(
        (status, refused[0]["errorCode"].as_str()),
        (400, Some("INVALID_TYPE"))
    );
    let (_, mine) = as_user(&sim, &token, "/sobjects/Account/describe").await;
    assert_eq!(mine["createable"], json!(false));
    assert_eq!(mine["queryable"], json!(true));
}

#[tokio::test]
async fn a_field_that_a_user_may_not_read_is_not_there() {
    let sim = Sim::start().await;
    let (_, token) = user(
        &sim,
        json!({
            "username": "reader@acme.example", "password": "pw",
            "objects": {"Account": "CRU"},
            "fields": {"Account.Industry": "R", "Account.BillingAddress": "R", "Account.Website": "RU"},
        }),
    )
    .await;
    let (_, body) = as_user(&sim, &token, "/sobjects/Account/describe").await;
    let field = |name: &str| {
        let fields = body["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).cloned()
    };
    assert!(
        field("Name").is_some() && field("OwnerId").is_some(),
        "nobody can hide these"
    );
    assert!(field("Phone").is_none());
    assert!(field("BillingCity").is_some(), "part of an address");
    assert_eq!(field("Industry").unwrap()["updateable"], json!(false));
    assert_eq!(field("Website").unwrap()["updateable"], json!(true));
    let (status, refused) = asks(&sim, &token, "SELECT Id, Phone FROM Account").await;
    assert_eq!(
        (status, refused[0]["errorCode"].as_str()),
        (400, Some("INVALID_FIELD"))
    );
    assert!(
        refused[0]["message"]
            .as_str()
            .unwrap()
            .contains("No such column 'Phone' on entity 'Account'")
    );
    let id = sim.records("SELECT Id FROM Account LIMIT 1").await[0]["Id"].clone();
    let path = format!("/sobjects/Account/{}", id.as_str().unwrap());
    let (status, row) = as_user(&sim, &token, &path).await;
    assert_eq!(status, 200);
    assert!(row.get("Phone").is_none() && row.get("Industry").is_some());
    let writes = async |body: serde_json::Value| {
        let request = sim
            .http
            .patch(sim.url(&path))
            .bearer_auth(&token)
            .json(&body);
        answer(request.send().await.unwrap()).await
    };
    let (status, refused) = writes(json!({"Phone": "1"})).await;
    assert_eq!(
        (status, refused[0]["errorCode"].as_str()),
        (400, Some("INVALID_FIELD"))
    );
    assert_eq!(
        refused[0]["message"],
        "No such column 'Phone' on sobject of type Account"
    );
    let (status, refused) = writes(json!({"Industry": "Energy"})).await;
    assert_eq!(
        (status, refused[0]["errorCode"].as_str()),
        (400, Some("INVALID_FIELD_FOR_INSERT_UPDATE"))
    );
    assert_eq!(
        writes(json!({"Website": "https://acme.example"})).await.0,
        204
    );
    let gone = sim.http.delete(sim.url(&path)).bearer_auth(&token);
    let (status, refused) = answer(gone.send().await.unwrap()).await;
    assert_eq!(
        (status, refused[0]["errorCode"].as_str()),
        (400, Some("INSUFFICIENT_ACCESS_OR_READONLY"))
    );
}

#[tokio::test]
async fn a_permission_set_that_is_assigned_takes_effect_at_once() {
    let sim = Sim::start().await;
    let (id, token) = user(
        &sim,
        json!({"username": "new@acme.example", "password": "pw"}),
    )
    .await;
    let post = async |object: &str, body: serde_json::Value| {
        let request = sim
            .http
            .post(sim.url(&format!("/sobjects/{object}")))
            .bearer_auth(&sim.token)
            .json(&body);
        let (status, made) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 201, "{made}");
        made["id"].clone()
    };
    assert_eq!(asks(&sim, &token, "SELECT Id FROM Lead").await.0, 400);
    let set = post("PermissionSet", json!({"Name": "Leads", "Label": "Leads"})).await;
    post(
        "ObjectPermissions",
        json!({"ParentId": set, "SobjectType": "Lead", "PermissionsRead": true, "PermissionsCreate": true,
               "PermissionsEdit": false, "PermissionsDelete": false, "PermissionsViewAllRecords": false,
               "PermissionsModifyAllRecords": false}),
    )
    .await;
    assert_eq!(asks(&sim, &token, "SELECT Id FROM Lead").await.0, 400);
    let assignment = post(
        "PermissionSetAssignment",
        json!({"PermissionSetId": set, "AssigneeId": id}),
    )
    .await;
    assert_eq!(asks(&sim, &token, "SELECT Id FROM Lead").await.0, 200);
    let path = format!(
        "/sobjects/PermissionSetAssignment/{}",
        assignment.as_str().unwrap()
    );
    let gone = sim.http.delete(sim.url(&path)).bearer_auth(&sim.token);
    assert_eq!(gone.send().await.unwrap().status(), 204);
    assert_eq!(asks(&sim, &token, "SELECT Id FROM Lead").await.0, 400);
}
