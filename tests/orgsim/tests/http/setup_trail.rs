//! `SetupAuditTrail`, and who may use the Metadata API.

use serde_json::json;

use crate::{
    metadata::soap_as,
    sim::{Sim, answer},
    users::user,
};

/// Actions and texts of the rows that were written since the org began, by whom.
async fn trail(sim: &Sim, since: &str) -> Vec<(String, String, String)> {
    let rows = sim
        .records(&format!(
            "SELECT Action, Display, CreatedById FROM SetupAuditTrail WHERE CreatedDate >= {since} ORDER BY Id"
        ))
        .await;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| {
            (
                text(&row["Action"]),
                text(&row["Display"]),
                text(&row["CreatedById"]),
            )
        })
        .collect()
}

async fn now(sim: &Sim) -> String {
    let clock = sim
        .control("clock", json!({"advance_seconds": 86_400}))
        .await;
    // Stamps are to the second.
    format!("{}Z", clock["now"].as_str().unwrap().get(..19).unwrap())
}

#[tokio::test]
async fn changes_of_users_and_permissions_leave_a_trail() {
    let sim = Sim::start().await;
    let since = now(&sim).await;
    let mut sim = sim;
    sim.log_in().await;
    let (clerk, _) = user(
        &sim,
        json!({"username": "clerk@acme.example", "password": "pw"}),
    )
    .await;
    let set = sim
        .made(
            "PermissionSet",
            json!({"Name": "Restorer", "Label": "Restores"}),
        )
        .await;
    let custom = sim
        .records(&format!(
            "SELECT IsCustom FROM PermissionSet WHERE Id = '{set}'"
        ))
        .await;
    assert_eq!(custom[0]["IsCustom"], true);
    let path = format!("/sobjects/PermissionSet/{set}");
    let flag = json!({"PermissionsViewSetup": true});
    assert_eq!(sim.call("PATCH", &path, flag).await.0, 204);
    let assignment = json!({"AssigneeId": clerk, "PermissionSetId": set});
    let assignment = sim.made("PermissionSetAssignment", assignment).await;
    let path = format!("/sobjects/PermissionSetAssignment/{assignment}");
    assert_eq!(sim.call("DELETE", &path, json!({})).await.0, 204);
    let path = format!("/sobjects/User/{clerk}");
    assert_eq!(
        sim.call("PATCH", &path, json!({"IsActive": false})).await.0,
        204
    );
    let trail = trail(&sim, &since).await;
    let me = sim.json("/services/oauth2/userinfo").await.1["user_id"].clone();
    assert!(trail.iter().all(|row| row.2 == me.as_str().unwrap()));
    let actions: Vec<&str> = trail.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(
        actions,
        [
            "createduser",
            "PermSetCreate",
            "PermSetEnableUserPerm",
            "PermSetAssign",
            "PermSetUnassign",
            "deactivateduser"
        ]
    );
    assert!(
        trail[1]
            .1
            .starts_with("Created permission set Restores: with ")
    );
}

#[tokio::test]
async fn a_change_that_is_taken_back_leaves_no_trail() {
    let sim = Sim::start().await;
    let since = now(&sim).await;
    let mut sim = sim;
    sim.log_in().await;
    let records = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "PermissionSet"}, "Name": "Restorer", "Label": "Restores"},
        {"attributes": {"type": "PermissionSet"}, "Name": "Nameless"},
    ]});
    let (_, results) = sim.call("POST", "/composite/sobjects", records).await;
    assert_eq!(results[0]["success"], false, "{results}");
    assert_eq!(trail(&sim, &since).await, []);
}

#[tokio::test]
async fn components_and_rules_leave_a_trail_by_who_changed_them() {
    let sim = Sim::start().await;
    let since = now(&sim).await;
    let mut sim = sim;
    sim.log_in().await;
    let rule = |active: bool| {
        format!(
            "<metadata xsi:type=\"ValidationRule\"><fullName>Lead.Phone_Needed</fullName><active>{active}</active>\
             <errorConditionFormula>ISBLANK(Phone)</errorConditionFormula><errorMessage>No.</errorMessage></metadata>"
        )
    };
    for body in [
        format!("<createMetadata>{}</createMetadata>", rule(true)),
        format!("<updateMetadata>{}</updateMetadata>", rule(false)),
        // Nothing changes.
        format!("<updateMetadata>{}</updateMetadata>", rule(false)),
    ] {
        let (status, text) = soap_as(&sim, &sim.token, "", &body).await;
        assert!(status == 200 && text.contains("<success>true"), "{text}");
    }
    sim.control(
        "rules",
        json!({"kind": "validation", "object": "Lead", "name": "Phone_Needed", "active": true}),
    )
    .await;
    let delete = "<deleteMetadata><type>ValidationRule</type><fullNames>Lead.Phone_Needed</fullNames></deleteMetadata>";
    soap_as(&sim, &sim.token, "", delete).await;
    let trail = trail(&sim, &since).await;
    let actions: Vec<&str> = trail.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(
        actions,
        [
            "createdValidation",
            "changedValidation",
            "activatedValidation",
            "deletedValidation"
        ]
    );
    assert_eq!(trail[0].1, "Created ValidationRule Lead.Phone_Needed");
}

#[tokio::test]
async fn the_metadata_api_wants_a_permission_even_to_read() {
    let sim = Sim::start().await;
    let (_, token) = user(
        &sim,
        json!({"username": "clerk@acme.example", "password": "pw", "permissions": ["ViewSetup"]}),
    )
    .await;
    let calls = [
        "<listMetadata><queries><type>CustomObject</type></queries></listMetadata>",
        "<deploy><ZipFile></ZipFile></deploy>",
        "<retrieve><retrieveRequest><apiVersion>60.0</apiVersion></retrieveRequest></retrieve>",
    ];
    for body in calls {
        let (status, text) = soap_as(&sim, &token, "", body).await;
        assert_eq!(status, 500, "{text}");
        assert!(
            text.contains("<faultcode>sf:INSUFFICIENT_ACCESS</faultcode>")
                && text.contains("INSUFFICIENT_ACCESS: use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"),
            "{text}"
        );
    }
    let path = "/metadata/deployRequest/0Af000000000001AAA";
    let request = |token: &str| sim.http.get(sim.url(path)).bearer_auth(token).send();
    let (status, body) = answer(request(&token).await.unwrap()).await;
    assert_eq!(
        (status, body[0]["errorCode"].as_str()),
        (403, Some("INSUFFICIENT_ACCESS"))
    );
    user(
        &sim,
        json!({"username": "clerk@acme.example", "password": "pw", "permissions": ["ModifyMetadata"]}),
    )
    .await;
    let (status, text) = soap_as(&sim, &token, "", calls[0]).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(answer(request(&token).await.unwrap()).await.0, 404);
}
