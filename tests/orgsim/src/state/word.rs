//! Words of the program that come back from disk.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use serde::{Deserialize as _, Deserializer};

/// A word of the program. By this name, a derived reader does not ask that what it reads lives as long.
pub(crate) type Word = &'static str;

/// A word that the program has as a constant. There are few, and each is kept once.
pub(crate) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    static WORDS: Mutex<BTreeSet<Word>> = Mutex::new(BTreeSet::new());
    let text = String::deserialize(deserializer)?;
    let mut words = WORDS.lock();
    if let Some(known) = words.get(text.as_str()) {
        return Ok(known);
    }
    let word: Word = text.leak();
    words.insert(word);
    Ok(word)
}
