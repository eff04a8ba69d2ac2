//! Which records a reader is asked for.

use std::sync::Arc;

use holdfast_model::SalesforceId;

/// A choice of record ids.
#[derive(Debug, Clone)]
pub(crate) enum IdFilter {
    /// Every one.
    All,
    /// These; they ascend.
    Among(Arc<[SalesforceId]>),
    /// Those from the first to the last.
    Between(SalesforceId, SalesforceId),
    /// Those behind this one.
    After(SalesforceId),
}

impl IdFilter {
    /// Whether an id from `least` to `greatest` may pass.
    pub(crate) fn may_pass(&self, least: SalesforceId, greatest: SalesforceId) -> bool {
        least <= greatest
            && match self {
                Self::All => true,
                Self::Among(ids) => {
                    let first = ids.partition_point(|id| *id < least);
                    ids.get(first).is_some_and(|id| *id <= greatest)
                }
                Self::Between(from, to) => least <= *to && *from <= greatest,
                Self::After(id) => *id < greatest,
            }
    }

    /// Whether the id passes. Text that is no id does not.
    pub(crate) fn passes_text(&self, id: &str) -> bool {
        SalesforceId::parse(id.as_bytes()).is_ok_and(|id| self.may_pass(id, id))
    }
}
