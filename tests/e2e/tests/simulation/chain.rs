//! What the manifests name, next to what can be read.

use std::collections::BTreeSet;

use holdfast_model::ObjectName;
use holdfast_runtime::Environment;

use crate::org::{OBJECTS, Org};

/// The chain as far as it was read.
#[derive(Default)]
pub(crate) struct Chain {
    seq: u64,
    /// Paths of segments.
    named: BTreeSet<String>,
}

impl Chain {
    /// After a job that says that it has everything: each segment that can be read is named, and once.
    pub(crate) async fn assert_whole(&mut self, environment: &Environment, org: &Org<'_>) {
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
        let mut readable = BTreeSet::new();
        for object in OBJECTS.map(|object| ObjectName::parse(object).unwrap()) {
            let segments = environment.catalog().segments(&org.name, &object).await;
            readable.extend(segments.unwrap().into_iter().map(|segment| segment.path));
        }
        let unnamed: Vec<_> = readable.symmetric_difference(&self.named).collect();
        assert!(unnamed.is_empty(), "readable or named only: {unnamed:?}");
    }
}
