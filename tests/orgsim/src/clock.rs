//! The org's own clock: wall time plus an offset that tests can move; it can be stopped.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp, tz::Offset};

/// A clock that runs with wall time and can be moved and stopped.
#[derive(Debug)]
pub(crate) struct Clock {
    offset_ms: AtomicI64,
    /// Wall time at which it was stopped, or [`RUNS`].
    stopped_ms: AtomicI64,
}

/// Instead of the time at which a clock was stopped.
const RUNS: i64 = i64::MIN;

impl Clock {
    /// A clock that says `start` now, or wall time.
    pub(crate) fn starting_at(start: Option<Timestamp>) -> Self {
        let offset = start.map_or(0, |start| start.as_millisecond() - wall_ms());
        Self {
            offset_ms: AtomicI64::new(offset),
            stopped_ms: AtomicI64::new(RUNS),
        }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        self.base_ms() + self.offset_ms.load(Ordering::Relaxed)
    }

    /// The time that the offset counts from.
    fn base_ms(&self) -> i64 {
        match self.stopped_ms.load(Ordering::Relaxed) {
            RUNS => wall_ms(),
            stopped => stopped,
        }
    }

    /// Stops the clock, which can be moved all the same.
    pub(crate) fn stop(&self) {
        self.stopped_ms.store(self.base_ms(), Ordering::Relaxed);
    }

    /// Lets the clock go on from where it is.
    pub(crate) fn run(&self) {
        let offset = self.offset_ms();
        self.stopped_ms.store(RUNS, Ordering::Relaxed);
        self.set_offset_ms(offset);
    }

    /// Now, to the whole second that system stamps carry.
    pub(crate) fn now_second_ms(&self) -> i64 {
        self.now_ms().div_euclid(1000) * 1000
    }

    /// How far it is ahead of wall time, or behind when negative.
    pub(crate) fn offset_ms(&self) -> i64 {
        self.now_ms() - wall_ms()
    }

    /// Goes on as a clock did that was so far ahead of wall time.
    pub(crate) fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Moves the clock forward, or back when negative.
    pub(crate) fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(0);
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Sets the clock to `to`.
    pub(crate) fn set(&self, to: Timestamp) {
        self.offset_ms
            .store(to.as_millisecond() - self.base_ms(), Ordering::Relaxed);
    }
}

fn wall_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Appends `yyyy-MM-ddTHH:mm:ss.SSS` and `zone`: `Z` as Bulk CSV prints it, `+0000` as REST does.
pub(crate) fn push_datetime(out: &mut Vec<u8>, ms: i64, zone: &str) {
    push_parts(out, ms, true);
    out.extend_from_slice(zone.as_bytes());
}

/// Appends `yyyy-MM-dd`.
pub(crate) fn push_date(out: &mut Vec<u8>, ms: i64) {
    push_parts(out, ms, false);
}

/// A datetime as the REST API prints it.
pub(crate) fn rest_datetime(ms: i64) -> String {
    let mut out = Vec::with_capacity(28);
    push_datetime(&mut out, ms, "+0000");
    String::from_utf8(out).unwrap_or_default()
}

/// A datetime as Bulk CSV prints it.
pub(crate) fn utc_datetime(ms: i64) -> String {
    let mut out = Vec::with_capacity(24);
    push_datetime(&mut out, ms, "Z");
    String::from_utf8(out).unwrap_or_default()
}

/// An HTTP date (RFC 9110, IMF-fixdate).
pub(crate) fn http_date(ms: i64) -> String {
    let stamp = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads what [`http_date`] prints; nothing for any other text.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    let civil = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text.trim()).ok()?;
    Offset::UTC
        .to_timestamp(civil)
        .ok()
        .map(Timestamp::as_millisecond)
}

fn push_parts(out: &mut Vec<u8>, ms: i64, with_time: bool) {
    let stamp = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let civil = Offset::UTC.to_datetime(stamp);
    push_number(out, u32::from(civil.year().unsigned_abs()), 4);
    out.push(b'-');
    push_number(out, u32::from(civil.month().unsigned_abs()), 2);
    out.push(b'-');
    push_number(out, u32::from(civil.day().unsigned_abs()), 2);
    if with_time {
        out.push(b'T');
        push_number(out, u32::from(civil.hour().unsigned_abs()), 2);
        out.push(b':');
        push_number(out, u32::from(civil.minute().unsigned_abs()), 2);
        out.push(b':');
        push_number(out, u32::from(civil.second().unsigned_abs()), 2);
        out.push(b'.');
        push_number(out, u32::from(civil.millisecond().unsigned_abs()), 3);
    }
}

/// Appends `value` in decimal, at least `width` digits.
pub(crate) fn push_number(out: &mut Vec<u8>, mut value: u32, width: usize) {
    let mut digits = [b'0'; 10];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if value == 0 && used >= width {
            break;
        }
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        used += 1;
    }
    out.extend(digits.iter().skip(digits.len() - used));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_as_each_interface_prints_them() {
        let ms = "2026-03-01T09:05:07.012Z"
            .parse::<Timestamp>()
            .unwrap()
            .as_millisecond();
        assert_eq!(rest_datetime(ms), "2026-03-01T09:05:07.012+0000");
        assert_eq!(utc_datetime(ms), "2026-03-01T09:05:07.012Z");
        let mut date = Vec::new();
        push_date(&mut date, ms);
        assert_eq!(date, b"2026-03-01");
        assert_eq!(http_date(ms), "Sun, 01 Mar 2026 09:05:07 GMT");
        assert_eq!(
            parse_http_date("Sun, 01 Mar 2026 09:05:07 GMT"),
            Some(ms - 12)
        );
        assert_eq!(parse_http_date("yesterday"), None);
    }

    #[test]
    fn a_stopped_clock_stands_until_it_is_moved_or_runs_again() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(None);
        clock.stop();
        clock.set(start);
        clock.stop();
        let start = start.as_millisecond();
        assert_eq!(clock.now_ms(), start);
        clock.advance(SignedDuration::from_secs(5));
        assert_eq!(clock.now_ms(), start + 5_000);
        clock.run();
        assert!(clock.now_ms() >= start + 5_000 && clock.now_ms() < start + 65_000);
    }

    #[test]
    fn a_moved_clock_keeps_running() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(Some(start));
        assert!((clock.now_ms() - start.as_millisecond()).abs() < 60_000);
        clock.advance(SignedDuration::from_hours(2));
        assert!(clock.now_ms() >= start.as_millisecond() + 7_200_000);
        clock.set(start);
        assert!(clock.now_ms() < start.as_millisecond() + 60_000);
    }
}
