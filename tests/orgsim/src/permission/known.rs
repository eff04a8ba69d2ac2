//! What is known of users' access, until a row changes that it follows from.

use std::{collections::HashMap, sync::Arc};

use super::{Access, rows::SOURCES};
use crate::{org::Org, schema::Schema, store::Store};

/// Access by user Id.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// When the declarations changed, and writes to the rows.
    version: (i64, u64),
    by_user: HashMap<String, Arc<Access>>,
}

impl Org {
    /// What a user may do, as of now. Not to be called by who holds the store.
    pub(crate) fn access(&self, user: &str) -> Arc<Access> {
        let store = self.store.read();
        let version = (self.schema.changed_ms(), version(&self.schema, &store));
        let mut known = self.access.lock();
        if known.version != version {
            known.version = version;
            known.by_user.clear();
        }
        if let Some(access) = known.by_user.get(user) {
            return Arc::clone(access);
        }
        let mut access = Access::of(&self.schema, &store, user);
        access.view = access.cut(&self.schema);
        let access = Arc::new(access);
        known.by_user.insert(user.to_owned(), Arc::clone(&access));
        access
    }
}

/// Differs when one of the rows does.
fn version(schema: &Schema, store: &Store) -> u64 {
    let writes = |name: &&str| Some(store.table(schema.find(name)?.0)?.writes());
    // One more, so that it differs from that of an empty cache.
    SOURCES.iter().filter_map(writes).sum::<u64>() + 1
}
