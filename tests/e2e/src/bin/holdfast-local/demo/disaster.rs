//! The end of the story: a bad import, and what puts it right.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use holdfast_e2e::{Execution, Stack};
use holdfast_model::Stamp;
use serde_json::{Value, json};

use super::{ORG, org, report};

/// From a moment that a backup has captured: overwrites and deletes records, finds them by a compare, plans a restore, runs it, and compares once more.
pub(super) async fn run(stack: &Stack, records: u64, then: Stamp) -> anyhow::Result<()> {
    let orgsim = stack.orgsim();
    println!("\nA disaster: somebody imports the wrong file");
    let damage = org::damage(orgsim, records).await?;
    println!(
        "  {} contacts overwritten, {} accounts deleted with their children",
        damage.overwritten, damage.deleted
    );

    println!("\nCompare with a moment before");
    let sides = json!({ "left": { "org": ORG, "at": then }, "right": { "org": ORG } });
    let compare = finish(stack, stack.start_compare(&sides, "disaster").await?).await?;
    let compared = read(stack, "read-compare", &compare).await?;
    println!(
        "{}",
        report::objects(&compared, &["only_left", "changed", "only_right"])
    );

    println!("\nPlan of the restore: nothing is written yet");
    let request = json!({ "org": ORG, "compare": compare, "mode": "replace" });
    let plan = finish(stack, stack.start_restore_plan(&request, "repair").await?).await?;
    let planned = read(stack, "read-restore", &plan).await?;
    let steps = ["undelete", "update", "insert", "delete"];
    println!("{}", report::objects(&planned, &steps));

    println!("\nRestore");
    let begun = Instant::now();
    let request = json!({ "org": ORG, "plan": plan });
    let run = finish(stack, stack.start_restore(&request, "repair-run").await?).await?;
    let restored = read(stack, "read-restore", &run).await?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}\n  {seconds:.1} s", report::restored(&restored));
    ensure!(
        restored.get("status") == Some(&json!("succeeded")),
        "the restore did not put everything right: {restored}"
    );
    Ok(())
}

/// The name of the job, when it has ended well.
async fn finish(stack: &Stack, execution: Execution) -> anyhow::Result<String> {
    let outcome = stack.wait(&execution).await?;
    ensure!(
        outcome.status == "SUCCEEDED",
        "`{}` ended {}: {} {}",
        execution.job,
        outcome.status,
        outcome.error,
        outcome.cause
    );
    Ok(execution.job)
}

async fn read(stack: &Stack, function: &'static str, job: &str) -> anyhow::Result<Value> {
    let input = json!({ "org": ORG, "job": job });
    stack.invoke(function, &input).await.context(function)
}
