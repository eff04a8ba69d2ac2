//! What the platform itself reads and writes while it saves a caller's record: no checks, and no automation.

use super::{Save, delete::Record};
use crate::{
    id,
    store::{
        Changes, audit,
        row::{Row, RowWriter, text},
    },
};

/// Field values by name.
pub(super) type Named<'n> = &'n [(&'n str, Option<String>)];

/// Which stamps a change by the platform moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamps {
    /// `SystemModstamp` alone.
    System,
    /// The audit fields of an update by the caller.
    Audit,
}

impl Save<'_> {
    /// The live record that an Id names.
    pub(super) fn named(&self, id: &str) -> Option<Record> {
        let (at, slot) = self.schema.locate(&id::parse(id)?)?;
        let found = self.store.slot(at, slot)?;
        (found.row.is_some() && !found.deleted).then_some((at, slot))
    }

    /// The Id of a record.
    pub(super) fn id_of(&self, (at, slot): Record) -> String {
        let id = self.schema.object(at).map(|object| object.mint.id(slot));
        String::from_utf8_lossy(&id.unwrap_or_default()).into_owned()
    }

    /// The name of the object that an Id belongs to.
    pub(super) fn object_of(&self, id: &str) -> Option<&str> {
        let (at, _) = self.schema.locate(&id::parse(id)?)?;
        Some(&self.schema.object(at)?.name)
    }

    /// A field of a record, deleted or not.
    pub(super) fn value(&self, record: Record, field: &str) -> Option<String> {
        let (number, _) = self.schema.object(record.0)?.field(field)?;
        let row = self.last_row(record)?;
        text(&row, number).map(str::to_owned)
    }

    /// The values of a record, also of one that is gone for good by now.
    pub(super) fn last_row(&self, (at, slot): Record) -> Option<Row> {
        if let Some(row) = self
            .store
            .slot(at, slot)
            .and_then(|found| found.row.clone())
        {
            return Some(row);
        }
        let versions = self.store.versions(at, slot);
        versions.into_iter().rev().find_map(|version| version.row)
    }

    /// A field of the live record that an Id names.
    pub(super) fn value_of(&self, id: Option<&str>, field: &str) -> Option<String> {
        self.value(self.named(id?)?, field)
    }

    /// The live records of an object that have a value in a field.
    pub(super) fn referring(&mut self, object: &str, field: &str, value: &str) -> Vec<Record> {
        let Some((at, declaration)) = self.schema.find(object) else {
            return Vec::new();
        };
        let Some((number, _)) = declaration.field(field) else {
            return Vec::new();
        };
        let slots = self.store.with_value(at, number, value.as_bytes());
        let live = slots.into_iter().filter(|slot| {
            let found = self.store.slot(at, *slot);
            found.is_some_and(|found| found.row.is_some() && !found.deleted)
        });
        live.map(|slot| (at, slot)).collect()
    }

    /// Makes a record on the platform's own account.
    pub(super) fn add(&mut self, object: &str, values: Named<'_>) -> Option<Record> {
        let (at, declaration) = self.schema.find(object)?;
        let slot = self.store.next_slot(at);
        let mut row = self.fresh(declaration, slot);
        for (name, value) in values {
            let place = declaration
                .field(name)
                .and_then(|(number, _)| row.get_mut(number));
            if let Some(place) = place {
                place.clone_from(value);
            }
        }
        let mut writer = RowWriter::default();
        for value in &row {
            writer.cell(value.as_deref().map(str::as_bytes));
        }
        self.store
            .insert(at, writer.finish(), self.visible, self.now_ms)?;
        Some((at, slot))
    }

    /// Gives a record values on the platform's own account, unless it has them.
    pub(super) fn adjust(&mut self, record: Record, values: Named<'_>, stamps: Stamps) {
        let Some(object) = self.schema.object(record.0) else {
            return;
        };
        let Some(row) = self
            .store
            .slot(record.0, record.1)
            .and_then(|slot| slot.row.clone())
        else {
            return;
        };
        let mut own = Changes::new();
        for (name, value) in values {
            if let Some((number, _)) = object.field(name)
                && text(&row, number) != value.as_deref()
            {
                own.insert(number, value.clone());
            }
        }
        if own.is_empty() {
            return;
        }
        let mut changes = match stamps {
            Stamps::Audit => audit(object, self.stamp_ms, &self.caller.user),
            Stamps::System => self.stamp(object),
        };
        changes.extend(own);
        self.amend(record, changes, 0);
    }
}
