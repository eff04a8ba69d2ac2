//! What the manifests name, next to what can be read.

use std::collections::BTreeSet;

use holdfast_runtime::Environment;

use crate::compare::Readable;
use crate::org::Org;

/// The chain as far as it was read.
#[derive(Default)]
pub(crate) struct Chain {
    seq: u64,
    /// Paths of segments.
    named: BTreeSet<String>,
}

impl Chain {
    /// After a job that says that it has everything: each segment that can be read is named, and once.
    pub(crate) async fn assert_whole(
        &mut self,
        environment: &Environment,
        org: &Org<'_>,
        readable: &Readable,
    ) {
        let vault = environment.vault(&org.name).await.unwrap();
        let (end, _) = vault.latest_manifest().await.unwrap().unwrap();
        for seq in self.seq + 1..=end.seq {
            let (_, manifest) = vault.manifest(seq).await.unwrap();
            let objects = manifest.addition.objects.into_iter();
            for segment in objects.flat_map(|object| object.segments) {
                assert!(
                    self.named.insert(segment.path.clone()),
                    "named twice: {}",
                    segment.path
                );
            }
        }
        self.seq = end.seq;
        let segments = readable.values().flatten();
        let readable: BTreeSet<_> = segments.map(|segment| segment.path.clone()).collect();
        let unnamed: Vec<_> = readable.symmetric_difference(&self.named).collect();
        assert!(unnamed.is_empty(), "readable or named only: {unnamed:?}");
    }
}
