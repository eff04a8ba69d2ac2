//! Compares two sets of versions in memory that does not grow with them: by buckets, and record by record only where
//! the buckets differ.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{SalesforceId, Stamp};
use sha2::{Digest as _, Sha256};

/// 16 MiB; with 100 million records, a difference costs a look at a hundred of them.
const BUCKETS: usize = 1 << 20;

/// How many versions there are in each bucket, and a sum of their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets(Vec<(u32, u64)>);

/// Some buckets.
pub type Group = BTreeSet<usize>;

impl Default for Buckets {
    fn default() -> Self {
        Self::of_size(BUCKETS)
    }
}

impl Buckets {
    fn of_size(buckets: usize) -> Self {
        Self(vec![(0, 0); buckets])
    }

    /// The bucket of a record.
    pub fn of(&self, id: &SalesforceId) -> usize {
        // FNV-1a; the last characters of neighbouring ids differ.
        let hash = id
            .as_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        usize::try_from(hash >> 32).unwrap_or_default() % self.0.len()
    }

    /// Adds the version of a record.
    pub fn add(&mut self, id: &SalesforceId, stamp: Stamp) {
        let hash = Sha256::new()
            .chain_update(id.as_bytes())
            .chain_update(stamp.millis().to_le_bytes())
            .finalize();
        let first = hash.first_chunk::<8>().copied().unwrap_or_default();
        let bucket = self.of(id);
        if let Some((rows, sum)) = self.0.get_mut(bucket) {
            *rows += 1;
            *sum = sum.wrapping_add(u64::from_le_bytes(first));
        }
    }

    /// The buckets that differ, in groups of at most `rows_max` versions on either side, or of one bucket.
    pub fn differing(&self, other: &Self, rows_max: u64) -> Vec<Group> {
        let mut groups: Vec<(u64, Group)> = Vec::new();
        for (bucket, (ours, theirs)) in self.0.iter().zip(&other.0).enumerate() {
            if ours == theirs {
                continue;
            }
            let rows = u64::from(ours.0.max(theirs.0));
            match groups.last_mut() {
                Some((filled, group)) if *filled + rows <= rows_max => {
                    *filled += rows;
                    group.insert(bucket);
                }
                _ => groups.push((rows, BTreeSet::from([bucket]))),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }
}

/// What Salesforce lists of some buckets, on its way to what differs from the vault.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Not seen in the vault yet.
    listed: BTreeMap<SalesforceId, Stamp>,
    /// Whatever is listed with this stamp or a later one is read by windows.
    until: Stamp,
    gone: Vec<SalesforceId>,
    missing: Vec<Stamp>,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Records of the vault that are not listed.
    pub gone: Vec<SalesforceId>,
    /// Stamps of listed versions that the vault does not hold.
    pub missing: Vec<Stamp>,
}

/// How the vault holds the newest version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// As a row, live or in the Recycle Bin.
    Row,
    /// As a tombstone.
    Gone,
}

impl Comparison {
    /// Of the listed versions. `until` is up to when the vault claims to have everything.
    pub fn new(listed: BTreeMap<SalesforceId, Stamp>, until: Stamp) -> Self {
        Self {
            listed,
            until,
            gone: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Notes the newest version that the vault holds of a record.
    pub fn hold(&mut self, id: SalesforceId, stamp: Stamp, held: Held) {
        match (self.listed.remove(&id), held) {
            (None, Held::Row) => self.gone.push(id),
            (None, Held::Gone) => {}
            // A newer one came in while this was compared.
            (Some(listed), Held::Row) if stamp >= listed => {}
            (Some(listed), _) => self.miss(listed),
        }
    }

    /// What differs; to be called when the vault has been gone through.
    pub fn finish(mut self) -> Differences {
        for listed in std::mem::take(&mut self.listed).into_values() {
            self.miss(listed);
        }
        Differences {
            gone: self.gone,
            missing: self.missing,
        }
    }

    fn miss(&mut self, listed: Stamp) {
        if listed < self.until {
            self.missing.push(listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u64) -> SalesforceId {
        SalesforceId::parse(format!("001D0000{number:07}").as_bytes()).unwrap()
    }

    fn seconds(seconds: i64) -> Stamp {
        Stamp::from_millis(seconds * 1000)
    }

    fn versions() -> impl Strategy<Value = BTreeMap<SalesforceId, Stamp>> {
        prop::collection::btree_map(
            (0_u64..60).prop_map(id),
            (0_i64..9).prop_map(seconds),
            0..60,
        )
    }

    fn buckets(versions: &BTreeMap<SalesforceId, Stamp>) -> Buckets {
        let mut buckets = Buckets::of_size(64);
        for (id, stamp) in versions {
            buckets.add(id, *stamp);
        }
        buckets
    }

    #[test]
    fn a_record_for_another_is_a_difference_although_the_counts_agree() {
        let ours = BTreeMap::from([(id(1), seconds(1)), (id(2), seconds(1))]);
        let theirs = BTreeMap::from([(id(1), seconds(1)), (id(3), seconds(1))]);
        let groups = buckets(&ours).differing(&buckets(&theirs), 1_000);
        let differing: Group = groups.into_iter().flatten().collect();
        let all = buckets(&ours);
        assert_eq!(differing, Group::from([all.of(&id(2)), all.of(&id(3))]));
    }

    proptest! {
        #[test]
        fn the_buckets_that_differ_are_those_with_a_difference(
            ours in versions(), theirs in versions(), rows_max in 1_u64..20,
        ) {
            let all = buckets(&ours);
            let groups = all.differing(&buckets(&theirs), rows_max);
            let mut expected = Group::new();
            for (id, _) in ours.iter().filter(|(id, stamp)| theirs.get(id) != Some(stamp)) {
                expected.insert(all.of(id));
            }
            for (id, _) in theirs.iter().filter(|(id, stamp)| ours.get(id) != Some(stamp)) {
                expected.insert(all.of(id));
            }
            let found: Vec<usize> = groups.iter().flatten().copied().collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            for group in groups.iter().filter(|group| group.len() > 1) {
                let rows = |versions: &BTreeMap<SalesforceId, Stamp>| {
                    versions.keys().filter(|id| group.contains(&all.of(id))).count() as u64
                };
                prop_assert!(rows(&ours).max(rows(&theirs)) <= rows_max);
            }
        }

        #[test]
        fn what_is_not_listed_is_gone_and_what_is_not_held_is_missing(
            listed in versions(), held in versions(), tombs in prop::collection::btree_set((0_u64..60).prop_map(id), 0..9),
            until in 0_i64..9,
        ) {
            let mut comparison = Comparison::new(listed.clone(), seconds(until));
            for (id, stamp) in &held {
                let how = if tombs.contains(id) { Held::Gone } else { Held::Row };
                comparison.hold(*id, *stamp, how);
            }
            let Differences { gone, missing } = comparison.finish();
            for id in held.keys() {
                prop_assert_eq!(gone.contains(id), !listed.contains_key(id) && !tombs.contains(id));
            }
            let expected = listed.iter().filter(|(id, stamp)| {
                **stamp < seconds(until)
                    && held.get(id).is_none_or(|held| held < stamp || tombs.contains(id))
            });
            prop_assert_eq!(missing.len(), expected.count());
        }
    }
}
