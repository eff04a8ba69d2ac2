//! Date literals (SOQL: Date Formats and Date Literals in WHERE): their names.

use std::fmt;

/// Largest n of a literal with a count.
const COUNT_MAX: u16 = 9_999;

/// A span of time relative to now; see [`Calendar`](super::Calendar) for what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateLiteral {
    /// The unit before the current one: `LAST_MONTH`, `YESTERDAY`.
    Last(Unit),
    /// The current one: `THIS_MONTH`, `TODAY`.
    This(Unit),
    /// The one after: `NEXT_MONTH`, `TOMORROW`.
    Next(Unit),
    /// `LAST_90_DAYS`
    Last90Days,
    /// `NEXT_90_DAYS`
    Next90Days,
    /// `LAST_N_MONTHS:n`
    LastN(Unit, u16),
    /// `NEXT_N_MONTHS:n`
    NextN(Unit, u16),
    /// `N_MONTHS_AGO:n`
    Ago(Unit, u16),
}

/// What date literals count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// From midnight to midnight.
    Day,
    /// Its first day follows from the locale.
    Week,
    /// Of the calendar.
    Month,
    /// January, April, July, October.
    Quarter,
    /// January to December.
    Year,
    /// A quarter of the fiscal year.
    FiscalQuarter,
    /// Twelve months from the month that the company profile names.
    FiscalYear,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::FiscalQuarter,
        Self::FiscalYear,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Week => "WEEK",
            Self::Month => "MONTH",
            Self::Quarter => "QUARTER",
            Self::Year => "YEAR",
            Self::FiscalQuarter => "FISCAL_QUARTER",
            Self::FiscalYear => "FISCAL_YEAR",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }
}

impl DateLiteral {
    /// The literal of this name, in any case, with what follows its colon.
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let Some((name, count)) = upper.split_once(':') else {
            return Self::without_count(&upper);
        };
        let count = count.parse().ok().filter(|count| *count <= COUNT_MAX)?;
        let unit = |name: &str| Unit::named(name.strip_suffix('S')?);
        if let Some(rest) = name.strip_prefix("LAST_N_") {
            Some(Self::LastN(unit(rest)?, count))
        } else if let Some(rest) = name.strip_prefix("NEXT_N_") {
            Some(Self::NextN(unit(rest)?, count))
        } else {
            let rest = name.strip_prefix("N_")?.strip_suffix("_AGO")?;
            Some(Self::Ago(unit(rest)?, count))
        }
    }

    fn without_count(name: &str) -> Option<Self> {
        let of_more_than_days = |name| Unit::named(name).filter(|unit| *unit != Unit::Day);
        match name {
            "YESTERDAY" => Some(Self::Last(Unit::Day)),
            "TODAY" => Some(Self::This(Unit::Day)),
            "TOMORROW" => Some(Self::Next(Unit::Day)),
            "LAST_90_DAYS" => Some(Self::Last90Days),
            "NEXT_90_DAYS" => Some(Self::Next90Days),
            _ => match name.split_once('_')? {
                ("LAST", unit) => of_more_than_days(unit).map(Self::Last),
                ("THIS", unit) => of_more_than_days(unit).map(Self::This),
                ("NEXT", unit) => of_more_than_days(unit).map(Self::Next),
                _ => None,
            },
        }
    }
}

/// The name, in capitals.
impl fmt::Display for DateLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last(Unit::Day) => f.write_str("YESTERDAY"),
            Self::This(Unit::Day) => f.write_str("TODAY"),
            Self::Next(Unit::Day) => f.write_str("TOMORROW"),
            Self::Last(unit) => write!(f, "LAST_{}", unit.name()),
            Self::This(unit) => write!(f, "THIS_{}", unit.name()),
            Self::Next(unit) => write!(f, "NEXT_{}", unit.name()),
            Self::Last90Days => f.write_str("LAST_90_DAYS"),
            Self::Next90Days => f.write_str("NEXT_90_DAYS"),
            Self::LastN(unit, n) => write!(f, "LAST_N_{}S:{n}", unit.name()),
            Self::NextN(unit, n) => write!(f, "NEXT_N_{}S:{n}", unit.name()),
            Self::Ago(unit, n) => write!(f, "N_{}S_AGO:{n}", unit.name()),
        }
    }
}
