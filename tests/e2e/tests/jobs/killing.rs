//! Jobs are killed wherever they can be, and the next one makes good what they left behind.

mod history;
mod machine;
mod stored;
mod tiny;
mod trouble;

use std::time::Duration;

use fastrand::Rng;
use holdfast_catalog::JobStatus;
use holdfast_e2e::Execution;
use serde_json::json;

use self::history::History;
use self::machine::{Sign, State};
use self::stored::{Sealed, assert_every_segment_is_named_once, versions};
use self::tiny::{an_hour_of_changes, connect_tiny};
use self::trouble::{OFF_THE_WAY, Trouble};
use crate::world::{Org, World};

/// How late Salesforce answers, so that a state that asks it lasts.
const DELAY_MS: u32 = 150;
/// Between two looks at a history: less than any state takes that calls a function.
const LOOK: Duration = Duration::from_millis(1);
/// Jobs that are shot at.
const SHOT_JOBS: u32 = 6;
/// Shots at one job; then it is left alone.
const SHOTS_MAX: u32 = 150;
/// The longest pause between two shots.
const PAUSE_MS_MAX: u64 = 100;

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The execution, and the processes of the functions that may be at work for it.
    ExecutionAndProcesses,
    /// The execution. A function that it called goes on beside the next job, as Lambda lets it.
    Execution,
}

pub(crate) async fn a_job_killed_at_any_state_is_made_good_by_the_next(world: &World) {
    let undisturbed = connect_tiny(world, "undisturbed").await;
    finish_another_job(&undisturbed).await;
    an_hour_of_changes(&undisturbed, 1).await;
    finish_another_job(&undisturbed).await;
    let expected = versions(&undisturbed).await;
    assert_same(&undisturbed, &expected).await;

    let states = machine::states();
    for (name, _) in OFF_THE_WAY {
        assert!(states.iter().any(|state| state.name == name), "no `{name}`");
    }
    for state in states {
        let name = format!("killed-at-{}", state.name.to_lowercase());
        let org = connect_tiny(world, &name).await;
        kill_a_job_at(&org, &state, Blow::ExecutionAndProcesses).await;
        finish_another_job(&org).await;
        an_hour_of_changes(&org, 1).await;
        kill_a_job_at(&org, &state, Blow::Execution).await;
        finish_another_job(&org).await;
        assert_same(&org, &expected).await;
    }
}

pub(crate) async fn function_processes_killed_at_random_instants_change_nothing(world: &World) {
    let mut random = Rng::with_seed(82);
    let undisturbed = connect_tiny(world, "undisturbed").await;
    let org = connect_tiny(world, "shot-at").await;
    let mut broken_calls = 0;
    for hour in 0..SHOT_JOBS {
        if hour > 0 {
            an_hour_of_changes(&undisturbed, hour).await;
            an_hour_of_changes(&org, hour).await;
        }
        finish_another_job(&undisturbed).await;
        let execution = shoot_at_a_job(&org, &mut random).await;
        let outcome = org.wait(&execution).await;
        let stack = world.stack().await;
        let history = History::of_job_and_children(stack, &execution).await;
        let broken = history.broken_calls();
        println!(
            "{}: {} with {broken} broken calls",
            execution.job, outcome.status
        );
        broken_calls += broken;
        if outcome.output["status"] != "succeeded" {
            finish_another_job(&org).await;
        }
        assert_same(&org, &versions(&undisturbed).await).await;
    }
    assert!(broken_calls > 0, "no shot hit a function at work");
}

async fn finish_another_job(org: &Org<'_>) {
    let job = org.backup().await;
    assert_eq!(
        job.status,
        JobStatus::Succeeded,
        "{}: {:?}",
        org.name,
        job.error
    );
}

/// Values are not printed.
async fn assert_same(org: &Org<'_>, expected: &[Sealed]) {
    assert!(
        versions(org).await == expected,
        "{}: other versions than undisturbed",
        org.name
    );
    org.assert_stored_is_true().await;
    assert_every_segment_is_named_once(org).await;
}

/// Starts a job and ends it in this state, or as soon behind it as can be.
async fn kill_a_job_at(org: &Org<'_>, state: &State, blow: Blow) {
    let stack = org.world.stack().await;
    let trouble = Trouble::on_the_way_to(&state.name);
    let beside = trouble.begin(org).await;
    delay_answers(org).await;
    let execution = org.start_backup().await;
    until_entered(org, &execution, state).await;
    let stop = stack.sfn.stop_execution().execution_arn(&execution.arn);
    let stopped = if stop.send().await.is_ok() {
        "stopped"
    } else {
        "ended by itself"
    };
    let mut killed = 0;
    if blow == Blow::ExecutionAndProcesses {
        for function in &state.functions {
            for worker in stack.workers(function) {
                killed += u32::from(worker.kill().is_ok());
            }
        }
    }
    let history = History::of_job(stack, &execution).await;
    println!(
        "{}: {stopped} in {}, {killed} processes killed",
        state.name,
        history.last_state()
    );
    trouble.end(org, beside).await;
}

async fn until_entered(org: &Org<'_>, execution: &Execution, state: &State) {
    let stack = org.world.stack().await;
    loop {
        let history = match state.sign {
            Sign::Named => History::of_job(stack, execution).await,
            _ => History::of_job_and_children(stack, execution).await,
        };
        if history.shows(&state.name, &state.sign) {
            return;
        }
        assert!(
            !history.has_ended(),
            "{} ended in {} and was never in {}",
            execution.job,
            history.last_state(),
            state.name
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Runs a job to its end, while processes of random functions are killed at random instants.
async fn shoot_at_a_job(org: &Org<'_>, random: &mut Rng) -> Execution {
    let stack = org.world.stack().await;
    let functions = machine::functions();
    delay_answers(org).await;
    let execution = org.start_backup().await;
    for _ in 0..SHOTS_MAX {
        let pause = random.u64(0..PAUSE_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let workers = stack.workers(random.choice(&functions).unwrap());
        if let Some(worker) = random.choice(workers) {
            // It may have ended meanwhile.
            let _ = worker.kill();
        }
        if stack.outcome(&execution).await.unwrap().is_some() {
            break;
        }
    }
    org.clear_faults().await;
    execution
}

async fn delay_answers(org: &Org<'_>) {
    let delay = json!({"match": {}, "times": null, "action": {"delay_ms": DELAY_MS}});
    org.control("faults", delay).await;
}
