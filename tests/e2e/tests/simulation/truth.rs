//! Everything that an org ever showed, as the driver saw it.

use std::collections::BTreeMap;

use holdfast_model::{ObjectName, SalesforceId, Stamp};

/// One state of a record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) stamp: Stamp,
    pub(crate) deleted: bool,
    /// When it was seen first.
    pub(crate) seen: Stamp,
    /// From its stamp until it became visible, at most.
    pub(crate) lag_seconds: u32,
    /// Field to text, without nulls.
    pub(crate) fields: BTreeMap<String, String>,
}

/// The life of a record.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// As it became visible, oldest first.
    pub(crate) versions: Vec<Record>,
    /// When it was purged: between two looks.
    pub(crate) gone: Option<(Stamp, Stamp)>,
}

/// Objects, records and their lives.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    objects: BTreeMap<ObjectName, BTreeMap<SalesforceId, Life>>,
    last_look: Option<Stamp>,
    /// What is known to become visible late, until it does.
    lags: BTreeMap<(SalesforceId, Stamp), u32>,
}

impl Record {
    /// Whether it is the same version.
    fn is(&self, other: &Self) -> bool {
        (self.stamp, self.deleted, &self.fields) == (other.stamp, other.deleted, &other.fields)
    }

    /// Whether it became visible so long after its stamp.
    pub(crate) const fn is_late(&self, protected_seconds: u32) -> bool {
        self.lag_seconds > protected_seconds
    }
}

impl Life {
    /// What can be seen now.
    pub(crate) fn current(&self) -> Option<&Record> {
        self.versions.last().filter(|_| self.gone.is_none())
    }
}

impl Truth {
    /// Notes what can be seen of an object at `now`.
    pub(crate) fn note(
        &mut self,
        object: &ObjectName,
        records: BTreeMap<SalesforceId, Record>,
        now: Stamp,
    ) {
        let lives = self.objects.entry(object.clone()).or_default();
        for (id, life) in lives.iter_mut() {
            if life.gone.is_none() && !records.contains_key(id) {
                life.gone = Some((self.last_look.unwrap_or(now), now));
            }
        }
        for (id, mut record) in records {
            let lag = self.lags.get(&(id, record.stamp));
            record.lag_seconds = lag.copied().unwrap_or_default();
            let life = lives.entry(id).or_default();
            if !life.versions.last().is_some_and(|last| last.is(&record)) {
                life.versions.push(record);
            }
        }
    }

    /// Notes that a change becomes visible late.
    pub(crate) fn expect_late(&mut self, id: SalesforceId, stamp: Stamp, lag_seconds: u32) {
        self.lags.insert((id, stamp), lag_seconds);
    }

    /// Notes that all objects were looked at.
    pub(crate) fn looked(&mut self, now: Stamp) {
        self.last_look = Some(now);
    }

    /// How many versions of each object became visible so long after their stamp.
    pub(crate) fn late(&self, seconds: u32) -> BTreeMap<ObjectName, usize> {
        let of = |lives: &BTreeMap<SalesforceId, Life>| {
            let versions = lives.values().flat_map(|life| &life.versions);
            versions.filter(|version| version.is_late(seconds)).count()
        };
        let objects = self.objects.iter();
        objects
            .map(|(object, lives)| (object.clone(), of(lives)))
            .collect()
    }

    /// The lives of an object's records.
    pub(crate) fn lives(&self, object: &ObjectName) -> &BTreeMap<SalesforceId, Life> {
        &self.objects[object]
    }

    /// Ids of an object's records that pass.
    pub(crate) fn ids(&self, object: &str, passes: impl Fn(&Record) -> bool) -> Vec<SalesforceId> {
        let object = ObjectName::parse(object).unwrap();
        let lives = self.lives(&object).iter();
        lives
            .filter(|(_, life)| life.current().is_some_and(&passes))
            .map(|(id, _)| *id)
            .collect()
    }
}
