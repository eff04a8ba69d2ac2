//! What an org says about itself: who we are in it, its limits, its counts.

use std::collections::BTreeMap;

use holdfast_model::{Failure, ObjectName};
use serde::Deserialize;
use serde_json::Value;

use crate::budget::Usage;
use crate::call::Call;
use crate::client::Client;
use crate::soql::Scope;

/// Characters of names in one record count request; the address may have 16,384 bytes.
const NAMES_CHARS_MAX: usize = 8_000;

/// Who the token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Id of the org, 18 characters.
    pub organization_id: String,
    /// Id of the user.
    pub user_id: String,
    /// Login name of the user.
    pub username: String,
    /// Where the org answers, without a slash at the end.
    pub instance_url: String,
}

#[derive(Deserialize)]
struct IdentityAnswer {
    organization_id: String,
    user_id: String,
    username: String,
}

/// One entry of `/limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What the org may use.
    pub max: i64,
    /// What is left; can be negative.
    pub remaining: i64,
}

/// The name of the limit of Bulk API 2.0 query jobs in 24 hours.
const BULK_QUERY_JOBS: &str = "DailyBulkV2QueryJobs";

impl Limit {
    fn usage(&self) -> Option<Usage> {
        let max = u32::try_from(self.max).ok().filter(|max| *max > 0)?;
        let used = u32::try_from(self.max - self.remaining).ok()?;
        Some(Usage { used, max })
    }
}

#[derive(Deserialize)]
struct RecordCounts {
    #[serde(rename = "sObjects")]
    objects: Vec<RecordCount>,
}

#[derive(Deserialize)]
struct RecordCount {
    name: String,
    count: u64,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "totalSize")]
    total_size: u64,
}

impl Client {
    /// Asks who the token belongs to.
    pub async fn identity(&self) -> Result<Identity, Failure> {
        let session = self.sessions.current().await;
        // On the instance itself: the login host answers the same path with a redirect.
        let answer: IdentityAnswer = self.json(&Call::get(&session.identity_path)).await?;
        Ok(Identity {
            organization_id: answer.organization_id,
            user_id: answer.user_id,
            username: answer.username,
            instance_url: session.instance.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// The org's limits by name, e.g. `DailyApiRequests`, `DailyBulkV2QueryJobs` (REST guide, Limits).
    pub async fn limits(&self) -> Result<BTreeMap<String, Limit>, Failure> {
        let answer: BTreeMap<String, Value> = self.json(&Call::get(self.path("limits"))).await?;
        let limits: BTreeMap<String, Limit> = answer
            .into_iter()
            .filter_map(|(name, entry)| {
                let max = entry.get("Max")?.as_i64()?;
                let remaining = entry.get("Remaining")?.as_i64()?;
                Some((name, Limit { max, remaining }))
            })
            .collect();
        if let Some(usage) = limits.get(BULK_QUERY_JOBS).and_then(Limit::usage) {
            self.budget().observe_bulk_jobs(usage);
        }
        Ok(limits)
    }

    /// Approximate rows per object, without the Recycle Bin; objects that Salesforce does not count are absent
    /// (REST guide, Record Count).
    pub async fn record_counts(
        &self,
        objects: &[ObjectName],
    ) -> Result<BTreeMap<ObjectName, u64>, Failure> {
        let mut counts = BTreeMap::new();
        for names in chunks(objects) {
            let call = Call::get(self.path("limits/recordCount")).query("sObjects", names);
            let answer: RecordCounts = self.json(&call).await?;
            for RecordCount { name, count } in answer.objects {
                counts.insert(ObjectName::parse(name)?, count);
            }
        }
        Ok(counts)
    }

    /// The exact answer to a `SELECT COUNT() FROM …`, see [`soql::count`](crate::soql::count).
    pub async fn count(&self, soql: &str, scope: Scope) -> Result<u64, Failure> {
        let call = Call::get(self.path(scope.resource())).query("q", soql);
        let counted: Counted = self.json(&call).await?;
        Ok(counted.total_size)
    }
}

fn chunks(objects: &[ObjectName]) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    for object in objects {
        match chunks.last_mut() {
            Some(names) if names.len() + object.as_str().len() < NAMES_CHARS_MAX => {
                names.push(',');
                names.push_str(object.as_str());
            }
            _ => chunks.push(object.to_string()),
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_asked_for_once_and_every_address_is_short() {
        let objects: Vec<_> = (0..3_000)
            .map(|n| ObjectName::parse(format!("Some_Object_{n}__c")).unwrap())
            .collect();
        let chunks = chunks(&objects);
        // A comma becomes three characters in an address.
        assert!(chunks.iter().all(|names| {
            names.len() + 2 * names.matches(',').count() < crate::call::URI_BYTES_MAX - 300
        }));
        let asked: Vec<_> = chunks.iter().flat_map(|names| names.split(',')).collect();
        assert!(
            asked
                .iter()
                .copied()
                .eq(objects.iter().map(ObjectName::as_str))
        );
        assert!(super::chunks(&[]).is_empty());
    }
}
