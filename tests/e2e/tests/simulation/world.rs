//! What all seeds share: one local AWS.

use holdfast_e2e::{Options, Stack};
use holdfast_runtime::{Environment, Settings};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use crate::tripwire::Tripwire;

/// The least that a deployment may have.
const SEGMENT_BYTES: usize = 1 << 20;

/// The stack, started by the first seed.
pub(crate) struct World {
    stack: OnceCell<Stack>,
    handle: Handle,
    pub(crate) http: reqwest::Client,
}

impl World {
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            stack: OnceCell::new(),
            handle,
            http: reqwest::Client::new(),
        }
    }

    pub(crate) async fn stack(&self) -> &Stack {
        let start = || async {
            Stack::start(Options::with_records(0))
                .await
                .expect("the local stack starts")
        };
        self.stack.get_or_init(start).await
    }

    /// What functions work with, with a wire across their AWS calls.
    pub(crate) async fn environment(&self, wire: &Tripwire) -> Environment {
        let stack = self.stack().await;
        let settings = Settings {
            table: stack.table.clone(),
            bucket: stack.bucket.clone(),
            key_id: stack.key.clone(),
            segment_bytes: SEGMENT_BYTES,
        };
        Environment::new(settings, &wire.across(&stack.config()))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _inside = self.handle.enter();
        drop(self.stack.take());
    }
}
