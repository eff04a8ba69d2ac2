//! The Metadata API: what the org is made of as named components, read and written one by one or as packages.
//!
//! Source: Metadata API Developer Guide.

pub(crate) mod archive;
mod automation;
pub(crate) mod catalogue;
mod component;
mod content;
mod definition;
pub(crate) mod deploy;
pub(crate) mod draft;
mod field;
pub(crate) mod job;
pub(crate) mod kind;
mod layout;
pub(crate) mod manifest;
mod object;
mod package;
mod permission;
pub(crate) mod problem;
pub(crate) mod retrieve;
mod rows;
mod saved;
mod summary;
mod trigger;

use parking_lot::{Mutex, RwLock};

use crate::org::Org;
use catalogue::Catalogue;
use component::{Components, Touch};
use job::Jobs;

/// The org's components and the jobs on them.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// What was made or changed through an interface.
    components: RwLock<Components>,
    /// What runs and what ran.
    pub jobs: Mutex<Jobs>,
    /// Who made the org, and when.
    birth: Touch,
    /// A change takes metadata for itself: the next one waits.
    changing: Mutex<()>,
}

impl Metadata {
    /// The components that an org has from the start.
    pub(crate) fn new(now_ms: i64, user: String) -> Self {
        Self {
            components: RwLock::default(),
            jobs: Mutex::default(),
            birth: Touch {
                at_ms: now_ms,
                user,
            },
            changing: Mutex::new(()),
        }
    }

    /// Runs a change of metadata while no other one runs.
    pub(crate) fn alone<T>(&self, change: impl FnOnce() -> T) -> T {
        let _one_at_a_time = self.changing.lock();
        change()
    }
}

impl Org {
    /// Reads the org's components as they are now.
    pub(crate) fn catalogue<T>(&self, read: impl FnOnce(&Catalogue<'_>) -> T) -> T {
        let rules = std::sync::Arc::clone(&self.rules.read());
        let components = self.metadata.components.read();
        let store = self.store.read();
        read(&Catalogue {
            components: &components,
            schema: &self.schema,
            rules: &rules,
            store: &store,
            birth: &self.metadata.birth,
        })
    }
}
