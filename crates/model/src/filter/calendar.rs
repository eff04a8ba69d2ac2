//! What date literals mean at a time, in a time zone.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{DateLiteral, Unit};
use crate::{ErrorCode, Failure, Stamp};

/// Whose days, weeks and years count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarRequest {
    /// A name of the IANA time zone database.
    pub time_zone: String,
    /// Whether weeks start on Monday.
    pub week_starts_on_monday: bool,
    /// 1 to 12.
    pub fiscal_start_month: i8,
}

impl Default for CalendarRequest {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            week_starts_on_monday: false,
            fiscal_start_month: 1,
        }
    }
}

impl CalendarRequest {
    /// With a time as now.
    ///
    /// # Errors
    /// `FILTER_INVALID` for a time zone or a month that there is not.
    pub fn at(&self, now: Stamp) -> Result<Calendar, Failure> {
        let week_start = if self.week_starts_on_monday {
            Weekday::Monday
        } else {
            Weekday::Sunday
        };
        Calendar::new(now, &self.time_zone, week_start, self.fiscal_start_month)
    }
}

/// Now, and how the user whose rights are used counts days, weeks and years (SOQL: Date Formats and Date Literals
/// in WHERE: the range follows from the user's locale and time zone).
#[derive(Debug, Clone)]
pub struct Calendar {
    now: Stamp,
    zone: TimeZone,
    week_start: Weekday,
    fiscal_start_month: i8,
}

impl Calendar {
    /// `zone` is `User.TimeZoneSidKey`, e.g. `Europe/Berlin`; `week_start` is Sunday for `en_US`;
    /// `fiscal_start_month` is `Organization.FiscalYearStartMonth`, 1 to 12. Custom fiscal years are not supported.
    pub fn new(
        now: Stamp,
        zone: &str,
        week_start: Weekday,
        fiscal_start_month: i8,
    ) -> Result<Self, Failure> {
        let invalid = |what: &str| Failure::new(ErrorCode::FilterInvalid, what);
        let zone = TimeZone::get(zone).map_err(|_| invalid("time zone is unknown"))?;
        if !(1..=12).contains(&fiscal_start_month) {
            return Err(invalid("start of the fiscal year must be a month, 1 to 12"));
        }
        Ok(Self {
            now,
            zone,
            week_start,
            fiscal_start_month,
        })
    }

    /// The days of a literal: the first one, and the first one behind it.
    ///
    /// Days that a calendar does not have are cut to the ones that it has.
    pub(super) fn days(&self, literal: DateLiteral) -> (Date, Date) {
        let today = self.today();
        // Where it starts, in units from the current one, and how many units it has.
        let (unit, first, units) = match literal {
            DateLiteral::Last(unit) => (unit, -1, 1),
            DateLiteral::This(unit) => (unit, 0, 1),
            DateLiteral::Next(unit) => (unit, 1, 1),
            DateLiteral::Last90Days => (Unit::Day, -90, 91),
            DateLiteral::Next90Days => (Unit::Day, 1, 90),
            // Days include today; other units are whole ones before the current one.
            DateLiteral::LastN(Unit::Day, n) => (Unit::Day, -i32::from(n), i32::from(n) + 1),
            DateLiteral::LastN(unit, n) => (unit, -i32::from(n), i32::from(n)),
            DateLiteral::NextN(unit, n) => (unit, 1, i32::from(n)),
            DateLiteral::Ago(unit, n) => (unit, -i32::from(n), 1),
        };
        let from = step(self.start(unit, today), unit, first);
        (from, step(from, unit, units))
    }

    /// Midnight at the start of a day; where clocks skip it, the first moment of the day.
    pub(super) fn midnight(&self, day: Date) -> Stamp {
        let midnight = day.to_zoned(self.zone.clone());
        let start = midnight.and_then(|midnight| midnight.start_of_day());
        // A day at either end of the calendar has none in some zones.
        let end = match day.year() {
            1.. => Timestamp::MAX,
            _ => Timestamp::MIN,
        };
        let start = start.map_or(end, |start| start.timestamp());
        Stamp::from_millis(start.as_millisecond())
    }

    fn today(&self) -> Date {
        let now = Timestamp::from_millisecond(self.now.millis()).unwrap_or(Timestamp::MAX);
        self.zone.to_datetime(now).date()
    }

    /// The first day of the unit that has `day`.
    fn start(&self, unit: Unit, day: Date) -> Date {
        match unit {
            Unit::Day => day,
            Unit::Week => {
                let days = day.weekday().since(self.week_start);
                day.saturating_sub(i32::from(days).days())
            }
            Unit::Month => day.first_of_month(),
            Unit::Quarter => months_back(day, (day.month() - 1) % 3),
            Unit::Year => day.first_of_year(),
            Unit::FiscalQuarter => months_back(day, self.fiscal_month(day) % 3),
            Unit::FiscalYear => months_back(day, self.fiscal_month(day)),
        }
    }

    /// Months since the fiscal year began.
    fn fiscal_month(&self, day: Date) -> i8 {
        (day.month() - self.fiscal_start_month).rem_euclid(12)
    }
}

fn months_back(day: Date, months: i8) -> Date {
    day.first_of_month()
        .saturating_sub(i32::from(months).months())
}

fn step(day: Date, unit: Unit, units: i32) -> Date {
    let span: Span = match unit {
        Unit::Day => units.days(),
        Unit::Week => (units * 7).days(),
        Unit::Month => units.months(),
        Unit::Quarter | Unit::FiscalQuarter => (units * 3).months(),
        Unit::Year | Unit::FiscalYear => units.years(),
    };
    day.saturating_add(span)
}
