//! On whose behalf something is saved, and what the caller asks of the platform.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::permission::Access;

/// One caller.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Caller {
    /// 18-character Id of the user.
    pub user: String,
    /// Duplicates are saved although a rule finds them: `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub allow_duplicates: bool,
    /// Assignment rules run: `Sforce-Auto-Assign`, on unless switched off.
    pub auto_assign: bool,
    /// What the user may do.
    #[serde(skip, default = "Access::administrator")]
    pub access: Arc<Access>,
    /// The control interface: what is deleted goes, whatever rules of single objects say.
    pub by_test: bool,
}

impl Caller {
    /// A test's own hand.
    pub(crate) fn test(user: String) -> Self {
        Self {
            by_test: true,
            ..Self::plain(user)
        }
    }

    /// A user who may do everything and asks for nothing in particular: the org itself, and those who administer it.
    pub(crate) fn plain(user: String) -> Self {
        Self {
            user,
            allow_duplicates: false,
            auto_assign: true,
            access: Access::administrator(),
            by_test: false,
        }
    }

    /// The user has a system permission: the name of its field without `Permissions`.
    pub(crate) fn may(&self, permission: &str) -> bool {
        self.access.has(permission)
    }
}
