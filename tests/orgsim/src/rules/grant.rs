//! Permissions that are given to users without rows that say so: custom permissions, and the two that a restore needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// May set who and when on new records.
pub(crate) const AUDIT_FIELDS: &str = "CreateAuditFields";
/// May save records whose owner is inactive.
pub(crate) const INACTIVE_OWNERS: &str = "UpdateWithInactiveOwner";

/// Users by permission, in lower case.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Grants(BTreeMap<String, BTreeSet<String>>);

impl Grants {
    /// Gives a permission to a user, or takes it.
    pub(crate) fn set(&mut self, permission: &str, user: &str, granted: bool) {
        let users = self.0.entry(permission.to_lowercase()).or_default();
        if granted {
            users.insert(user.to_owned());
        } else {
            users.remove(user);
        }
    }

    /// The user has the permission.
    pub(crate) fn has(&self, permission: &str, user: &str) -> bool {
        !self.0.is_empty()
            && self
                .0
                .get(&permission.to_lowercase())
                .is_some_and(|users| users.contains(user))
    }

    /// Users by permission.
    pub(crate) const fn all(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.0
    }
}
