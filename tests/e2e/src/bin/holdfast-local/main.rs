//! Drives the local stack: `up`, `down` and the demo. `cargo xtask` builds everything and calls it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its user"
)]

mod background;
mod demo;

use std::process::ExitCode;

use clap::Parser;
use holdfast_e2e::Addresses;

/// The local stack of Holdfast.
#[derive(Parser)]
#[command(name = "holdfast-local")]
enum Command {
    /// Shows a backup from the first login to a record read back
    Demo(demo::Demo),
    /// Starts the stack and the org simulator, and leaves them running
    Up,
    /// Ends what runs
    Down,
    /// What `up` leaves behind: holds the stack until it is ended
    #[command(hide = true)]
    Hold {
        /// Records of the simulated org
        #[arg(long)]
        records: u64,
    },
}

/// Records of the org that `up` simulates.
const RECORDS: u64 = 10_000;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Command::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(options) => demo::run(&options).await?,
        Command::Up => {
            let addresses = background::up(RECORDS)?;
            print_addresses(&addresses);
            println!("`cargo xtask down` ends it");
        }
        Command::Down => println!(
            "{}",
            if background::down()? {
                "ended"
            } else {
                "nothing was running"
            }
        ),
        Command::Hold { records } => background::hold(records).await?,
    }
    Ok(())
}

fn print_addresses(addresses: &Addresses) {
    println!(
        "local AWS      {}   (any credentials, region us-east-1)",
        addresses.endpoint
    );
    println!("simulated org  {}", addresses.orgsim);
    println!("stack          {}", addresses.stack);
    println!("logs           {}", addresses.folder.display());
}
