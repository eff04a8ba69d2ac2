//! The check of one plan: where it stands, and what comes next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_catalog::{Calls, Caps, JobStatus, Outcome};
use holdfast_model::{Failure, JobId, ObjectName, OrgName, Phase};
use holdfast_plan::restore::plan::{Counts, Plan, counts_name, plan_name};
use holdfast_plan::restore::preflight::{Check, check_name};
use holdfast_runtime::{Deadline, Environment, now};
use holdfast_salesforce::Client;
use holdfast_vault::Vault;

use crate::fates::Fates;
use crate::object::Object;
use crate::org::OrgFacts;
use crate::{Cursor, Progress, Sweep};

/// Calls that asking about the org takes.
const CALLS_FOR_ORG: u64 = 12;
/// Calls that asking about an object takes: an org may have 500 rules on one.
const CALLS_FOR_OBJECT: u64 = 520;
/// Seconds that a call of 200 records is taken to last, for the estimate: nothing was measured in an org.
const SECONDS_PER_CALL: u64 = 4;
/// Units of storage in a megabyte: most records take 2 KB (Salesforce Help, Data and File Storage Allocations).
pub(crate) const UNITS_PER_MB: i64 = 512;

pub(crate) struct Run<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) org: &'a OrgName,
    pub(crate) job: &'a JobId,
    pub(crate) vault: Vault,
    pub(crate) plan: Plan,
    /// Of each object of the plan.
    pub(crate) counts: Vec<Counts>,
    /// Objects of which records are made.
    pub(crate) made_of: BTreeSet<ObjectName>,
    pub(crate) org_facts: OrgFacts,
    pub(crate) fates: Fates,
    pub(crate) cursor: Cursor,
    caps: Caps,
    /// Objects that were looked at in this call, by their place in the plan: what is asked about them is asked once.
    opened: BTreeMap<usize, Object>,
}

impl<'a> Run<'a> {
    /// Reads the plan and what was found so far, and asks about the org.
    pub(crate) async fn open(
        environment: &'a Environment,
        org: &'a OrgName,
        job: &'a JobId,
        cursor: Cursor,
    ) -> Result<Self, Failure> {
        let vault = environment.vault(org).await?;
        let plan: Plan = vault.document(&plan_name(job)).await?;
        let mut counts: Vec<Counts> = Vec::new();
        for planned in &plan.objects {
            let name = counts_name(job, &planned.turn.object);
            counts.push(vault.document(&name).await?);
        }
        let caps = environment.catalog().org(org).await?.settings.caps();
        let calls = Calls {
            api: CALLS_FOR_ORG,
            bulk_jobs: 0,
        };
        let ask = async |client: &Client| OrgFacts::ask(client, caps.api_percent).await;
        let org_facts = environment.with_salesforce(org, caps, calls, ask).await?;
        let fates = Fates::read(&vault, &plan, &counts, job).await?;
        Ok(Self {
            environment,
            org,
            job,
            vault,
            made_of: plan.made_of(&counts),
            plan,
            counts,
            org_facts,
            fates,
            cursor,
            caps,
            opened: BTreeMap::new(),
        })
    }

    pub(crate) async fn go_on(&mut self, deadline: Deadline) -> Result<Progress, Failure> {
        loop {
            while self.cursor.object < self.plan.objects.len() {
                if let Some(stopped) = self.object(deadline).await? {
                    return Ok(stopped);
                }
                self.cursor = Cursor {
                    object: self.cursor.object + 1,
                    page: 0,
                    ..self.cursor
                };
            }
            if self.cursor.sweep == Sweep::Links {
                break;
            }
            self.cursor = Cursor {
                sweep: Sweep::Links,
                object: 0,
                page: 0,
                ..self.cursor
            };
        }
        self.finish().await?;
        Ok(Progress::Done)
    }

    /// All pages of the object at work, or why it stopped before.
    async fn object(&mut self, deadline: Deadline) -> Result<Option<Progress>, Failure> {
        let place = self.cursor.object;
        let (Some(planned), Some(counts)) = (self.plan.objects.get(place), self.counts.get(place))
        else {
            return Ok(None);
        };
        let (name, pages) = (planned.turn.object.clone(), planned.pages);
        let mut object = self.opened.remove(&place);
        if counts.writes() > 0 {
            while self.cursor.page < pages {
                let item = self.environment.catalog().job(self.org, self.job).await?;
                if item.status != JobStatus::Running {
                    return Ok(Some(Progress::Done));
                }
                if deadline.is_near() {
                    return Ok(Some(Progress::More));
                }
                let object = match &mut object {
                    Some(object) => object,
                    none => none.insert(Object::open(self, place).await?),
                };
                if self.cursor.sweep == Sweep::Links && !object.waiting.has_links() {
                    break;
                }
                self.page(object).await?;
                self.cursor.page += 1;
            }
        }
        if self.cursor.sweep == Sweep::Links {
            let automation = object.map(|object| object.automation);
            let automation = automation.unwrap_or_default();
            self.total(&name, pages, &automation).await?;
        } else if let Some(mut object) = object {
            // No pass behind this one writes a unique value.
            object.claims = Arc::default();
            self.opened.insert(place, object);
        }
        Ok(None)
    }

    /// What was found of the org; the plan can be reviewed from then on.
    async fn finish(&mut self) -> Result<(), Failure> {
        let each = self.plan.objects.iter().zip(&self.counts);
        let calls = each.map(|(planned, counts)| counts.calls(!planned.turn.waiting.is_empty()));
        let calls = calls.sum();
        let each = self.plan.objects.iter().zip(&self.counts);
        let storage =
            each.map(|(planned, counts)| counts.of(Phase::Insert) * units(&planned.turn.object));
        let storage: u64 = storage.sum();
        let check = Check {
            checked_at: self.org_facts.at,
            calls_left: self.org_facts.calls_left,
            calls,
            seconds: calls * SECONDS_PER_CALL,
            storage_left_mb: self.org_facts.storage_left_mb,
            storage_mb: storage.div_ceil(UNITS_PER_MB.unsigned_abs()),
        };
        self.vault
            .put_document(&check_name(self.job), &check)
            .await?;
        let outcome = Outcome {
            status: JobStatus::Succeeded,
            finished_at: now(),
            counts: None,
            manifest: None,
            error: None,
        };
        let catalog = self.environment.catalog();
        catalog.finish_job(self.org, self.job, &outcome).await?;
        Ok(())
    }

    /// Lends a client for so many calls.
    pub(crate) async fn lend<T>(
        &self,
        api: u64,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let calls = Calls { api, bulk_jobs: 0 };
        let environment = self.environment;
        environment
            .with_salesforce(self.org, self.caps, calls, work)
            .await
    }

    /// The same for all that is asked about an object as a whole.
    pub(crate) async fn lend_for_object<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.lend(CALLS_FOR_OBJECT, work).await
    }
}

/// Storage that a record takes, in units of 2 KB (Salesforce Help, Data and File Storage Allocations).
pub(crate) fn units(object: &ObjectName) -> u64 {
    match object.as_str() {
        "ContentVersion" | "Attachment" | "Document" => 0,
        "Campaign" => 4,
        _ => 1,
    }
}
