//! Date literals such as `LAST_N_DAYS:7`: half-open spans of milliseconds, in UTC.

use jiff::{Timestamp, ToSpan, civil::Date, tz::Offset};

/// `[from, until)` in milliseconds.
pub(super) type Span = (i64, i64);

/// True for the name of a literal; `counted` ones carry a number.
pub(super) fn known(name: &str, counted: bool) -> bool {
    span(name, counted.then_some(1), 0).is_some()
}

/// The span that a literal means at `now_ms`.
pub(super) fn span(name: &str, count: Option<i64>, now_ms: i64) -> Option<Span> {
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let today = Offset::UTC.to_datetime(now).date();
    let (from, until) = days(name, count, today)?;
    Some((midnight(from)?, midnight(until)?))
}

/// Midnight of `yyyy-MM-dd`.
pub(super) fn date(text: &str) -> Option<i64> {
    midnight(text.parse().ok()?)
}

fn midnight(date: Date) -> Option<i64> {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    Offset::UTC
        .to_timestamp(midnight)
        .ok()
        .map(Timestamp::as_millisecond)
}

fn days(name: &str, count: Option<i64>, today: Date) -> Option<(Date, Date)> {
    // The fiscal year of this org is that of the calendar.
    let name = &name
        .replace("_FISCAL_QUARTER", "_QUARTER")
        .replace("_FISCAL_YEAR", "_YEAR");
    let name = name.as_str();
    // (unit, first unit relative to the current one, how many units)
    let counted = |n: i64| -> Option<(Unit, i64, i64)> {
        Some(match name {
            "LAST_N_DAYS" => (Unit::Day, -n, n + 1),
            "NEXT_N_DAYS" => (Unit::Day, 1, n),
            "N_DAYS_AGO" => (Unit::Day, -n, 1),
            "LAST_N_WEEKS" => (Unit::Week, -n, n),
            "NEXT_N_WEEKS" => (Unit::Week, 1, n),
            "N_WEEKS_AGO" => (Unit::Week, -n, 1),
            "LAST_N_MONTHS" => (Unit::Month, -n, n),
            "NEXT_N_MONTHS" => (Unit::Month, 1, n),
            "N_MONTHS_AGO" => (Unit::Month, -n, 1),
            "LAST_N_QUARTERS" => (Unit::Quarter, -n, n),
            "NEXT_N_QUARTERS" => (Unit::Quarter, 1, n),
            "N_QUARTERS_AGO" => (Unit::Quarter, -n, 1),
            "LAST_N_YEARS" => (Unit::Year, -n, n),
            "NEXT_N_YEARS" => (Unit::Year, 1, n),
            "N_YEARS_AGO" => (Unit::Year, -n, 1),
            _ => return None,
        })
    };
    let fixed = || -> Option<(Unit, i64, i64)> {
        Some(match name {
            "YESTERDAY" => (Unit::Day, -1, 1),
            "TODAY" => (Unit::Day, 0, 1),
            "TOMORROW" => (Unit::Day, 1, 1),
            "LAST_90_DAYS" => (Unit::Day, -90, 91),
            "NEXT_90_DAYS" => (Unit::Day, 1, 90),
            _ => {
                let (which, unit) = name.split_once('_')?;
                let first = match which {
                    "LAST" => -1,
                    "THIS" => 0,
                    "NEXT" => 1,
                    _ => return None,
                };
                let unit = match unit {
                    "WEEK" => Unit::Week,
                    "MONTH" => Unit::Month,
                    "QUARTER" => Unit::Quarter,
                    "YEAR" => Unit::Year,
                    _ => return None,
                };
                (unit, first, 1)
            }
        })
    };
    let (unit, first, units) = match count {
        Some(n) => counted(n)?,
        None => fixed()?,
    };
    let from = unit.step(unit.start(today)?, first)?;
    Some((from, unit.step(from, units)?))
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// The first day of the unit that holds `day`; weeks begin on Sunday, as for `en_US`.
    fn start(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => Some(day),
            Self::Week => day
                .checked_sub(i64::from(day.weekday().to_sunday_zero_offset()).days())
                .ok(),
            Self::Month => Some(day.first_of_month()),
            Self::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok(),
            Self::Year => Some(day.first_of_year()),
        }
    }

    fn step(self, day: Date, units: i64) -> Option<Date> {
        // Spans beyond what a calendar holds would panic in the builder, so the count is bounded.
        let units = units.clamp(-9_000, 9_000);
        let span = match self {
            Self::Day => units.days(),
            Self::Week => (units * 7).days(),
            Self::Month => units.months(),
            Self::Quarter => (units * 3).months(),
            Self::Year => units.clamp(-2_000, 2_000).years(),
        };
        day.checked_add(span).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_the_documented_days() {
        let now = "2026-11-18T10:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .as_millisecond();
        let check = |name: &str, count, from: &str, until: &str| {
            assert_eq!(
                span(name, count, now),
                Some((date(from).unwrap(), date(until).unwrap())),
                "{name}"
            );
        };
        check("TODAY", None, "2026-11-18", "2026-11-19");
        check("LAST_N_DAYS", Some(3), "2026-11-15", "2026-11-19");
        check("NEXT_N_DAYS", Some(2), "2026-11-19", "2026-11-21");
        check("THIS_WEEK", None, "2026-11-15", "2026-11-22");
        check("LAST_MONTH", None, "2026-10-01", "2026-11-01");
        check("THIS_QUARTER", None, "2026-10-01", "2027-01-01");
        check("LAST_N_YEARS", Some(2), "2024-01-01", "2026-01-01");
        check("THIS_FISCAL_QUARTER", None, "2026-10-01", "2027-01-01");
        check("N_FISCAL_YEARS_AGO", Some(1), "2025-01-01", "2026-01-01");
        assert!(!known("TODAY", true));
        assert!(!known("LAST_N_DAYS", false));
        assert!(!known("SOMEDAY", false));
    }
}
