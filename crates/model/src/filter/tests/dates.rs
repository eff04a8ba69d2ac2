//! Date literals, each against days that were counted by hand.

use jiff::civil::Weekday;
use proptest::prelude::*;

use super::{any, org};
use crate::Stamp;
use crate::filter::{Calendar, DateLiteral};

fn days(calendar: &Calendar, literal: &str) -> (String, String) {
    let (from, until) = calendar.days(DateLiteral::parse(literal).unwrap());
    (from.to_string(), until.to_string())
}

#[test]
fn literals_mean_the_documented_days() {
    // A Wednesday; weeks begin on Sunday, the fiscal year in April.
    let calendar = org::calendar("2026-11-18T10:00:00Z", "UTC");
    for (literal, from, until) in [
        ("YESTERDAY", "2026-11-17", "2026-11-18"),
        ("TODAY", "2026-11-18", "2026-11-19"),
        ("TOMORROW", "2026-11-19", "2026-11-20"),
        ("LAST_WEEK", "2026-11-08", "2026-11-15"),
        ("THIS_WEEK", "2026-11-15", "2026-11-22"),
        ("NEXT_WEEK", "2026-11-22", "2026-11-29"),
        ("LAST_MONTH", "2026-10-01", "2026-11-01"),
        ("NEXT_MONTH", "2026-12-01", "2027-01-01"),
        ("THIS_QUARTER", "2026-10-01", "2027-01-01"),
        ("NEXT_QUARTER", "2027-01-01", "2027-04-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
        ("THIS_FISCAL_QUARTER", "2026-10-01", "2027-01-01"),
        ("LAST_FISCAL_QUARTER", "2026-07-01", "2026-10-01"),
        ("THIS_FISCAL_YEAR", "2026-04-01", "2027-04-01"),
        ("LAST_FISCAL_YEAR", "2025-04-01", "2026-04-01"),
        ("LAST_90_DAYS", "2026-08-20", "2026-11-19"),
        ("NEXT_90_DAYS", "2026-11-19", "2027-02-17"),
        ("LAST_N_DAYS:3", "2026-11-15", "2026-11-19"),
        ("NEXT_N_DAYS:2", "2026-11-19", "2026-11-21"),
        ("N_DAYS_AGO:2", "2026-11-16", "2026-11-17"),
        ("LAST_N_WEEKS:2", "2026-11-01", "2026-11-15"),
        ("NEXT_N_WEEKS:1", "2026-11-22", "2026-11-29"),
        ("N_WEEKS_AGO:1", "2026-11-08", "2026-11-15"),
        ("LAST_N_MONTHS:2", "2026-09-01", "2026-11-01"),
        ("N_MONTHS_AGO:11", "2025-12-01", "2026-01-01"),
        ("LAST_N_QUARTERS:2", "2026-04-01", "2026-10-01"),
        ("N_QUARTERS_AGO:4", "2025-10-01", "2026-01-01"),
        ("NEXT_N_YEARS:2", "2027-01-01", "2029-01-01"),
        ("LAST_N_FISCAL_QUARTERS:3", "2026-01-01", "2026-10-01"),
        ("NEXT_N_FISCAL_YEARS:1", "2027-04-01", "2028-04-01"),
        ("N_FISCAL_YEARS_AGO:1", "2025-04-01", "2026-04-01"),
    ] {
        assert_eq!(
            days(&calendar, literal),
            (from.into(), until.into()),
            "{literal}"
        );
    }
}

#[test]
fn the_locale_says_when_weeks_and_fiscal_years_begin() {
    let now = Stamp::parse("2026-02-15T12:00:00Z").unwrap(); // a Sunday
    let monday = Calendar::new(now, "UTC", Weekday::Monday, 2).unwrap();
    assert_eq!(days(&monday, "THIS_WEEK").0, "2026-02-09");
    assert_eq!(days(&monday, "THIS_FISCAL_QUARTER").0, "2026-02-01");
    assert_eq!(days(&monday, "LAST_FISCAL_QUARTER").0, "2025-11-01");
    let march = Calendar::new(now, "UTC", Weekday::Sunday, 3).unwrap();
    assert_eq!(days(&march, "THIS_WEEK").0, "2026-02-15");
    assert_eq!(days(&march, "THIS_FISCAL_YEAR").0, "2025-03-01");
    assert_eq!(days(&march, "THIS_FISCAL_QUARTER").0, "2025-12-01");
}

#[test]
fn days_begin_at_midnight_of_the_zone_also_when_clocks_change() {
    // In Los Angeles it is still the day before, and the clocks go forward on that day.
    let calendar = org::calendar("2026-03-09T05:00:00Z", "America/Los_Angeles");
    let (from, until) = calendar.days(DateLiteral::parse("TODAY").unwrap());
    assert_eq!(from.to_string(), "2026-03-08");
    assert_eq!(calendar.midnight(from).soql(), "2026-03-08T08:00:00Z");
    assert_eq!(calendar.midnight(until).soql(), "2026-03-09T07:00:00Z");
    // Clocks go from 23:59:59 to 01:00 here: the day has no midnight.
    let calendar = org::calendar("2018-11-04T12:00:00Z", "America/Sao_Paulo");
    let (from, _) = calendar.days(DateLiteral::parse("TODAY").unwrap());
    assert_eq!(calendar.midnight(from).soql(), "2018-11-04T03:00:00Z");
}

#[test]
fn a_zone_or_month_that_does_not_exist_is_refused() {
    let now = Stamp::from_millis(0);
    assert!(Calendar::new(now, "Europe/Atlantis", Weekday::Sunday, 1).is_err());
    assert!(Calendar::new(now, "UTC", Weekday::Sunday, 13).is_err());
}

proptest! {
    #[test]
    fn a_literal_is_read_back_and_never_ends_before_it_starts(
        literal in any::literal(),
        now in -60_000_000_000_000..250_000_000_000_000_i64,
        zone in prop::sample::select(&["UTC", "Pacific/Kiritimati", "America/St_Johns"][..]),
    ) {
        prop_assert_eq!(DateLiteral::parse(&literal.to_string().to_lowercase()), Some(literal));
        let calendar = Calendar::new(Stamp::from_millis(now), zone, Weekday::Monday, 7).unwrap();
        let (from, until) = calendar.days(literal);
        prop_assert!(from <= until);
        prop_assert!(calendar.midnight(from) <= calendar.midnight(until));
    }
}
