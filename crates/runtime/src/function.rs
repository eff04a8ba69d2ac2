//! How a function is served, when it must stop, and how its errors leave it.

use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use holdfast_model::{ErrorCode, Failure, Stamp};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::{Instrument, error, info, info_span};
use tracing_subscriber::EnvFilter;

use crate::Environment;

/// What a function keeps for writing down where it stopped.
const RESERVE: Duration = Duration::from_mins(1);

/// The time at which Lambda ends this invocation.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(SystemTime);

impl Deadline {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(SystemTime::now() + time)
    }

    /// Whether it is time to write down progress and return.
    pub fn is_near(&self) -> bool {
        SystemTime::now() + RESERVE > self.0
    }
}

/// The clock of this machine: for times that are only shown. Windows use Salesforce's clock.
pub fn now() -> Stamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Stamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Serves a function until Lambda ends the process: the whole `main` of every function.
///
/// An error leaves as its class in `errorType`, which state machines match on, and `CODE: message` in
/// `errorMessage`. It is logged once, here.
pub fn serve<I, O>(
    name: &'static str,
    handler: &impl AsyncFn(&Environment, Deadline, I) -> Result<O, Failure>,
) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned,
    O: Serialize,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .without_time()
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let environment = Environment::load().await;
            let environment = &environment;
            lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
                let span = span(name, &event.payload);
                let deadline = Deadline(UNIX_EPOCH + Duration::from_millis(event.context.deadline));
                // Boxed: the layout of everything that a handler awaits is more than the compiler wants to compute at once.
                let answer: Pin<Box<dyn Future<Output = Result<O, Failure>> + '_>> =
                    Box::pin(async {
                        let environment = environment.as_ref().map_err(Clone::clone)?;
                        handler(environment, deadline, input(event.payload)?).await
                    });
                match answer.instrument(span.clone()).await {
                    Ok(output) => {
                        span.in_scope(|| info!("done"));
                        Ok(output)
                    }
                    Err(failure) => {
                        span.in_scope(|| {
                            error!(
                                code = failure.code.name(),
                                class = failure.class().name(),
                                message = failure.message
                            );
                        });
                        Err(Refusal(failure))
                    }
                }
            }))
            .await
        })
}

fn input<I: DeserializeOwned>(payload: Value) -> Result<I, Failure> {
    serde_json::from_value(payload)
        .map_err(|error| Failure::new(ErrorCode::InputInvalid, format!("input: {error}")))
}

/// Org, job, object and block of the input are on every line that the invocation logs.
fn span(name: &'static str, payload: &Value) -> tracing::Span {
    let text = |field: &str| {
        payload
            .get(field)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    info_span!(
        "function",
        name,
        org = text("org"),
        job = text("job"),
        object = text("object"),
        block = text("block")
    )
}

#[derive(Debug)]
struct Refusal(Failure);

impl From<Refusal> for Diagnostic {
    fn from(Refusal(failure): Refusal) -> Self {
        Self {
            error_type: failure.class().name().to_owned(),
            error_message: failure.to_string(),
        }
    }
}
