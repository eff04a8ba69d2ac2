//! The share of the org's API calls that one invocation may use.

use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_model::{ErrorCode, Failure};

/// Calls granted beforehand, and what Salesforce says about the org's use of its rolling 24 hours.
///
/// Every call to the org passes [`charge`](Self::charge) first. The grant keeps many invocations together
/// within the cap; `Sforce-Limit-Info` corrects it for the calls of everybody else.
#[derive(Debug)]
pub struct Budget {
    granted: u64,
    bulk_jobs_granted: u64,
    cap_percent: u8,
    used: AtomicU64,
    bulk_jobs_used: AtomicU64,
    org: AtomicUsage,
    app: AtomicUsage,
    bulk_jobs: AtomicUsage,
}

impl Budget {
    /// `granted` calls; none of them while the org has used `cap_percent` of what it has.
    pub fn new(granted: u64, cap_percent: u8) -> Self {
        Self {
            granted,
            bulk_jobs_granted: 0,
            cap_percent,
            used: AtomicU64::new(0),
            bulk_jobs_used: AtomicU64::new(0),
            org: AtomicUsage::default(),
            app: AtomicUsage::default(),
            bulk_jobs: AtomicUsage::default(),
        }
    }

    /// The same with so many Bulk query jobs; without, none may be created.
    #[must_use]
    pub fn with_bulk_jobs(self, granted: u64) -> Self {
        Self {
            bulk_jobs_granted: granted,
            ..self
        }
    }

    /// Takes one call; `API_BUDGET_EXHAUSTED` when none is left.
    pub fn charge(&self) -> Result<(), Failure> {
        for (whose, usage) in [("org", self.org.load()), ("app", self.app.load())] {
            if let Some(usage) = usage.filter(|usage| usage.reaches(self.cap_percent)) {
                return Err(exhausted(format!(
                    "the {whose} has used `{}` of `{}` calls, the cap is `{}` percent",
                    usage.used, usage.max, self.cap_percent
                )));
            }
        }
        take(&self.used, self.granted)
            .ok_or_else(|| exhausted(format!("all of `{}` granted calls are used", self.granted)))
    }

    /// Takes one Bulk query job; `API_BUDGET_EXHAUSTED` when none is left.
    pub(crate) fn charge_bulk_job(&self) -> Result<(), Failure> {
        let granted = self.bulk_jobs_granted;
        take(&self.bulk_jobs_used, granted)
            .ok_or_else(|| exhausted(format!("all of `{granted}` granted bulk jobs are used")))
    }

    /// Bulk query jobs created so far.
    pub fn bulk_jobs_used(&self) -> u64 {
        self.bulk_jobs_used.load(Ordering::Relaxed)
    }

    /// The org's Bulk query jobs in the newest answer of `/limits`.
    pub fn bulk_jobs_last_seen(&self) -> Option<Usage> {
        self.bulk_jobs.load()
    }

    pub(crate) fn observe_bulk_jobs(&self, usage: Usage) {
        self.bulk_jobs.store(Some(usage));
    }

    /// Whether so few of the granted calls are left that it is time to come to an end.
    pub fn is_low(&self) -> bool {
        self.granted.saturating_sub(self.used()) < 10 + self.granted / 20
    }

    /// Calls taken so far.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The org's usage in the newest `Sforce-Limit-Info`.
    pub fn last_seen(&self) -> Option<Usage> {
        self.org.load()
    }

    /// Reads a `Sforce-Limit-Info` header: `api-usage=25/5000`, with an app of its own cap followed by
    /// `; per-app-api-usage=17/250(appName=sample)` (REST guide, Limit Info Header). Anything else is skipped.
    pub(crate) fn observe(&self, header: &str) {
        for part in header.split(';') {
            let (name, value) = part.split_once('=').unwrap_or_default();
            let usage = Usage::parse(value);
            match name.trim() {
                "api-usage" => self.org.store(usage),
                "per-app-api-usage" => self.app.store(usage),
                _ => {}
            }
        }
    }
}

/// One more, unless all are taken.
fn take(used: &AtomicU64, granted: u64) -> Option<()> {
    let one_more = |used| (used < granted).then_some(used + 1);
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .ok()
        .map(drop)
}

fn exhausted(message: String) -> Failure {
    Failure::new(ErrorCode::ApiBudgetExhausted, message)
}

/// Calls used of those that the rolling 24 hours allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Used.
    pub used: u32,
    /// Allowed.
    pub max: u32,
}

impl Usage {
    fn parse(text: &str) -> Option<Self> {
        let (used, max) = text.split('(').next()?.split_once('/')?;
        let usage = Self {
            used: used.trim().parse().ok()?,
            max: max.trim().parse().ok()?,
        };
        (usage.max > 0).then_some(usage)
    }

    fn reaches(self, percent: u8) -> bool {
        u64::from(self.used) * 100 >= u64::from(self.max) * u64::from(percent)
    }
}

/// Both numbers in one word, so that no reader sees one new and one old; 0 means none.
#[derive(Debug, Default)]
struct AtomicUsage(AtomicU64);

impl AtomicUsage {
    fn store(&self, usage: Option<Usage>) {
        if let Some(Usage { used, max }) = usage {
            let packed = u64::from(used) << 32 | u64::from(max);
            self.0.store(packed, Ordering::Relaxed);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves are taken apart"
    )]
    fn load(&self) -> Option<Usage> {
        let packed = self.0.load(Ordering::Relaxed);
        (packed != 0).then_some(Usage {
            used: (packed >> 32) as u32,
            max: packed as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_grant_is_never_overdrawn() {
        let budget = Budget::new(2, 80);
        assert!(budget.charge().is_ok());
        assert!(budget.charge().is_ok());
        let failure = budget.charge().unwrap_err();
        assert_eq!(failure.code, ErrorCode::ApiBudgetExhausted);
        assert_eq!(budget.used(), 2);
    }

    #[test]
    fn nothing_is_granted_at_the_cap_of_the_org() {
        let budget = Budget::new(100, 80);
        budget.observe("api-usage=3999/5000");
        assert!(budget.charge().is_ok());
        budget.observe("api-usage=4000/5000");
        assert_eq!(
            budget.charge().unwrap_err().code,
            ErrorCode::ApiBudgetExhausted
        );
        budget.observe("api-usage=100/5000");
        assert!(budget.charge().is_ok(), "the rolling window moved on");
    }

    #[test]
    fn the_share_of_the_app_is_seen_behind_that_of_the_org() {
        let budget = Budget::new(100, 80);
        budget
            .observe("api-usage=25/5000; per-app-api-usage=240/250(appName=sample-connected-app)");
        assert_eq!(
            budget.last_seen(),
            Some(Usage {
                used: 25,
                max: 5000
            })
        );
        assert!(budget.charge().unwrap_err().message.starts_with("the app"));
    }

    proptest! {
        #[test]
        fn any_header_is_survived(header in "(api-usage=|per-app-api-usage=|;| |.){0,4}[0-9/(]{0,24}.{0,8}") {
            Budget::new(1, 80).observe(&header);
        }

        #[test]
        fn every_usage_is_read(used: u32, max in 1_u32..) {
            let budget = Budget::new(1, 80);
            budget.observe(&format!("api-usage={used}/{max}"));
            prop_assert_eq!(budget.last_seen(), Some(Usage { used, max }));
        }
    }
}
