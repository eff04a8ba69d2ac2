//! The words of a formula.

use rust_decimal::Decimal;

use super::NotAFormula;

/// Bytes of a formula; Salesforce allows 3,900 characters (Salesforce Help, Validation Rule Fields: 5,000 bytes compiled).
const BYTES_MAX: usize = 16 << 10;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// A function, a field, or the way to one.
    Name(String),
    /// A quoted text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// An operator, a bracket or a comma.
    Mark(&'static str),
}

/// Longer ones first.
const MARKS: [&str; 20] = [
    "&&", "||", "<>", "!=", "<=", ">=", "==", "(", ")", ",", "+", "-", "*", "/", "^", "&", "=",
    "<", ">", "!",
];

pub(super) fn words(text: &str) -> Result<Vec<Word>, NotAFormula> {
    if text.len() > BYTES_MAX {
        return Err(NotAFormula);
    }
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let used = match first {
            _ if rest.starts_with("/*") => {
                rest.find("*/").filter(|end| *end >= 2).ok_or(NotAFormula)? + 2
            }
            '"' | '\'' => quoted(rest, first, &mut words)?,
            _ if first.is_ascii_digit() || first == '.' => number(rest, &mut words)?,
            _ if first.is_ascii_alphabetic() || first == '$' || first == '_' => {
                let length = length(rest, |c| c.is_ascii_alphanumeric() || "_.$".contains(c));
                words.push(Word::Name(
                    rest.get(..length).unwrap_or_default().to_owned(),
                ));
                length
            }
            _ => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
                let mark = mark.ok_or(NotAFormula)?;
                words.push(Word::Mark(mark));
                mark.len()
            }
        };
        rest = rest.get(used..).ok_or(NotAFormula)?.trim_start();
    }
    Ok(words)
}

/// Bytes that belong together.
fn length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn number(rest: &str, words: &mut Vec<Word>) -> Result<usize, NotAFormula> {
    let length = length(rest, |c| c.is_ascii_digit() || c == '.');
    let digits = rest.get(..length).unwrap_or_default();
    let number = digits.trim_end_matches('.').parse();
    words.push(Word::Number(number.map_err(|_| NotAFormula)?));
    Ok(length)
}

fn quoted(rest: &str, quote: char, words: &mut Vec<Word>) -> Result<usize, NotAFormula> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 't')) => text.push('\t'),
                Some((_, other)) => text.push(other),
                None => return Err(NotAFormula),
            },
            _ if letter == quote => {
                words.push(Word::Text(text));
                return Ok(at + 1);
            }
            _ => text.push(letter),
        }
    }
    Err(NotAFormula)
}
