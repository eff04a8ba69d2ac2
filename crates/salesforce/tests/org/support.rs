//! An org of its own for each test, and what tests do to it.

use std::time::Duration;

use holdfast_model::{Failure, ObjectName, ObjectSchema};
use holdfast_orgsim::{Config, Running};
use holdfast_salesforce::{
    Budget, BulkJobId, BulkPage, Client, Columns, Credentials, PageEnd, RowBatch, Settings,
};
use serde_json::{Value, json};

pub(crate) struct Org {
    sim: Running,
    control: reqwest::Client,
}

/// A small org with this many accounts.
pub(crate) fn with_accounts(accounts: usize) -> Config {
    Config {
        records: 200,
        objects: [
            ("Account".to_owned(), accounts),
            ("Attachment".to_owned(), 3),
        ]
        .into(),
        ..Config::default()
    }
}

impl Org {
    pub(crate) async fn start(config: Config) -> Self {
        Self {
            sim: holdfast_orgsim::start(config).await.unwrap(),
            control: reqwest::Client::new(),
        }
    }

    pub(crate) fn url(&self) -> String {
        self.sim.url().to_owned()
    }

    /// The secret of the org for its refresh token.
    pub(crate) fn secret(&self) -> Value {
        json!({"grant": "refresh_token", "login_url": self.url(), "client_id": "holdfast-demo",
               "client_secret": "demo-secret", "refresh_token": "demo-refresh-token"})
    }

    pub(crate) async fn login(&self, secret: &Value) -> Result<Client, Failure> {
        login(secret, Budget::new(10_000, 80).with_bulk_jobs(1_000)).await
    }

    pub(crate) async fn client(&self) -> Client {
        self.login(&self.secret()).await.unwrap()
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/__sim/{path}", self.url());
        let answer = self.control.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Adds a fault rule.
    pub(crate) async fn fault(&self, rule: Value) {
        self.control("faults", rule).await;
    }

    /// Ends all access tokens.
    pub(crate) async fn end_sessions(&self) {
        self.control("tokens/expire", json!({})).await;
    }

    /// How often the token endpoint was asked.
    pub(crate) async fn logins(&self) -> u64 {
        let state = self.state().await;
        state["routes"]["POST /services/oauth2/token"]
            .as_u64()
            .unwrap()
    }

    pub(crate) async fn state(&self) -> Value {
        let url = format!("{}/__sim/state", self.url());
        let answer = self.control.get(url).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

/// Logs in with short pauses.
pub(crate) async fn login(secret: &Value, budget: Budget) -> Result<Client, Failure> {
    let credentials = Credentials::parse(secret.to_string().as_bytes())?;
    let settings = Settings {
        pause: Duration::from_millis(1),
        idle_max: Duration::from_secs(10),
        ..Settings::default()
    };
    Client::connect(credentials, settings, budget).await
}

pub(crate) fn object(name: &str) -> ObjectName {
    ObjectName::parse(name).unwrap()
}

pub(crate) async fn schema(client: &Client, name: &str) -> ObjectSchema {
    client
        .describe(&object(name))
        .await
        .unwrap()
        .schema()
        .unwrap()
}

/// Everything up to the far future.
pub(crate) fn select_all(schema: &ObjectSchema) -> String {
    let window = holdfast_model::Window {
        from: None,
        until: holdfast_model::Stamp::parse("2099-01-01T00:00:00Z").unwrap(),
    };
    holdfast_salesforce::soql::select(schema, window.into()).unwrap()
}

/// Asks until Salesforce is done.
pub(crate) async fn completed(client: &Client, job: &BulkJobId) -> Result<u64, Failure> {
    loop {
        if let Some(rows) = client.bulk_state(job).await?.completed()? {
            return Ok(rows);
        }
        tokio::task::yield_now().await;
    }
}

/// Reads a page to its end.
pub(crate) async fn read_page(mut page: BulkPage) -> Result<(Vec<RowBatch>, PageEnd), Failure> {
    let mut batches = Vec::new();
    while let Some(batch) = page.next_batch().await? {
        batches.push(batch);
    }
    Ok((batches, page.finish()?))
}

/// Reads all pages of a job, `rows_max` rows each.
pub(crate) async fn read_job(
    client: &Client,
    job: &BulkJobId,
    rows_max: u32,
    columns: &Columns,
) -> Result<Vec<RowBatch>, Failure> {
    let mut all = Vec::new();
    let mut locator: Option<String> = None;
    loop {
        let page = client
            .bulk_page(job, locator.as_deref(), rows_max, columns)
            .await?;
        let (batches, end) = read_page(page).await?;
        all.extend(batches);
        match end.next_locator {
            Some(next) => locator = Some(next),
            None => break,
        }
    }
    let rows: usize = all.iter().map(RowBatch::len).sum();
    client.bulk_state(job).await?.verify_rows(rows as u64)?;
    Ok(all)
}

/// The rows as owned text, sorted by Id (the first column).
pub(crate) fn sorted(batches: &[RowBatch]) -> Vec<Vec<Option<String>>> {
    let mut rows: Vec<Vec<_>> = batches
        .iter()
        .flat_map(|batch| {
            batch.rows().map(|row| {
                (0..batch.width())
                    .map(|column| row.value(column).map(str::to_owned))
                    .collect()
            })
        })
        .collect();
    rows.sort();
    rows
}
