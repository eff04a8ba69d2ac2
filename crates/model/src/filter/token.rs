//! The words of a WHERE clause.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use winnow::ascii::multispace0;
use winnow::error::ParserError;
use winnow::stream::Location as _;
use winnow::token::{any, one_of, take, take_while};
use winnow::{LocatingSlice, Parser as _};

use super::{DateLiteral, Number, Reason, TEXT_CHARS_MAX, Value};
use crate::Stamp;

/// The rest of the text.
pub(super) type Input<'a> = LocatingSlice<&'a str>;
pub(super) type Parsed<T> = Result<T, Fault>;

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) reason: Reason,
}

impl Fault {
    pub(super) fn here(input: &Input<'_>, reason: Reason) -> Self {
        Self {
            at: input.current_token_start(),
            reason,
        }
    }
}

impl ParserError<Input<'_>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        Self::here(input, Reason::Expected("something else"))
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Whether the text goes on like this.
pub(super) fn sees(input: &mut Input<'_>, symbol: &str) -> bool {
    space(input);
    input.starts_with(symbol)
}

/// Takes the symbol if it is next.
pub(super) fn took(input: &mut Input<'_>, symbol: &str) -> bool {
    let found = sees(input, symbol);
    found && skip(input, symbol.chars().count())
}

/// Takes the word if it is next, in any case.
pub(super) fn took_word(input: &mut Input<'_>, wanted: &str) -> bool {
    space(input);
    sees_word(input, wanted) && skip(input, wanted.len())
}

/// Whether the next word is this one, in any case.
pub(super) fn sees_word(input: &mut Input<'_>, wanted: &str) -> bool {
    word(&mut input.clone()).eq_ignore_ascii_case(wanted)
}

/// A name, a keyword or a date literal; empty if something else is next.
pub(super) fn word<'a>(input: &mut Input<'a>) -> &'a str {
    space(input);
    take_word(input).unwrap_or_default()
}

/// What is compared with, as far as one literal goes. `pattern` says whether it stands behind LIKE.
pub(super) fn literal(input: &mut Input<'_>, pattern: bool) -> Parsed<Value> {
    space(input);
    let start = Fault::here(input, Reason::Expected("a value"));
    let at = start.at;
    let fault = |reason| Fault { at, reason };
    match input.chars().next() {
        Some('\'') => text(input, pattern).map(Value::Text),
        Some(':') => Err(fault(Reason::Unsupported("bind variables"))),
        Some('(') => {
            skip(input, 1);
            let select = sees_word(input, "SELECT");
            Err(if select {
                fault(Reason::Unsupported("sub-selects"))
            } else {
                start
            })
        }
        Some(c) if c.is_ascii_alphabetic() => {
            let name = word(input);
            if sees(input, "(") {
                return Err(fault(Reason::Unsupported("functions")));
            }
            named(name).map_err(fault)
        }
        Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => {
            let is_digit =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':');
            let digits: &str = take_while(1.., is_digit).parse_next(input)?;
            number_or_date(digits).map_err(fault)
        }
        _ => Err(start),
    }
}

/// Passes over white space.
pub(super) fn space(input: &mut Input<'_>) {
    let _: Parsed<&str> = multispace0.parse_next(input);
}

fn skip(input: &mut Input<'_>, characters: usize) -> bool {
    let taken: Parsed<&str> = take(characters).parse_next(input);
    taken.is_ok()
}

fn take_word<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    let first = one_of(|c: char| c.is_ascii_alphabetic());
    let rest = take_while(0.., |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':')
    });
    (first, rest).take().parse_next(input)
}

fn named(name: &str) -> Result<Value, Reason> {
    match name.to_ascii_uppercase().as_str() {
        "NULL" => Ok(Value::Null),
        "TRUE" => Ok(Value::Boolean(true)),
        "FALSE" => Ok(Value::Boolean(false)),
        upper => match DateLiteral::parse(upper) {
            Some(literal) => Ok(Value::Span(literal)),
            None if is_currency(upper) => Err(Reason::Unsupported("currency literals")),
            None => Err(Reason::WrongDateLiteral),
        },
    }
}

/// `USD5000`: the rates that Salesforce compares by are not stored.
fn is_currency(text: &str) -> bool {
    text.split_at_checked(3).is_some_and(|(code, amount)| {
        code.bytes().all(|c| c.is_ascii_uppercase())
            && amount.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn number_or_date(text: &str) -> Result<Value, Reason> {
    if text.contains(':') && !text.contains('T') {
        let time = text.strip_suffix('Z').and_then(|text| text.parse().ok());
        return time
            .filter(|time: &Time| time.subsec_nanosecond() % 1_000_000 == 0)
            .map(Value::Time)
            .ok_or(Reason::WrongDate);
    }
    let dash = text.char_indices().any(|(at, c)| at > 0 && c == '-');
    if !dash && !text.contains(':') {
        return Number::parse(text).map(Value::Number);
    }
    let known = |day: Date| (1700..=4000).contains(&day.year());
    if text.len() == 10 {
        let day = text.parse().ok().filter(|day: &Date| known(*day));
        return day.map(Value::Date).ok_or(Reason::WrongDate);
    }
    let moment = text.parse::<Timestamp>().ok();
    let moment = moment.filter(|moment| {
        let whole = moment.subsec_nanosecond() % 1_000_000 == 0;
        whole && known(Offset::UTC.to_datetime(*moment).date())
    });
    moment
        .map(|moment| Value::DateTime(Stamp::from_millis(moment.as_millisecond())))
        .ok_or(Reason::WrongDate)
}

/// SOQL: Quoted String Escape Sequences.
fn text(input: &mut Input<'_>, pattern: bool) -> Parsed<String> {
    skip(input, 1);
    let mut text = String::new();
    for length in 0.. {
        if length > TEXT_CHARS_MAX {
            let what = "number of characters of a text";
            let max = TEXT_CHARS_MAX;
            return Err(Fault::here(input, Reason::TooLong { what, max }));
        }
        let unclosed = Fault::here(input, Reason::Expected("a closing quote"));
        match any.parse_next(input) {
            Ok('\'') => break,
            Ok('\\') => escape(input, pattern, &mut text)?,
            Ok(c) => text.push(c),
            Err::<char, Fault>(_) => return Err(unclosed),
        }
    }
    Ok(text)
}

fn escape(input: &mut Input<'_>, pattern: bool, text: &mut String) -> Parsed<()> {
    let wrong = Fault::here(input, Reason::WrongEscape);
    match any.parse_next(input) {
        Ok('n' | 'N') => text.push('\n'),
        Ok('r' | 'R') => text.push('\r'),
        Ok('t' | 'T') => text.push('\t'),
        Ok('b' | 'B') => text.push('\u{8}'),
        Ok('f' | 'F') => text.push('\u{c}'),
        Ok(c @ ('\'' | '"')) => text.push(c),
        Ok('\\') if pattern => {
            return Err(Fault {
                reason: Reason::WrongPattern,
                ..wrong
            });
        }
        Ok('\\') => text.push('\\'),
        Ok(c @ ('%' | '_')) if pattern => text.extend(['\\', c]),
        Ok('u') => {
            let digits: Parsed<&str> = take(4_usize).parse_next(input);
            let digits = digits
                .ok()
                .filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            text.push(code.and_then(char::from_u32).ok_or(wrong)?);
        }
        Ok::<char, Fault>(_) | Err(_) => return Err(wrong),
    }
    Ok(())
}
