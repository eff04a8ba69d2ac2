//! Seeded data. A record depends on the seed, its object, its place and the number of records of
//! the objects that it refers to, and on nothing else; dates lie in a fixed span of years, so two
//! orgs with the same options are equal byte by byte whenever they are started.

pub(crate) mod body;
mod shape;
mod text;
mod value;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    clock::utc_datetime,
    random::Random,
    schema::{Field, Schema, Trait},
    store::{Store, row::RowWriter},
};
use shape::Shape;

/// Oldest and newest generated stamps: 2019-01-01 and 2026-09-30.
const SPAN_MS: (i64, i64) = (1_546_300_800_000, 1_790_726_400_000);
const DAY_MS: i64 = 86_400_000;
/// Enough for a shape that is empty in two cases of three to fail once in a hundred billion.
const REQUIRED_TRIES: usize = 64;

/// How many records of what.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    /// Records over all objects, by their weights.
    pub records: usize,
    /// Exact numbers for some objects.
    pub objects: BTreeMap<String, usize>,
    /// Same seed, same data.
    pub seed: u64,
    /// User name of the first user.
    pub(crate) username: String,
}

/// A volume that names an object which the org does not have.
#[derive(Debug, thiserror::Error)]
#[error("unknown object: `{0}`")]
pub struct UnknownObject(pub String);

/// What every writer of a value needs to know about the org and the record.
#[derive(Debug)]
struct Place<'a> {
    volume: &'a Volume,
    counts: &'a [usize],
    schema: &'a Schema,
    object: usize,
    slot: usize,
    moments: Moments,
    /// What is there already, of an org that is in use.
    store: Option<&'a Store>,
}

impl Place<'_> {
    /// Whether a record is in the Recycle Bin, or gone. A parent there would have taken its children with it.
    fn is_deleted(&self, object: usize, slot: usize) -> bool {
        match self.store {
            Some(store) => store
                .slot(object, slot)
                .is_none_or(|slot| slot.deleted || slot.row.is_none()),
            None => born_deleted(self.schema, object, slot),
        }
    }
}

/// The dates of one record, milliseconds.
#[derive(Clone, Copy, Debug)]
struct Moments {
    created: i64,
    modified: i64,
    stamp: i64,
    deleted: bool,
    archived: bool,
}

/// Fills a store. Everything lies before `now_ms`.
pub(crate) fn generate(
    schema: &Schema,
    volume: &Volume,
    now_ms: i64,
) -> Result<Store, UnknownObject> {
    let counts = counts(schema, volume)?;
    let mut store = Store::new(schema);
    let end = SPAN_MS.1.min((now_ms - DAY_MS).div_euclid(1000) * 1000);
    let mut writer = RowWriter::default();
    let mut scratch = Vec::with_capacity(256);
    for (at, object) in schema.objects.iter().enumerate() {
        let count = counts.get(at).copied().unwrap_or(0);
        let Some(table) = store.table_mut(at) else {
            continue;
        };
        table.reserve(count);
        let shapes: Vec<Shape> = object
            .fields
            .iter()
            .map(|field| Shape::of(schema, object, field))
            .collect();
        for slot in 0..count {
            let mut random = Random::new(volume.seed, at as u64, slot);
            let deleted = born_deleted(schema, at, slot);
            let moments = moments(&mut random, (slot, count), end, deleted);
            let place = Place {
                volume,
                counts: &counts,
                schema,
                object: at,
                slot,
                moments,
                store: None,
            };
            for (shape, field) in shapes.iter().zip(&object.fields) {
                scratch.clear();
                fill(&mut scratch, &mut random, &place, shape, field);
                writer.value(&scratch);
            }
            table.push(writer.finish());
        }
    }
    Ok(store)
}

/// One record with generated values, for objects that tests add later.
pub(crate) fn fresh_row(
    schema: &Schema,
    volume: &Volume,
    object: usize,
    slot: usize,
    now_ms: i64,
    store: &Store,
) -> Vec<Option<String>> {
    let counts: Vec<usize> = (0..schema.objects.len())
        .map(|at| store.next_slot(at))
        .collect();
    let Some(declaration) = schema.object(object) else {
        return Vec::new();
    };
    let mut random = Random::new(volume.seed ^ 0x5EED, object as u64, slot);
    let moments = Moments {
        created: now_ms,
        modified: now_ms,
        stamp: now_ms,
        deleted: false,
        archived: false,
    };
    let place = Place {
        volume,
        counts: &counts,
        schema,
        object,
        slot,
        moments,
        store: Some(store),
    };
    declaration
        .fields
        .iter()
        .map(|field| {
            let mut out = Vec::new();
            let shape = Shape::of(schema, declaration, field);
            fill(&mut out, &mut random, &place, &shape, field);
            String::from_utf8(out).ok().filter(|text| !text.is_empty())
        })
        .collect()
}

/// Writes a value; a shape that may leave a field empty gets more chances with a required one.
fn fill(out: &mut Vec<u8>, random: &mut Random, place: &Place<'_>, shape: &Shape, field: &Field) {
    shape.write(out, random, place);
    let required = field.is(Trait::Required) || field.is(Trait::Title);
    for _ in 0..REQUIRED_TRIES {
        if !required || !out.is_empty() {
            return;
        }
        shape.write(out, random, place);
    }
}

/// Records per object.
fn counts(schema: &Schema, volume: &Volume) -> Result<Vec<usize>, UnknownObject> {
    let weights: usize = schema.objects.iter().map(|o| o.weight).sum();
    let record_types = 2 * schema.with_record_types().count();
    let fixed = |o: &crate::schema::Object| match o.name.as_str() {
        "RecordType" => Some(record_types),
        _ => o.count,
    };
    let free = volume
        .records
        .saturating_sub(schema.objects.iter().filter_map(|o| fixed(o)).sum());
    let mut counts: Vec<usize> = schema
        .objects
        .iter()
        .map(|o| fixed(o).unwrap_or_else(|| free * o.weight / weights.max(1)))
        .collect();
    // Every record has an owner, so there are always some users; Account takes the rounding.
    if let Some((at, _)) = schema.find("User")
        && let Some(users) = counts.get_mut(at)
    {
        *users = (*users).max(3);
    }
    let total: usize = counts.iter().sum();
    if let Some((at, _)) = schema.find("Account")
        && let Some(accounts) = counts.get_mut(at)
    {
        *accounts += volume.records.saturating_sub(total);
    }
    for (name, count) in &volume.objects {
        let (at, _) = schema
            .find(name)
            .ok_or_else(|| UnknownObject(name.clone()))?;
        if let Some(place) = counts.get_mut(at) {
            *place = *count;
        }
    }
    Ok(counts)
}

/// About one record in a hundred lies in the Recycle Bin; references avoid those.
fn born_deleted(schema: &Schema, object: usize, slot: usize) -> bool {
    let bin = schema
        .object(object)
        .is_some_and(|o| o.can('X') && o.field("IsDeleted").is_some());
    bin && !schema
        .object(object)
        .is_some_and(|o| o.name.starts_with("Content") || o.name == "Campaign")
        && (slot.wrapping_mul(0x9E37_79B1) >> 9) % 101 == 17
}

fn moments(random: &mut Random, (slot, count): (usize, usize), end: i64, deleted: bool) -> Moments {
    let seconds = (end - SPAN_MS.0).max(DAY_MS) / 1000;
    let at = |second: i64| SPAN_MS.0 + second.clamp(0, seconds) * 1000;
    let place = slot as u128 * u128::from(seconds.unsigned_abs()) / count.max(1) as u128;
    let place = i64::try_from(place).unwrap_or(0);
    let created = place + i64::try_from(random.below(3_600)).unwrap_or(0);
    // Three nights in which a script touched a tenth of all records within one second.
    let nights = [seconds / 3, seconds / 2, seconds - 86_400 * 30];
    let modified = match random.below(20) {
        0 | 1 => nights
            .into_iter()
            .find(|night| *night > created)
            .unwrap_or(created),
        2..=10 => created,
        _ => {
            created
                + i64::try_from(random.below((seconds - created).max(1).unsigned_abs()))
                    .unwrap_or(0)
        }
    };
    // Now and then the platform touches a record without a user's doing.
    let stamp = if random.one_in(20) {
        modified + i64::try_from(random.below(86_400)).unwrap_or(0)
    } else {
        modified
    };
    Moments {
        created: at(created),
        modified: at(modified),
        stamp: at(stamp),
        deleted,
        archived: created + 500 * 86_400 < seconds && random.one_in(3),
    }
}

/// The newest stamp that generated data can carry, for the README and tests.
pub(crate) fn newest() -> String {
    utc_datetime(Timestamp::from_millisecond(SPAN_MS.1).map_or(0, Timestamp::as_millisecond))
}

#[cfg(test)]
mod tests;
