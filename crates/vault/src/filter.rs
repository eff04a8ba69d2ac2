//! Which records a reader is asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_model::SalesforceId;

/// A choice of record ids.
#[derive(Debug, Clone)]
pub(crate) enum IdFilter {
    /// Every one.
    All,
    /// These.
    Among(Arc<BTreeSet<SalesforceId>>),
    /// Those from the first to the last.
    Between(SalesforceId, SalesforceId),
}

impl IdFilter {
    /// Whether an id from `least` to `greatest` may pass.
    pub(crate) fn may_pass(&self, least: SalesforceId, greatest: SalesforceId) -> bool {
        least <= greatest
            && match self {
                Self::All => true,
                Self::Among(ids) => ids.range(least..=greatest).next().is_some(),
                Self::Between(from, to) => least <= *to && *from <= greatest,
            }
    }

    /// Whether the id passes. Text that is no id does not.
    pub(crate) fn passes_text(&self, id: &str) -> bool {
        SalesforceId::parse(id.as_bytes()).is_ok_and(|id| self.may_pass(id, id))
    }
}
