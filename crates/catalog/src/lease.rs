//! Who works on an org: one job at a time.

use holdfast_model::{ErrorCode, Failure, JobId, OrgName};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog,
    keys::Key,
    record::Record,
    table::{Change, Part},
};

/// The job that holds an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Its state machine execution; whether that still runs tells whether the lease is alive.
    pub execution: String,
}

/// What became of an attempt to take a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// The job holds the org, perhaps already before.
    Taken,
    /// Another one does.
    HeldBy(Lease),
}

/// Never deleted, only emptied: its version must not start again, or a late writer could mistake a new lease for its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LeaseItem {
    org: OrgName,
    holder: Option<Lease>,
    version: u64,
}

impl Record for LeaseItem {
    const NAME: &'static str = "lease";

    fn key(&self) -> Key {
        Key::lease(&self.org)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Catalog {
    /// Takes the org for a job if nobody holds it. The holder itself may take it again.
    pub async fn take_lease(
        &self,
        org: &OrgName,
        job: &JobId,
        execution: &str,
    ) -> Result<LeaseOutcome, Failure> {
        self.move_lease(org, None, job, execution).await
    }

    /// Takes the org for a job from a holder whose execution has ended. Who comes second gets the new holder back.
    pub async fn replace_lease(
        &self,
        org: &OrgName,
        ended: &Lease,
        job: &JobId,
        execution: &str,
    ) -> Result<LeaseOutcome, Failure> {
        self.move_lease(org, Some(ended), job, execution).await
    }

    /// Gives the org free; nothing happens when the job does not hold it.
    pub async fn release_lease(&self, org: &OrgName, job: &JobId) -> Result<(), Failure> {
        self.table
            .update(Key::lease(org), |item: Option<LeaseItem>| {
                let item = item.unwrap_or_else(|| free(org));
                Ok(match &item.holder {
                    Some(lease) if lease.job == *job => Change::Write(LeaseItem {
                        holder: None,
                        ..item
                    }),
                    _ => Change::Keep(item),
                })
            })
            .await
            .map(drop)
    }

    /// Who holds the org.
    pub async fn lease(&self, org: &OrgName) -> Result<Option<Lease>, Failure> {
        let item: Option<LeaseItem> = self.table.get(Key::lease(org)).await?;
        Ok(item.and_then(|item| item.holder))
    }

    /// Stops a job that does not hold the org.
    ///
    /// # Errors
    /// `LEASE_LOST`.
    pub async fn assert_lease(&self, org: &OrgName, job: &JobId) -> Result<(), Failure> {
        match self.lease(org).await? {
            Some(lease) if lease.job == *job => Ok(()),
            _ => Err(lost(org, job)),
        }
    }

    /// The part of a transaction that does what [`assert_lease`](Self::assert_lease) does.
    pub(crate) fn lease_part(&self, org: &OrgName, job: &JobId) -> Result<Part, Failure> {
        self.table
            .check_part(Key::lease(org), ("holder", "job"), job.as_str())
    }

    async fn move_lease(
        &self,
        org: &OrgName,
        from: Option<&Lease>,
        job: &JobId,
        execution: &str,
    ) -> Result<LeaseOutcome, Failure> {
        let item = self
            .table
            .update(Key::lease(org), |item: Option<LeaseItem>| {
                let item = item.unwrap_or_else(|| free(org));
                if item.holder.is_some() && item.holder.as_ref() != from {
                    return Ok(Change::Keep(item));
                }
                Ok(Change::Write(LeaseItem {
                    holder: Some(Lease {
                        job: job.clone(),
                        execution: execution.to_owned(),
                    }),
                    ..item
                }))
            })
            .await?;
        Ok(match item.holder {
            Some(holder) if holder.job != *job => LeaseOutcome::HeldBy(holder),
            _ => LeaseOutcome::Taken,
        })
    }
}

fn free(org: &OrgName) -> LeaseItem {
    LeaseItem {
        org: org.clone(),
        holder: None,
        version: 0,
    }
}

pub(crate) fn lost(org: &OrgName, job: &JobId) -> Failure {
    Failure::new(
        ErrorCode::LeaseLost,
        format!("the job does not hold the org: `{org}`, `{job}`"),
    )
}
