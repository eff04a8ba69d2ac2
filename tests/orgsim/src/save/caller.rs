//! On whose behalf something is saved, and what the caller asks of the platform.

/// One caller.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// 18-character Id of the user.
    pub user: String,
    /// Duplicates are saved although a rule finds them: `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub allow_duplicates: bool,
    /// Assignment rules run: `Sforce-Auto-Assign`, on unless switched off.
    pub auto_assign: bool,
}

impl Caller {
    /// A user who asks for nothing in particular.
    pub(crate) const fn plain(user: String) -> Self {
        Self {
            user,
            allow_duplicates: false,
            auto_assign: true,
        }
    }
}
