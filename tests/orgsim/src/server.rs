//! Routes, start and stop.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Notify};
use tower::Layer as _;
use tower_http::{compression::CompressionLayer, normalize_path::NormalizePathLayer};

use crate::{
    api::{self, dispatch::Dispatch, error::ApiError, gate},
    bulk,
    config::Config,
    control,
    engine::Engine,
    org::{Org, StartError},
    state::Kept,
};

/// A running org. It stops when dropped, and its connections close.
#[derive(Debug)]
pub struct Running {
    url: String,
    engine: Arc<Engine>,
}

impl Running {
    /// `http://host:port`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends the org.
    pub fn stop(self) {}

    /// Waits until the server ends, which it does only by an error.
    pub async fn wait(self) {
        self.engine.ended().await;
    }
}

/// Generates the data and listens. Returns once requests are answered.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let engine = Engine::start(config).await?;
    Ok(Running {
        url: engine.url()?,
        engine,
    })
}

/// Answers requests until the runtime ends.
pub(crate) fn serve(listener: TcpListener, org: Arc<Org>, ended: Arc<Notify>) {
    api::job::resume(&org);
    bulk::run::resume(&org);
    bulk::batch::resume(&org);
    let app = NormalizePathLayer::trim_trailing_slash().layer(router(org));
    let service = axum::ServiceExt::<Request>::into_make_service(app);
    tokio::spawn(async move {
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Small answers must not wait for the acknowledgement of the one before; without this
            // they are late, not wrong.
            let _ = stream.set_nodelay(true);
        });
        // `serve` returns only when the listener fails for good.
        let _ = axum::serve(listener, service).await;
        ended.notify_one();
    });
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
    let all = data.merge(control::router());
    let all = if org.log.is_some() {
        all.layer(from_fn_with_state(Arc::clone(&org), tell_what_is_kept))
    } else {
        all
    };
    // The gate has limits of its own.
    all.layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(org)
}

/// Lets an answer leave when all that it may tell is on disk.
async fn tell_what_is_kept(State(org): State<Arc<Org>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match org.keep() {
        Kept::Yes => response,
        // The org ended under this call; its connection closes any moment.
        Kept::Ended => std::future::pending().await,
        Kept::Failed => ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNKNOWN_EXCEPTION",
            "the state cannot be written to disk",
        )
        .into_response(),
    }
}
