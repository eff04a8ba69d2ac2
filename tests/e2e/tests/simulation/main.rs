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
mod tripwire;
mod truth;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

/// Seeds of a plain test run.
const SEEDS: u64 = 8;
/// Rounds of each.
const ROUNDS: u32 = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = Arc::new(World::new(runtime.handle().clone()));
    let (seeds, rounds) = asked_for().unwrap_or((1..=SEEDS, ROUNDS));
    let trials = seeds
        .map(|seed| {
            let (world, handle) = (Arc::clone(&world), runtime.handle().clone());
            Trial::test(format!("seed_{seed}_for_{rounds}_rounds"), move || {
                handle.block_on(round::run(&world, seed, rounds));
                Ok(())
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(world);
    conclusion.exit_code()
}

/// `HOLDFAST_SIMULATION=<first seed>,<last seed>,<rounds of each>`, as `cargo xtask simulate` sets it.
fn asked_for() -> Option<(std::ops::RangeInclusive<u64>, u32)> {
    let asked = std::env::var("HOLDFAST_SIMULATION").ok()?;
    let mut numbers = asked
        .split(',')
        .map(|number| number.parse::<u64>().unwrap());
    let mut next = || numbers.next().expect("three numbers");
    let (first, last, rounds) = (next(), next(), next());
    Some((first..=last, u32::try_from(rounds).unwrap()))
}
