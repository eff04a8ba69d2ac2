//! The client of one org.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use holdfast_model::{ErrorCode, Failure, Stamp};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use zeroize::Zeroizing;

use crate::answer::{CallError, Repeat};
use crate::budget::Budget;
use crate::credentials::Credentials;
use crate::name::ApiVersion;
use crate::session::Sessions;

/// A host that does not take a connection in this time is down.
const CONNECT_SECONDS: u64 = 10;
/// Longest pause between two attempts; Salesforce asking for more is passed on as the error that it is.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// No attempt starts after this time: the function must be able to report before its own deadline,
/// and the state machine repeats it with longer pauses.
const REPEAT_FOR: Duration = Duration::from_mins(1);
const LIMIT_INFO: &str = "sforce-limit-info";
/// Labels our calls in the org's event logs (Bulk API guide, Sforce Call Options Header).
const CALL_OPTIONS: (HeaderName, HeaderValue) = (
    HeaderName::from_static("sforce-call-options"),
    HeaderValue::from_static("client=holdfast"),
);

/// How a client behaves towards its org.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Version of the REST and Bulk APIs.
    pub api_version: ApiVersion,
    /// Longest silence on a connection. Salesforce lets a query run for two minutes before its first byte
    /// (SOQL and SOSL limits).
    pub idle_max: Duration,
    /// Attempts at a call, the first included.
    pub attempts_max: usize,
    /// Pause before the second attempt; doubles from there, with jitter.
    pub pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_version: ApiVersion::default(),
            idle_max: Duration::from_secs(125),
            attempts_max: 5,
            pause: Duration::from_millis(500),
        }
    }
}

impl Settings {
    /// Asks until it succeeds, must not be repeated, or has been tried enough.
    pub(crate) async fn repeat<T, F>(
        &self,
        repeat: Repeat,
        ask: impl FnMut() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let started = Instant::now();
        let pauses = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.pause)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(self.attempts_max.saturating_sub(1));
        ask.retry(pauses)
            .when(|error| error.is_repeatable(repeat) && started.elapsed() < REPEAT_FOR)
            .adjust(|error, pause| match (pause, error.retry_after()) {
                (Some(pause), Some(asked)) => (asked <= PAUSE_MAX).then_some(pause.max(asked)),
                (pause, _) => pause,
            })
            .notify(|error, pause| {
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(%error, pause_ms, "salesforce is asked again");
            })
            .await
    }
}

/// A logged-in client, to be shared by reference. Every call passes the budget, renews the session once when
/// Salesforce says that it is over, and is repeated when it is safe to and may help.
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) settings: Settings,
    pub(crate) budget: Budget,
    pub(crate) sessions: Arc<Sessions>,
    /// Milliseconds; the least value until an answer carried a Date.
    server_time: Arc<AtomicI64>,
}

impl Client {
    /// Logs in. `LOGIN_REFUSED` with Salesforce's words, `SALESFORCE_UNREACHABLE` with the host.
    pub async fn connect(
        credentials: Credentials,
        settings: Settings,
        budget: Budget,
    ) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([CALL_OPTIONS]))
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .read_timeout(settings.idle_max)
            // An API call has one address; a redirect leads to a maintenance or login page.
            .redirect(Policy::none())
            .gzip(true)
            .build()
            .map_err(|error| Failure::new(ErrorCode::Internal, format!("http client: {error}")))?;
        let sessions = Sessions::open(http.clone(), settings.clone(), credentials).await?;
        Ok(Self {
            http,
            settings,
            budget,
            sessions: Arc::new(sessions),
            server_time: Arc::new(AtomicI64::new(i64::MIN)),
        })
    }

    /// The same session and connections under another grant of calls, for the next invocation of a process:
    /// Salesforce limits logins per hour, and a rotated refresh token serves only once.
    #[must_use]
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self {
            http: self.http.clone(),
            settings: self.settings.clone(),
            budget,
            sessions: Arc::clone(&self.sessions),
            server_time: Arc::clone(&self.server_time),
        }
    }

    /// What this client may use and has used of the org's calls.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The version that all calls name.
    pub fn api_version(&self) -> &ApiVersion {
        &self.settings.api_version
    }

    /// Salesforce's clock, whole seconds, from the Date header of the newest answer of the org.
    pub fn server_time(&self) -> Option<Stamp> {
        let millis = self.server_time.load(Ordering::Relaxed);
        (millis != i64::MIN).then(|| Stamp::from_millis(millis))
    }

    /// The refresh token that replaced the one of the credentials, if Salesforce rotates them.
    ///
    /// The old one is dead: persist this after [`connect`](Self::connect) and at the end of the invocation.
    pub async fn rotated_refresh_token(&self) -> Option<Zeroizing<String>> {
        self.sessions.rotated_refresh_token().await
    }

    pub(crate) fn observe(&self, headers: &HeaderMap) {
        let text = |value: Option<&HeaderValue>| value?.to_str().ok().map(str::to_owned);
        if let Some(info) = text(headers.get(LIMIT_INFO)) {
            self.budget.observe(&info);
        }
        let date = text(headers.get(DATE))
            .and_then(|date| DateTimeParser::new().parse_timestamp(&date).ok());
        if let Some(date) = date {
            self.server_time
                .store(date.as_millisecond(), Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
