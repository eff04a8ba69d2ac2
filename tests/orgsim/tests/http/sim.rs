//! A running org and a client that is logged in.

use holdfast_orgsim::{Config, Running, start};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// An org and a token.
#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) org: Running,
    pub(crate) http: Client,
    pub(crate) token: String,
}

/// Status and body of an answer.
pub(crate) type Answer = (u16, Value);

impl Sim {
    pub(crate) async fn start() -> Self {
        Self::with(Config {
            records: 3_000,
            ..Config::default()
        })
        .await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let org = start(config).await.unwrap();
        let mut sim = Self {
            org,
            http: Client::new(),
            token: String::new(),
        };
        sim.log_in().await;
        sim
    }

    pub(crate) async fn log_in(&mut self) {
        let (status, body) = self.grant(&[("grant_type", "client_credentials")]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
    }

    /// A token request of the app with its secret.
    pub(crate) async fn grant(&self, fields: &[(&str, &str)]) -> Answer {
        let client = [
            ("client_id", "holdfast-demo"),
            ("client_secret", "demo-secret"),
        ];
        let form: Vec<_> = client.into_iter().chain(fields.iter().copied()).collect();
        let url = format!("{}/services/oauth2/token", self.org.url());
        answer(self.http.post(url).form(&form).send().await.unwrap()).await
    }

    /// A path below `/services/data/v60.0`, or a whole one.
    pub(crate) fn url(&self, path: &str) -> String {
        let rooted =
            path.starts_with("/services") || path.starts_with("/__sim") || path.starts_with("/id");
        let root = if rooted { "" } else { "/services/data/v60.0" };
        format!("{}{root}{path}", self.org.url())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http
            .get(self.url(path))
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Answer {
        answer(self.get(path).await).await
    }

    pub(crate) async fn query(&self, soql: &str) -> Answer {
        let request = self.http.get(self.url("/query")).query(&[("q", soql)]);
        answer(request.bearer_auth(&self.token).send().await.unwrap()).await
    }

    /// The records of a query that fits on one page.
    pub(crate) async fn records(&self, soql: &str) -> Vec<Value> {
        let (status, body) = self.query(soql).await;
        assert_eq!(status, 200, "{soql}: {body}");
        body["records"].as_array().unwrap().clone()
    }

    pub(crate) async fn count(&self, soql: &str) -> u64 {
        self.query(soql).await.1["totalSize"].as_u64().unwrap()
    }

    /// A call of the control interface that must succeed.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let request = self
            .http
            .post(self.url(&format!("/__sim/{path}")))
            .json(&body);
        let (status, answer) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{path} {body}: {answer}");
        answer
    }

    pub(crate) async fn create_job(&self, body: Value) -> Answer {
        let request = self
            .http
            .post(self.url("/jobs/query"))
            .bearer_auth(&self.token)
            .json(&body);
        answer(request.send().await.unwrap()).await
    }

    /// Creates a job and looks at it until it has ended; the last look.
    pub(crate) async fn run_job(&self, operation: &str, soql: &str) -> Value {
        let (status, job) = self
            .create_job(json!({"operation": operation, "query": soql}))
            .await;
        assert_eq!(status, 200, "{soql}: {job}");
        assert_eq!(job["state"], "UploadComplete");
        self.ended(job["id"].as_str().unwrap()).await
    }

    pub(crate) async fn ended(&self, job: &str) -> Value {
        loop {
            let (_, info) = self.json(&format!("/jobs/query/{job}")).await;
            match info["state"].as_str().unwrap() {
                "UploadComplete" | "InProgress" => tokio::task::yield_now().await,
                _ => return info,
            }
        }
    }

    /// All pages of a job's results.
    pub(crate) async fn pages(&self, job: &Value, max: usize) -> Vec<Page> {
        let root = format!(
            "/jobs/query/{}/results?maxRecords={max}",
            job["id"].as_str().unwrap()
        );
        let mut pages = Vec::new();
        let mut path = root.clone();
        loop {
            let response = self.get(&path).await;
            assert_eq!(response.status(), 200);
            let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
            let (rows, locator) = (header("sforce-numberofrecords"), header("sforce-locator"));
            pages.push(Page {
                rows: rows.parse().unwrap(),
                text: response.text().await.unwrap(),
            });
            if locator == "null" {
                return pages;
            }
            path = format!("{root}&locator={locator}");
        }
    }
}

/// One page of results.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: usize,
    pub(crate) text: String,
}

pub(crate) async fn answer(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

/// The code of a REST error, which is an array.
pub(crate) fn code(answer: &Answer) -> (u16, &str) {
    (
        answer.0,
        answer.1[0]["errorCode"].as_str().unwrap_or("no code"),
    )
}
