//! A seeded driver moves a simulated org and the product together, and compares them after every round.
//!
//! The functions are called in process, in the order of the state machine, on an AWS in memory. Between two jobs records
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

mod attempts;
mod aws;
mod chain;
mod changes;
mod compare;
mod damage;
mod disaster;
mod fidelity;
mod job;
mod likeness;
mod model;
mod moments;
mod operation;
mod org;
mod quiet;
mod quiet_kills;
mod restore;
mod round;
mod scale;
mod transfer;
mod tripwire;
mod truth;
mod world;

use std::ops::RangeInclusive;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

/// Seeds of a plain test run.
const SEEDS: u64 = 60;
/// Rounds of each.
const ROUNDS: u32 = 20;
/// Disasters of a plain test run.
const DISASTERS: u64 = 100;
/// Restores into another org of a plain test run.
const TRANSFERS: u64 = 20;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Much of what they do is waiting.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(2 * cores + 1);
    let trials = match asked_for() {
        Asked::Nothing => {
            let mut trials = seeds(1..=SEEDS, ROUNDS);
            trials.extend(disasters(1..=DISASTERS));
            trials.extend(transfers(1..=TRANSFERS));
            trials.push(trial(
                "switching_killed_anywhere_leaves_nothing_off",
                async |world| Box::pin(quiet_kills::run(&world)).await,
            ));
            trials.push(trial("aws_in_memory_is_like_the_local_one", async |_| {
                likeness::run().await;
            }));
            trials
        }
        Asked::Seeds(numbers, rounds) => seeds(numbers, rounds),
        Asked::Disasters(numbers) => {
            let mut trials = disasters(numbers.clone());
            trials.extend(transfers(numbers));
            trials
        }
        Asked::Objects(objects) => vec![trial(
            format!("a_day_of_{objects}_objects"),
            async move |world| Box::pin(scale::run(&world, objects)).await,
        )],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn seeds(numbers: RangeInclusive<u64>, rounds: u32) -> Vec<Trial> {
    numbers
        .map(|seed| {
            trial(
                format!("seed_{seed}_for_{rounds}_rounds"),
                async move |world| Box::pin(round::run(&world, seed, rounds)).await,
            )
        })
        .collect()
}

fn disasters(numbers: RangeInclusive<u64>) -> Vec<Trial> {
    let trials = numbers.map(|seed| {
        trial(
            format!("disaster_{seed}_is_made_good"),
            async move |world| {
                Box::pin(disaster::run(&world, seed)).await;
            },
        )
    });
    trials.collect()
}

fn transfers(numbers: RangeInclusive<u64>) -> Vec<Trial> {
    let trials = numbers.map(|seed| {
        trial(
            format!("transfer_{seed}_brings_everything_into_another_org"),
            async move |world| {
                Box::pin(transfer::run(&world, seed)).await;
            },
        )
    });
    trials.collect()
}

/// What it simulates has a thread and a world to itself.
fn trial(name: impl Into<String>, simulate: impl AsyncFnOnce(World) + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(simulate(World::default()));
        Ok(())
    })
}

enum Asked {
    /// A plain test run.
    Nothing,
    /// Seeds, and rounds of each.
    Seeds(RangeInclusive<u64>, u32),
    /// Seeds of disasters.
    Disasters(RangeInclusive<u64>),
    /// Objects of an org that is measured.
    Objects(usize),
}

/// `HOLDFAST_SIMULATION=<first seed>,<last seed>,<rounds of each>`, `HOLDFAST_SIMULATION=<first seed>,<last seed>` for disasters
/// or `HOLDFAST_SIMULATION=<objects>`, as `cargo xtask simulate` and `cargo xtask bench day` set it.
fn asked_for() -> Asked {
    let Ok(asked) = std::env::var("HOLDFAST_SIMULATION") else {
        return Asked::Nothing;
    };
    let numbers: Vec<u64> = asked
        .split(',')
        .map(|number| number.parse().unwrap())
        .collect();
    match numbers[..] {
        [objects] => Asked::Objects(usize::try_from(objects).unwrap()),
        [first, last] => Asked::Disasters(first..=last),
        [first, last, rounds] => Asked::Seeds(first..=last, u32::try_from(rounds).unwrap()),
        _ => panic!("one to three numbers: `{asked}`"),
    }
}
