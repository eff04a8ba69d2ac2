//! Writes the values that the shapes stand for.

use super::{
    Place, body,
    shape::{Flag, Moment, Shape},
    text, words,
};
use crate::{
    clock::{push_date, push_datetime, push_number},
    random::Random,
};

impl Shape {
    /// Appends the value; nothing at all stands for null.
    pub(super) fn write(&self, out: &mut Vec<u8>, random: &mut Random, place: &Place<'_>) {
        match self {
            Self::Null => {}
            Self::Id => push_id(out, place, place.object, place.slot),
            Self::Flag(flag) => {
                let value = match flag {
                    Flag::Deleted => place.moments.deleted,
                    Flag::Archived => place.moments.archived,
                    Flag::Always => true,
                    Flag::Percent(percent) => random.percent(*percent),
                };
                out.extend_from_slice(if value { b"true" } else { b"false" });
            }
            Self::Moment(moment) => {
                let ms = match moment {
                    Moment::Created => place.moments.created,
                    Moment::Modified => place.moments.modified,
                    Moment::Stamp => place.moments.stamp,
                };
                push_datetime(out, ms, "Z");
            }
            Self::Reference { targets, empty } => {
                push_reference(out, random, place, targets, *empty);
            }
            Self::Aligned(target) => {
                let count = place.counts.get(*target).copied().unwrap_or(0);
                if count > 0 {
                    push_id(out, place, *target, place.slot % count);
                }
            }
            Self::MasterRecord => {
                if place.moments.deleted && random.one_in(5) {
                    push_reference(out, random, place, &[place.object], 0);
                }
            }
            Self::RecordType { first } => {
                if let Some((at, _)) = place.schema.find("RecordType")
                    && !random.one_in(3)
                {
                    push_id(out, place, at, first + random.index(2));
                }
            }
            Self::Sequence(values) => {
                let at = place.slot % values.len().max(1);
                out.extend_from_slice(values.get(at).map_or("", String::as_str).as_bytes());
            }
            _ => self.write_plain(out, random, place),
        }
    }

    /// Values that refer to nothing else.
    fn write_plain(&self, out: &mut Vec<u8>, random: &mut Random, place: &Place<'_>) {
        let slot32 = u32::try_from(place.slot + 1).unwrap_or(u32::MAX);
        match self {
            Self::AutoNumber(format) => {
                let (prefix, rest) = format.split_once('{').unwrap_or((format, ""));
                out.extend_from_slice(prefix.as_bytes());
                push_number(out, slot32, rest.trim_end_matches('}').len());
            }
            Self::Code(length) => {
                let start = out.len();
                let letter = b'A' + u8::try_from(random.below(26)).unwrap_or(0);
                out.push(letter);
                push_number(out, slot32, 7.min(length.saturating_sub(1)));
                text::clip(out, start, *length);
            }
            Self::Username if place.slot == 0 => {
                out.extend_from_slice(place.volume.username.as_bytes());
            }
            Self::Username | Self::Email => {
                out.extend_from_slice(b"user");
                push_number(out, slot32, 1);
                out.extend_from_slice(b"@acme.example");
            }
            Self::Phone => {
                if random.one_in(5) {
                    return;
                }
                out.extend_from_slice(
                    random
                        .pick(&["+1 (415) 555-", "+49 30 5550", "(020) 7946-", "+81-3-5550-"])
                        .as_bytes(),
                );
                push_number(out, u32::try_from(random.below(10_000)).unwrap_or(0), 4);
            }
            Self::Url => {
                out.extend_from_slice(b"https://www.example.com/p/");
                push_number(out, slot32, 1);
                if random.one_in(10) {
                    out.extend_from_slice("?q=\"ä\"&x=1,2".as_bytes());
                }
            }
            Self::Ip => {
                out.extend_from_slice(b"198.51.100.");
                push_number(out, u32::try_from(random.below(255)).unwrap_or(0), 1);
            }
            Self::Fixed(value) => out.extend_from_slice(value.as_bytes()),
            Self::ApiName => {
                out.extend_from_slice(
                    random
                        .pick(&["Main", "Partner", "Internal", "Legacy"])
                        .as_bytes(),
                );
                out.push(b'_');
                push_number(out, slot32, 1);
            }
            Self::DataUrl => {
                let id = place
                    .schema
                    .object(place.object)
                    .map(|o| o.mint.id(place.slot))
                    .unwrap_or_default();
                out.extend_from_slice(b"/services/data/v60.0/sobjects/ContentVersion/");
                out.extend_from_slice(&id);
                out.extend_from_slice(b"/VersionData");
            }
            Self::Size(object) => {
                let stream = body::stream(place.volume.seed, usize::try_from(*object).unwrap_or(0));
                push_number(
                    out,
                    u32::try_from(body::length(stream, place.slot)).unwrap_or(0),
                    1,
                );
            }
            Self::Md5(object) => {
                let stream = body::stream(place.volume.seed, usize::try_from(*object).unwrap_or(0));
                out.extend_from_slice(body::md5_hex(&body::bytes(stream, place.slot)).as_bytes());
            }
            _ => self.write_address(out, random, place),
        }
    }

    /// People, companies and where they are.
    fn write_address(&self, out: &mut Vec<u8>, random: &mut Random, place: &Place<'_>) {
        let slot32 = u32::try_from(place.slot + 1).unwrap_or(u32::MAX);
        match self {
            Self::First | Self::Last | Self::Person => {
                let (first, last) = person(place);
                let parts: &[&str] = match self {
                    Self::First => &[first],
                    Self::Last => &[last],
                    _ => &[first, " ", last],
                };
                for part in parts {
                    out.extend_from_slice(part.as_bytes());
                }
            }
            Self::Company => {
                out.extend_from_slice(random.pick(words::COMPANY).as_bytes());
                out.push(b' ');
                out.extend_from_slice(random.pick(words::FORM).as_bytes());
                if random.one_in(2) {
                    out.push(b' ');
                    push_number(out, slot32, 1);
                }
            }
            Self::Street => {
                if random.one_in(6) {
                    return;
                }
                push_number(out, 1 + u32::try_from(random.below(999)).unwrap_or(0), 1);
                out.push(b' ');
                out.extend_from_slice(random.pick(words::STREET).as_bytes());
                if random.one_in(8) {
                    out.extend_from_slice("\r\nSuite \"B\", 3rd floor".as_bytes());
                }
            }
            Self::City(part) => {
                // All parts of one address come from the same city.
                let city = words::CITY.get(place.slot % words::CITY.len());
                out.extend_from_slice(
                    city.and_then(|c| c.get(*part))
                        .copied()
                        .unwrap_or("")
                        .as_bytes(),
                );
            }
            _ => self.write_typed(out, random, place),
        }
    }

    /// Values that follow from the field's type alone.
    fn write_typed(&self, out: &mut Vec<u8>, random: &mut Random, place: &Place<'_>) {
        match self {
            Self::Line(max) if !random.one_in(5) => {
                text::line(out, random, *max);
            }
            Self::Area { max, empty } if !random.percent(*empty) => {
                text::area(out, random, *max);
            }
            Self::Long(max) => {
                // The longest possible value is rare: it weighs as much as a thousand records.
                match random.below(1_000) {
                    0 => text::filled(out, random, *max),
                    1..300 => text::area(out, random, *max),
                    _ => {}
                }
            }
            Self::Decimal { whole, scale } if !random.one_in(8) => {
                push_decimal(out, random, *whole, *scale);
            }
            Self::Int(digits) => {
                let digits = u32::try_from((*digits).min(9)).unwrap_or(9);
                if !random.one_in(10) {
                    let width = 1 + u32::try_from(random.below(u64::from(digits))).unwrap_or(0);
                    push_number(
                        out,
                        u32::try_from(random.below(10_u64.pow(width))).unwrap_or(0),
                        1,
                    );
                }
            }
            Self::Degrees(limit) if !random.one_in(3) => {
                if random.one_in(2) {
                    out.push(b'-');
                }
                push_number(out, u32::try_from(random.below(*limit)).unwrap_or(0), 1);
                push_fraction(out, random, 15);
            }
            Self::Date if !random.one_in(6) => {
                push_date(out, place.moments.created + day(random, 400));
            }
            Self::DateTime if !random.one_in(4) => {
                push_datetime(
                    out,
                    place.moments.created + day(random, 400) + milliseconds(random),
                    "Z",
                );
            }
            Self::Time if !random.one_in(4) => {
                let start = out.len();
                push_datetime(out, milliseconds(random), "Z");
                out.drain(start..start + "1970-01-01T".len());
            }
            Self::Pick { values, empty } if !random.percent(*empty) => {
                let at = random.index(values.len());
                out.extend_from_slice(values.get(at).map_or("", String::as_str).as_bytes());
            }
            Self::Several(values) => {
                let mut first = true;
                for value in values {
                    if random.one_in(3) {
                        if !std::mem::take(&mut first) {
                            out.push(b';');
                        }
                        out.extend_from_slice(value.as_bytes());
                    }
                }
            }
            _ => {}
        }
    }
}

fn push_id(out: &mut Vec<u8>, place: &Place<'_>, object: usize, slot: usize) {
    if let Some(target) = place.schema.object(object) {
        out.extend_from_slice(&target.mint.id(slot));
    }
}

fn push_reference(
    out: &mut Vec<u8>,
    random: &mut Random,
    place: &Place<'_>,
    targets: &[usize],
    empty: u64,
) {
    if random.percent(empty) {
        return;
    }
    let count = |target: &usize| place.counts.get(*target).copied().unwrap_or(0);
    let start = random.index(targets.len());
    let target = targets
        .iter()
        .cycle()
        .skip(start)
        .take(targets.len())
        .find(|target| count(target) > 0);
    if let Some(target) = target {
        let drawn = random.skewed(count(target));
        let mut near = (0..=drawn).rev().chain(drawn + 1..count(target));
        let there = near.find(|slot| !place.is_deleted(*target, *slot));
        if let Some(slot) = there {
            push_id(out, place, *target, slot);
        }
    }
}

fn push_decimal(out: &mut Vec<u8>, random: &mut Random, whole: usize, scale: usize) {
    if random.one_in(10) {
        out.push(b'-');
    }
    // One in 16 uses every digit that the field has.
    let full = random.one_in(16);
    let digits = if full {
        whole
    } else {
        random.index(whole.min(7) + 1)
    };
    if digits == 0 {
        out.push(b'0');
    }
    for place in 0..digits {
        let digit = if place == 0 {
            1 + random.below(9)
        } else {
            random.below(10)
        };
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
    let scale = if full { scale } else { random.index(scale + 1) };
    push_fraction(out, random, scale);
}

/// Appends a point and `scale` digits, the last of them not a zero; `.0` when there are none.
fn push_fraction(out: &mut Vec<u8>, random: &mut Random, scale: usize) {
    out.push(b'.');
    for place in 0..scale {
        let digit = if place + 1 == scale {
            1 + random.below(9)
        } else {
            random.below(10)
        };
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
    if scale == 0 {
        out.push(b'0');
    }
}

fn person(place: &Place<'_>) -> (&'static str, &'static str) {
    let mut random = Random::new(place.volume.seed ^ 0xFACE, place.object as u64, place.slot);
    (random.pick(words::FIRST), random.pick(words::LAST))
}

fn day(random: &mut Random, days: u64) -> i64 {
    i64::try_from(random.below(days)).unwrap_or(0) * super::DAY_MS
}

fn milliseconds(random: &mut Random) -> i64 {
    i64::try_from(random.below(86_400_000)).unwrap_or(0)
}
