//! The simulation: more seeds and rounds than a test run has, or one seed that failed.

use clap::Args;

use crate::cargo;

/// What `cargo xtask simulate` takes.
#[derive(Args)]
pub(crate) struct Simulate {
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many seeds, some at once
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Rounds of each seed
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Disasters and restores that are killed, instead of rounds of backups
    #[arg(long)]
    disasters: bool,
    /// Without one of the protections: the simulation has to find a loss
    #[arg(long, value_parser = ["overlap", "guard", "count", "digest", "sweep"])]
    without: Option<String>,
}

pub(crate) fn run(options: &Simulate) -> anyhow::Result<()> {
    let last = options.seed + options.seeds.max(1) - 1;
    let asked = if options.disasters {
        format!("{},{last}", options.seed)
    } else {
        format!("{},{last},{}", options.seed, options.rounds)
    };
    let mut command = simulation(&asked);
    if let Some(without) = &options.without {
        command.args(["--features", "holdfast-e2e/switchable"]);
        command.env("HOLDFAST_WITHOUT", without);
    }
    cargo::finish(&mut command)
}

/// What an org with so many objects costs.
pub(crate) fn measure(objects: u64) -> anyhow::Result<()> {
    let mut command = simulation(&objects.to_string());
    cargo::finish(command.args(["--", "--nocapture"]))
}

fn simulation(asked: &str) -> std::process::Command {
    let mut command = cargo::cargo();
    command.args(["test", "--workspace", "--test", "simulation"]);
    command.env("HOLDFAST_SIMULATION", asked);
    command
}
