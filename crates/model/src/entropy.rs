//! How much text there is in text: what is left of it when it is compressed.

use serde::{Deserialize, Serialize};

/// So many bytes of the past count; later ones push them out.
const BYTES_REMEMBERED: u64 = 16 << 20;

/// Text, and what compressing it in small pieces left of it.
///
/// Language leaves about half. What was encrypted, or is random, leaves all of what its alphabet can say: three quarters as
/// Base64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entropy {
    /// Bytes of text.
    pub bytes: u64,
    /// Bytes that they were compressed to.
    pub compressed: u64,
}

impl Entropy {
    /// Adds that of other text.
    pub const fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.compressed += other.compressed;
    }

    /// With later text; of much more than that, what came first counts for less and less.
    #[must_use]
    pub const fn then(mut self, later: Self) -> Self {
        self.add(later);
        while self.bytes > BYTES_REMEMBERED {
            self.bytes /= 2;
            self.compressed /= 2;
        }
        self
    }

    /// Hundredths of a bit that a byte says; nothing without text.
    pub fn centibits(self) -> Option<u32> {
        let centibits = self
            .compressed
            .saturating_mul(800)
            .checked_div(self.bytes)?;
        u32::try_from(centibits).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_that_came_first_does_not_hide_what_comes_later() {
        let of = |bytes, compressed| Entropy { bytes, compressed };
        assert_eq!(of(0, 0).centibits(), None);
        assert_eq!(of(4_096, 2_048).centibits(), Some(400));
        let mut text = of(1 << 40, 1 << 39).then(of(0, 0));
        assert_eq!(text.centibits(), Some(400));
        for _ in 0..10 {
            text = text.then(of(8 << 20, 6 << 20));
        }
        assert!(text.centibits() > Some(590), "{text:?}");
        assert!(text.bytes <= BYTES_REMEMBERED);
    }
}
