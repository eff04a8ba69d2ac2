//! What a job knows of the objects that it does not read.

use std::collections::BTreeSet;

use holdfast_model::{JobId, ObjectName, Stamp};
use serde::{Deserialize, Serialize};

/// Objects in which Salesforce knows of no change and of no deletion. Stored with the plan, so that nobody asks for their
/// deletions again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untouched {
    /// The objects.
    pub objects: BTreeSet<ObjectName>,
    /// Up to when all their delete logs reach; nothing without an object.
    pub covered: Option<Stamp>,
}

impl Untouched {
    /// Adds an object whose log reaches so far.
    pub fn add(&mut self, object: ObjectName, covered: Stamp) {
        self.objects.insert(object);
        self.covered = self.covered.into_iter().chain([covered]).min();
    }
}

/// Name of the document of a job.
pub fn untouched_name(job: &JobId) -> String {
    format!("plans/{job}/untouched.sealed")
}
