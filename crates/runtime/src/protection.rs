//! What keeps a backup complete. A test of the tests switches one off and looks whether anybody notices.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Rows that came are compared with Salesforce's counts.
    Count,
    /// A sweep compares versions, not only Ids.
    Digest,
    /// A sync job compares every Id with the vault.
    Sweep,
}

impl Protection {
    /// Whether it works. Always, but in a build with the feature `switchable`, in which the variable
    /// `HOLDFAST_WITHOUT` names one that does not.
    pub fn is_on(self) -> bool {
        let name = match self {
            Self::Count => "count",
            Self::Digest => "digest",
            Self::Sweep => "sweep",
        };
        !cfg!(feature = "switchable")
            || std::env::var("HOLDFAST_WITHOUT")
                .ok()
                .is_none_or(|without| without != name)
    }
}
