//! What the functions do.
//!
//! Source: Salesforce Help, Formula Operators and Functions A-Z.

use jiff::{civil, tz::Offset};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::{
    FormulaError, Scope, Value,
    bound::Node,
    function::Function,
    value::{day, midnight},
};
use crate::id;

type Answer<'v> = Result<Value<'v>, FormulaError>;

impl Function {
    /// The function's value; the parser has counted the arguments.
    pub(super) fn call<'v>(self, arguments: &'v [Node], scope: &Scope<'v>) -> Answer<'v> {
        let at = |place: usize| arguments.get(place).unwrap_or(&Node::Null);
        let value = |place: usize| at(place).value(scope);
        let truth = |truth: bool| Ok(Value::Truth(truth));
        match self {
            Self::And => {
                for argument in arguments {
                    if !argument.holds(scope)? {
                        return truth(false);
                    }
                }
                truth(true)
            }
            Self::Or => {
                for argument in arguments {
                    if argument.holds(scope)? {
                        return truth(true);
                    }
                }
                truth(false)
            }
            Self::Not => truth(!at(0).holds(scope)?),
            Self::If => value(if at(0).holds(scope)? { 1 } else { 2 }),
            Self::Case => case(arguments, scope),
            Self::IsNew => truth(scope.old.is_none()),
            Self::IsChanged => truth(matches!(at(0), Node::Name(source) if scope.changed(source))),
            Self::PriorValue => Ok(match at(0) {
                Node::Name(source) => scope.prior(source),
                _ => Value::Null,
            }),
            // A number that counts as zero is not blank in a formula that treats blanks so.
            Self::IsBlank | Self::IsNull => truth(value(0)? == Value::Null),
            Self::BlankValue | Self::NullValue => match value(0)? {
                Value::Null => value(1),
                there => Ok(there),
            },
            Self::IsPickVal => truth(value(0)?.string()? == value(1)?.string()?),
            Self::Includes => {
                let (picked, wanted) = (value(0)?, value(1)?);
                let wanted = wanted.string()?;
                truth(picked.string()?.split(';').any(|pick| pick == wanted))
            }
            Self::Today => Ok(day(scope.now_ms).map_or(Value::Null, Value::Date)),
            Self::Now => Ok(Value::Moment(scope.now_ms)),
            Self::Date
            | Self::DateValue
            | Self::DateTimeValue
            | Self::Year
            | Self::Month
            | Self::Day
            | Self::Weekday
            | Self::AddMonths
            | Self::Hour
            | Self::Minute
            | Self::Second => self.of_dates(arguments, scope),
            Self::Abs
            | Self::Ceiling
            | Self::Floor
            | Self::Max
            | Self::Min
            | Self::Mod
            | Self::Round => self.of_numbers(arguments, scope),
            _ => self.of_texts(arguments, scope),
        }
    }

    fn of_numbers<'v>(self, arguments: &'v [Node], scope: &Scope<'v>) -> Answer<'v> {
        let mut numbers = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument.value(scope)?.number()? {
                Some(number) => numbers.push(number),
                None => return Ok(Value::Null),
            }
        }
        let first = numbers.first().copied().unwrap_or_default();
        let second = numbers.get(1).copied().unwrap_or_default();
        Ok(Value::Number(match self {
            Self::Abs => first.abs(),
            // Both go by the distance from zero; MFLOOR and MCEILING would not.
            Self::Floor => first.trunc(),
            Self::Ceiling => first.round_dp_with_strategy(0, RoundingStrategy::AwayFromZero),
            Self::Max => numbers.into_iter().max().unwrap_or_default(),
            Self::Min => numbers.into_iter().min().unwrap_or_default(),
            Self::Mod if second.is_zero() => {
                return Err(FormulaError::new("Division by zero"));
            }
            Self::Mod => {
                // The sign is the divisor's.
                let rest = first % second;
                let apart = !rest.is_zero() && rest.is_sign_negative() != second.is_sign_negative();
                if apart { rest + second } else { rest }
            }
            _ => round(first, second.to_i32().unwrap_or(0)),
        }))
    }

    fn of_texts<'v>(self, arguments: &'v [Node], scope: &Scope<'v>) -> Answer<'v> {
        let value = |place: usize| {
            let argument = arguments.get(place);
            argument.map_or(Ok(Value::Null), |argument| argument.value(scope))
        };
        let count = |place: usize| -> Result<usize, FormulaError> {
            let number = value(place)?.number()?.unwrap_or_default();
            Ok(number.trunc().to_usize().unwrap_or(0))
        };
        let first = value(0)?;
        if self == Self::Text {
            return Ok(Value::text(first.printed().into_owned()));
        }
        let text = first.string()?;
        Ok(match self {
            Self::Len => Value::Number(Decimal::from(text.chars().count())),
            Self::Left => Value::text(text.chars().take(count(1)?).collect::<String>()),
            Self::Right => {
                let skipped = text.chars().count().saturating_sub(count(1)?);
                Value::text(text.chars().skip(skipped).collect::<String>())
            }
            Self::Mid => {
                // The first letter is number one.
                let start = count(1)?.max(1) - 1;
                let letters = text.chars().skip(start).take(count(2)?);
                Value::text(letters.collect::<String>())
            }
            Self::Trim => Value::text(text.trim().to_owned()),
            Self::Upper => Value::text(text.to_uppercase()),
            Self::Lower => Value::text(text.to_lowercase()),
            Self::Contains => Value::Truth(text.contains(value(1)?.string()?)),
            Self::Begins => Value::Truth(text.starts_with(value(1)?.string()?)),
            Self::Substitute => {
                let (old, new) = (value(1)?, value(2)?);
                let old = old.string()?;
                Value::text(if old.is_empty() {
                    text.to_owned()
                } else {
                    text.replace(old, new.string()?)
                })
            }
            // Here the first argument is what is looked for.
            Self::Find => {
                let within = value(1)?;
                let skipped = count(2)?.max(1) - 1;
                let tail: String = within.string()?.chars().skip(skipped).collect();
                let place = tail.find(text).filter(|_| !text.is_empty());
                let before = place.and_then(|place| tail.get(..place));
                let place = before.map_or(0, |before| before.chars().count() + skipped + 1);
                Value::Number(Decimal::from(place))
            }
            Self::IsNumber => Value::Truth(text.trim().parse::<Decimal>().is_ok()),
            Self::Value if text.is_empty() => Value::Null,
            Self::Value => Value::Number(
                text.trim()
                    .parse()
                    .map_err(|_| FormulaError::new("Invalid number"))?,
            ),
            Self::CaseSafeId => {
                id::parse(text).map_or(Value::Null, |parsed| Value::text(id::long(&parsed)))
            }
            _ => Value::Null,
        }
        .owned())
    }

    fn of_dates<'v>(self, arguments: &'v [Node], scope: &Scope<'v>) -> Answer<'v> {
        let value = |place: usize| {
            let argument = arguments.get(place);
            argument.map_or(Ok(Value::Null), |argument| argument.value(scope))
        };
        let first = value(0)?;
        if first == Value::Null {
            return Ok(Value::Null);
        }
        let number = |number: i64| Ok(Value::Number(Decimal::from(number)));
        match self {
            Self::Date => {
                let part = |value: &Value<'_>| {
                    Ok(value.number()?.and_then(|number| number.trunc().to_i16()))
                };
                let (year, month, day) = (part(&first)?, part(&value(1)?)?, part(&value(2)?)?);
                let (Some(year), Some(month), Some(day)) = (year, month, day) else {
                    return Ok(Value::Null);
                };
                let small = |part: i16| i8::try_from(part).unwrap_or(-1);
                civil::Date::new(year, small(month), small(day))
                    .map(Value::Date)
                    .map_err(|_| FormulaError::new("Invalid date"))
            }
            Self::DateValue => match first {
                Value::Moment(ms) => Ok(day(ms).map_or(Value::Null, Value::Date)),
                Value::Date(date) => Ok(Value::Date(date)),
                other => other
                    .string()?
                    .parse()
                    .map(Value::Date)
                    .map_err(|_| FormulaError::new("Invalid date")),
            },
            Self::DateTimeValue => match first {
                Value::Date(date) => Ok(Value::Moment(midnight(date))),
                Value::Moment(ms) => Ok(Value::Moment(ms)),
                other => {
                    let text = other.string()?.trim().trim_end_matches('Z').to_owned();
                    let civil: civil::DateTime = text
                        .parse()
                        .map_err(|_| FormulaError::new("Invalid date/time"))?;
                    let moment = Offset::UTC
                        .to_timestamp(civil)
                        .map_err(|_| FormulaError::new("Invalid date/time"))?;
                    Ok(Value::Moment(moment.as_millisecond()))
                }
            },
            Self::AddMonths => {
                let months = value(1)?.number()?.unwrap_or_default();
                let span = jiff::Span::new().try_months(months.trunc().to_i64().unwrap_or(0));
                let moved = |date: civil::Date| {
                    let span = span.as_ref().ok()?;
                    date.checked_add(*span).ok()
                };
                let wrong = || FormulaError::new("Date out of range");
                match first {
                    Value::Moment(ms) => {
                        let date = day(ms).ok_or_else(wrong)?;
                        let moved = moved(date).ok_or_else(wrong)?;
                        Ok(Value::Moment(ms - midnight(date) + midnight(moved)))
                    }
                    other => match other.date()? {
                        Some(date) => Ok(Value::Date(moved(date).ok_or_else(wrong)?)),
                        None => Ok(Value::Null),
                    },
                }
            }
            Self::Hour | Self::Minute | Self::Second => {
                let Some(ms) = first.moment()? else {
                    return Ok(Value::Null);
                };
                let within = ms.rem_euclid(86_400_000) / 1000;
                number(match self {
                    Self::Hour => within / 3600,
                    Self::Minute => within / 60 % 60,
                    _ => within % 60,
                })
            }
            _ => {
                let Some(date) = first.date()? else {
                    return Ok(Value::Null);
                };
                number(match self {
                    Self::Year => i64::from(date.year()),
                    Self::Month => i64::from(date.month()),
                    Self::Day => i64::from(date.day()),
                    // Sunday is 1.
                    _ => i64::from(date.weekday().to_sunday_one_offset()),
                })
            }
        }
    }
}

/// `CASE(value, match, result, …, otherwise)`
fn case<'v>(arguments: &'v [Node], scope: &Scope<'v>) -> Answer<'v> {
    let Some((subject, branches)) = arguments.split_first() else {
        return Ok(Value::Null);
    };
    let subject = subject.value(scope)?;
    let mut pairs = branches.chunks_exact(2);
    for pair in pairs.by_ref() {
        if let [wanted, result] = pair
            && subject.equals(&wanted.value(scope)?)?
        {
            return result.value(scope);
        }
    }
    match pairs.remainder() {
        [otherwise] => otherwise.value(scope),
        _ => Ok(Value::Null),
    }
}

/// Half away from zero, also left of the point.
fn round(number: Decimal, places: i32) -> Decimal {
    let half = RoundingStrategy::MidpointAwayFromZero;
    if let Ok(places) = u32::try_from(places) {
        return number.round_dp_with_strategy(places, half);
    }
    let unit = 10_i64.checked_pow(places.unsigned_abs()).map(Decimal::from);
    unit.map_or(Decimal::ZERO, |unit| {
        (number / unit).round_dp_with_strategy(0, half) * unit
    })
}
