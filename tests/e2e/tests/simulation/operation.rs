//! What happens to an org between two jobs.

use fastrand::Rng;
use holdfast_model::SalesforceId;
use serde_json::{Value, json};

use crate::org::{OBJECTS, Org};

/// The longest time that a change stays invisible; below the default overlap.
const LAG_SECONDS_MAX: u32 = 600;

/// Some random changes.
pub(crate) async fn happen(org: &mut Org<'_>, random: &mut Rng) {
    for _ in 0..random.u32(0..6) {
        let object = OBJECTS[random.usize(..OBJECTS.len())];
        let in_bin = random.bool();
        // A transaction that is not committed holds its records: nobody else changes them meanwhile.
        let kinds = if org.pending().await > 0 { 3 } else { 12 };
        let (path, mut body) = match random.u32(0..kinds) {
            0..3 => ("create", json!({"count": random.u32(1..5)})),
            3..7 => ("update", update(org, random, object)),
            7..9 => ("delete", chosen(org, random, object, false, 3)),
            9 => ("undelete", chosen(org, random, object, true, 3)),
            10 => ("hard-delete", chosen(org, random, object, in_bin, 2)),
            _ => ("commit", json!({})),
        };
        body["object"] = json!(object);
        if matches!(path, "create" | "update") && random.u32(0..4) == 0 {
            body["visible_after"] = json!(random.u32(1..LAG_SECONDS_MAX));
        }
        // A record may be in the way of a change, as in an org; then nothing happens.
        if body.get("ids").is_none_or(|ids| ids != &json!([])) {
            let _ = org.try_control(path, body).await;
        }
        if random.u32(0..3) == 0 {
            advance(org, random.u32(0..30)).await;
        }
        org.observe().await;
    }
    // From a poll after a few seconds to one after days.
    let pause = match random.u32(0..10) {
        0..3 => random.u32(0..20),
        3..9 => random.u32(20..3_600),
        _ => random.u32(3_600..3 * 86_400),
    };
    advance(org, pause).await;
    org.observe().await;
}

/// Moves the org's clock.
async fn advance(org: &Org<'_>, seconds: u32) {
    org.control("clock", json!({"advance_seconds": seconds}))
        .await;
}

fn update(org: &Org<'_>, random: &mut Rng, object: &str) -> Value {
    let mut body = chosen(org, random, object, false, 8);
    let field = match object {
        "Account" | "Contact" => "Description",
        "Project__c" => "Summary__c",
        _ => "Name",
    };
    body["set"] = json!({field: format!("w{}", random.u32(..))});
    body
}

fn chosen(org: &Org<'_>, random: &mut Rng, object: &str, deleted: bool, most: usize) -> Value {
    let mut ids = org.truth.ids(object, |record| record.deleted == deleted);
    random.shuffle(&mut ids);
    ids.truncate(random.usize(1..=most));
    json!({"ids": ids.iter().map(SalesforceId::to_string).collect::<Vec<_>>()})
}

/// Something goes wrong in the next calls of a job.
pub(crate) async fn trouble(org: &Org<'_>, random: &mut Rng) {
    let action = match random.u32(0..8) {
        0 => json!({"cut_after_bytes": random.u32(1..4_000)}),
        1 => json!({"truncate_page_rows": 1}),
        2 => json!("drop_locator_header"),
        3 => json!({"wrong_count": -1}),
        4 => {
            json!({"fail_bulk_job": {"message": "QUERY_TIMEOUT: Your query request was running for too long."}})
        }
        5 => json!("expire_session"),
        6 => json!("server_error"),
        _ => json!({"unavailable": {"retry_after": 0}}),
    };
    let object = OBJECTS[random.usize(..OBJECTS.len())];
    let body = json!({"match": {"object": object}, "times": random.u32(1..4), "action": action});
    org.control("faults", body).await;
}
