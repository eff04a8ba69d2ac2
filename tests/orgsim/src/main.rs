//! `orgsim`: runs one org until it is told to stop.

use std::{io::Write as _, net::IpAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use holdfast_orgsim::{Config, Credentials, start};
use jiff::Timestamp;

/// A Salesforce org on loopback, as far as a backup reads it.
#[derive(Parser)]
#[command(name = "orgsim")]
struct Options {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Generated records over all objects
    #[arg(long, default_value_t = 1_000)]
    records: usize,
    /// Same seed, same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Exactly N records of one object, as NAME=N; may be repeated
    #[arg(long = "object", value_name = "NAME=N", value_parser = object)]
    objects: Vec<(String, usize)>,
    /// What the org's clock says at the start (RFC 3339)
    #[arg(long)]
    now: Option<Timestamp>,
    /// How long a Bulk job takes
    #[arg(long, default_value_t = 200)]
    bulk_delay_ms: u64,
    /// Rows of a Bulk result page when the client does not say
    #[arg(long, default_value_t = 50_000)]
    page_rows: usize,
    /// Life of an access token
    #[arg(long, default_value_t = 7_200)]
    session_seconds: u64,
    /// `DailyApiRequests`
    #[arg(long, default_value_t = 5_000_000)]
    daily_api_requests: usize,
    /// Compress answers for clients that ask for it
    #[arg(long)]
    gzip: bool,
    /// Keep the state in this folder, and go on from what is there
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Enable person accounts
    #[arg(long)]
    person_accounts: bool,
    /// Consumer key of the app
    #[arg(long, default_value = "holdfast-demo")]
    client_id: String,
    /// Consumer secret of the app
    #[arg(long, default_value = "demo-secret")]
    client_secret: String,
    /// A refresh token that the org honours
    #[arg(long, default_value = "demo-refresh-token")]
    refresh_token: String,
    /// Every refresh returns a new refresh token and ends the old one
    #[arg(long)]
    rotate_refresh_token: bool,
    /// User name of the integration user
    #[arg(long, default_value = "backup@acme.example")]
    username: String,
    /// Password of the integration user
    #[arg(long, default_value = "demo-password")]
    password: String,
    /// What has to follow the password of the integration user
    #[arg(long)]
    security_token: Option<String>,
    /// PEM public key or certificate for the JWT bearer flow
    #[arg(long, value_name = "FILE")]
    jwt_public_key: Option<PathBuf>,
}

fn object(text: &str) -> Result<(String, usize), String> {
    let (name, count) = text.split_once('=').ok_or("expected NAME=N")?;
    let count = count
        .parse()
        .map_err(|_| format!("not a number: `{count}`"))?;
    Ok((name.to_owned(), count))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("orgsim: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text.push_str(": ");
                text.push_str(&cause.to_string());
                source = cause.source();
            }
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let jwt_public_key = options
        .jwt_public_key
        .map(std::fs::read_to_string)
        .transpose()?;
    let running = start(Config {
        bind: options.bind,
        port: options.port,
        records: options.records,
        objects: options.objects.into_iter().collect(),
        seed: options.seed,
        now: options.now,
        bulk_delay: Duration::from_millis(options.bulk_delay_ms),
        page_rows: options.page_rows,
        session: Duration::from_secs(options.session_seconds),
        daily_api_requests: options.daily_api_requests,
        gzip: options.gzip,
        state: options.state,
        person_accounts: options.person_accounts,
        credentials: Credentials {
            client_id: options.client_id,
            client_secret: options.client_secret,
            refresh_token: options.refresh_token,
            rotate_refresh_token: options.rotate_refresh_token,
            username: options.username,
            password: options.password,
            security_token: options.security_token,
            jwt_public_key,
        },
        ..Config::default()
    })
    .await?;
    writeln!(std::io::stdout(), "orgsim listening on {}", running.url())?;
    tokio::select! {
        () = running.wait() => Ok(()),
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}
