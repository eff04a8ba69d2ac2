//! The story: an org is connected, backed up, changed, backed up again, and one record is read back. Then a bad import damages it, and
//! a restore repairs it.

mod cost;
mod disaster;
mod org;
mod progress;
mod report;

use std::time::Instant;

use anyhow::{Context as _, ensure};
use holdfast_catalog::{Catalog, JobItem};
use holdfast_e2e::{Options, Stack};
use holdfast_model::{JobId, OrgName};
use serde_json::{Value, json};

use crate::background;
use cost::Cost;

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Leave everything running afterwards, and print the addresses
    #[arg(long)]
    keep: bool,
    /// Records that the simulated org has; the story needs 10,000
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    records: u64,
}

/// The org's name in the story.
const ORG: &str = "acme";

/// One backup of the story.
struct Backup {
    job: JobItem,
    seconds: f64,
    cost: Cost,
}

/// Runs the story.
pub(crate) async fn run(options: &Demo) -> anyhow::Result<()> {
    let stack = start(options).await?;
    let catalog = Catalog::new(stack.dynamodb.clone(), &stack.table);
    let name = OrgName::parse(ORG)?;

    connect(&stack).await?;
    println!("\nFull backup of {} records", options.records);
    let full = back_up(&stack, &catalog, &name).await?;
    println!("\nThe org goes on working");
    let change = org::change(stack.orgsim()).await?;
    println!(
        "  {} records changed, {} added, {} deleted",
        change.updated, change.added, change.deleted
    );
    println!("\nIncremental backup");
    let incremental = back_up(&stack, &catalog, &name).await?;
    let sealed = incremental.job.counts.versions_sealed;
    println!(
        "  {} records differ, {sealed} versions were sealed: nothing else moved",
        change.total()
    );

    println!(
        "\nWhat the vault holds of one of them, Account {}",
        change.witness
    );
    let input = json!({ "org": ORG, "object": "Account", "id": change.witness });
    let answer = stack
        .invoke("read-record", &input)
        .await
        .context("read-record")?;
    println!("{}", report::versions(&answer));
    println!(
        "\n{}",
        report::jobs(&[("full", &full), ("incremental", &incremental)])
    );
    ensure!(
        sealed == change.total(),
        "the second backup sealed {sealed} versions for {} changes",
        change.total()
    );
    let captured = incremental.job.plan.and_then(|plan| plan.until);
    let then = captured.context("the backup does not say what it captured")?;
    disaster::run(&stack, options.records, then).await?;
    print_end(options, &stack);
    Ok(())
}

async fn start(options: &Demo) -> anyhow::Result<Stack> {
    let spinner =
        progress::spinner("Starting the local AWS and a Salesforce org, deploying the template");
    let begun = Instant::now();
    let stack = if options.keep {
        Stack::attach(background::up(options.records)?).await?
    } else {
        Stack::start(Options::with_records(options.records)).await?
    };
    spinner.finish_and_clear();
    println!(
        "Local AWS, Salesforce org and stack are up ({:.0} s)",
        begun.elapsed().as_secs_f64()
    );
    Ok(stack)
}

async fn connect(stack: &Stack) -> anyhow::Result<()> {
    let credentials = json!({
        "grant": "client_credentials", "login_url": stack.orgsim(),
        "client_id": "holdfast-demo", "client_secret": "demo-secret",
    });
    stack.put_secret(ORG, &credentials).await?;
    let connected = stack
        .invoke("connect-org", &json!({ "org": ORG }))
        .await
        .context("connect-org")?;
    let field = |name: &str| {
        connected
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    println!(
        "Connected `{ORG}`: organization {}, user {}",
        field("organization_id"),
        field("username")
    );
    Ok(())
}

async fn back_up(stack: &Stack, catalog: &Catalog, org: &OrgName) -> anyhow::Result<Backup> {
    let begun = Instant::now();
    let execution = stack.start_backup(org.as_str()).await?;
    let id = JobId::parse(execution.job.clone())?;
    let outcome = progress::follow(stack, catalog, org, &id, &execution).await?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(
        outcome.status == "SUCCEEDED",
        "the backup ended {}: {} {}",
        outcome.status,
        outcome.error,
        outcome.cause
    );
    let job = catalog.job(org, &id).await?;
    if let Some(failure) = &job.error {
        println!("  the job is partial: {failure}");
    }
    let cost = Cost::of(stack, &execution, &job).await?;
    Ok(Backup { job, seconds, cost })
}

fn print_end(options: &Demo, stack: &Stack) {
    println!("\nWhat to try next");
    if options.keep {
        crate::print_addresses(stack.addresses());
        println!(
            "  change the org      curl {}/__sim/update -d '{{\"object\":\"Contact\",\"pick\":10,\"set\":{{\"Title\":\"CEO\"}}}}'",
            stack.orgsim()
        );
        println!(
            "  read the sealed     docs/FORMAT.md; the bucket is `{}`",
            stack.bucket
        );
        println!("  end everything      cargo xtask down");
    } else {
        println!("  cargo xtask demo --keep      the same, and everything stays up");
        println!("  cargo xtask demo --records 1000000");
        println!("  cargo xtask test             every test, from unit to whole jobs");
        println!("  README.md                    how to deploy it to your own account");
    }
}
