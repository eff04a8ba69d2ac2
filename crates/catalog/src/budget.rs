//! The share of an org's daily API calls that Holdfast uses: reserved before calls, corrected after them.

use holdfast_model::{ErrorCode, Failure, OrgName, Stamp};
use serde::{Deserialize, Serialize};

use crate::{Catalog, keys::Key, record::Record, table::Change};

/// The API budget of an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The org.
    pub org: OrgName,
    /// What Salesforce said last; nothing before the first call.
    pub seen: Option<Usage>,
    /// Calls that are promised to tasks at work and not settled.
    pub reserved: u64,
    /// Changes of this item.
    pub version: u64,
}

/// Calls of the last 24 hours, by everybody, as `Sforce-Limit-Info` or `/limits` tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Calls made.
    pub used: u64,
    /// Calls allowed.
    pub max: u64,
    /// When Salesforce said so (its `Date` header).
    pub at: Stamp,
}

impl Record for Budget {
    const NAME: &'static str = "API budget";

    fn key(&self) -> Key {
        Key::budget(&self.org)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Budget {
    fn new(org: &OrgName) -> Self {
        Self {
            org: org.clone(),
            seen: None,
            reserved: 0,
            version: 0,
        }
    }

    /// As long as Salesforce has not said how many calls there are, everything is granted.
    fn reserve(mut self, calls: u64, cap_percent: u8) -> Result<Self, Failure> {
        let reserved = self.reserved.saturating_add(calls);
        if let Some(Usage { used, max, .. }) = self.seen {
            let cap = max / 100 * u64::from(cap_percent) + max % 100 * u64::from(cap_percent) / 100;
            if used.saturating_add(reserved) > cap {
                let Self { reserved, .. } = self;
                return Err(Failure::new(
                    ErrorCode::ApiBudgetExhausted,
                    format!(
                        "salesforce calls asked for, used, reserved, allowed to us: `{calls}`, `{used}`, `{reserved}`, `{cap}`"
                    ),
                ));
            }
        }
        self.reserved = reserved;
        Ok(self)
    }

    /// Calls made without an answer that counts them are added to what is known. An answer older than the known
    /// one says nothing: its calls are part of the newer number.
    fn settle(mut self, reserved: u64, used: u64, seen: Option<Usage>) -> Self {
        self.reserved = self.reserved.saturating_sub(reserved);
        self.seen = match (self.seen, seen) {
            (None, seen) => seen,
            (Some(known), None) => Some(Usage {
                used: known.used.saturating_add(used),
                ..known
            }),
            (Some(known), Some(seen)) => Some(match seen.at.cmp(&known.at) {
                std::cmp::Ordering::Less => known,
                // Within one second the order of answers is not known; the greater count is the later one.
                std::cmp::Ordering::Equal if seen.used < known.used => known,
                _ => seen,
            }),
        };
        self
    }
}

impl Catalog {
    /// Promises calls to a task. It must [`settle`](Self::settle_calls) them, however few it makes.
    ///
    /// The cap is a share of the maximum that Salesforce last named, and holds for all tasks and everybody else
    /// who calls the org. Once it is reached, only a newer number from Salesforce opens it again: the task that
    /// is refused asks `/limits` and settles `0, 0` with the answer.
    ///
    /// # Errors
    /// `API_BUDGET_EXHAUSTED`; nothing is promised then.
    pub async fn reserve_calls(
        &self,
        org: &OrgName,
        calls: u64,
        cap_percent: u8,
    ) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                item.reserve(calls, cap_percent).map(Change::Write)
            })
            .await
    }

    /// Gives reserved calls back and notes how many were made, and what Salesforce said last.
    pub async fn settle_calls(
        &self,
        org: &OrgName,
        reserved: u64,
        used: u64,
        seen: Option<Usage>,
    ) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                Ok(Change::Write(item.settle(reserved, used, seen)))
            })
            .await
    }

    /// Takes back what tasks of an ended job never settled. For a job that has just taken the lease.
    pub async fn reset_reservations(&self, org: &OrgName) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                Ok(if item.reserved == 0 {
                    Change::Keep(item)
                } else {
                    Change::Write(Budget {
                        reserved: 0,
                        ..item
                    })
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(used: u64, max: u64) -> Budget {
        Budget {
            seen: Some(usage(used, max, 0)),
            ..Budget::new(&OrgName::parse("acme").unwrap())
        }
    }

    fn usage(used: u64, max: u64, at: i64) -> Usage {
        Usage {
            used,
            max,
            at: Stamp::from_millis(at),
        }
    }

    #[test]
    fn before_the_maximum_is_known_everything_is_granted() {
        let budget = Budget::new(&OrgName::parse("acme").unwrap());
        assert_eq!(budget.reserve(1_000_000, 1).unwrap().reserved, 1_000_000);
    }

    #[test]
    fn a_late_answer_does_not_bring_back_an_older_count() {
        let budget = budget(0, 1_000).settle(0, 0, Some(usage(50, 1_000, 2_000)));
        let budget = budget.settle(0, 0, Some(usage(40, 1_000, 1_000)));
        let budget = budget.settle(0, 0, Some(usage(49, 1_000, 2_000)));
        assert_eq!(budget.seen, Some(usage(50, 1_000, 2_000)));
        let next_day = budget.settle(0, 0, Some(usage(3, 1_000, 3_000)));
        assert_eq!(next_day.seen, Some(usage(3, 1_000, 3_000)));
    }

    #[test]
    fn calls_without_an_answer_count_as_made() {
        let budget = budget(10, 1_000).reserve(5, 80).unwrap().settle(5, 4, None);
        assert_eq!((budget.reserved, budget.seen.unwrap().used), (0, 14));
    }

    proptest! {
        #[test]
        fn what_is_used_and_reserved_never_exceeds_the_cap(
            used in any::<u64>(), max in any::<u64>(), cap in 1_u8..=100, calls in prop::collection::vec(any::<u64>(), 0..9)
        ) {
            let mut budget = budget(used, max);
            let cap_calls = u128::from(max) * u128::from(cap) / 100;
            for calls in calls {
                if let Ok(granted) = budget.clone().reserve(calls, cap) {
                    prop_assert!(u128::from(used) + u128::from(granted.reserved) <= cap_calls);
                    budget = granted;
                } else {
                    prop_assert!(u128::from(used) + u128::from(budget.reserved) + u128::from(calls) > cap_calls);
                }
            }
        }
    }
}
