//! Everything that an org ever showed, as the driver saw it.

use std::collections::BTreeMap;

use holdfast_model::{ObjectName, SalesforceId, Stamp};

/// One state of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) stamp: Stamp,
    pub(crate) deleted: bool,
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
        for (id, record) in records {
            let life = lives.entry(id).or_default();
            if life.versions.last() != Some(&record) {
                life.versions.push(record);
            }
        }
        self.last_look = Some(now);
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
