//! A page of the plan: each record as the run will write it, and what is in its way.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::MadeAs;
use holdfast_model::{Failure, Phase, SalesforceId, Target};
use holdfast_plan::restore::plan::{Page, page_name};
use holdfast_plan::restore::preflight::{
    Attempt, Certainty, Facts, Hindered, Obstacle, ObstaclePage, Standing, links_name, obstacles,
    obstacles_name,
};
use holdfast_plan::restore::{Row, Step, Write};
use holdfast_salesforce::{Client, Records as Rows};

use crate::Sweep;
use crate::ask::Asked;
use crate::check::{Run, UNITS_PER_MB, units};
use crate::object::Object;

/// A record in the passes that a sweep looks at.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) id: SalesforceId,
    pub(crate) is: Is,
    /// What is written first, where that is looked at now or was before.
    first: Vec<Write>,
    /// What is written in each pass that is looked at.
    pub(crate) passes: Vec<(Phase, Vec<Write>)>,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    /// It stays, with other values, or goes.
    There,
    /// It comes out of the Recycle Bin.
    Back,
    /// It is made, and has nothing of before.
    Made,
    /// The same, when it does not come back with its parent.
    MadeUnlessBack,
    /// It is made beside one that is there.
    Copy,
}

impl Is {
    fn of(step: &Step) -> Self {
        match step {
            Step::Undelete { .. } => Self::Back,
            Step::Insert {
                may_return: true, ..
            } => Self::MadeUnlessBack,
            Step::Insert { .. } => Self::Made,
            Step::Copy { .. } => Self::Copy,
            Step::Update { .. } | Step::Delete { .. } | Step::Skip { .. } => Self::There,
        }
    }

    /// Whether there is nothing before.
    pub(crate) fn is_made(self) -> bool {
        matches!(self, Self::Made | Self::MadeUnlessBack | Self::Copy)
    }
}

impl Run<'_> {
    /// Finds what is in the way of the records of the page at work, and stores it.
    pub(crate) async fn page(&mut self, object: &Object) -> Result<(), Failure> {
        let number = self.cursor.page;
        let name = page_name(self.job, &object.name, number);
        let plan: Option<Page> = self.vault.find_document(&name).await?;
        let Some(plan) = plan else { return Ok(()) };
        let first_name = obstacles_name(self.job, &object.name, number);
        let first: Option<ObstaclePage> = self.vault.find_document(&first_name).await?;
        let (name, stored) = match self.cursor.sweep {
            Sweep::Records => (first_name, first.clone()),
            Sweep::Links => (links_name(self.job, &object.name, number), None),
        };
        let before = first.unwrap_or_default();
        let planned = planned(&plan, object, self.cursor.sweep, &before);
        let found = match stored {
            Some(found) => found,
            None => ObstaclePage {
                records: self.found(object, &planned).await?,
            },
        };
        if !found.records.is_empty() {
            self.vault.put_document(&name, &found).await?;
        }
        if self.cursor.sweep == Sweep::Records {
            self.fates.hinder(&found.records);
            let fails: BTreeSet<_> = found
                .records
                .iter()
                .filter(|one| one.fails())
                .map(|one| one.id)
                .collect();
            let made = planned
                .iter()
                .filter(|one| one.is.is_made() && !fails.contains(&one.id));
            self.cursor.taken += made.count() as u64 * units(&object.name);
        }
        Ok(())
    }

    async fn found(&self, object: &Object, planned: &[Planned]) -> Result<Vec<Hindered>, Failure> {
        if planned.is_empty() {
            return Ok(Vec::new());
        }
        let Some(target) = &object.target else {
            let hindered = planned.iter().map(|one| Hindered {
                id: one.id,
                obstacles: vec![Obstacle::will("INVALID_TYPE")],
            });
            return Ok(hindered.collect());
        };
        let again = planned
            .iter()
            .filter(|one| one.is.is_made() && one.is != Is::Copy);
        let again = again.map(|one| one.id);
        let catalog = self.environment.catalog();
        let made = catalog
            .made(self.org, self.job, MadeAs::Itself, again)
            .await?;
        let asked = Asked::about(object, target, planned, made, self);
        let calls = asked.calls();
        let ask = async |client: &Client| asked.answer(client, self).await;
        let (mut facts, rows) = self.lend(calls, ask).await?;
        facts.rules.clone_from(&object.rules);
        facts.claims.clone_from(&object.claims);
        facts.duplicate_rules.clone_from(&object.duplicate_rules);
        let mut judge = Judge {
            target,
            facts,
            rows,
            left: self
                .org_facts
                .storage_left_mb
                .map(|mb| mb.saturating_mul(UNITS_PER_MB)),
            taken: i64::try_from(self.cursor.taken).unwrap_or(i64::MAX),
            units: i64::try_from(units(&object.name)).unwrap_or(1),
        };
        let hindered = planned.iter().filter_map(|one| {
            let obstacles = judge.record(one);
            (!obstacles.is_empty()).then_some(Hindered {
                id: one.id,
                obstacles,
            })
        });
        Ok(hindered.collect())
    }
}

/// The records of a page that a sweep is about. One that fails earlier is not looked at again.
fn planned(plan: &Page, object: &Object, sweep: Sweep, before: &ObstaclePage) -> Vec<Planned> {
    let fails: BTreeSet<_> = before
        .records
        .iter()
        .filter(|one| one.fails())
        .map(|one| one.id)
        .collect();
    let phases: &[Phase] = match sweep {
        Sweep::Records => &[Phase::Undelete, Phase::Update, Phase::Insert, Phase::Delete],
        Sweep::Links => &[Phase::Link],
    };
    let planned = plan.records.iter().filter_map(|record| {
        let step = &record.decision.step;
        let part = |phase| object.waiting.part(phase, step);
        let is = Is::of(step);
        let comes_too_late = sweep == Sweep::Links && fails.contains(&record.id);
        if comes_too_late {
            return None;
        }
        let passes = phases
            .iter()
            .filter_map(|phase| Some((*phase, part(*phase)?)));
        let passes: Vec<_> = passes.collect();
        (!passes.is_empty()).then(|| Planned {
            id: record.id,
            is,
            first: part(if is.is_made() {
                Phase::Insert
            } else {
                Phase::Update
            })
            .unwrap_or_default(),
            passes,
        })
    });
    planned.collect()
}

/// Records in their order, with the storage that is left.
struct Judge<'a> {
    target: &'a Target,
    facts: Facts,
    rows: Rows,
    /// In units; nothing when Salesforce does not say.
    left: Option<i64>,
    taken: i64,
    units: i64,
}

impl Judge<'_> {
    fn record(&mut self, planned: &Planned) -> Vec<Obstacle> {
        let mut row = self.rows.get(&planned.id).cloned();
        let mut found: Vec<Obstacle> = Vec::new();
        for (phase, writes) in &planned.passes {
            let is_made_already = *phase == Phase::Insert
                && self.facts.standing.get(&planned.id) == Some(&Standing::Live);
            if is_made_already && planned.is != Is::Copy {
                return found;
            }
            let writes: &[Write] = &self.due(writes);
            if writes.is_empty() && matches!(phase, Phase::Update | Phase::Link) {
                continue;
            }
            if *phase == Phase::Link {
                row = Some(written(row.as_ref(), &planned.first));
            }
            let before = row.clone();
            let after = written(before.as_ref(), writes);
            let attempt = Attempt {
                id: planned.id,
                phase: *phase,
                writes,
                is_made: planned.is.is_made(),
                before: before.as_ref(),
                after: &after,
            };
            let more = obstacles(&attempt, self.target, &self.facts);
            let is_stopped = *phase == Phase::Undelete && !more.is_empty();
            found.extend(more);
            if is_stopped {
                break;
            }
            row = Some(after);
        }
        if planned.is.is_made() {
            found.extend(self.storage(&found));
        }
        if planned.is == Is::MadeUnlessBack {
            for obstacle in &mut found {
                obstacle.certainty = Certainty::May;
            }
        }
        found.dedup();
        found
    }

    /// A lookup of a record in the Recycle Bin is only written when what it points to went, which has emptied it; one that is to stay
    /// empty is only written when Salesforce fills it.
    fn due(&self, writes: &[Write]) -> Vec<Write> {
        let stays = |write: &&Write| {
            let Some(id) = write.to.as_ref().filter(|_| write.from == write.to) else {
                return write.from == write.to;
            };
            let id = SalesforceId::parse(id.as_bytes());
            id.is_ok_and(|id| self.facts.standing.get(&id) == Some(&Standing::Live))
        };
        let due = writes.iter().filter(|write| !stays(write));
        due.cloned().collect()
    }

    /// There must be room for a new record; how much of the last megabyte is left nobody says.
    fn storage(&mut self, found: &[Obstacle]) -> Option<Obstacle> {
        let left = self.left?;
        let is_refused = found.iter().any(|one| one.certainty == Certainty::Will);
        if is_refused || self.units == 0 {
            return None;
        }
        let needs = self.taken.saturating_add(self.units);
        if needs <= left {
            self.taken = needs;
            return None;
        }
        if left >= 0 && needs <= left.saturating_add(UNITS_PER_MB) {
            self.taken = needs;
            return Some(Obstacle::may("STORAGE_LIMIT_EXCEEDED"));
        }
        Some(Obstacle::will("STORAGE_LIMIT_EXCEEDED"))
    }
}

/// A row with other values.
fn written(row: Option<&Row>, writes: &[Write]) -> Row {
    let mut row: BTreeMap<_, _> = row.cloned().unwrap_or_default();
    for write in writes {
        match write.to.as_ref().filter(|text| !text.is_empty()) {
            Some(text) => drop(row.insert(write.field.clone(), text.clone())),
            None => drop(row.remove(&write.field)),
        }
    }
    row
}
