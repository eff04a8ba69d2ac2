//! Where the history of large objects begins, so that it can be cut into pieces.

use std::collections::BTreeMap;

use holdfast_catalog::{ObjectItem, Settings};
use holdfast_model::{ErrorClass, Failure, ObjectName, Stamp};
use holdfast_salesforce::{Client, Columns, soql};
use holdfast_vault::Vault;

/// Objects that are asked about in one job.
const ASKED_MAX: usize = 100;

/// The oldest stamp of each object that has more rows than a block should have, and history that was not read.
///
/// One query each. An object that does not answer it in time is not cut.
pub(crate) async fn oldest(
    client: &Client,
    vault: &Vault,
    settings: &Settings,
    objects: &[ObjectItem],
    counts: &BTreeMap<ObjectName, u64>,
) -> Result<BTreeMap<ObjectName, Stamp>, Failure> {
    let large = objects.iter().filter(|object| {
        let rows = counts.get(&object.object).copied().unwrap_or(0);
        let unread = !object.coverage.is_complete() || object.refresh.is_some();
        rows > u64::from(settings.backfill_block_rows) && unread
    });
    let mut oldest = BTreeMap::new();
    for object in large.take(ASKED_MAX) {
        if let Some(stamp) = ask(client, vault, object).await? {
            oldest.insert(object.object.clone(), stamp);
        }
    }
    Ok(oldest)
}

async fn ask(
    client: &Client,
    vault: &Vault,
    object: &ObjectItem,
) -> Result<Option<Stamp>, Failure> {
    let facts = object.facts.as_ref();
    let Some(hash) = facts.and_then(|facts| facts.schema.as_ref()) else {
        return Ok(None);
    };
    let schema = vault.schema(&object.object, hash).await?;
    let (Some(soql), Some(field)) = (soql::oldest(&schema), schema.cursor_field) else {
        return Ok(None);
    };
    let columns: Columns = [field].into_iter().collect();
    match client.query_all(&soql, &columns).next_page().await {
        Ok(page) => page
            .as_ref()
            .and_then(|page| page.row(0).value(0))
            .map(Stamp::parse)
            .transpose(),
        Err(failure) if failure.class() == ErrorClass::Invalid => Ok(None),
        Err(failure) => Err(failure),
    }
}
