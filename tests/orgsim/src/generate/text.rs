//! Free text of a bounded length.

use super::words;
use crate::random::Random;

/// Appends one line of up to `max` characters; one in 48 is awkward.
pub(super) fn line(out: &mut Vec<u8>, random: &mut Random, max: usize) {
    let start = out.len();
    if random.one_in(48) {
        out.extend_from_slice(random.pick(words::AWKWARD).as_bytes());
    } else {
        let words = 2 + random_length(random, max);
        sentence(out, random, words);
    }
    clip(out, start, max);
}

/// Appends text of several lines and up to `max` characters.
pub(super) fn area(out: &mut Vec<u8>, random: &mut Random, max: usize) {
    let start = out.len();
    if random.one_in(24) {
        out.extend_from_slice(random.pick(words::BROKEN_LINES).as_bytes());
    } else {
        let words = 3 + random_length(random, max);
        sentence(out, random, words);
        if random.one_in(4) {
            out.extend_from_slice(if random.one_in(2) { b"\r\n" } else { b"\n" });
            sentence(out, random, 8);
        }
    }
    clip(out, start, max);
}

/// Appends exactly `length` characters, line breaks and emoji among them.
pub(super) fn filled(out: &mut Vec<u8>, random: &mut Random, length: usize) {
    let start = out.len();
    let mut characters = 0;
    let mut previous = start;
    while characters < length {
        match random.below(40) {
            0 => out.extend_from_slice(b"\r\n"),
            1 => out.extend_from_slice("🚀, \"so\"".as_bytes()),
            _ => sentence(out, random, 12),
        }
        out.push(b' ');
        characters += count(out.get(previous..).unwrap_or_default());
        previous = out.len();
    }
    clip(out, start, length);
    // A value that ends in a space would be trimmed on the way in.
    if let Some(last) = out.last_mut()
        && *last == b' '
    {
        *last = b'.';
    }
}

fn sentence(out: &mut Vec<u8>, random: &mut Random, words: usize) {
    for number in 0..words {
        if number > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(random.pick(words::WORD).as_bytes());
    }
}

fn random_length(random: &mut Random, max: usize) -> usize {
    match max {
        0..=40 => random.index(3),
        41..=255 => random.index(6),
        _ => random.index(60),
    }
}

/// Cuts what follows `start` to `max` characters, at a character.
pub(super) fn clip(out: &mut Vec<u8>, start: usize, max: usize) {
    let written = out.get(start..).unwrap_or_default();
    if written.len() <= max {
        return;
    }
    let starts = written
        .iter()
        .enumerate()
        .filter(|(_, byte)| !continuation(**byte));
    if let Some((end, _)) = starts.into_iter().nth(max) {
        out.truncate(start + end);
    }
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !continuation(**byte)).count()
}

const fn continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_length_and_stay_valid() {
        for slot in 0..2_000 {
            let mut random = Random::new(9, 9, slot);
            for max in [3, 12, 40, 255] {
                let mut out = b"kept".to_vec();
                line(&mut out, &mut random, max);
                area(&mut out, &mut random, max);
                let text = String::from_utf8(out).unwrap();
                assert!(text.chars().count() <= 4 + 2 * max);
            }
        }
        let mut out = Vec::new();
        filled(&mut out, &mut Random::new(1, 1, 1), 131_072);
        assert_eq!(String::from_utf8(out).unwrap().chars().count(), 131_072);
    }
}
