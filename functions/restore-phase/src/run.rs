//! A restore under way: where it stands, and what comes next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_catalog::{Catalog, JobKind, JobStatus, MadeAs, RunItem, RunProgress};
use holdfast_model::{
    ErrorCode, Failure, JobId, ObjectName, Phase, RunCounts, SalesforceId, Stamp,
};
use holdfast_plan::restore::Step;
use holdfast_plan::restore::plan::{Counts, Page, Plan, counts_name, page_name, plan_name};
use holdfast_plan::restore::run::{
    Outcome, Receipt, Receipts, RunRequest, Waiting, batches, receipts_name, types,
};
use holdfast_runtime::{Deadline, Environment};
use holdfast_salesforce::{Client, RECORDS_PER_CALL, SaveError};
use holdfast_vault::Vault;

use crate::CALLS;
use crate::batch::{Batch, Is, Object, Part, Place};
use crate::insert::{Inserted, Settled};
use crate::unlink::Child;

/// Calls that a batch takes at most: its records are looked up, sent four times, and looked for.
const CALLS_PER_BATCH: u64 = 40;
/// Records that are read back at once.
const RECORDS_READ: usize = 1_000;
/// Bytes of text in a batch.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// Why a run pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    OutOfCalls,
    OutOfTime,
    /// For so many seconds.
    Wait(u32),
    /// Nothing is left, or somebody stopped it.
    Done,
}

pub(crate) struct Run<'a> {
    catalog: &'a Catalog,
    pub(crate) vault: Vault,
    job: &'a JobId,
    pub(crate) request: RunRequest,
    pub(crate) plan: Plan,
    /// Of each object of the plan.
    counts: Vec<Counts>,
    /// Objects of which records are made.
    made: BTreeSet<ObjectName>,
    settle_seconds: u32,
    item: RunItem,
    /// Where it stands, ahead of what is stored by pages without a record of the phase.
    at: RunProgress,
    /// The call before this one may have ended between receipts and progress.
    is_resumed: bool,
    /// Later runs know that this one made records.
    is_noted: bool,
    /// The object at work, with its place in the plan.
    object: Option<(usize, Arc<Object>)>,
    /// The batches of a page.
    page: Option<(Place, Vec<Batch>)>,
    /// Objects that look up the one with this place in the plan.
    children: Option<(usize, Arc<Vec<Child>>)>,
    /// The connected user, once that is asked for.
    me: Option<SalesforceId>,
}

impl<'a> Run<'a> {
    /// Reads the plan. A run that was begun before stands where it was left.
    pub(crate) async fn open(
        environment: &'a Environment,
        request: RunRequest,
        job: &'a JobId,
    ) -> Result<Self, Failure> {
        let (catalog, RunRequest { org, plan, .. }) = (environment.catalog(), &request);
        let planned = catalog.job(org, plan).await?;
        if planned.kind != JobKind::RestorePlan {
            return Err(invalid(format!("`plan` does not plan a restore: `{plan}`")));
        }
        if planned.status != JobStatus::Succeeded {
            let message = format!("the job has no result: `{plan}`");
            return Err(Failure::new(ErrorCode::JobHasNoResult, message));
        }
        let vault = environment.vault(org).await?;
        let plan: Plan = vault.document(&plan_name(plan)).await?;
        let mut counts: Vec<Counts> = Vec::new();
        for planned in &plan.objects {
            let name = counts_name(&request.plan, &planned.turn.object);
            counts.push(vault.document(&name).await?);
        }
        let item = catalog.open_run(org, job, &request.plan).await?;
        Ok(Self {
            catalog,
            vault,
            job,
            made: plan.made_of(&counts),
            plan,
            counts,
            settle_seconds: catalog.org(org).await?.settings.restore_settle_seconds,
            at: item.progress.clone(),
            item,
            is_resumed: true,
            is_noted: false,
            object: None,
            page: None,
            children: None,
            me: None,
            request,
        })
    }

    /// What was planned must have something to do, and whoever rolls back says how much goes.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.counts.iter().all(|counts| counts.writes() == 0) {
            let message = format!("`plan` writes nothing: `{}`", self.request.plan);
            return Err(invalid(message));
        }
        let deletes: u64 = self.counts.iter().map(|counts| counts.delete).sum();
        if deletes != self.request.delete {
            return Err(invalid(format!(
                "`plan` deletes `{deletes}` records: say so with `delete`, which is `{}`",
                self.request.delete
            )));
        }
        Ok(())
    }

    /// Finds out what a run that has ended made by a request whose answer was lost; gives the seconds to wait before.
    pub(crate) async fn settle_last(&mut self, client: &Client) -> Result<Option<u32>, Failure> {
        client.limits().await?;
        if self.at.sent_at.is_some()
            && let Some(mut batch) = self.next_batch().await?
        {
            self.translate(&mut batch).await?;
            if let Settled::Wait(seconds) = self.settle(client, &batch).await? {
                return Ok(Some(seconds));
            }
            self.at.sent_at = None;
            self.save().await?;
        }
        Ok(None)
    }

    /// Goes on until something stands in the way.
    pub(crate) async fn go_on(
        &mut self,
        client: &Client,
        deadline: Deadline,
    ) -> Result<Pace, Failure> {
        // The clock of the last answer may be hours old.
        client.limits().await?;
        while let Some(mut batch) = self.next_batch().await? {
            if deadline.is_near() {
                return Ok(Pace::OutOfTime);
            }
            if client.budget().used() + CALLS_PER_BATCH > CALLS.api {
                return Ok(Pace::OutOfCalls);
            }
            let job = self.catalog.job(&self.request.org, self.job).await?;
            if job.status != JobStatus::Running {
                return Ok(Pace::Done);
            }
            let stored = if std::mem::take(&mut self.is_resumed) {
                self.receipts(&batch.object, batch.place).await?
            } else {
                None
            };
            let receipts = match stored {
                Some(receipts) => receipts,
                None => match self.write(client, &mut batch).await? {
                    Inserted::Done(outcomes) => self.store(&batch, outcomes).await?,
                    Inserted::Wait(seconds) => return Ok(Pace::Wait(seconds)),
                },
            };
            self.count(&batch, &receipts).await?;
        }
        Ok(Pace::Done)
    }

    async fn write(&mut self, client: &Client, batch: &mut Batch) -> Result<Inserted, Failure> {
        let outcomes = match batch.place.phase {
            Phase::Undelete => self.undelete(client, batch).await?,
            Phase::Delete => self.delete(client, batch).await?,
            phase => {
                self.translate(batch).await?;
                match phase {
                    Phase::Insert => return self.insert(client, batch).await,
                    Phase::Verify => self.verify(client, batch).await?,
                    _ => self.update(client, batch).await?,
                }
            }
        };
        Ok(Inserted::Done(outcomes))
    }

    async fn store(&self, batch: &Batch, outcomes: Vec<Outcome>) -> Result<Receipts, Failure> {
        let receipt = |(part, outcome): (&Part, Outcome)| Receipt {
            id: part.id,
            outcome,
        };
        let receipts = Receipts {
            sent_at: self.at.sent_at,
            records: batch.parts.iter().zip(outcomes).map(receipt).collect(),
        };
        let name = self.receipts_name(&batch.object, batch.place);
        self.vault.put_document(&name, &receipts).await?;
        Ok(receipts)
    }

    async fn count(&mut self, batch: &Batch, receipts: &Receipts) -> Result<(), Failure> {
        let outcomes = receipts.records.iter().map(|receipt| &receipt.outcome);
        batch.note(&mut self.at.counts, outcomes);
        self.at.batch += 1;
        self.at.sent_at = None;
        self.save().await
    }

    async fn save(&mut self) -> Result<(), Failure> {
        self.item = self.catalog.save_run(&self.item, self.at.clone()).await?;
        Ok(())
    }

    /// The records that come next; nothing at the end.
    async fn next_batch(&mut self) -> Result<Option<Batch>, Failure> {
        while let Some(phase) = self.at.phase {
            let objects = self.plan.objects.len();
            if self.at.object >= objects {
                self.at = RunProgress {
                    phase: phase.next(),
                    counts: self.at.counts,
                    ..RunProgress::default()
                };
                continue;
            }
            // Children go before their parents.
            let object = match phase {
                Phase::Delete => objects - 1 - self.at.object,
                _ => self.at.object,
            };
            let is_concerned = self
                .counts
                .get(object)
                .is_some_and(|counts| counts.of(phase) > 0);
            let pages = self
                .plan
                .objects
                .get(object)
                .map_or(0, |planned| planned.pages);
            if !is_concerned || self.at.page >= pages {
                self.at.object += 1;
                (self.at.page, self.at.batch) = (0, 0);
                continue;
            }
            let place = Place {
                phase,
                object,
                page: self.at.page,
                number: 0,
            };
            let number = self.at.batch;
            if let Some(batch) = self.page(place).await?.get(number) {
                return Ok(Some(batch.clone()));
            }
            self.at.page += 1;
            self.at.batch = 0;
        }
        Ok(None)
    }

    async fn page(&mut self, place: Place) -> Result<&[Batch], Failure> {
        if self.page.as_ref().is_none_or(|(held, _)| *held != place) {
            let object = self.object(place.object).await?;
            self.page = Some((place, self.batches(&object, place).await?));
        }
        let batches = self.page.as_ref().map(|(_, batches)| batches.as_slice());
        Ok(batches.unwrap_or_default())
    }

    /// The objects that are restored and whose lookups Salesforce empties when a record of this one goes.
    pub(crate) async fn children(&mut self, batch: &Batch) -> Result<Arc<Vec<Child>>, Failure> {
        if let Some((held, children)) = &self.children
            && *held == batch.place.object
        {
            return Ok(Arc::clone(children));
        }
        let children = Child::all(&self.vault, &self.plan, &batch.object.schema).await?;
        let children = Arc::new(children);
        self.children = Some((batch.place.object, Arc::clone(&children)));
        Ok(children)
    }

    /// The connected user.
    pub(crate) async fn me(&mut self, client: &Client) -> Result<SalesforceId, Failure> {
        if let Some(me) = self.me {
            return Ok(me);
        }
        let identity = client.identity().await?;
        let me = SalesforceId::parse(identity.user_id.as_bytes())?;
        Ok(*self.me.insert(me))
    }

    async fn object(&mut self, place: usize) -> Result<Arc<Object>, Failure> {
        if let Some((held, object)) = &self.object
            && *held == place
        {
            return Ok(Arc::clone(object));
        }
        let planned = self.plan.objects.get(place).ok_or_else(|| {
            Failure::new(
                ErrorCode::Internal,
                "the run is at an object that its plan does not have",
            )
        })?;
        let name = planned.turn.object.clone();
        let schema = self.vault.schema(&name, &planned.schema_now).await?;
        let object = Arc::new(Object {
            types: types(&schema),
            waiting: Waiting::of(&planned.turn, &schema, &self.made),
            schema,
            name,
        });
        self.object = Some((place, Arc::clone(&object)));
        Ok(object)
    }

    /// The batches of a page, as a phase is about its records.
    pub(crate) async fn batches(
        &self,
        object: &Arc<Object>,
        place: Place,
    ) -> Result<Vec<Batch>, Failure> {
        let name = page_name(&self.request.plan, &object.name, place.page);
        let Some(page) = self.vault.find_document::<Page>(&name).await? else {
            return Ok(Vec::new());
        };
        let parts = page.records.into_iter().filter_map(|record| {
            let step = &record.decision.step;
            Some(Part {
                id: record.id,
                is: match step {
                    Step::Insert { .. } => Is::Remade,
                    Step::Copy { .. } => Is::Copy,
                    Step::Undelete { .. } => Is::Back,
                    _ => Is::There,
                },
                may_return: matches!(step, Step::Insert { may_return, .. } if *may_return),
                writes: object.waiting.part(place.phase, step)?,
            })
        });
        let parts: Vec<_> = parts.collect();
        let bytes: Vec<_> = parts.iter().map(Part::bytes).collect();
        let records_max = match place.phase {
            Phase::Verify => RECORDS_READ,
            _ => RECORDS_PER_CALL,
        };
        let ranges = batches(&bytes, records_max, BATCH_BYTES_MAX).into_iter();
        let batch = |(number, range)| Batch {
            place: Place { number, ..place },
            object: Arc::clone(object),
            parts: parts
                .get::<std::ops::Range<usize>>(range)
                .unwrap_or_default()
                .to_vec(),
        };
        Ok((0..).zip(ranges).map(batch).collect())
    }

    /// What became of a batch, if it was written.
    pub(crate) async fn receipts(
        &self,
        object: &Object,
        place: Place,
    ) -> Result<Option<Receipts>, Failure> {
        let name = self.receipts_name(object, place);
        self.vault.find_document(&name).await
    }

    fn receipts_name(&self, object: &Object, place: Place) -> String {
        let batch = (place.page, place.number);
        receipts_name(self.job, &object.name, place.phase, batch)
    }

    /// From here on records may be there that no receipt has.
    pub(crate) async fn note_sent(&mut self, at: Stamp) -> Result<(), Failure> {
        if !self.is_noted {
            let org = &self.request.org;
            self.catalog.put_last_run(org, self.job).await?;
            self.is_noted = true;
        }
        self.at.sent_at = Some(at);
        self.save().await
    }

    pub(crate) async fn put_made(
        &self,
        made_as: MadeAs,
        made: &BTreeMap<SalesforceId, SalesforceId>,
    ) -> Result<(), Failure> {
        let org = &self.request.org;
        self.catalog.put_made(org, self.job, made_as, made).await
    }

    pub(crate) async fn made(
        &self,
        made_as: MadeAs,
        ids: impl IntoIterator<Item = SalesforceId>,
    ) -> Result<BTreeMap<SalesforceId, SalesforceId>, Failure> {
        let org = &self.request.org;
        self.catalog.made(org, self.job, made_as, ids).await
    }

    /// What became of records so far.
    pub(crate) fn counts(&self) -> RunCounts {
        self.at.counts
    }

    /// When records were sent that may have been made since.
    pub(crate) fn sent_at(&self) -> Option<Stamp> {
        self.at.sent_at
    }

    pub(crate) fn settle_seconds(&self) -> u32 {
        self.settle_seconds
    }

    /// Whether records are written that somebody changed since the plan.
    pub(crate) fn overwrites(&self) -> bool {
        self.request.overwrite
    }
}

pub(crate) fn refused(error: SaveError) -> Outcome {
    Outcome::Refused {
        code: error.code,
        message: error.message,
        fields: error.fields,
    }
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::InputInvalid, format!("input: {message}"))
}
