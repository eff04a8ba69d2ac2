//! The share of an org's daily calls that Holdfast uses: reserved before calls, corrected after them.

use std::collections::BTreeMap;

use holdfast_model::{ErrorCode, Failure, OrgName, Stamp};
use serde::{Deserialize, Serialize};

use crate::{Catalog, keys::Key, record::Record, table::Change};

/// Days whose usage is kept.
const DAYS_KEPT: usize = 35;

/// The budget of an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The org.
    pub org: OrgName,
    /// What Salesforce said last about API calls; nothing before the first.
    pub seen: Option<Usage>,
    /// API calls that are promised to tasks at work and not settled.
    pub reserved: u64,
    /// What Salesforce said last about Bulk query jobs.
    #[serde(default)]
    pub bulk_seen: Option<Usage>,
    /// Bulk query jobs that are promised and not settled.
    #[serde(default)]
    pub bulk_reserved: u64,
    /// What the job that took the lease last has used.
    #[serde(default)]
    pub job: Calls,
    /// What jobs used on each of the last days, by UTC date.
    #[serde(default)]
    pub days: BTreeMap<String, Calls>,
    /// Since when a job waits for the org to have calls left; nothing while none does.
    #[serde(default)]
    pub suspended_since: Option<Stamp>,
    /// Changes of this item.
    pub version: u64,
}

/// What counts against the limits of an org.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// API calls of every kind.
    pub api: u64,
    /// Bulk query jobs created; each is an API call, too.
    pub bulk_jobs: u64,
}

impl Calls {
    /// So many API calls, none of which creates a Bulk job.
    pub const fn api(api: u64) -> Self {
        Self { api, bulk_jobs: 0 }
    }

    fn add(&mut self, other: Self) {
        self.api = self.api.saturating_add(other.api);
        self.bulk_jobs = self.bulk_jobs.saturating_add(other.bulk_jobs);
    }
}

/// Shares of the org's maxima, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Of the API calls.
    pub api_percent: u8,
    /// Of the Bulk query jobs.
    pub bulk_percent: u8,
}

/// Use of the last 24 hours, by everybody, as `Sforce-Limit-Info` or `/limits` tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Used.
    pub used: u64,
    /// Allowed.
    pub max: u64,
    /// When Salesforce said so (its `Date` header).
    pub at: Stamp,
}

/// What became of reserved calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settlement {
    /// What was promised.
    pub reserved: Calls,
    /// What was used of it.
    pub used: Calls,
    /// What Salesforce said last about API calls.
    pub seen: Option<Usage>,
    /// What Salesforce said last about Bulk query jobs.
    pub bulk_seen: Option<Usage>,
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
            bulk_seen: None,
            bulk_reserved: 0,
            job: Calls::default(),
            days: BTreeMap::new(),
            suspended_since: None,
            version: 0,
        }
    }

    /// As long as Salesforce has not said how many there are, everything is granted.
    fn reserve(mut self, calls: Calls, caps: Caps) -> Result<Self, Failure> {
        let api = Share {
            what: "calls",
            seen: self.seen,
            percent: caps.api_percent,
        };
        let bulk = Share {
            what: "bulk jobs",
            seen: self.bulk_seen,
            percent: caps.bulk_percent,
        };
        let reserved = api.reserve(self.reserved, calls.api)?;
        self.bulk_reserved = bulk.reserve(self.bulk_reserved, calls.bulk_jobs)?;
        self.reserved = reserved;
        self.suspended_since = None;
        Ok(self)
    }

    fn settle(mut self, settlement: Settlement, at: Stamp) -> Self {
        let Settlement {
            reserved,
            used,
            seen,
            bulk_seen,
        } = settlement;
        self.reserved = self.reserved.saturating_sub(reserved.api);
        self.bulk_reserved = self.bulk_reserved.saturating_sub(reserved.bulk_jobs);
        self.seen = corrected(self.seen, used.api, seen);
        self.bulk_seen = corrected(self.bulk_seen, used.bulk_jobs, bulk_seen);
        if used != Calls::default() {
            self.job.add(used);
            let date: String = at.soql().chars().take(10).collect();
            self.days.entry(date).or_default().add(used);
        }
        while self.days.len() > DAYS_KEPT {
            self.days.pop_first();
        }
        self
    }
}

/// One kind of call, and how much of it may be used.
struct Share {
    what: &'static str,
    seen: Option<Usage>,
    percent: u8,
}

impl Share {
    /// What is reserved with some more.
    fn reserve(&self, reserved: u64, more: u64) -> Result<u64, Failure> {
        let sum = reserved.saturating_add(more);
        let Some(Usage { used, max, .. }) = self.seen.filter(|_| more > 0) else {
            return Ok(sum);
        };
        let percent = u64::from(self.percent);
        let cap = max / 100 * percent + max % 100 * percent / 100;
        if used.saturating_add(sum) > cap {
            let what = self.what;
            return Err(Failure::new(
                ErrorCode::ApiBudgetExhausted,
                format!(
                    "salesforce {what} asked for, used, reserved, allowed to us: `{more}`, `{used}`, `{reserved}`, `{cap}`"
                ),
            ));
        }
        Ok(sum)
    }
}

/// Calls made without an answer that counts them are added to what is known. An answer older than the known
/// one says nothing: its calls are part of the newer number.
fn corrected(known: Option<Usage>, used: u64, seen: Option<Usage>) -> Option<Usage> {
    match (known, seen) {
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
    }
}

impl Catalog {
    /// What the org used and may use.
    pub async fn budget(&self, org: &OrgName) -> Result<Budget, Failure> {
        let stored = self.table.get(Key::budget(org)).await?;
        Ok(stored.unwrap_or_else(|| Budget::new(org)))
    }

    /// Promises calls to a task. It must [`settle`](Self::settle_calls) them, however few it makes.
    ///
    /// A cap is a share of the maximum that Salesforce last named, and holds for all tasks and everybody else
    /// who calls the org. Once it is reached, only a newer number from Salesforce opens it again: the task that
    /// is refused asks `/limits` and settles nothing with the answer.
    ///
    /// # Errors
    /// `API_BUDGET_EXHAUSTED`; nothing is promised then.
    pub async fn reserve_calls(
        &self,
        org: &OrgName,
        calls: Calls,
        caps: Caps,
    ) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                item.reserve(calls, caps).map(Change::Write)
            })
            .await
    }

    /// Gives reserved calls back and notes how many were made, and what Salesforce said last.
    pub async fn settle_calls(
        &self,
        org: &OrgName,
        settlement: Settlement,
        at: Stamp,
    ) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                Ok(Change::Write(item.settle(settlement, at)))
            })
            .await
    }

    /// Notes that a job waits from now on, if none does. The next reservation that is granted ends it.
    pub async fn note_suspended(&self, org: &OrgName, at: Stamp) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                Ok(if item.suspended_since.is_some() {
                    Change::Keep(item)
                } else {
                    Change::Write(Budget {
                        suspended_since: Some(at),
                        ..item
                    })
                })
            })
            .await
    }

    /// Takes back what tasks of an ended job never settled, and counts from nothing. For a job that has just taken the
    /// lease.
    pub async fn reset_reservations(&self, org: &OrgName) -> Result<Budget, Failure> {
        self.table
            .update(Key::budget(org), |item: Option<Budget>| {
                let item = item.unwrap_or_else(|| Budget::new(org));
                let fresh = Budget {
                    reserved: 0,
                    bulk_reserved: 0,
                    job: Calls::default(),
                    suspended_since: None,
                    ..item.clone()
                };
                Ok(if fresh == item {
                    Change::Keep(item)
                } else {
                    Change::Write(fresh)
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

    const NOON: Stamp = Stamp::from_millis(1_790_000_000_000);

    fn caps(percent: u8) -> Caps {
        Caps {
            api_percent: percent,
            bulk_percent: percent,
        }
    }

    fn said(seen: Usage) -> Settlement {
        Settlement {
            seen: Some(seen),
            ..Settlement::default()
        }
    }

    fn used(reserved: u64, used: Calls) -> Settlement {
        Settlement {
            reserved: Calls::api(reserved),
            used,
            ..Settlement::default()
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
        let budget = budget.reserve(Calls::api(1_000_000), caps(1)).unwrap();
        assert_eq!(budget.reserved, 1_000_000);
    }

    #[test]
    fn a_late_answer_does_not_bring_back_an_older_count() {
        let budget = budget(0, 1_000).settle(said(usage(50, 1_000, 2_000)), NOON);
        let budget = budget.settle(said(usage(40, 1_000, 1_000)), NOON);
        let budget = budget.settle(said(usage(49, 1_000, 2_000)), NOON);
        assert_eq!(budget.seen, Some(usage(50, 1_000, 2_000)));
        let next_day = budget.settle(said(usage(3, 1_000, 3_000)), NOON);
        assert_eq!(next_day.seen, Some(usage(3, 1_000, 3_000)));
    }

    #[test]
    fn calls_without_an_answer_count_as_made() {
        let budget = budget(10, 1_000).reserve(Calls::api(5), caps(80)).unwrap();
        let budget = budget.settle(used(5, Calls::api(4)), NOON);
        assert_eq!((budget.reserved, budget.seen.unwrap().used), (0, 14));
    }

    #[test]
    fn bulk_jobs_have_a_cap_of_their_own() {
        let mut budget = budget(0, 1_000_000);
        budget.bulk_seen = Some(usage(7_998, 10_000, 0));
        let one = Calls {
            api: 10,
            bulk_jobs: 1,
        };
        let budget = budget
            .reserve(one, caps(80))
            .unwrap()
            .reserve(one, caps(80))
            .unwrap();
        let refused = budget.clone().reserve(one, caps(80)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ApiBudgetExhausted);
        assert!(refused.message.contains("bulk jobs"));
        assert!(budget.reserve(Calls::api(10), caps(80)).is_ok());
    }

    #[test]
    fn usage_is_kept_by_day_and_for_the_job_at_work() {
        let mut budget = budget(0, 1_000);
        for day in 0..40 {
            let at = Stamp::from_millis(NOON.millis() + day * 86_400_000);
            budget = budget.settle(
                used(
                    0,
                    Calls {
                        api: 2,
                        bulk_jobs: 1,
                    },
                ),
                at,
            );
            budget = budget.settle(used(0, Calls::api(1)), at);
        }
        assert_eq!(budget.days.len(), DAYS_KEPT);
        let last = budget.days.last_key_value().unwrap();
        assert_eq!(
            (last.0.len(), *last.1),
            (
                10,
                Calls {
                    api: 3,
                    bulk_jobs: 1
                }
            )
        );
        assert_eq!(
            budget.job,
            Calls {
                api: 120,
                bulk_jobs: 40
            }
        );
    }

    proptest! {
        #[test]
        fn what_is_used_and_reserved_never_exceeds_the_cap(
            used in any::<u64>(), max in any::<u64>(), cap in 1_u8..=100, calls in prop::collection::vec(1_u64.., 0..9)
        ) {
            let mut budget = budget(used, max);
            let cap_calls = u128::from(max) * u128::from(cap) / 100;
            for calls in calls {
                if let Ok(granted) = budget.clone().reserve(Calls::api(calls), caps(cap)) {
                    prop_assert!(u128::from(used) + u128::from(granted.reserved) <= cap_calls);
                    budget = granted;
                } else {
                    prop_assert!(u128::from(used) + u128::from(budget.reserved) + u128::from(calls) > cap_calls);
                }
            }
        }
    }
}
