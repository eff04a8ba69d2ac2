//! Calls, and how many are left.
//!
//! Source: Salesforce Developer Limits and Allocations Quick Reference, API Request Limits and Allocations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const MINUTE_MS: i64 = 60_000;
/// Limits by the day are limits of the last 24 hours at any time.
const DAY_MINUTES: i64 = 24 * 60;
/// A call that runs longer counts against the concurrent ones.
const LONG_MS: i64 = 20_000;

/// Calls so far.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Against `DailyApiRequests`.
    pub(crate) calls: Day,
    /// By method and path template, metered or not.
    pub(crate) routes: BTreeMap<String, usize>,
    /// Bulk query jobs.
    pub(crate) query_jobs: Day,
    /// Batches of loads, of both versions of the Bulk API.
    pub(crate) bulk_batches: Day,
    /// When the calls that are being served began, by number.
    running: BTreeMap<u64, i64>,
    entered: u64,
}

/// What happened in the last 24 hours of the org's clock, to the minute.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Day {
    minutes: BTreeMap<i64, usize>,
    total: usize,
}

impl Day {
    /// How many of the last 24 hours.
    pub(crate) fn used(&mut self, now_ms: i64) -> usize {
        let oldest = now_ms.div_euclid(MINUTE_MS) - DAY_MINUTES;
        while let Some(first) = self.minutes.first_entry()
            && *first.key() <= oldest
        {
            self.total -= first.remove();
        }
        self.total
    }

    /// Counts some more.
    pub(crate) fn add(&mut self, now_ms: i64, count: usize) {
        *self
            .minutes
            .entry(now_ms.div_euclid(MINUTE_MS))
            .or_default() += count;
        self.total += count;
    }

    /// Counts one, unless `most` are used up.
    pub(crate) fn take(&mut self, now_ms: i64, most: usize) -> bool {
        let left = self.used(now_ms) < most;
        if left {
            self.add(now_ms, 1);
        }
        left
    }
}

impl Meter {
    /// A call begins; its number. Nothing when `most` others have been running for long.
    pub(crate) fn enter(&mut self, now_ms: i64, most: usize) -> Option<u64> {
        if self.running.len() >= most && self.long(now_ms) >= most {
            return None;
        }
        self.entered += 1;
        self.running.insert(self.entered, now_ms);
        Some(self.entered)
    }

    /// A call ends.
    pub(crate) fn leave(&mut self, number: u64) {
        self.running.remove(&number);
    }

    /// Calls that have been running for 20 seconds of the org's clock or longer.
    pub(crate) fn long(&self, now_ms: i64) -> usize {
        let began = self.running.values();
        began.filter(|began| now_ms - **began >= LONG_MS).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_rolls_and_does_not_begin_at_midnight() {
        let hour = 60 * MINUTE_MS;
        let mut day = Day::default();
        assert!(day.take(0, 2) && day.take(hour, 2) && !day.take(23 * hour, 2));
        assert_eq!(day.used(24 * hour), 1, "the first is a day old");
        assert!(day.take(24 * hour, 2));
        assert_eq!(day.used(48 * hour), 0);
    }

    #[test]
    fn only_calls_that_last_count_as_concurrent() {
        let mut meter = Meter::default();
        let first = meter.enter(0, 1).unwrap();
        let second = meter.enter(LONG_MS - 1, 1).unwrap();
        assert_eq!(meter.enter(LONG_MS, 1), None);
        meter.leave(first);
        assert!(meter.enter(LONG_MS, 1).is_some());
        assert_eq!(meter.long(LONG_MS * 2), 2);
        meter.leave(second);
        assert_eq!(meter.long(LONG_MS * 2), 1);
    }
}
