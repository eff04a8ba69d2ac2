//! Round after round of one seed.

use std::collections::BTreeMap;

use fastrand::Rng;
use holdfast_catalog::{JobItem, JobKind};
use holdfast_model::{ErrorCode, JobId, ObjectName};
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::changes::Told;
use crate::compare::{Snapshots, assert_complete, readable};
use crate::org::{GUARD_SECONDS, OVERLAP_SECONDS, Org, PROTECTED_SECONDS};
use crate::tripwire::Tripwire;
use crate::world::World;
use crate::{job, moments, operation};

/// AWS calls of a job are about so many; each is two steps.
const STEPS_MAX: i64 = 300;

pub(crate) async fn run(world: &World, seed: u64, rounds: u32) {
    let mut random = Rng::with_seed(seed);
    let mut org = Org::start(world, seed).await;
    let wire = Tripwire::new();
    let mut environment = world.environment(&wire);
    let settings = settings(&org).await;
    job::connect(&environment, &org.name, settings).await;
    let mut snapshots = Snapshots::new();
    let (mut chain, mut told, mut proven, mut killed) = (Chain::default(), Told::default(), 0, 0);
    let mut swept = None;
    // Whether the newest job was proven.
    let mut settled = true;
    // What a job may honestly be partial for: versions that came too late for any head, and deletions that no log tells.
    let mut excused = Excuses::default();
    for round in 0..rounds {
        if round > 0 {
            operation::happen(&mut org, &mut random).await;
        }
        let troubled = random.u32(0..4) == 0;
        if troubled {
            operation::trouble(&org, &mut random).await;
        }
        if random.u32(0..8) == 0 {
            operation::purge_delete_log(&org).await;
            excused.log_purged = true;
        }
        excused.late = org.truth.late(PROTECTED_SECONDS);
        let kind = match random.u32(0..4) {
            0 => JobKind::Sync,
            _ => JobKind::Backup,
        };
        let name = JobId::parse(format!("{}-{round}", org.name)).unwrap();
        let began = org.now().await;
        let mut alone = settled;
        if random.u32(0..4) == 0 {
            let steps = random.i64(0..STEPS_MAX);
            let run = Box::pin(job::run(&environment, &org.name, &name, kind));
            if wire.within(steps, run).await.is_none() {
                killed += 1;
                alone = false;
                // The process is gone, and with it what it kept in memory.
                environment = world.environment(&wire);
            }
        }
        // A killed job is repeated by its machine, or given up and followed by another one.
        let name = if random.bool() {
            name
        } else {
            JobId::parse(format!("{}-{round}-again", org.name)).unwrap()
        };
        let ended = job::run(&environment, &org.name, &name, kind).await;
        let lost = job::objects_with_losses(&environment, &ended).await;
        assert!(
            troubled || job::is_proven(&ended) || excused.excuse(&ended, &lost),
            "seed {seed}, round {round}: without any trouble the job is not proven: {:?}",
            ended.error
        );
        settled = job::is_proven(&ended);
        if settled {
            proven += 1;
            if kind == JobKind::Sync {
                swept = Some(began);
            }
            let (past, readable) = (&mut snapshots, readable(&environment, &org).await);
            let known = (job::asked_until(&ended), swept);
            assert_complete(&environment, &org, &readable, known, past, &mut random).await;
            chain.assert_whole(&environment, &org, &readable).await;
            told.assert_true(&environment, &org, &readable, alone).await;
            if random.u32(0..4) == 0
                && let Some(moments) = moments::pick(&snapshots, &mut random)
            {
                let compare = JobId::parse(format!("{}-{round}-compare", org.name)).unwrap();
                let steps = random.i64(0..2 * STEPS_MAX);
                let run = moments::assert_lead_from_one_to_the_other(
                    &environment,
                    &org,
                    &readable,
                    &compare,
                    moments,
                );
                if wire.within(steps, Box::pin(run)).await.is_none() {
                    environment = world.environment(&wire);
                    let again = moments::assert_lead_from_one_to_the_other(
                        &environment,
                        &org,
                        &readable,
                        &compare,
                        moments,
                    );
                    Box::pin(again).await;
                }
            }
        }
        org.clear_faults().await;
    }
    println!(
        "seed {seed}: {rounds} rounds, {proven} proven, {killed} killed, {} AWS calls",
        wire.calls()
    );
    // Every job without an excuse is proven; this says that not all had one.
    assert!(
        proven * 3 > rounds,
        "seed {seed}: only {proven} jobs of {rounds} were proven"
    );
}

/// What a job may be partial for although no call fails.
#[derive(Debug, Default)]
struct Excuses {
    /// Versions so far, by object, that became visible too late for any head.
    late: BTreeMap<ObjectName, usize>,
    /// Those that a job was partial for. A job may compare the Ids of one object only.
    late_told: BTreeMap<ObjectName, usize>,
    log_purged: bool,
}

impl Excuses {
    /// Each is good for one job.
    fn excuse(&mut self, job: &JobItem, lost: &[ObjectName]) -> bool {
        match job.error.as_ref().map(|error| error.code) {
            Some(ErrorCode::DeleteLogIncomplete) => std::mem::take(&mut self.log_purged),
            Some(ErrorCode::CountMismatch) => {
                let all_new = lost.iter().all(|object| {
                    let late = self.late.get(object).copied().unwrap_or_default();
                    self.late_told
                        .insert(object.clone(), late)
                        .unwrap_or_default()
                        < late
                });
                all_new && !lost.is_empty()
            }
            _ => false,
        }
    }
}

/// Small pages, so that every job has several; and one of the protections off when that is tested.
async fn settings(org: &Org<'_>) -> Value {
    let without = std::env::var("HOLDFAST_WITHOUT").unwrap_or_default();
    let unless = |name: &str, seconds: u32| if without == name { 0 } else { seconds };
    json!({
        "bulk_rows_min": 4,
        "bulk_page_rows": 5,
        "quiet_poll_seconds": 1_200,
        "exclude_objects": org.other_objects().await,
        "overlap_seconds": unless("overlap", OVERLAP_SECONDS),
        "guard_seconds": unless("guard", GUARD_SECONDS),
    })
}
