//! What one seed has to itself: an AWS, and a way to the control interface of its org.

use holdfast_runtime::{Environment, Settings};

use crate::aws::Aws;
use crate::tripwire::Tripwire;

/// The least that a deployment may have.
const SEGMENT_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) http: reqwest::Client,
}

impl World {
    /// What functions work with, with a wire across their AWS calls.
    pub(crate) fn environment(&self, wire: &Tripwire) -> Environment {
        let settings = Settings {
            table: "catalog".to_owned(),
            bucket: "vault".to_owned(),
            key_id: "key".to_owned(),
            segment_bytes: SEGMENT_BYTES,
        };
        Environment::new(settings, &wire.across(&self.aws.config()))
    }
}
