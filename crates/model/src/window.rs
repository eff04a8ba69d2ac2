//! Windows of SystemModstamp, and which of them an object has behind it.

use serde::{Deserialize, Serialize};

use crate::Stamp;

/// A half-open span `[from, until)`; without `from` it reaches back to the beginning of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant inside.
    pub from: Option<Stamp>,
    /// First instant after.
    pub until: Stamp,
}

impl Window {
    /// Whether nothing can be inside.
    pub fn is_empty(&self) -> bool {
        self.from.is_some_and(|from| from >= self.until)
    }

    /// Whether the stamp is inside.
    pub fn contains(&self, stamp: Stamp) -> bool {
        self.from.is_none_or(|from| from <= stamp) && stamp < self.until
    }
}

/// The cursor of an object: the windows captured so far, sorted, disjoint, not touching.
///
/// Adding is a union, so blocks may commit in any order and a repeat changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage(Vec<Window>);

impl Coverage {
    /// The captured windows, oldest first.
    pub fn windows(&self) -> &[Window] {
        &self.0
    }

    /// Everything before this instant that `head` blocks were asked for is captured.
    pub fn head(&self) -> Option<Stamp> {
        self.0.last().map(|window| window.until)
    }

    /// History is captured without a gap from the beginning of time up to here.
    pub fn backfill(&self) -> Option<Stamp> {
        self.0
            .first()
            .filter(|window| window.from.is_none())
            .map(|window| window.until)
    }

    /// Whether everything from the beginning of time to `head` is captured.
    pub fn is_complete(&self) -> bool {
        self.0.len() == 1 && self.backfill().is_some()
    }

    /// Adds a captured window. Empty windows change nothing.
    pub fn add(&mut self, window: Window) {
        if window.is_empty() {
            return;
        }
        let mut merged = window;
        self.0.retain(|other| {
            let touches = merged.from.is_none_or(|from| from <= other.until)
                && other.from.is_none_or(|from| from <= merged.until);
            if touches {
                merged.from = merged.from.min(other.from); // None, the beginning of time, is the least
                merged.until = merged.until.max(other.until);
            }
            !touches
        });
        let at = self.0.partition_point(|other| other.until < merged.until);
        self.0.insert(at, merged);
    }

    /// Takes a window out: what was captured in it turned out to be incomplete.
    pub fn remove(&mut self, lost: Window) {
        if lost.is_empty() {
            return;
        }
        let rest = std::mem::take(&mut self.0).into_iter().flat_map(|window| {
            let before = Window {
                from: window.from,
                until: lost
                    .from
                    .map_or(Stamp::from_millis(i64::MIN), |from| from.min(window.until)),
            };
            let after = Window {
                from: window.from.max(Some(lost.until)),
                until: window.until,
            };
            let before = Some(before).filter(|_| lost.from.is_some());
            [before, Some(after)].into_iter().flatten()
        });
        self.0 = rest.filter(|window| !window.is_empty()).collect();
    }

    /// The windows before `until` that are not captured, oldest first.
    pub fn gaps(&self, until: Stamp) -> Vec<Window> {
        let mut gaps = Vec::new();
        let mut from = None;
        for window in &self.0 {
            if let Some(start) = window.from {
                gaps.push(Window {
                    from,
                    until: start.min(until),
                });
            }
            from = Some(window.until);
        }
        gaps.push(Window { from, until });
        gaps.retain(|gap| !gap.is_empty());
        gaps
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(from: Option<i64>, until: i64) -> Window {
        Window {
            from: from.map(Stamp::from_millis),
            until: Stamp::from_millis(until),
        }
    }

    #[test]
    fn a_repeat_of_a_block_changes_nothing() {
        let mut coverage = Coverage::default();
        coverage.add(window(None, 10));
        let once = coverage.clone();
        coverage.add(window(None, 10));
        assert_eq!(coverage, once);
        assert!(coverage.is_complete());
    }

    #[test]
    fn a_head_before_its_backfill_leaves_a_gap() {
        let mut coverage = Coverage::default();
        coverage.add(window(Some(10), 20));
        assert_eq!(coverage.head(), Some(Stamp::from_millis(20)));
        assert_eq!(coverage.backfill(), None);
        assert_eq!(
            coverage.gaps(Stamp::from_millis(25)),
            vec![window(None, 10), window(Some(20), 25)]
        );
    }

    fn windows() -> impl Strategy<Value = Vec<Window>> {
        prop::collection::vec(
            (prop::option::weighted(0.9, 0_i64..60), 0_i64..60)
                .prop_map(|(from, until)| window(from, until)),
            0..12,
        )
    }

    proptest! {
        #[test]
        fn an_instant_is_covered_exactly_when_a_window_holds_it(windows in windows()) {
            let mut coverage = Coverage::default();
            for window in &windows {
                coverage.add(*window);
            }
            for millis in -5..65 {
                let stamp = Stamp::from_millis(millis);
                let inside = windows.iter().any(|window| window.contains(stamp));
                prop_assert_eq!(coverage.windows().iter().any(|window| window.contains(stamp)), inside);
                if millis < 60 {
                    let gaps = coverage.gaps(Stamp::from_millis(60));
                    prop_assert_eq!(gaps.iter().any(|gap| gap.contains(stamp)), !inside);
                }
            }
        }

        #[test]
        fn what_is_removed_is_not_covered_and_everything_else_is(
            windows in windows(),
            lost in (prop::option::of(0_i64..60), 0_i64..60),
        ) {
            let lost = window(lost.0, lost.1);
            let mut before = Coverage::default();
            for window in &windows {
                before.add(*window);
            }
            let mut after = before.clone();
            after.remove(lost);
            let covers = |coverage: &Coverage, stamp| {
                coverage.windows().iter().any(|window| window.contains(stamp))
            };
            for millis in -5..65 {
                let stamp = Stamp::from_millis(millis);
                let expected = covers(&before, stamp) && (lost.is_empty() || !lost.contains(stamp));
                prop_assert_eq!(covers(&after, stamp), expected);
            }
            let mut again = Coverage::default();
            for window in after.windows() {
                again.add(*window);
            }
            prop_assert_eq!(again, after);
        }

        #[test]
        fn the_order_of_blocks_does_not_matter(windows in windows()) {
            let mut forth = Coverage::default();
            let mut back = Coverage::default();
            for window in &windows {
                forth.add(*window);
            }
            for window in windows.iter().rev() {
                back.add(*window);
            }
            prop_assert_eq!(forth, back);
        }
    }
}
