//! Recorded traffic of real orgs, replayed against the simulator.
//!
//! The recordings lie in `shared/recordings` beside the checkout, or where `HOLDFAST_RECORDINGS` says. Without them every
//! test here reports itself as ignored. `HOLDFAST_CONFORMANCE_WRITE` makes the run write `CONFORMANCE.md`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod body;
mod bulk;
mod cassette;
mod composite;
mod describes;
mod jobs;
mod names;
mod recording;
mod records;
mod replay;
mod report;
mod request;
mod shape;
mod soap;
mod soql;
mod table;
mod template;
mod verdict;
mod world;
mod xml;

use std::{env, fs, path::PathBuf, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(recordings) = recordings() else {
        let reason = "no recordings beside the checkout";
        let ignored = || -> Result<(), Failed> { Err(reason.into()) };
        let trials = [
            "recorded_calls_are_answered_alike",
            "the_report_is_up_to_date",
        ];
        let trials = trials
            .map(|name| Trial::test(format!("{name} ({reason})"), ignored).with_ignored_flag(true));
        return libtest_mimic::run(&arguments, trials.into()).exit_code();
    };
    if arguments.list {
        return libtest_mimic::run(&arguments, Vec::new()).exit_code();
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (outcomes, objects) = runtime.block_on(async {
        let mut world = world::World::start().await;
        let mut outcomes = Vec::new();
        let mut cassette = None;
        for exchange in recording::load(&recordings) {
            let verdict = if jobs::in_batches(&exchange) {
                let at_hand = jobs::Cassette::of(&exchange, cassette.take()).await;
                cassette.insert(at_hand).replay(&exchange).await
            } else {
                replay::replay(&mut world, &exchange).await
            };
            outcomes.push((exchange, verdict));
        }
        let objects = describes::compare(&mut world, &recordings).await;
        (outcomes, objects)
    });
    let report = report::write(&outcomes, &objects);
    let text = report.text;
    let file = PathBuf::from(FOLDER).join("CONFORMANCE.md");
    if env::var_os("HOLDFAST_CONFORMANCE_WRITE").is_some() {
        fs::write(&file, &text).expect("CONFORMANCE.md is written");
    }
    let mut trials: Vec<Trial> = report
        .families
        .into_iter()
        .map(|(name, counts)| {
            let title = format!(
                "{name}: {} of {} recorded calls are answered alike",
                counts.alike + counts.explained,
                counts.recorded - counts.not_covered
            );
            Trial::test(title, move || {
                if counts.open.is_empty() {
                    Ok(())
                } else {
                    Err(counts.open.join("\n").into())
                }
            })
        })
        .collect();
    let unused = report.unused;
    trials.push(Trial::test(
        "every explanation explains a difference",
        move || {
            if unused.is_empty() {
                Ok(())
            } else {
                Err(unused.join("\n").into())
            }
        },
    ));
    trials.push(Trial::test("the report is up to date", move || {
        let committed = fs::read_to_string(&file).unwrap_or_default();
        if committed == text {
            Ok(())
        } else {
            Err("CONFORMANCE.md is out of date: run `cargo xtask conformance`".into())
        }
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn recordings() -> Option<PathBuf> {
    let beside = PathBuf::from(FOLDER).join("../../../shared/recordings");
    let folder = env::var_os("HOLDFAST_RECORDINGS").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}
