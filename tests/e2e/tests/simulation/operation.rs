//! What happens to an org between two jobs.

use fastrand::Rng;
use holdfast_model::{SalesforceId, Stamp};
use serde_json::{Value, json};

use crate::org::{OBJECTS, OVERLAP_SECONDS, Org, PROTECTED_SECONDS};

/// The longest time that a change stays invisible and is found by the next head all the same. Above the overlap
/// alone: without the guard, or without the overlap, changes are lost.
const LAG_SECONDS_MAX: u32 = PROTECTED_SECONDS - 10;
/// The longest time at all: what takes longer is found by comparing Ids.
const LAG_SECONDS_VERY_MAX: u32 = 6 * 3_600;

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
            let lag = match random.u32(0..8) {
                0 => random.u32(1..LAG_SECONDS_VERY_MAX),
                1..4 => random.u32(OVERLAP_SECONDS..LAG_SECONDS_MAX),
                _ => random.u32(1..LAG_SECONDS_MAX),
            };
            body["visible_after"] = json!(lag);
        }
        // A record may be in the way of a change, as in an org; then nothing happens.
        if body.get("ids").is_none_or(|ids| ids != &json!([])) {
            let lag = body.get("visible_after").and_then(Value::as_u64);
            let answer = org.try_control(path, body).await;
            if let (Some(lag), Ok(answer)) = (lag, answer) {
                expect_late(org, &answer, u32::try_from(lag).unwrap());
            }
        }
        if random.u32(0..3) == 0 {
            advance(org, random.u32(0..30)).await;
        }
        org.observe().await;
    }
    // From a poll after a few seconds to one after days, and often while the slowest changes are on their way.
    let pause = match random.u32(0..10) {
        0..3 => random.u32(0..20),
        3..7 => random.u32(20..3_600),
        7..9 => random.u32(OVERLAP_SECONDS..PROTECTED_SECONDS),
        _ => random.u32(3_600..3 * 86_400),
    };
    advance(org, pause).await;
    org.observe().await;
}

fn expect_late(org: &mut Org<'_>, answer: &Value, lag_seconds: u32) {
    let stamp = Stamp::parse(answer["system_modstamp"].as_str().unwrap()).unwrap();
    for id in answer["ids"].as_array().unwrap() {
        let id = SalesforceId::parse(id.as_str().unwrap().as_bytes()).unwrap();
        org.truth.expect_late(id, stamp, lag_seconds);
    }
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
    let action = match random.u32(0..13) {
        0 => json!({"cut_after_bytes": random.u32(1..4_000)}),
        1 => json!({"truncate_page_rows": 1}),
        2 => json!("drop_locator_header"),
        3 => json!({"wrong_count": -1}),
        4 => {
            json!({"fail_bulk_job": {"message": "QUERY_TIMEOUT: Your query request was running for too long."}})
        }
        5 => json!("expire_session"),
        6 => json!("server_error"),
        7..11 => json!({"lose_rows": random.u32(1..4)}),
        11 => json!("repeat_page"),
        _ => json!({"unavailable": {"retry_after": 0}}),
    };
    let object = OBJECTS[random.usize(..OBJECTS.len())];
    let body = json!({"match": {"object": object}, "times": random.u32(1..4), "action": action});
    org.control("faults", body).await;
}

/// Salesforce forgets which records were deleted until a few minutes ago, which is as far as every job looks back. Its log
/// knows whole minutes: within one, a second job would be told the same.
pub(crate) async fn purge_delete_log(org: &Org<'_>) {
    let ago = org.now().await.minus_seconds(180).millis();
    let minute = Stamp::from_millis(ago - ago.rem_euclid(60_000));
    org.control("settings", json!({"delete_log_from": minute}))
        .await;
}
