//! An order-independent digest of ids.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::SalesforceId;

/// Sum, modulo 2^128, of the first 16 bytes of SHA-256 of every 18-character id.
///
/// The order of rows and the split into segments do not matter; a missing, extra or doubled id does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdDigest(u128);

impl IdDigest {
    /// Adds one id.
    pub fn add(&mut self, id: &SalesforceId) {
        let hash = Sha256::digest(id.as_bytes());
        let first = hash.first_chunk::<16>().copied().unwrap_or_default();
        self.0 = self.0.wrapping_add(u128::from_be_bytes(first));
    }

    /// Adds the ids of another digest.
    pub fn merge(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl TryFrom<String> for IdDigest {
    type Error = std::num::ParseIntError;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&hex, 16).map(Self)
    }
}

impl From<IdDigest> for String {
    fn from(digest: IdDigest) -> Self {
        format!("{:032x}", digest.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_but_every_id_does() {
        let ids = ["001D000000K0fXO", "001D000000K0fXP", "001D000000K0fXQ"]
            .map(|id| SalesforceId::parse(id.as_bytes()).unwrap());
        let digest = |ids: &[SalesforceId]| {
            let mut digest = IdDigest::default();
            for id in ids {
                digest.add(id);
            }
            digest
        };
        assert_eq!(digest(&ids), digest(&[ids[2], ids[0], ids[1]]));
        assert_ne!(digest(&ids), digest(&ids[..2]));
        assert_ne!(digest(&ids), digest(&[ids[0], ids[1], ids[2], ids[2]]));
    }
}
