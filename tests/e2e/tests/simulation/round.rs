//! Round after round of one seed.

use fastrand::Rng;
use holdfast_model::JobId;
use serde_json::json;

use crate::compare::{Snapshots, assert_complete};
use crate::org::Org;
use crate::tripwire::Tripwire;
use crate::world::World;
use crate::{job, operation};

/// AWS calls of a job are about so many; each is two steps.
const STEPS_MAX: i64 = 300;

pub(crate) async fn run(world: &World, seed: u64, rounds: u32) {
    let mut random = Rng::with_seed(seed);
    let mut org = Org::start(world, seed).await;
    let wire = Tripwire::new();
    let mut environment = world.environment(&wire).await;
    let others = org.other_objects().await;
    let settings = json!({"bulk_rows_min": 8, "bulk_page_rows": 5, "exclude_objects": others});
    job::connect(&environment, &org.name, settings).await;
    let mut snapshots = Snapshots::new();
    let (mut proven, mut killed) = (0, 0);
    for round in 0..rounds {
        if round > 0 {
            operation::happen(&mut org, &mut random).await;
        }
        let troubled = random.u32(0..4) == 0;
        if troubled {
            operation::trouble(&org, &mut random).await;
        }
        let name = JobId::parse(format!("{}-{round}", org.name)).unwrap();
        if random.u32(0..4) == 0 {
            let steps = random.i64(0..STEPS_MAX);
            let run = Box::pin(job::run(&environment, &org.name, &name));
            if wire.within(steps, run).await.is_none() {
                killed += 1;
                // The process is gone, and with it what it kept in memory.
                environment = world.environment(&wire).await;
            }
        }
        // A killed job is repeated by its machine, or given up and followed by another one.
        let name = if random.bool() {
            name
        } else {
            JobId::parse(format!("{}-{round}-again", org.name)).unwrap()
        };
        let ended = job::run(&environment, &org.name, &name).await;
        assert!(
            troubled || job::is_proven(&ended),
            "seed {seed}, round {round}: without any trouble the job is not proven: {:?}",
            ended.error
        );
        if job::is_proven(&ended) {
            proven += 1;
            assert_complete(&environment, &org, &mut snapshots, &mut random).await;
        }
        org.clear_faults().await;
    }
    println!(
        "seed {seed}: {rounds} rounds, {proven} proven, {killed} killed, {} AWS calls",
        wire.calls()
    );
    assert!(
        proven * 2 > rounds,
        "seed {seed}: only {proven} jobs of {rounds} were proven"
    );
}
