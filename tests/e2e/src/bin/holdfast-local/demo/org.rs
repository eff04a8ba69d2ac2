//! What happens in the simulated org between the two backups.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// Records that were changed, by kind of change.
pub(super) struct Change {
    pub(super) updated: u64,
    pub(super) added: u64,
    pub(super) deleted: u64,
    /// Id of an account that was updated.
    pub(super) witness: String,
}

impl Change {
    pub(super) fn total(&self) -> u64 {
        self.updated + self.added + self.deleted
    }
}

/// Changes, adds and deletes some hundreds of records, and lets a minute pass.
pub(super) async fn change(orgsim: &str) -> anyhow::Result<Change> {
    let update = json!({ "object": "Account", "pick": 300, "seed": 7, "set": { "Phone": "+44 20 7946 0000" } });
    let updated = post(orgsim, "update", &update).await?;
    let added = post(
        orgsim,
        "create",
        &json!({ "object": "Contact", "count": 120 }),
    )
    .await?;
    let deleted = post(
        orgsim,
        "delete",
        &json!({ "object": "Measurement__c", "pick": 80, "seed": 7 }),
    )
    .await?;
    // A backup stays a few seconds behind the org's present.
    post(orgsim, "clock", &json!({ "advance_seconds": 60 })).await?;
    Ok(Change {
        updated: ids(&updated) as u64,
        added: ids(&added) as u64,
        deleted: ids(&deleted) as u64,
        witness: updated
            .pointer("/ids/0")
            .and_then(Value::as_str)
            .context("orgsim changed nothing")?
            .to_owned(),
    })
}

/// What a bad import did.
pub(super) struct Damage {
    pub(super) overwritten: usize,
    pub(super) deleted: u64,
}

/// Overwrites up to 2,000 contacts and deletes up to 300 accounts.
pub(super) async fn damage(orgsim: &str, records: u64) -> anyhow::Result<Damage> {
    let import = json!({
        "object": "Contact", "pick": (records / 50).min(2_000), "seed": 11,
        "set": { "LastName": "Mustermann", "Email": null },
    });
    let overwritten = post(orgsim, "update", &import).await?;
    let (wanted, mut deleted) = ((records / 333).min(300), 0);
    for seed in 0..10 * wanted {
        let one = json!({ "object": "Account", "pick": 1, "seed": seed });
        // Some have cases, and stay.
        deleted += u64::from(post(orgsim, "delete", &one).await.is_ok());
        if deleted == wanted {
            break;
        }
    }
    post(orgsim, "clock", &json!({ "advance_seconds": 60 })).await?;
    Ok(Damage {
        overwritten: ids(&overwritten),
        deleted,
    })
}

fn ids(answer: &Value) -> usize {
    let ids = answer.get("ids").and_then(Value::as_array);
    ids.map_or(0, Vec::len)
}

async fn post(orgsim: &str, what: &str, body: &Value) -> anyhow::Result<Value> {
    let answer = reqwest::Client::new()
        .post(format!("{orgsim}/__sim/{what}"))
        .json(body)
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "orgsim refused `{what}`: {text}");
    serde_json::from_str(&text).context("orgsim did not answer JSON")
}
