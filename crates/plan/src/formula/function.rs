//! The functions that are worked out; what others give is not known.

use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
use rust_decimal::prelude::ToPrimitive as _;

use super::Scope;
use super::eval::{all, any, field, not, truth, value};
use super::parser::Node;
use super::value::{Value, day, number};

/// Characters of a text that is made.
const TEXT_MAX: usize = 1 << 20;

macro_rules! functions {
    ($($variant:ident = $name:literal, $arguments:expr;)+) => {
        /// A function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($variant,)+ }

        impl Function {
            pub(super) fn named(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($name) { return Some(Self::$variant); })+
                None
            }

            /// Whether it may have so many arguments.
            pub(super) fn takes(self, count: usize) -> bool {
                match self { $(Self::$variant => $arguments.contains(&count),)+ }
            }
        }
    };
}

functions! {
    Abs = "ABS", 1..=1;
    And = "AND", 1..=999;
    Begins = "BEGINS", 2..=2;
    BlankValue = "BLANKVALUE", 2..=2;
    Case = "CASE", 4..=999;
    CaseSafeId = "CASESAFEID", 1..=1;
    Ceiling = "CEILING", 1..=1;
    Contains = "CONTAINS", 2..=2;
    DateOf = "DATE", 3..=3;
    DateValue = "DATEVALUE", 1..=1;
    Day = "DAY", 1..=1;
    Find = "FIND", 2..=2;
    Floor = "FLOOR", 1..=1;
    If = "IF", 3..=3;
    Includes = "INCLUDES", 2..=2;
    IsBlank = "ISBLANK", 1..=1;
    IsChanged = "ISCHANGED", 1..=1;
    IsNew = "ISNEW", 0..=0;
    IsNull = "ISNULL", 1..=1;
    IsNumber = "ISNUMBER", 1..=1;
    IsPickVal = "ISPICKVAL", 2..=2;
    Left = "LEFT", 2..=2;
    Len = "LEN", 1..=1;
    Lower = "LOWER", 1..=1;
    Max = "MAX", 1..=999;
    Mid = "MID", 3..=3;
    Min = "MIN", 1..=999;
    Mod = "MOD", 2..=2;
    Month = "MONTH", 1..=1;
    Not = "NOT", 1..=1;
    Now = "NOW", 0..=0;
    NullValue = "NULLVALUE", 2..=2;
    Or = "OR", 1..=999;
    PriorValue = "PRIORVALUE", 1..=1;
    Right = "RIGHT", 2..=2;
    Round = "ROUND", 2..=2;
    Substitute = "SUBSTITUTE", 3..=3;
    Text = "TEXT", 1..=1;
    Today = "TODAY", 0..=0;
    Trim = "TRIM", 1..=1;
    Upper = "UPPER", 1..=1;
    ValueOf = "VALUE", 1..=1;
    Year = "YEAR", 1..=1;
}

pub(super) fn call(function: Function, parts: &[Node], scope: &Scope<'_>) -> Option<Value> {
    use Function as F;
    let part = |place: usize| value(parts.get(place)?, scope);
    match function {
        F::And => all(parts, scope).map(Value::Truth),
        F::Or => any(parts, scope).map(Value::Truth),
        F::Not => not(parts.first()?, scope).map(Value::Truth),
        F::If if truth(parts.first()?, scope)? => part(1),
        F::If => part(2),
        F::Case => case(parts, scope),
        F::IsBlank | F::IsNull => part(0).map(|value| Value::Truth(value.is_blank())),
        F::BlankValue | F::NullValue => match part(0)? {
            Value::Null => part(1),
            value => Some(value),
        },
        F::IsNew => Some(Value::Truth(scope.old.is_none())),
        F::IsChanged => match scope.old {
            None => Some(Value::Truth(false)),
            Some(old) => {
                let before = field(scope, name(parts)?, old)?;
                Some(Value::Truth(!part(0)?.equals(&before)?))
            }
        },
        F::PriorValue => match scope.old {
            None => part(0),
            Some(old) => field(scope, name(parts)?, old),
        },
        F::Today => day(scope.now_ms).map(Value::Date),
        F::Now => Some(Value::Moment(scope.now_ms)),
        F::Min | F::Max => extreme(function, parts, scope),
        _ => plain(
            function,
            &[
                part(0)?,
                part(1).unwrap_or(Value::Null),
                part(2).unwrap_or(Value::Null),
            ],
        ),
    }
}

/// The field that a function about two states is about.
fn name(parts: &[Node]) -> Option<&str> {
    match parts.first()? {
        Node::Field(name) => Some(name),
        _ => None,
    }
}

fn case(parts: &[Node], scope: &Scope<'_>) -> Option<Value> {
    let (subject, rest) = parts.split_first()?;
    let subject = value(subject, scope)?;
    let mut pairs = rest.chunks_exact(2);
    for pair in pairs.by_ref() {
        let [when, then] = pair else { return None };
        if subject.equals(&value(when, scope)?)? {
            return value(then, scope);
        }
    }
    value(pairs.remainder().first()?, scope)
}

fn extreme(function: Function, parts: &[Node], scope: &Scope<'_>) -> Option<Value> {
    let mut found: Option<Decimal> = None;
    for part in parts {
        let Value::Number(number) = value(part, scope)? else {
            return None;
        };
        found = Some(match found {
            None => number,
            Some(best) if function == Function::Min => best.min(number),
            Some(best) => best.max(number),
        });
    }
    found.map(Value::Number)
}

/// Functions of values, whatever the record.
fn plain(function: Function, values: &[Value; 3]) -> Option<Value> {
    use Function as F;
    let [first, second, third] = values;
    match function {
        F::Text => first.printed().map(Value::text),
        F::IsPickVal => first.equals(second).map(Value::Truth),
        F::Includes => {
            let wanted = second.string()?;
            Some(Value::Truth(
                first.string()?.split(';').any(|one| one == wanted),
            ))
        }
        F::Contains => Some(Value::Truth(first.string()?.contains(second.string()?))),
        F::Begins => Some(Value::Truth(first.string()?.starts_with(second.string()?))),
        F::Find => {
            let at = second.string()?.find(first.string()?);
            let before = at.and_then(|at| second.string()?.get(..at));
            count(before.map_or(0, |before| before.chars().count() + 1))
        }
        F::Len => count(first.string()?.chars().count()),
        F::Upper => Some(Value::text(first.string()?.to_uppercase())),
        F::Lower => Some(Value::text(first.string()?.to_lowercase())),
        F::Trim => Some(Value::text(first.string()?.trim())),
        F::Left | F::Right | F::Mid => cut(function, first.string()?, second, third),
        F::Substitute => substitute(first.string()?, second.string()?, third.string()?),
        F::CaseSafeId => None,
        F::IsNumber => Some(Value::Truth(number(first.string()?).is_some())),
        F::ValueOf => match first {
            Value::Null => Some(Value::Null),
            text => number(text.string()?.trim()).map(Value::Number),
        },
        F::Year | F::Month | F::Day | F::DateValue => of_date(function, first),
        F::DateOf => date(first, second, third),
        _ => of_number(function, first, second),
    }
}

fn count(count: usize) -> Option<Value> {
    Some(Value::Number(Decimal::from(u64::try_from(count).ok()?)))
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.trunc().to_i64(),
        _ => None,
    }
}

fn cut(function: Function, text: &str, second: &Value, third: &Value) -> Option<Value> {
    let letters = text.chars().count();
    let size = |value| usize::try_from(whole(value)?.max(0)).ok();
    let (skip, take) = match function {
        Function::Left => (0, size(second)?),
        Function::Right => (letters.saturating_sub(size(second)?), letters),
        _ => (size(second)?.checked_sub(1)?, size(third)?),
    };
    Some(Value::text(
        text.chars().skip(skip).take(take).collect::<String>(),
    ))
}

fn substitute(text: &str, old: &str, new: &str) -> Option<Value> {
    if old.is_empty() {
        return None;
    }
    let more = text.matches(old).count().checked_mul(new.len())?;
    (text.len() + more <= TEXT_MAX).then(|| Value::text(text.replace(old, new)))
}

fn of_date(function: Function, value: &Value) -> Option<Value> {
    let date = match (function, value) {
        (_, Value::Null) => return Some(Value::Null),
        (_, Value::Date(date)) => *date,
        // The day of a moment is that of the user's time zone.
        (Function::DateValue, Value::Text(text)) => text.parse().ok()?,
        _ => return None,
    };
    let number = match function {
        Function::Year => i64::from(date.year()),
        Function::Month => i64::from(date.month()),
        Function::Day => i64::from(date.day()),
        _ => return Some(Value::Date(date)),
    };
    Some(Value::Number(Decimal::from(number)))
}

fn date(year: &Value, month: &Value, day: &Value) -> Option<Value> {
    let date = Date::new(
        i16::try_from(whole(year)?).ok()?,
        i8::try_from(whole(month)?).ok()?,
        i8::try_from(whole(day)?).ok()?,
    );
    date.ok().map(Value::Date)
}

fn of_number(function: Function, first: &Value, second: &Value) -> Option<Value> {
    let number = match first {
        Value::Null => return Some(Value::Null),
        Value::Number(number) => *number,
        _ => return None,
    };
    Some(Value::Number(match function {
        Function::Abs => number.abs(),
        Function::Floor => number.floor(),
        Function::Ceiling => number.ceil(),
        Function::Round => {
            let places = u32::try_from(whole(second)?).ok()?;
            number.round_dp_with_strategy(places, MidpointAwayFromZero)
        }
        Function::Mod => match second {
            // The sign of a remainder of negative numbers is told in two ways.
            Value::Number(by) if number.is_sign_positive() && by.is_sign_positive() => {
                number.checked_rem(*by)?
            }
            _ => return None,
        },
        _ => return None,
    }))
}
