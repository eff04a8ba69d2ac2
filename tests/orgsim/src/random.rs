//! Repeatable randomness: one stream per (seed, object, record), so that no record depends on
//! how many others were made before it. `SplitMix64` (Steele, Lea and Flood, 2014) is written out
//! because a library may change its stream between versions, and the data must not.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of `seed` for one record of one object.
    pub(crate) fn new(seed: u64, object: u64, record: usize) -> Self {
        let mut stream = Self(seed ^ object.rotate_left(32));
        let base = stream.next_u64();
        Self(base ^ (record as u64).wrapping_mul(0xA24B_AED4_963E_E407))
    }

    /// Sixty-four random bits.
    pub(crate) const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, or 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// An index below `bound`, or 0 when the bound is 0.
    pub(crate) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap_or(0)
    }

    /// An index below `bound` that favours small ones: a few parents hold most children.
    pub(crate) fn skewed(&mut self, bound: usize) -> usize {
        match self.below(4) {
            0 => self.index(bound.min(1 + bound / 200)),
            1 => self.index(bound.min(1 + bound / 10)),
            _ => self.index(bound),
        }
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True once in `n` cases.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `choices`; the empty string when there are none.
    pub(crate) fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = self.index(choices.len());
        choices.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_never_changes() {
        let mut random = Random::new(42, 7, 3);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        let mut again = Random::new(42, 7, 3);
        assert_eq!(first, (0..3).map(|_| again.next_u64()).collect::<Vec<_>>());
        assert_ne!(first[0], Random::new(42, 7, 4).next_u64());
        assert_ne!(first[0], Random::new(43, 7, 3).next_u64());
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut random = Random::new(1, 1, 1);
        assert!((0..10_000).all(|_| random.below(7) < 7));
        assert!((0..10_000).all(|_| random.skewed(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
