//! The words of a formula.

use rust_decimal::Decimal;

use super::FormulaError;

/// Characters of a formula. Source: Salesforce Help, Tips for Working with Text Formula Fields.
const LENGTH_MAX: usize = 3_900;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A function or a field path, with its dots.
    Name(String),
    /// A quoted text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// An operator, a bracket or a comma.
    Mark(&'static str),
}

/// Longer ones first.
const MARKS: [&str; 21] = [
    "&&", "||", "<>", "!=", "<=", ">=", "==", "(", ")", ",", "+", "-", "*", "/", "^", "&", "=",
    "<", ">", "!", "|",
];

/// Splits a formula into words.
pub(super) fn words(text: &str) -> Result<Vec<Token>, FormulaError> {
    let length = text.chars().count();
    if length > LENGTH_MAX {
        return Err(FormulaError::new(format!(
            "Formula is too long ({length} characters). Maximum length is {LENGTH_MAX} characters."
        )));
    }
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let used = if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment
                .find("*/")
                .ok_or_else(|| FormulaError::new("Syntax error. Missing '*/'"))?;
            end + 4
        } else if first == '"' || first == '\'' {
            let (text, used) = quoted(rest, first)?;
            words.push(Token::Text(text));
            used
        } else if first.is_ascii_digit() || first == '.' {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
            let digits = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let number = digits
                .trim_end_matches('.')
                .parse()
                .map_err(|_| FormulaError::new("Syntax error"))?;
            words.push(Token::Number(number));
            digits.len()
        } else if first.is_ascii_alphabetic() || first == '$' || first == '_' {
            let part = |c: char| c.is_ascii_alphanumeric() || "_.$:".contains(c);
            let end = rest.find(|c: char| !part(c));
            let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            words.push(Token::Name(name.to_owned()));
            name.len()
        } else {
            let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark));
            let mark = mark.ok_or_else(|| FormulaError::new("Syntax error"))?;
            words.push(Token::Mark(mark));
            mark.len()
        };
        rest = rest.get(used..).unwrap_or_default().trim_start();
    }
    Ok(words)
}

/// The text between quotes, and how many bytes it takes with them.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), FormulaError> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((place, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 't')) => text.push('\t'),
                Some((_, other)) => text.push(other),
                None => break,
            },
            _ if letter == quote => return Ok((text, place + 1)),
            _ => text.push(letter),
        }
    }
    Err(FormulaError::new(format!(
        "Syntax error. Missing '{quote}'"
    )))
}
