//! How much is done, and when the rest will be.

use holdfast_model::Stamp;
use serde::Serialize;

/// Blocks and rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Amount {
    /// Blocks, parts of blocks included.
    pub(crate) blocks: u64,
    /// Those that Salesforce was asked for.
    pub(crate) blocks_begun: u64,
    /// Those that are captured, or given up for this job.
    pub(crate) blocks_done: u64,
    /// Rows as Salesforce estimates them; a head has most often fewer.
    pub(crate) rows_expected: u64,
    /// Rows that came.
    pub(crate) rows_received: u64,
}

impl Amount {
    pub(crate) const fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.blocks_begun += other.blocks_begun;
        self.blocks_done += other.blocks_done;
        self.rows_expected += other.rows_expected;
        self.rows_received += other.rows_received;
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.blocks_done == self.blocks
    }

    const fn rows_left(&self) -> u64 {
        if self.is_done() {
            return 0;
        }
        self.rows_expected.saturating_sub(self.rows_received)
    }
}

/// The speed of a job, and what of it is spoken for.
#[derive(Debug)]
pub(crate) struct Pace {
    rows_received: u64,
    millis: u64,
    now: Stamp,
    /// Rows of the objects that come before.
    ahead: u64,
}

impl Pace {
    pub(crate) fn of(total: Amount, started: Stamp, now: Stamp) -> Self {
        let millis = now.millis().saturating_sub(started.millis());
        Self {
            rows_received: total.rows_received,
            millis: u64::try_from(millis).unwrap_or(0),
            now,
            ahead: 0,
        }
    }

    /// When the next object in line is done; nothing when it is, or as long as there is no speed to go by.
    pub(crate) fn end_of(&mut self, amount: Amount) -> Option<Stamp> {
        if amount.is_done() {
            return None;
        }
        self.ahead = self.ahead.saturating_add(amount.rows_left());
        let left = u128::from(self.ahead) * u128::from(self.millis);
        let millis = left.checked_div(u128::from(self.rows_received))?;
        let millis = i64::try_from(millis).ok()?;
        Some(Stamp::from_millis(self.now.millis().checked_add(millis)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(done: bool, expected: u64, received: u64) -> Amount {
        Amount {
            blocks: 1,
            blocks_begun: 1,
            blocks_done: u64::from(done),
            rows_expected: expected,
            rows_received: received,
        }
    }

    #[test]
    fn an_object_ends_when_those_before_it_and_its_own_rows_have_come() {
        let (done, half, waiting) = (
            amount(true, 100, 100),
            amount(false, 200, 100),
            amount(false, 300, 0),
        );
        let mut total = done;
        total.add(half);
        total.add(waiting);
        // 200 rows in 10 seconds.
        let (started, now) = (Stamp::from_millis(0), Stamp::from_millis(10_000));
        let mut pace = Pace::of(total, started, now);
        let ends = [done, half, waiting].map(|amount| pace.end_of(amount).map(Stamp::millis));
        assert_eq!(ends, [None, Some(15_000), Some(30_000)]);
    }

    #[test]
    fn without_a_row_there_is_no_estimate() {
        let left = amount(false, 10, 0);
        let mut pace = Pace::of(left, Stamp::from_millis(0), Stamp::from_millis(5));
        assert_eq!(pace.end_of(left), None);
    }
}
