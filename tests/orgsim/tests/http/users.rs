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
