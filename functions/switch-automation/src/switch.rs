//! Switching what is recorded, one way or the other. Whatever stands already as it is to stand is left alone, so a repeat does
//! nothing.

use holdfast_catalog::{Calls, Catalog, Quiet as Open, QuietItem, Sent};
use holdfast_model::{
    Automation, AutomationKind, ErrorClass, ErrorCode, Failure, SalesforceId, Switch,
};
use holdfast_plan::restore::quiet::{Quiet, kinds};
use holdfast_runtime::Deadline;
use holdfast_salesforce::{Client, Deployment, Entities, Found};

use crate::Pace;

/// Calls that are reserved at a time. Looking takes up to one for each workflow rule and flow.
pub(crate) const CALLS: Calls = Calls {
    api: 1_000,
    bulk_jobs: 0,
};
/// Calls that switching one takes at most.
const CALLS_EACH: u64 = 4;
/// Seconds until a deployment is looked at again.
const DEPLOYMENT_SECONDS: u32 = 5;

pub(crate) struct Switching<'a> {
    catalog: &'a Catalog,
    /// As this process knows it: a write of another one ends this one.
    pub(crate) item: QuietItem,
    pub(crate) record: &'a Quiet,
    switch: Switch,
    /// What does not become as it is to be, and why first.
    failed: Vec<(Automation, Failure)>,
}

impl<'a> Switching<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog,
        item: QuietItem,
        record: &'a Quiet,
        switch: Switch,
    ) -> Self {
        Self {
            catalog,
            item,
            record,
            switch,
            failed: Vec::new(),
        }
    }

    /// Switches kind after kind, and reads back. Nothing goes off any more when one stays on; all that can comes on.
    pub(crate) async fn go_on(
        &mut self,
        client: &Client,
        deadline: Deadline,
    ) -> Result<Pace, Failure> {
        // First of all: while Salesforce works, a look costs one call.
        let last = self.last(client).await?;
        if matches!(last, Some(Last::Running)) {
            return Ok(Pace::Wait(DEPLOYMENT_SECONDS));
        }
        let objects = self.record.switched.iter().map(|one| &one.object);
        let objects: std::collections::BTreeSet<_> = objects.collect();
        let entities = client.entities(objects).await?;
        let owners = self.record.of(AutomationKind::InactiveOwners, self.switch);
        let owners: Result<_, _> = owners
            .iter()
            .map(|one| SalesforceId::parse(one.name.as_bytes()))
            .collect();
        let entities = entities.with_users(owners?);
        for kind in kinds(self.switch) {
            let wanted = self.record.of(kind, self.switch);
            if wanted.is_empty() {
                continue;
            }
            let pace = match kind {
                AutomationKind::Triggers => {
                    self.triggers(client, &entities, &wanted, last.as_ref())
                        .await?
                }
                _ => self.others(client, &entities, deadline, &wanted).await?,
            };
            if pace != Pace::Done {
                return Ok(pace);
            }
        }
        self.outcome().await
    }

    /// Everything but triggers, one by one.
    async fn others(
        &mut self,
        client: &Client,
        entities: &Entities,
        deadline: Deadline,
        wanted: &[&Automation],
    ) -> Result<Pace, Failure> {
        let Some(kind) = wanted.first().map(|one| one.kind) else {
            return Ok(Pace::Done);
        };
        let found = client.automation(kind, entities).await?;
        let pending = pending(wanted, &found, self.switch);
        for (automation, found) in &pending {
            if deadline.is_near() || client.budget().used() + CALLS_EACH > CALLS.api {
                return Ok(Pace::More);
            }
            self.assert_mine().await?;
            let switched = client.switch(found, self.switch, automation.version).await;
            if let Err(failure) = switched {
                self.note((*automation).clone(), failure)?;
            }
        }
        if !pending.is_empty() {
            let found = client.automation(kind, entities).await?;
            for (automation, _) in self::pending(wanted, &found, self.switch) {
                self.note(automation.clone(), unmoved(self.switch))?;
            }
        }
        Ok(Pace::Done)
    }

    /// Triggers, all in one deployment. Deployments come into force in the order in which they are sent.
    async fn triggers(
        &mut self,
        client: &Client,
        entities: &Entities,
        wanted: &[&Automation],
        last: Option<&Last>,
    ) -> Result<Pace, Failure> {
        let found = client
            .automation(AutomationKind::Triggers, entities)
            .await?;
        let pending = match (last, self.switch) {
            // One that switches off may be on its way: what is sent now comes behind it.
            (Some(Last::Unknown), Switch::On) => there(wanted, &found),
            _ => pending(wanted, &found, self.switch),
        };
        let why = match last {
            _ if pending.is_empty() => return Ok(Pace::Done),
            Some(Last::Done) => Some(unmoved(self.switch)),
            Some(Last::Failed(why)) => Some(refused(why)),
            _ => None,
        };
        if let Some(why) = why {
            // A repeat sends another one.
            self.save(None).await?;
            for (automation, _) in pending {
                self.note(automation.clone(), why.clone())?;
            }
            return Ok(Pace::Done);
        }
        let switch = self.switch;
        let sources: Vec<_> = pending.iter().map(|(_, found)| (*found).clone()).collect();
        self.save(Some(Sent { switch, id: None })).await?;
        match client.deploy_triggers(&sources, switch).await {
            Ok(id) => {
                let id = Some(id);
                self.save(Some(Sent { switch, id })).await?;
                Ok(Pace::Wait(DEPLOYMENT_SECONDS))
            }
            Err(failure) => {
                for (automation, _) in pending {
                    self.note(automation.clone(), failure.clone())?;
                }
                Ok(Pace::Done)
            }
        }
    }

    /// What became of the deployment before; nothing when it went the other way.
    async fn last(&self, client: &Client) -> Result<Option<Last>, Failure> {
        let sent = self.item.quiet.as_ref();
        let Some(Sent { switch, id }) = sent.and_then(|quiet| quiet.sent.as_ref()) else {
            return Ok(None);
        };
        let Some(id) = id else {
            return Ok(Some(Last::Unknown));
        };
        let last = match client.deployment(id).await {
            Ok(Deployment::Running) => return Ok(Some(Last::Running)),
            Ok(Deployment::Done) => Last::Done,
            Ok(Deployment::Failed(why)) => Last::Failed(why),
            // Salesforce knows it no more.
            Err(gone) if is_gone(&gone) => return Ok(Some(Last::Unknown)),
            Err(failure) => return Err(failure),
        };
        Ok((*switch == self.switch).then_some(last))
    }

    async fn save(&mut self, sent: Option<Sent>) -> Result<(), Failure> {
        let quiet = self.item.quiet.clone().map(|quiet| Open { sent, ..quiet });
        self.item = self.catalog.save_quiet(&self.item, quiet).await?;
        Ok(())
    }

    /// Stops a process whose execution is over and that another one has followed.
    async fn assert_mine(&self) -> Result<(), Failure> {
        if self.catalog.quiet(&self.item.org).await? == self.item {
            return Ok(());
        }
        let message = "another process switches the automation of the org";
        Err(Failure::new(ErrorCode::CatalogConflict, message))
    }

    /// What passes is repeated as a whole; on the way on, nothing else stands in the way of the others.
    fn note(&mut self, automation: Automation, failure: Failure) -> Result<(), Failure> {
        let class = failure.class();
        if class.is_transient() || class == ErrorClass::Exhausted {
            return Err(failure);
        }
        if self.switch.is_on() {
            if !self.failed.iter().any(|(known, _)| *known == automation) {
                self.failed.push((automation, failure));
            }
            return Ok(());
        }
        let message = format!("`{automation}`: {}", failure.message);
        Err(Failure::new(ErrorCode::AutomationStaysOn, message))
    }

    async fn outcome(&mut self) -> Result<Pace, Failure> {
        let names: Vec<_> = self.failed.iter().map(|(one, _)| one.to_string()).collect();
        let left_off = names.clone();
        let quiet = self
            .item
            .quiet
            .clone()
            .map(|quiet| Open { left_off, ..quiet });
        self.item = self.catalog.save_quiet(&self.item, quiet).await?;
        match self.failed.first() {
            None => Ok(Pace::Done),
            Some((_, why)) => Err(Failure::new(
                ErrorCode::AutomationLeftOff,
                format!("still off: `{}`: {}", names.join("`, `"), why.message),
            )),
        }
    }
}

/// How the deployment before stands.
enum Last {
    /// It may be on its way, or not.
    Unknown,
    Running,
    Done,
    Failed(String),
}

/// What is not yet as it is to be, of what is still there. Of a flow any version may have been switched on by somebody.
fn pending<'a>(
    wanted: &[&'a Automation],
    found: &'a [Found],
    switch: Switch,
) -> Vec<(&'a Automation, &'a Found)> {
    let mut there = there(wanted, found);
    there.retain(|(_, found)| found.is_on != switch.is_on());
    there
}

/// What is still there.
fn there<'a>(wanted: &[&'a Automation], found: &'a [Found]) -> Vec<(&'a Automation, &'a Found)> {
    let there = wanted.iter().filter_map(|wanted| {
        let mut found = found.iter();
        let found = found.find(|found| found.automation.is_same(wanted))?;
        Some((*wanted, found))
    });
    there.collect()
}

fn is_gone(failure: &Failure) -> bool {
    matches!(failure.class(), ErrorClass::Invalid | ErrorClass::NotFound)
}

fn unmoved(switch: Switch) -> Failure {
    let message = match switch {
        Switch::Off => "it was read back as on",
        Switch::On => "it was read back as off",
    };
    Failure::new(ErrorCode::AutomationStaysOn, message)
}

fn refused(why: &str) -> Failure {
    let message = format!("salesforce refused the deployment: {why}");
    Failure::new(ErrorCode::AutomationStaysOn, message)
}
