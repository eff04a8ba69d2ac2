//! The threads of an org, and how it ends and begins again from disk.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Weak},
    thread,
};

use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};

use crate::{
    config::Config,
    org::{Org, StartError},
    server,
};

/// One thread accepts and answers while the other renders.
const THREADS: usize = 2;

/// The org's own threads, so that it ends with all its connections and never waits for a test's.
#[derive(Debug)]
pub(crate) struct Engine {
    config: Config,
    /// Stays open while the org is away: callers wait in its queue.
    listener: TcpListener,
    threads: Mutex<Option<Threads>>,
    restart: UnboundedSender<()>,
    ended: Arc<Notify>,
}

/// A runtime that may be dropped anywhere.
#[derive(Debug)]
struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The ordinary end of a runtime blocks, which asynchronous callers must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Threads {
    fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }
}

impl Engine {
    /// Listens, generates the data, and answers requests from then on.
    pub(crate) async fn start(config: Config) -> Result<Arc<Self>, StartError> {
        let threads = Threads::new()?;
        // The port first: a start that must fail should not generate for seconds before it does.
        let address = SocketAddr::from((config.bind, config.port));
        let listening = threads.handle.spawn(async move {
            let listener = tokio::net::TcpListener::bind(address).await?;
            listener.into_std()
        });
        let (restart, restarts) = unbounded_channel();
        let engine = Arc::new(Self {
            config,
            listener: listening.await??,
            threads: Mutex::new(None),
            restart,
            ended: Arc::default(),
        });
        engine.serve(&threads.handle)?.await??;
        *engine.threads.lock() = Some(threads);
        if engine.config.state.is_some() {
            let engine = Arc::downgrade(&engine);
            thread::Builder::new()
                .name("orgsim restarts".to_owned())
                .spawn(move || wait_for_restarts(&engine, restarts))?;
        }
        Ok(engine)
    }

    /// `http://host:port`
    pub(crate) fn url(&self) -> std::io::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Waits until nothing answers any more, which happens only by an error.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }

    fn serve(
        &self,
        runtime: &Handle,
    ) -> Result<tokio::task::JoinHandle<Result<(), StartError>>, StartError> {
        let (config, url) = (self.config.clone(), self.url()?);
        let (listener, restart) = (self.listener.try_clone()?, self.restart.clone());
        let ended = Arc::clone(&self.ended);
        Ok(runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let org = tokio::task::spawn_blocking(|| Org::new(config)).await??;
            org.url.get_or_init(|| url);
            org.restart.get_or_init(|| restart);
            server::serve(listener, Arc::new(org), ended);
            Ok(())
        }))
    }

    /// Ends whatever runs, in the middle of it, and starts again from disk.
    fn begin_again(&self) -> Result<(), StartError> {
        let mut running = self.threads.lock();
        drop(running.take());
        let next = Threads::new()?;
        let serving = self.serve(&next.handle)?;
        next.handle.block_on(serving)??;
        *running = Some(next);
        Ok(())
    }
}

fn wait_for_restarts(engine: &Weak<Engine>, mut restarts: UnboundedReceiver<()>) {
    while restarts.blocking_recv().is_some() {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        if let Err(error) = engine.begin_again() {
            // Nothing answers from here on; this says why.
            let _ = writeln!(std::io::stderr(), "orgsim: cannot start again: {error:?}");
            engine.ended.notify_one();
            return;
        }
    }
}
