//! What the plan does with records that are not there, as far as it is known which of them come back.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{Failure, JobId, SalesforceId};
use holdfast_plan::restore::Step;
use holdfast_plan::restore::plan::{Counts, Page, Plan, page_name};
use holdfast_plan::restore::preflight::{Fate, Hindered, ObstaclePage, obstacles_name};
use holdfast_vault::Vault;

/// Records that are kept in mind, about 64 bytes each; lookups to others are doubtful.
const RECORDS_MAX: usize = 1_000_000;

#[derive(Debug, Default)]
pub(crate) struct Fates {
    /// Of records that come back, or fail.
    pub(crate) of: BTreeMap<SalesforceId, Fate>,
    /// Records that go.
    pub(crate) goes: BTreeSet<SalesforceId>,
    /// Whether there were too many.
    pub(crate) are_incomplete: bool,
}

impl Fates {
    /// Of all objects of a plan; what was found before is taken into account.
    pub(crate) async fn read(
        vault: &Vault,
        plan: &Plan,
        counts: &[Counts],
        job: &JobId,
    ) -> Result<Self, Failure> {
        let mut fates = Self::default();
        for (planned, counts) in plan.objects.iter().zip(counts) {
            if counts.writes() == counts.update {
                continue;
            }
            let object = &planned.turn.object;
            for number in 0..planned.pages {
                let name = page_name(job, object, number);
                let Some(page) = vault.find_document::<Page>(&name).await? else {
                    continue;
                };
                for record in page.records {
                    fates.note(record.id, &record.decision.step);
                }
                let name = obstacles_name(job, object, number);
                let found: Option<ObstaclePage> = vault.find_document(&name).await?;
                fates.hinder(&found.unwrap_or_default().records);
            }
        }
        Ok(fates)
    }

    fn note(&mut self, id: SalesforceId, step: &Step) {
        if self.of.len() + self.goes.len() >= RECORDS_MAX {
            self.are_incomplete = true;
            return;
        }
        match step {
            Step::Undelete { .. } => drop(self.of.insert(id, Fate::Returns)),
            Step::Insert { .. } => drop(self.of.insert(id, Fate::Made)),
            Step::Delete { .. } => drop(self.goes.insert(id)),
            Step::Update { .. } | Step::Copy { .. } | Step::Skip { .. } => {}
        }
    }

    /// Of what hinders a record that comes back it is not told apart whether it comes back all the same, without some values.
    pub(crate) fn hinder(&mut self, records: &[Hindered]) {
        for record in records {
            let fate = match (self.of.get(&record.id), record.fails()) {
                (Some(Fate::Returns), true) if returns_all_the_same(record) => continue,
                (_, true) => Fate::Fails,
                (Some(Fate::Made), false) => Fate::Doubtful,
                _ => continue,
            };
            self.of.insert(record.id, fate);
        }
    }
}

/// A record that only does not get its values is there.
fn returns_all_the_same(record: &Hindered) -> bool {
    let mut obstacles = record.obstacles.iter();
    !obstacles.any(|obstacle| obstacle.code == "UNDELETE_FAILED")
}
