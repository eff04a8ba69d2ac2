//! Canonical values and the hash of a row.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::Stamp;

/// The first 16 bytes of SHA-256 over the canonical row.
///
/// The canonical row is, for each field that is not null, in ascending order of field names:
/// name length (u32 LE), name, value length (u32 LE), [canonical value](canonical).
pub type RowHash = [u8; 16];

/// Room for the canonical row, which grows where a row is longer.
const ROW_BYTES_USUAL: usize = 4096;

/// Hashes rows of one object: knows the order and the types of its fields.
#[derive(Debug, Clone)]
pub struct RowHasher {
    fields: Vec<HashedField>,
}

#[derive(Debug, Clone)]
struct HashedField {
    column: usize,
    prefix: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Datetime,
}

impl Kind {
    fn of(field_type: &str) -> Self {
        match field_type {
            "double" | "currency" | "percent" | "int" | "long" => Self::Number,
            "datetime" => Self::Datetime,
            _ => Self::Text,
        }
    }
}

impl RowHasher {
    /// For columns of the given names and describe types, in the order in which values will come.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut named: Vec<_> = columns.into_iter().enumerate().collect();
        named.sort_by_key(|(_, (name, _))| *name);
        let fields = named
            .into_iter()
            .map(|(column, (name, field_type))| HashedField {
                column,
                prefix: [length(name.len()).as_slice(), name.as_bytes()].concat(),
                kind: Kind::of(field_type),
            })
            .collect();
        Self { fields }
    }

    /// The hash of a row; `value` gives the text of a column, or nothing for null.
    pub fn hash<'v>(&self, value: impl Fn(usize) -> Option<&'v str>) -> RowHash {
        // In one piece: many small updates cost more than the hash.
        let mut row = Vec::with_capacity(ROW_BYTES_USUAL);
        for field in &self.fields {
            if let Some(text) = value(field.column) {
                let canonical = canonical(field.kind, text);
                row.extend_from_slice(&field.prefix);
                row.extend_from_slice(&length(canonical.len()));
                row.extend_from_slice(canonical.as_bytes());
            }
        }
        Sha256::digest(&row)
            .first_chunk::<16>()
            .copied()
            .unwrap_or_default()
    }
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

/// Whether two texts of a field of this describe type are one value, in whatever spelling.
pub fn is_same(field_type: &str, one: &str, other: &str) -> bool {
    let kind = Kind::of(field_type);
    one == other || kind != Kind::Text && canonical(kind, one) == canonical(kind, other)
}

/// The text that stands for a value whatever the transport: REST and Bulk spell datetimes and numbers differently.
fn canonical(kind: Kind, text: &str) -> Cow<'_, str> {
    match kind {
        Kind::Text => Cow::Borrowed(text),
        // Bulk's own spelling is the canonical one; only REST's needs work.
        Kind::Datetime if text.ends_with('Z') && text.len() == 24 => Cow::Borrowed(text),
        Kind::Datetime => {
            Stamp::parse(text).map_or(Cow::Borrowed(text), |stamp| Cow::Owned(stamp.to_string()))
        }
        Kind::Number => canonical_number(text),
    }
}

/// Plain decimal without exponent, superfluous zeros or plus sign. Text that is no number stays as it is.
fn canonical_number(text: &str) -> Cow<'_, str> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()),
        None => (unsigned, Some(0)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_only = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    let Some(exponent) = exponent.filter(|exponent| exponent.unsigned_abs() <= 400) else {
        return Cow::Borrowed(text);
    };
    if whole.is_empty() && fraction.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return Cow::Borrowed(text);
    }
    let already = exponent == 0
        && !text.starts_with('+')
        && (whole == "0" || !whole.is_empty() && !whole.starts_with('0'))
        && (!mantissa.contains('.') || !fraction.is_empty() && !fraction.ends_with('0'))
        && !(negative && whole == "0" && fraction.is_empty());
    if already && unsigned.len() == mantissa.len() {
        return Cow::Borrowed(text);
    }
    let digits = [whole, fraction].concat();
    let point = i32::try_from(whole.len())
        .unwrap_or(i32::MAX)
        .saturating_add(exponent);
    let mut plain = String::with_capacity(digits.len() + 8);
    for position in point.min(0)..point.max(i32::try_from(digits.len()).unwrap_or(i32::MAX)) {
        if position == point {
            plain.push('.');
        }
        let digit = usize::try_from(position)
            .ok()
            .and_then(|at| digits.as_bytes().get(at));
        plain.push(digit.map_or('0', |digit| char::from(*digit)));
    }
    let trimmed = if plain.contains('.') {
        plain.trim_end_matches('0').trim_end_matches('.')
    } else {
        &plain
    };
    let trimmed = trimmed.trim_start_matches('0');
    let mut number = String::with_capacity(trimmed.len() + 2);
    if negative && !trimmed.is_empty() {
        number.push('-');
    }
    if trimmed.is_empty() || trimmed.starts_with('.') {
        number.push('0');
    }
    let _ = write!(number, "{trimmed}");
    Cow::Owned(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_mean_the_same_in_every_spelling() {
        for (text, expected) in [
            ("100", "100"),
            ("100.0", "100"),
            ("+100.50", "100.5"),
            ("1.0E2", "100"),
            ("1.23456789012345678E17", "123456789012345678"),
            ("123456789012345678", "123456789012345678"),
            ("-0.0", "0"),
            ("0.00", "0"),
            (".5", "0.5"),
            ("5e-3", "0.005"),
            ("-12345678901234.56", "-12345678901234.56"),
            ("007", "7"),
            ("0", "0"),
            ("not a number", "not a number"),
            ("1e999999999", "1e999999999"),
            ("", ""),
        ] {
            assert_eq!(canonical_number(text), expected, "{text}");
        }
    }

    #[test]
    fn a_row_hashes_alike_from_rest_and_from_bulk() {
        let hasher = RowHasher::new([
            ("Name", "string"),
            ("Amount", "currency"),
            ("CreatedDate", "datetime"),
            ("Note", "textarea"),
        ]);
        let bulk = [
            Some("Äcme"),
            Some("10"),
            Some("2024-01-02T03:04:05.000Z"),
            None,
        ];
        let rest = [
            Some("Äcme"),
            Some("10.0"),
            Some("2024-01-02T03:04:05.000+0000"),
            None,
        ];
        assert_eq!(
            hasher.hash(|column| bulk[column]),
            hasher.hash(|column| rest[column])
        );
    }

    #[test]
    fn a_field_that_is_new_and_null_does_not_change_the_hash() {
        let before = RowHasher::new([("Name", "string")]);
        let after = RowHasher::new([("Extra__c", "string"), ("Name", "string")]);
        assert_eq!(
            before.hash(|_| Some("a")),
            after.hash(|column| [None, Some("a")][column])
        );
    }

    #[test]
    fn a_value_that_moves_to_another_field_changes_the_hash() {
        let hasher = RowHasher::new([("A", "string"), ("B", "string")]);
        assert_ne!(
            hasher.hash(|column| [Some("x"), None][column]),
            hasher.hash(|column| [None, Some("x")][column])
        );
    }

    proptest! {
        #[test]
        fn a_canonical_number_is_its_own_canon(text in "[-+]?[0-9]{0,20}(\\.[0-9]{0,6})?([eE][-+]?[0-9]{1,2})?") {
            let once = canonical_number(&text).into_owned();
            prop_assert_eq!(canonical_number(&once).into_owned(), once);
        }

        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = canonical_number(&text);
        }
    }
}
