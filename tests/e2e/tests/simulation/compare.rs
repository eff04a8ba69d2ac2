//! What the vault says, next to the truth.

use std::collections::BTreeMap;

use holdfast_model::row::RowHasher;
use holdfast_model::{ObjectName, SalesforceId, SegmentEntry, Stamp};
use holdfast_runtime::Environment;
use holdfast_vault::{Fields, Filter, Presence};

use crate::org::{OBJECTS, Org, PROTECTED_SECONDS};
use crate::truth::{Life, Record};

/// A record as the vault has it.
struct Stored {
    stamp: Stamp,
    presence: Presence,
    fields: BTreeMap<String, String>,
}

/// The state of the org that a job has proven: what must be found again for all time.
pub(crate) struct Snapshot {
    /// Everything with a stamp before this.
    until: Stamp,
    /// Stamp of each record's version.
    records: BTreeMap<SalesforceId, Stamp>,
}

/// Snapshots of earlier jobs, per object.
pub(crate) type Snapshots = BTreeMap<ObjectName, Vec<Snapshot>>;

/// What the catalog has of each object.
pub(crate) type Readable = BTreeMap<ObjectName, Vec<SegmentEntry>>;

pub(crate) async fn readable(environment: &Environment, org: &Org<'_>) -> Readable {
    let mut readable = Readable::new();
    for object in OBJECTS.map(|object| ObjectName::parse(object).unwrap()) {
        let segments = environment.catalog().segments(&org.name, &object).await;
        readable.insert(object, segments.unwrap());
    }
    readable
}

/// Compares the present, and some of the past, after a job that says that it has everything. Values are not printed.
/// `asked` is up to when it asked about every object that it did not read. `swept` is when the last job began that compared all
/// Ids and found nothing missing: what could be seen then is there, however late it came.
pub(crate) async fn assert_complete(
    environment: &Environment,
    org: &Org<'_>,
    readable: &Readable,
    (asked, swept): (Option<Stamp>, Option<Stamp>),
    snapshots: &mut Snapshots,
    random: &mut fastrand::Rng,
) {
    let connected = environment.catalog().org(&org.name).await.unwrap();
    for (object, segments) in readable {
        let item = environment
            .catalog()
            .object(&org.name, object)
            .await
            .unwrap()
            .unwrap();
        let until = item.coverage.head().unwrap();
        let lives = org.truth.lives(object);
        let present = stored(environment, org, segments, Stamp::from_millis(i64::MAX)).await;
        let known = asked.map_or(until, |asked| until.max(asked));
        assert_present(object, lives, &present, (known, swept));
        assert_no_phantoms(
            object,
            lives,
            &present,
            connected.deletes_covered.max(swept),
        );
        let snapshot = Snapshot {
            until,
            records: present
                .iter()
                .map(|(id, stored)| (*id, stored.stamp))
                .filter(|(_, stamp)| *stamp < until)
                .collect(),
        };
        let past = snapshots.entry(object.clone()).or_default();
        past.push(snapshot);
        // The newest one, and one of all.
        for at in [past.len() - 1, random.usize(..past.len())] {
            let snapshot = &past[at];
            let then = Stamp::from_millis(snapshot.until.millis() - 1);
            let found = stored(environment, org, segments, then).await;
            assert_past(object, lives, &found, snapshot);
        }
    }
}

/// Moments up to which a job has proven every object.
pub(crate) fn moments(snapshots: &Snapshots) -> Vec<Stamp> {
    let of = |past: &Vec<Snapshot>| past.iter().map(|snapshot| snapshot.until).collect();
    let mut moments: Vec<Stamp> = snapshots.values().next().map_or_else(Vec::new, of);
    moments.retain(|at| {
        let mut heads = snapshots.values().filter_map(|past| past.last());
        heads.all(|newest| *at <= newest.until)
    });
    moments
}

/// The live records at a time: field to text, without the Id and without nulls, with one spelling of each value.
pub(crate) async fn live(
    environment: &Environment,
    org: &Org<'_>,
    segments: &[SegmentEntry],
    as_of: Stamp,
) -> BTreeMap<SalesforceId, BTreeMap<String, String>> {
    let mut records = stored(environment, org, segments, as_of).await;
    records.retain(|_, stored| stored.presence == Presence::Live);
    let fields = records.into_iter().map(|(id, mut stored)| {
        stored.fields.remove("Id");
        (id, stored.fields)
    });
    fields.collect()
}

/// Every record is there in its newest version, and nothing else is.
fn assert_present(
    object: &ObjectName,
    lives: &BTreeMap<SalesforceId, Life>,
    stored: &BTreeMap<SalesforceId, Stored>,
    (until, swept): (Stamp, Option<Stamp>),
) {
    for (id, life) in lives {
        let Some(current) = life.current().filter(|current| current.stamp < until) else {
            continue;
        };
        if current.is_late(PROTECTED_SECONDS) && Some(current.seen) >= swept {
            continue;
        }
        let found = stored
            .get(id)
            .unwrap_or_else(|| {
                panic!(
                    "lost: {object} {id}, of {}, visible after at most {} s, seen {}, captured until {until}",
                    current.stamp, current.lag_seconds, current.seen
                )
            });
        assert_eq!(
            found.stamp, current.stamp,
            "{object} {id} is not the newest version"
        );
        // What a purge clears in the Recycle Bin moves no stamp, and nobody can see that it did.
        if !current.deleted {
            assert_same(object, id, current, found);
        }
    }
    for (id, found) in stored {
        assert_true(object, lives, id, found);
    }
}

/// Nothing looks alive that was purged before the moment up to which the delete log was read, or all Ids.
fn assert_no_phantoms(
    object: &ObjectName,
    lives: &BTreeMap<SalesforceId, Life>,
    stored: &BTreeMap<SalesforceId, Stored>,
    deletes_covered: Option<Stamp>,
) {
    for (id, found) in stored {
        let gone = lives[id]
            .gone
            .filter(|(_, latest)| Some(*latest) < deletes_covered);
        assert!(
            gone.is_none() || found.presence != Presence::Live,
            "phantom: {object} {id} was purged and looks alive"
        );
    }
}

/// What was proven once is found again, and whatever else is found was so.
fn assert_past(
    object: &ObjectName,
    lives: &BTreeMap<SalesforceId, Life>,
    stored: &BTreeMap<SalesforceId, Stored>,
    snapshot: &Snapshot,
) {
    for (id, stamp) in &snapshot.records {
        let found = stored
            .get(id)
            .unwrap_or_else(|| panic!("lost in the past: {object} {id}, of {stamp}"));
        assert!(
            found.stamp >= *stamp,
            "{object} {id} became older in the past"
        );
    }
    for (id, found) in stored {
        assert!(found.stamp < snapshot.until);
        assert_true(object, lives, id, found);
    }
}

/// Whether the org ever showed it so.
fn assert_true(
    object: &ObjectName,
    lives: &BTreeMap<SalesforceId, Life>,
    id: &SalesforceId,
    found: &Stored,
) {
    let life = lives
        .get(id)
        .unwrap_or_else(|| panic!("invented: {object} {id}"));
    if found.presence == Presence::Gone {
        let (earliest, _) = life
            .gone
            .unwrap_or_else(|| panic!("{object} {id} is said to be gone and is not"));
        assert!(
            found.stamp >= earliest.minus_seconds(60),
            "{object} {id} went later than that"
        );
        return;
    }
    let mut versions = life.versions.iter().rev();
    let shown = versions
        .any(|version| version.stamp == found.stamp && differing(version, found).is_empty());
    assert!(shown, "invented: {object} {id}, of {}", found.stamp);
}

fn assert_same(object: &ObjectName, id: &SalesforceId, truth: &Record, found: &Stored) {
    let differing = differing(truth, found);
    assert!(differing.is_empty(), "{object} {id}: {differing:?}");
}

/// Names of the fields that differ.
fn differing<'r>(truth: &'r Record, found: &'r Stored) -> Vec<&'r str> {
    let names = truth.fields.keys().chain(found.fields.keys());
    let mut differing: Vec<_> = names
        .filter(|name| !is_same(truth.fields.get(*name), found.fields.get(*name)))
        .map(String::as_str)
        .collect();
    if truth.deleted != (found.presence != Presence::Live) {
        differing.push("_deleted");
    }
    differing
}

async fn stored(
    environment: &Environment,
    org: &Org<'_>,
    segments: &[SegmentEntry],
    as_of: Stamp,
) -> BTreeMap<SalesforceId, Stored> {
    let vault = environment.vault(&org.name).await.unwrap();
    let mut scan = vault.scan(segments, as_of, Fields::All, Filter::All);
    let mut records = BTreeMap::new();
    while let Some(row) = scan.next().await.unwrap() {
        let texts = row
            .fields()
            .filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
        let stored = Stored {
            stamp: row.modstamp(),
            presence: row.presence(),
            fields: texts.filter(|(_, text)| !text.is_empty()).collect(),
        };
        assert!(records.insert(row.id(), stored).is_none());
    }
    records
}

/// Whether two texts mean the same: REST and Bulk spell times and numbers differently, and a row hash does not.
pub(crate) fn is_same(one: Option<&String>, other: Option<&String>) -> bool {
    let alike = |kind: &str| {
        let hasher = RowHasher::new([("value", kind)]);
        hasher.hash(|_| one.map(String::as_str)) == hasher.hash(|_| other.map(String::as_str))
    };
    one == other || alike("datetime") || alike("double")
}
