//! A seeded driver moves a simulated org and the product together, and compares them after every round.
//!
//! The functions are called in process, in the order of the state machine, on the local AWS. Between two jobs records
//! are made, changed, deleted, brought back and purged, changes become visible late, the clock moves, calls fail, and a
//! job may be killed at any of its calls.
//!
//! `cargo xtask simulate --seed 7` runs one seed, also one that failed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it measured"
)]

mod chain;
mod compare;
mod job;
mod operation;
mod org;
mod round;
mod scale;
mod tripwire;
mod truth;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

/// Seeds of a plain test run.
const SEEDS: u64 = 15;
/// Rounds of each.
const ROUNDS: u32 = 20;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = Arc::new(World::new(runtime.handle().clone()));
    let trials = match asked_for() {
        Asked::Seeds(seeds, rounds) => seeds
            .map(|seed| {
                let (world, handle) = (Arc::clone(&world), runtime.handle().clone());
                Trial::test(format!("seed_{seed}_for_{rounds}_rounds"), move || {
                    handle.block_on(round::run(&world, seed, rounds));
                    Ok(())
                })
            })
            .collect(),
        Asked::Objects(objects) => {
            let (world, handle) = (Arc::clone(&world), runtime.handle().clone());
            vec![Trial::test(
                format!("a_day_of_{objects}_objects"),
                move || {
                    handle.block_on(scale::run(&world, objects));
                    Ok(())
                },
            )]
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(world);
    conclusion.exit_code()
}

enum Asked {
    /// Seeds, and rounds of each.
    Seeds(std::ops::RangeInclusive<u64>, u32),
    /// Objects of an org that is measured.
    Objects(usize),
}

/// `HOLDFAST_SIMULATION=<first seed>,<last seed>,<rounds of each>` or `HOLDFAST_SIMULATION=<objects>`, as
/// `cargo xtask simulate` and `cargo xtask bench day` set it.
fn asked_for() -> Asked {
    let Ok(asked) = std::env::var("HOLDFAST_SIMULATION") else {
        return Asked::Seeds(1..=SEEDS, ROUNDS);
    };
    let numbers: Vec<u64> = asked
        .split(',')
        .map(|number| number.parse().unwrap())
        .collect();
    match numbers[..] {
        [objects] => Asked::Objects(usize::try_from(objects).unwrap()),
        [first, last, rounds] => Asked::Seeds(first..=last, u32::try_from(rounds).unwrap()),
        _ => panic!("one number or three: `{asked}`"),
    }
}
