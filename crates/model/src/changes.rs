//! What became of records: each is held against the newest version that was known of it before.

use serde::{Deserialize, Serialize};

use crate::Stamp;

/// How many records of an object were changed, and how.
///
/// Added and restored less deleted is by how much the number of live records grew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Captured for the first time, and live.
    pub added: u64,
    /// Live before and after, with a new stamp.
    pub modified: u64,
    /// Live before; in the Recycle Bin or gone after.
    pub deleted: u64,
    /// In the Recycle Bin or gone before; live after.
    pub restored: u64,
    /// Live, with other values under the same stamp: formulas, or fields that could not be read before. Nobody changed it.
    pub recalculated: u64,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Captured for the first time.
    Added,
    /// Changed by somebody.
    Modified,
    /// To the Recycle Bin, or gone.
    Deleted,
    /// Back from there.
    Restored,
    /// Changed by nobody.
    Recalculated,
}

/// A version of a record, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Neither in the Recycle Bin nor gone.
    pub live: bool,
    /// When Salesforce changed it to this state.
    pub stamp: Stamp,
    /// When it was read.
    pub captured: Stamp,
}

impl Change {
    /// Whether it is what somebody did to a record that was there.
    pub const fn has_author(self) -> bool {
        match self {
            Self::Modified | Self::Deleted | Self::Restored => true,
            Self::Added | Self::Recalculated => false,
        }
    }

    /// What a version makes of the newest one that is held of its record; nothing when that is not the older one, or the
    /// record stays in the bin, or goes from there.
    pub fn between(held: Option<Standing>, new: Standing) -> Option<Self> {
        let Some(held) = held else {
            return new.live.then_some(Self::Added);
        };
        if (new.stamp, new.captured) < (held.stamp, held.captured) {
            return None;
        }
        match (held.live, new.live) {
            (true, true) if new.stamp == held.stamp => Some(Self::Recalculated),
            (true, true) => Some(Self::Modified),
            (true, false) => Some(Self::Deleted),
            (false, true) => Some(Self::Restored),
            (false, false) => None,
        }
    }
}

impl Changes {
    /// Counts one.
    pub const fn note(&mut self, change: Change) {
        let count = match change {
            Change::Added => &mut self.added,
            Change::Modified => &mut self.modified,
            Change::Deleted => &mut self.deleted,
            Change::Restored => &mut self.restored,
            Change::Recalculated => &mut self.recalculated,
        };
        *count += 1;
    }

    /// Adds those of another block or job.
    pub const fn add(&mut self, other: Self) {
        self.added += other.added;
        self.modified += other.modified;
        self.deleted += other.deleted;
        self.restored += other.restored;
        self.recalculated += other.recalculated;
    }

    /// How many records are live after them, of so many before.
    pub const fn live_after(&self, before: u64) -> u64 {
        let grown = before.saturating_add(self.added + self.restored);
        grown.saturating_sub(self.deleted)
    }

    /// How many records were live before them, of so many after.
    pub const fn live_before(&self, after: u64) -> u64 {
        let larger = after.saturating_add(self.deleted);
        larger.saturating_sub(self.added + self.restored)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing() -> impl Strategy<Value = Standing> {
        (any::<bool>(), 0_i64..4, 0_i64..4).prop_map(|(live, stamp, captured)| Standing {
            live,
            stamp: Stamp::from_millis(stamp),
            captured: Stamp::from_millis(captured),
        })
    }

    #[test]
    fn each_way_of_a_record_has_its_name() {
        let at = |live, stamp| Standing {
            live,
            stamp: Stamp::from_millis(stamp),
            captured: Stamp::from_millis(9),
        };
        for (held, new, change) in [
            (None, at(true, 1), Some(Change::Added)),
            (None, at(false, 1), None),
            (Some(at(true, 1)), at(true, 2), Some(Change::Modified)),
            (Some(at(true, 1)), at(true, 1), Some(Change::Recalculated)),
            (Some(at(true, 1)), at(false, 1), Some(Change::Deleted)),
            (Some(at(false, 1)), at(true, 2), Some(Change::Restored)),
            (Some(at(false, 1)), at(false, 2), None),
            (Some(at(true, 2)), at(false, 1), None),
        ] {
            assert_eq!(Change::between(held, new), change, "{held:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn the_sum_of_all_changes_is_the_number_of_live_records(
            lives in prop::collection::vec(prop::collection::vec(standing(), 0..9), 0..9),
        ) {
            let (mut changes, mut live) = (Changes::default(), 0);
            for versions in lives {
                let mut newest: Option<Standing> = None;
                for version in versions {
                    if let Some(change) = Change::between(newest, version) {
                        changes.note(change);
                    }
                    let order = |version: &Standing| (version.stamp, version.captured);
                    if newest.is_none_or(|newest| order(&newest) <= order(&version)) {
                        newest = Some(version);
                    }
                }
                live += u64::from(newest.is_some_and(|newest| newest.live));
            }
            prop_assert_eq!(changes.live_after(0), live);
            prop_assert_eq!(changes.live_before(live), 0);
        }
    }
}
