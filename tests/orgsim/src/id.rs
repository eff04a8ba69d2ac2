//! Record Ids: 15 significant characters and a checksum of 3 that survives a change of case.
//!
//! Layout: key prefix (3), pod (2), reserved (1), base-62 counter (9). The counter of an object is
//! dense and never re-used, so it is also the row's place in its table.

use serde::{Deserialize, Serialize};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// The pod of an org that is not told another one.
pub(crate) const POD: [u8; 2] = *b"Hf";
const RESERVED: u8 = b'0';

/// The 15 characters that identify a record.
pub(crate) type Id15 = [u8; 15];

/// Makes and reads the Ids of one object.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Mint {
    prefix: [u8; 3],
    #[serde(default = "pod")]
    pod: [u8; 2],
    first: usize,
}

fn pod() -> [u8; 2] {
    POD
}

impl Mint {
    /// `first` is the counter of the object's first record; objects that share a prefix differ in it.
    pub(crate) const fn new(prefix: [u8; 3], first: usize) -> Self {
        Self {
            prefix,
            pod: POD,
            first,
        }
    }

    /// The same in another pod: orgs of different pods share no Id.
    pub(crate) const fn in_pod(self, pod: [u8; 2]) -> Self {
        Self { pod, ..self }
    }

    /// The key prefix of the Ids made here.
    pub(crate) const fn prefix(&self) -> [u8; 3] {
        self.prefix
    }

    /// The 18-character Id of the record at `slot`.
    pub(crate) fn id(&self, slot: usize) -> [u8; 18] {
        let mut id = [b'0'; 18];
        let mut counter = self.first + slot;
        for (place, byte) in id.iter_mut().take(15).enumerate().rev() {
            *byte = match place {
                0..3 => self.prefix.get(place).copied().unwrap_or(b'0'),
                3..5 => self.pod.get(place - 3).copied().unwrap_or(b'0'),
                5 => RESERVED,
                _ => {
                    let digit = DIGITS.get(counter % 62).copied().unwrap_or(b'0');
                    counter /= 62;
                    digit
                }
            };
        }
        let (head, tail) = id.split_at_mut(15);
        tail.copy_from_slice(&checksum(head));
        id
    }

    /// The slot of an Id of this object, or nothing for an Id of another object.
    pub(crate) fn slot(&self, id: &[u8]) -> Option<usize> {
        let counter = id.strip_prefix(&self.prefix)?.strip_prefix(&self.pod)?;
        let counter = counter.strip_prefix(&[RESERVED])?.get(..9)?;
        let mut value = 0_usize;
        for byte in counter {
            value = value.checked_mul(62)?.checked_add(digit(*byte)?)?;
        }
        value.checked_sub(self.first)
    }
}

/// As many letters and digits as an Id has, whatever the checksum says of them.
pub(crate) fn formed(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Reads a 15- or 18-character Id. The checksum of the long form repairs a damaged case.
///
/// Source: SOAP API Developer Guide, ID Field Type.
pub(crate) fn parse(text: &str) -> Option<Id15> {
    let bytes = text.as_bytes();
    if !formed(text) {
        return None;
    }
    let mut id: Id15 = bytes.get(..15)?.try_into().ok()?;
    match bytes.len() {
        15 => Some(id),
        18 => {
            let sums = bytes.get(15..)?.to_ascii_uppercase();
            if checksum(&id) != *sums {
                for (group, sum) in id.chunks_mut(5).zip(sums) {
                    let bits = CHECK.iter().position(|c| *c == sum)?;
                    for (place, byte) in group.iter_mut().enumerate() {
                        let upper = bits >> place & 1 == 1;
                        if upper && !byte.is_ascii_alphabetic() {
                            return None;
                        }
                        *byte = if upper {
                            byte.to_ascii_uppercase()
                        } else {
                            byte.to_ascii_lowercase()
                        };
                    }
                }
            }
            Some(id)
        }
        _ => None,
    }
}

/// The three characters that follow `id` in the long form.
pub(crate) fn checksum(id: &[u8]) -> [u8; 3] {
    let mut sums = [b'A'; 3];
    for (sum, group) in sums.iter_mut().zip(id.chunks(5)) {
        let bits = group.iter().enumerate().fold(0, |bits, (place, byte)| {
            bits | usize::from(byte.is_ascii_uppercase()) << place
        });
        *sum = CHECK.get(bits).copied().unwrap_or(b'A');
    }
    sums
}

/// The long form of a 15-character Id.
pub(crate) fn long(id: &Id15) -> String {
    let mut text = String::with_capacity(18);
    text.extend(id.iter().copied().map(char::from));
    text.extend(checksum(id).map(char::from));
    text
}

fn digit(byte: u8) -> Option<usize> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        b'a'..=b'z' => byte - b'a' + 36,
        _ => return None,
    };
    Some(usize::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_equal_those_of_known_ids() {
        for (short, sums) in [
            ("001D000000K0fXO", "IAZ"),
            ("04gD0000000CvmZ", "IAS"),
            ("0035e00000Piemm", "AAB"),
            ("001xx0000004GxD", "AAU"),
            ("003RM0000068xV6", "YAI"),
            ("068D00000000pgO", "IAQ"),
            ("750R0000000zxr8", "IAA"),
            ("015D0000000N3ZZ", "IA0"),
        ] {
            assert_eq!(&checksum(short.as_bytes()), sums.as_bytes(), "{short}");
        }
    }

    #[test]
    fn a_slot_survives_its_id() {
        let mint = Mint::new(*b"a07", 1);
        for slot in [0, 1, 61, 62, 4_000_000, 62_usize.pow(5)] {
            let id = mint.id(slot);
            assert_eq!(mint.slot(&id), Some(slot));
            assert_eq!(mint.slot(&id[..15]), Some(slot));
        }
        assert_eq!(Mint::new(*b"a08", 1).slot(&mint.id(7)), None);
    }

    #[test]
    fn damaged_case_is_repaired_from_the_checksum() {
        let damaged = "001d000000k0fxoIAZ";
        assert_eq!(parse(damaged), parse("001D000000K0fXO"));
        assert_eq!(parse("001D000000K0fX"), None);
        assert_eq!(parse("001D000000K0f-O"), None);
    }

    #[test]
    fn a_checksum_that_no_case_agrees_with_is_refused() {
        // A digit has no upper case.
        assert_eq!(parse("a00B000000FSjVUIB1"), None);
        assert!(formed("a00B000000FSjVUIB1"));
        assert!(!formed("invalid_id"));
    }

    #[test]
    fn ids_sort_in_the_order_of_creation() {
        let mint = Mint::new(*b"001", 1);
        assert!((0..5_000).map(|slot| mint.id(slot)).is_sorted());
    }
}
