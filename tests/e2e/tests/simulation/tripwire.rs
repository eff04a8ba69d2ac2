//! Ends a job at one of its AWS calls, as a killed process does: before the call is sent, or when its answer is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::Notify;

/// Counts AWS calls, and lets one of them never return.
#[derive(Debug, Clone)]
pub(crate) struct Tripwire(Arc<Wire>);

#[derive(Debug)]
struct Wire {
    /// Steps left, two for each call; negative when nothing is armed.
    left: AtomicI64,
    /// Whether the next write of several items is the end.
    at_batch: AtomicBool,
    tripped: Notify,
    calls: AtomicI64,
}

impl Tripwire {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Wire {
            left: AtomicI64::new(-1),
            at_batch: AtomicBool::new(false),
            tripped: Notify::new(),
            calls: AtomicI64::new(0),
        }))
    }

    /// AWS calls so far.
    pub(crate) fn calls(&self) -> i64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// The same AWS, with the wire in between.
    pub(crate) fn across(&self, config: &SdkConfig) -> SdkConfig {
        let client = Client {
            inner: config.http_client().expect("an HTTP client"),
            wire: Arc::clone(&self.0),
        };
        config
            .to_builder()
            .http_client(SharedHttpClient::new(client))
            .build()
    }

    /// Lets the future run, but not beyond so many steps; each AWS call is two.
    pub(crate) async fn within<T>(&self, steps: i64, future: impl Future<Output = T>) -> Option<T> {
        self.0.left.store(steps, Ordering::Relaxed);
        self.or_tripped(future).await
    }

    /// Lets the future run until it sends several items to the catalog at once, as it does with the Ids of records that it made.
    pub(crate) async fn until_batch<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.0.at_batch.store(true, Ordering::Relaxed);
        self.or_tripped(future).await
    }

    async fn or_tripped<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            biased;
            () = self.0.tripped.notified() => None,
            done = future => Some(done),
        };
        self.0.left.store(-1, Ordering::Relaxed);
        self.0.at_batch.store(false, Ordering::Relaxed);
        done
    }
}

impl Wire {
    /// Goes on, or never returns.
    async fn step(&self) {
        let before = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left >= 0).then(|| (left - 1).max(0))
            });
        if before == Ok(0) {
            self.trip().await;
        }
    }

    async fn step_to(&self, request: &HttpRequest) {
        let target = request.headers().get("x-amz-target");
        let is_batch = target.is_some_and(|target| target.ends_with(".BatchWriteItem"));
        if is_batch && self.at_batch.swap(false, Ordering::Relaxed) {
            self.trip().await;
        }
        self.step().await;
    }

    async fn trip(&self) {
        self.tripped.notify_one();
        std::future::pending::<()>().await;
    }
}

#[derive(Debug)]
struct Client {
    inner: SharedHttpClient,
    wire: Arc<Wire>,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            wire: Arc::clone(&self.wire),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    wire: Arc<Wire>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, wire) = (self.inner.clone(), Arc::clone(&self.wire));
        HttpConnectorFuture::new(async move {
            wire.calls.fetch_add(1, Ordering::Relaxed);
            wire.step_to(&request).await;
            let answer = inner.call(request).await;
            wire.step().await;
            answer
        })
    }
}
