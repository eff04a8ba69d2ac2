//! Ends a job at one of its AWS calls, as a killed process does: before the call is sent, or when its answer is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
    tripped: Notify,
    calls: AtomicI64,
}

impl Tripwire {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Wire {
            left: AtomicI64::new(-1),
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
        let done = tokio::select! {
            biased;
            () = self.0.tripped.notified() => None,
            done = future => Some(done),
        };
        self.0.left.store(-1, Ordering::Relaxed);
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
            self.tripped.notify_one();
            std::future::pending::<()>().await;
        }
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
            wire.step().await;
            let answer = inner.call(request).await;
            wire.step().await;
            answer
        })
    }
}
