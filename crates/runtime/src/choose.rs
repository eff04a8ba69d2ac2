//! A filter over what is stored of an org.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::filter::Selection;
use holdfast_model::{Failure, ObjectName, OrgName, Stamp};
use holdfast_vault::Choice;

use crate::Environment;

/// Ids of parents that a filter may keep in memory, 18 bytes each.
const PARENTS_MAX: usize = 2_000_000;

impl Environment {
    /// Makes a filter ready: what it has to know of parents is read as of the same time.
    ///
    /// # Errors
    /// `FILTER_TOO_WIDE` for more parents than fit.
    pub async fn choose(
        &self,
        org: &OrgName,
        selection: Selection,
        as_of: Stamp,
    ) -> Result<Choice, Failure> {
        let parents: BTreeSet<ObjectName> = selection
            .steps()
            .iter()
            .flat_map(|step| step.objects().to_vec())
            .collect();
        let mut segments = BTreeMap::new();
        for parent in parents {
            let of_parent = self.catalog().segments(org, &parent).await?;
            segments.insert(parent, of_parent);
        }
        let vault = self.vault(org).await?;
        vault.choose(selection, &segments, as_of, PARENTS_MAX).await
    }
}
