//! A record on its way into the store: what it held, what the caller gives it and what follows from that.

use std::collections::HashSet;

use super::delete::Record;
use crate::{
    schema::Object,
    store::{
        Changes,
        row::{Row, text},
    },
};

/// One record that is about to be written.
#[derive(Debug)]
pub(super) struct Proposal<'d> {
    /// The record's object.
    pub object: &'d Object,
    /// Where it is, or will be.
    pub record: Record,
    base: Base<'d>,
    given: Changes,
    derived: Changes,
    bodies: HashSet<usize>,
}

#[derive(Debug)]
enum Base<'d> {
    /// The defaults of a new record.
    Fresh(&'d [Option<String>]),
    /// What is stored.
    Stored(&'d Row),
}

impl<'d> Proposal<'d> {
    /// A new record with its defaults.
    pub(super) fn fresh(
        object: &'d Object,
        record: Record,
        defaults: &'d [Option<String>],
        given: Changes,
    ) -> Self {
        Self::on(object, record, Base::Fresh(defaults), given)
    }

    /// New values for a stored record.
    pub(super) fn stored(object: &'d Object, record: Record, row: &'d Row, given: Changes) -> Self {
        Self::on(object, record, Base::Stored(row), given)
    }

    fn on(object: &'d Object, record: Record, base: Base<'d>, given: Changes) -> Self {
        Self {
            object,
            record,
            base,
            given,
            derived: Changes::new(),
            bodies: HashSet::new(),
        }
    }

    /// The caller sends bodies for these fields.
    #[must_use]
    pub(super) fn with_bodies(mut self, fields: impl Iterator<Item = usize>) -> Self {
        self.bodies.extend(fields);
        self
    }

    /// True when the record is being made.
    pub(super) const fn is_new(&self) -> bool {
        matches!(self.base, Base::Fresh(_))
    }

    /// True when the caller sends a body.
    pub(super) fn has_body(&self, field: &str) -> bool {
        self.number(field)
            .is_some_and(|number| self.bodies.contains(&number))
    }

    /// The value that a field will have.
    pub(super) fn get(&self, field: &str) -> Option<&str> {
        let number = self.number(field)?;
        match self
            .derived
            .get(&number)
            .or_else(|| self.given.get(&number))
        {
            Some(value) => value.as_deref(),
            None => self.before(number),
        }
    }

    /// The value that a field has now; nothing for a new record.
    pub(super) fn old(&self, field: &str) -> Option<&str> {
        match self.base {
            Base::Fresh(_) => None,
            Base::Stored(row) => text(row, self.number(field)?),
        }
    }

    /// The value that a field will have, as an owned text.
    pub(super) fn owned(&self, field: &str) -> Option<String> {
        self.get(field).map(str::to_owned)
    }

    /// True for a Boolean field that will be true.
    pub(super) fn is_true(&self, field: &str) -> bool {
        self.get(field) == Some("true")
    }

    /// True when the caller names the field, also with a null.
    pub(super) fn given(&self, field: &str) -> bool {
        self.number(field)
            .is_some_and(|number| self.given.contains_key(&number))
    }

    /// True when the caller gives the field a value.
    pub(super) fn given_value(&self, field: &str) -> bool {
        let number = self.number(field);
        number
            .and_then(|number| self.given.get(&number))
            .is_some_and(Option::is_some)
    }

    /// True when the field will hold something else than it does; for a new record, when it will hold something.
    pub(super) fn changes(&self, field: &str) -> bool {
        self.get(field) != self.old(field)
    }

    /// Gives the field a value that follows from others.
    pub(super) fn set(&mut self, field: &str, value: Option<String>) {
        if let Some(number) = self.number(field) {
            self.derived.insert(number, value);
        }
    }

    /// Gives the field a value when it has none.
    pub(super) fn set_default(&mut self, field: &str, value: impl Into<String>) {
        if self.get(field).is_none() {
            self.set(field, Some(value.into()));
        }
    }

    /// Leaves the field as it is, whatever the caller sent.
    pub(super) fn ignore(&mut self, field: &str) {
        if let Some(number) = self.number(field) {
            self.given.remove(&number);
        }
    }

    /// Everything that becomes different.
    pub(super) fn into_changes(self) -> Changes {
        let mut changes = self.given;
        changes.extend(self.derived);
        changes
    }

    fn before(&self, number: usize) -> Option<&str> {
        match self.base {
            Base::Fresh(defaults) => defaults.get(number)?.as_deref(),
            Base::Stored(row) => text(row, number),
        }
    }

    fn number(&self, field: &str) -> Option<usize> {
        self.object.field(field).map(|(number, _)| number)
    }
}
