//! One record on its way into the store: what it was, and what it will be.

use bytes::Bytes;

use super::{Save, proposal::Proposal};
use crate::{
    formula::{Record, Scope},
    schema::Object,
    store::{
        Changes,
        row::{Row, RowWriter, text},
    },
};

/// A record that is being saved.
#[derive(Debug)]
pub(crate) struct Draft<'s> {
    /// Object number.
    pub at: usize,
    /// Its declaration.
    pub object: &'s Object,
    /// Where it lies, or will lie.
    pub slot: usize,
    /// As it was; nothing for one that is made.
    pub before: Option<Row>,
    /// All values of one that is made.
    fresh: Vec<Option<String>>,
    /// The values that were given.
    changes: Changes,
    /// Bodies that go with it.
    pub bodies: Vec<(usize, Bytes)>,
}

impl<'s> Draft<'s> {
    /// A record that is made.
    pub(super) fn made(
        (at, object): (usize, &'s Object),
        slot: usize,
        (mut fresh, given): (Vec<Option<String>>, Changes),
        bodies: Vec<(usize, Bytes)>,
    ) -> Self {
        for (field, value) in &given {
            if let Some(place) = fresh.get_mut(*field) {
                place.clone_from(value);
            }
        }
        Self {
            at,
            object,
            slot,
            before: None,
            fresh,
            changes: given,
            bodies,
        }
    }

    /// What is known of the record so far, for the rules of its object.
    pub(super) fn proposal(&self) -> Proposal<'_> {
        let record = (self.at, self.slot);
        let given = self.changes.clone();
        let proposal = match &self.before {
            None => Proposal::fresh(self.object, record, &self.fresh, given),
            Some(row) => Proposal::stored(self.object, record, row, given),
        };
        proposal.with_bodies(self.bodies.iter().map(|(field, _)| *field))
    }

    /// Takes over what the rules of its object made of the new values.
    pub(super) fn take(&mut self, changes: Changes) {
        if self.before.is_none() {
            for (field, value) in &changes {
                if let Some(place) = self.fresh.get_mut(*field) {
                    place.clone_from(value);
                }
            }
        }
        self.changes = changes;
    }

    /// A record that is changed.
    pub(super) fn changed(
        (at, object): (usize, &'s Object),
        (slot, before): (usize, Row),
        changes: Changes,
        bodies: Vec<(usize, Bytes)>,
    ) -> Self {
        Self {
            at,
            object,
            slot,
            before: Some(before),
            fresh: Vec::new(),
            changes,
            bodies,
        }
    }

    /// Gives a field a value.
    pub(crate) fn set(&mut self, field: usize, value: Option<String>) {
        if self.before.is_none()
            && let Some(place) = self.fresh.get_mut(field)
        {
            place.clone_from(&value);
        }
        self.changes.insert(field, value);
    }

    /// The value that a field of this name will have.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.value(self.object.field(field)?.0)
    }

    /// The value that a field will have.
    pub(super) fn own(&self, field: usize) -> Option<&str> {
        self.value(field)
    }

    /// A field will have a value, or a body.
    pub(super) fn holds(&self, field: usize) -> bool {
        let file = |(number, _): &(usize, Bytes)| *number == field;
        self.value(field).is_some() || self.bodies.iter().any(file)
    }

    /// A field that has a new value in a record that is changed.
    pub(super) fn is_written(&self, field: usize) -> bool {
        self.before.is_none() || self.changes.contains_key(&field)
    }

    /// The fields with new values of a record that is changed.
    pub(super) const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// All values of a record that is made, packed.
    pub(super) fn packed(&self) -> Row {
        let mut writer = RowWriter::default();
        for value in &self.fresh {
            writer.cell(value.as_deref().map(str::as_bytes));
        }
        writer.finish()
    }
}

impl Record for Draft<'_> {
    fn value(&self, field: usize) -> Option<&str> {
        match &self.before {
            None => self.fresh.get(field)?.as_deref(),
            Some(before) => match self.changes.get(&field) {
                Some(value) => value.as_deref().filter(|text| !text.is_empty()),
                None => text(before, field),
            },
        }
    }
}

impl Save<'_> {
    /// Works something out about a record, as the running user sees it.
    pub(super) fn about<T>(
        &self,
        new: &dyn Record,
        old: Option<&dyn Record>,
        ask: impl FnOnce(&Scope<'_>) -> T,
    ) -> T {
        let user = &self.caller.user;
        let permitted = |name: &str| self.rules.grants.has(name, user);
        ask(&Scope {
            schema: self.schema,
            store: self.store,
            new,
            old,
            user,
            now_ms: self.now_ms,
            blank_is_zero: false,
            permitted: &permitted,
        })
    }

    /// Works something out about a draft.
    pub(super) fn about_draft<T>(&self, draft: &Draft<'_>, ask: impl FnOnce(&Scope<'_>) -> T) -> T {
        let old = draft.before.as_ref().map(|row| row as &dyn Record);
        self.about(draft, old, ask)
    }
}
