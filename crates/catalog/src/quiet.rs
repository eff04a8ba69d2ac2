//! Automation of an org that a restore has switched off: whose it is, and who is about to switch it.
//!
//! What it is, in detail, is a sealed document of the job. This item is there before the first of it is switched off, and is emptied
//! when the last of it is on again.

use holdfast_model::{Failure, JobId, OrgName, Switch};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog,
    keys::{Key, Range},
    record::Record,
    table::Change,
};

/// Of one org. Never deleted, only emptied: its version must not start again, or a late writer could mistake a new entry for its
/// own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietItem {
    /// The org.
    pub org: OrgName,
    /// Nothing while all is on.
    pub quiet: Option<Quiet>,
    /// Changes of this item.
    pub version: u64,
}

/// What one job has switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The job, which says what.
    pub job: JobId,
    /// The execution that switches it; whether that still runs tells whether somebody else may.
    pub execution: String,
    /// The deployment of triggers that was sent last.
    pub sent: Option<Sent>,
    /// What could not be switched on, at the last attempt.
    #[serde(default)]
    pub left_off: Vec<String>,
}

/// A deployment of triggers. Noted before it is sent: whoever finds no Id does not know whether it is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Which way.
    pub switch: Switch,
    /// As Salesforce calls it.
    pub id: Option<String>,
}

impl Record for QuietItem {
    const NAME: &'static str = "automation that is off";

    fn key(&self) -> Key {
        Key::quiet(&self.org)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Catalog {
    /// What is off in an org.
    pub async fn quiet(&self, org: &OrgName) -> Result<QuietItem, Failure> {
        let item: Option<QuietItem> = self.table.get(Key::quiet(org)).await?;
        Ok(item.unwrap_or_else(|| none(org)))
    }

    /// What is off in all orgs; those where nothing is are left out.
    pub async fn quiets(&self) -> Result<Vec<QuietItem>, Failure> {
        let mut items: Vec<QuietItem> = self.table.list(Range::quiets()).await?;
        items.retain(|item| item.quiet.is_some());
        Ok(items)
    }

    /// Notes that a job is about to switch automation off. What another one has off stays, and is given back.
    pub async fn open_quiet(
        &self,
        org: &OrgName,
        job: &JobId,
        execution: &str,
    ) -> Result<QuietItem, Failure> {
        self.table
            .update(Key::quiet(org), |item: Option<QuietItem>| {
                let item = item.unwrap_or_else(|| none(org));
                Ok(match &item.quiet {
                    Some(_) => Change::Keep(item),
                    None => Change::Write(QuietItem {
                        quiet: Some(Quiet {
                            job: job.clone(),
                            execution: execution.to_owned(),
                            sent: None,
                            left_off: Vec::new(),
                        }),
                        ..item
                    }),
                })
            })
            .await
    }

    /// Stores how it stands, if nobody else changed it since it was read; nothing when all is on again.
    ///
    /// # Errors
    /// `CATALOG_CONFLICT` when somebody did.
    pub async fn save_quiet(
        &self,
        item: &QuietItem,
        quiet: Option<Quiet>,
    ) -> Result<QuietItem, Failure> {
        let changed = QuietItem {
            quiet,
            ..item.clone()
        };
        if changed == *item {
            return Ok(changed);
        }
        self.table.put(changed).await
    }
}

fn none(org: &OrgName) -> QuietItem {
    QuietItem {
        org: org.clone(),
        quiet: None,
        version: 0,
    }
}
