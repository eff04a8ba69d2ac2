//! The declarations in force. Metadata deployments change them while requests are served, so a change makes a new
//! version beside the old one: whoever read the old version goes on with it, and no reader ever waits.
//!
//! Objects and fields only ever get added at the end, and removed ones keep their numbers, so that an older
//! version's numbers mean the same in a newer one. Versions share the objects that did not change.

use std::{
    ops::Deref,
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

use parking_lot::Mutex;

use super::Schema;

/// The newest version of the declarations, and those before it.
#[derive(Debug)]
pub(crate) struct Declarations {
    first: Version,
    changed_ms: AtomicI64,
    changing: Mutex<()>,
}

#[derive(Debug)]
struct Version {
    schema: Schema,
    next: OnceLock<Box<Version>>,
}

impl Declarations {
    /// What an org starts with.
    pub(crate) const fn new(schema: Schema, now_ms: i64) -> Self {
        Self {
            first: Version {
                schema,
                next: OnceLock::new(),
            },
            changed_ms: AtomicI64::new(now_ms),
            changing: Mutex::new(()),
        }
    }

    /// When the declarations last changed, milliseconds on a full second.
    pub(crate) fn changed_ms(&self) -> i64 {
        self.changed_ms.load(Ordering::Acquire)
    }

    /// Goes on from declarations that changed last at `ms`.
    pub(crate) fn set_changed_ms(&self, ms: i64) {
        self.changed_ms.store(ms, Ordering::Release);
    }

    /// Puts an edited copy in force, unless `edit` fails.
    pub(crate) fn change<T, E>(
        &self,
        now_ms: i64,
        edit: impl FnOnce(&mut Schema) -> Result<T, E>,
    ) -> Result<T, E> {
        let _one_at_a_time = self.changing.lock();
        let last = self.last();
        let mut schema = last.schema.clone();
        let done = edit(&mut schema)?;
        let next = Version {
            schema,
            next: OnceLock::new(),
        };
        last.next.get_or_init(|| Box::new(next));
        // HTTP dates have no fractions: two changes within a second must differ, or a client misses the second.
        let later = now_ms.max(self.changed_ms() + 1000);
        self.changed_ms.store(later, Ordering::Release);
        Ok(done)
    }

    fn last(&self) -> &Version {
        let mut version = &self.first;
        while let Some(next) = version.next.get() {
            version = next;
        }
        version
    }
}

impl Deref for Declarations {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        &self.last().schema
    }
}

impl Drop for Declarations {
    /// One version after the other: a long chain dropped from its head would exhaust the stack.
    fn drop(&mut self) {
        let mut next = self.first.next.take();
        while let Some(mut version) = next {
            next = version.next.take();
        }
    }
}
