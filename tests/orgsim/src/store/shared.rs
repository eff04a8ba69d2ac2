//! The store behind its lock. Whatever a holder of the write lock changed is in the log before the next one looks.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Store;
use crate::state::Log;

/// The org's records, for one writer or many readers at a time.
#[derive(Debug)]
pub(crate) struct Shared {
    store: RwLock<Store>,
    log: Option<Arc<Log>>,
}

/// The right to write. All that is written under it is one piece of the log, or a part of the piece that the
/// outermost transaction is.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    store: RwLockWriteGuard<'a, Store>,
    log: Option<&'a Log>,
}

impl Shared {
    /// A store that nothing but this process remembers, or one whose changes go to a log.
    pub(crate) fn new(mut store: Store, log: Option<Arc<Log>>) -> Self {
        if log.is_some() {
            store.keep_redo();
        }
        Self {
            store: RwLock::new(store),
            log,
        }
    }

    /// Waits for the right to read.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read()
    }

    /// Waits for the right to write.
    pub(crate) fn write(&self) -> Writing<'_> {
        Writing {
            store: self.store.write(),
            log: self.log.as_deref(),
        }
    }
}

impl Deref for Writing<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Some(log) = self.log
            && let Some(piece) = self.store.take_redo()
        {
            log.records(&piece);
        }
    }
}
