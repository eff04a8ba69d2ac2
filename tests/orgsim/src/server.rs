//! Routes, start and stop.

use std::{net::SocketAddr, sync::Arc};

use axum::{Extension, Router, extract::Request, middleware::from_fn_with_state};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tower::Layer as _;
use tower_http::{compression::CompressionLayer, normalize_path::NormalizePathLayer};

use crate::{
    api::{self, dispatch::Dispatch, gate},
    config::Config,
    control,
    org::{Org, StartError},
};

/// One thread accepts and answers while the other renders.
const THREADS: usize = 2;

/// A running org. It stops when dropped, and its connections close.
#[derive(Debug)]
pub struct Running {
    url: String,
    server: JoinHandle<()>,
    _engine: Engine,
}

/// The org's own threads, so that it ends with all its connections and never waits for a test's.
#[derive(Debug)]
struct Engine(Option<Runtime>);

impl Drop for Engine {
    fn drop(&mut self) {
        // The ordinary end of a runtime blocks, which asynchronous callers must not.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    /// `http://host:port`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends the org.
    pub fn stop(self) {}

    /// Waits until the server ends, which it does only by an error.
    pub async fn wait(mut self) {
        // Either way it has ended.
        let _ = (&mut self.server).await;
    }
}

/// Generates the data and listens. Returns once requests are answered.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    let listening = runtime.spawn(listen(config));
    let engine = Engine(Some(runtime));
    let (url, server) = listening.await??;
    Ok(Running {
        url,
        server,
        _engine: engine,
    })
}

async fn listen(config: Config) -> Result<(String, JoinHandle<()>), StartError> {
    // The port first: a start that must fail should not generate for seconds before it does.
    let listener = TcpListener::bind(SocketAddr::from((config.bind, config.port))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let org = Arc::new(tokio::task::spawn_blocking(|| Org::new(config)).await??);
    org.url.get_or_init(|| url.clone());
    let app = NormalizePathLayer::trim_trailing_slash().layer(router(org));
    let service = axum::ServiceExt::<Request>::into_make_service(app);
    let server = tokio::spawn(async move {
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Small answers must not wait for the acknowledgement of the one before; without this
            // they are late, not wrong.
            let _ = stream.set_nodelay(true);
        });
        // `serve` returns only when the listener fails for good.
        let _ = axum::serve(listener, service).await;
    });
    Ok((url, server))
}

fn router(org: Arc<Org>) -> Router {
    let data = api::routes();
    let data = if org.config.gzip {
        data.layer(CompressionLayer::new())
    } else {
        data
    };
    // The bare routes once more, for the parts of composite calls.
    let within = api::routes()
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(Arc::clone(&org));
    let data = data.layer(Extension(Dispatch(within)));
    // Outside the compression, so that a fault cuts what goes over the wire.
    let data = data.layer(from_fn_with_state(Arc::clone(&org), gate::gate));
    data.merge(control::router())
        // The gate has limits of its own.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(org)
}
