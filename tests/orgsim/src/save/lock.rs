//! Records that somebody else is writing at the moment, as far as a test says so.
//!
//! Source: Salesforce Developer Documentation, Record Locks: a write to a detail locks its master as well.

use super::{Save, SaveError, delete::Record};
use crate::{
    schema::Trait,
    store::{Changes, row::text},
};

impl Save<'_> {
    /// Neither the record nor a master of it is held, by its own values or by the new ones.
    pub(super) fn free(&self, record: Record, changes: Option<&Changes>) -> Result<(), SaveError> {
        if self.store.held.is_empty() {
            return Ok(());
        }
        let (at, slot) = record;
        let row = self.store.slot(at, slot).and_then(|slot| slot.row.clone());
        let old = |field: usize| {
            let row = row.as_deref()?;
            text(row, field).map(str::to_owned)
        };
        let new = |field: usize| changes?.get(&field).cloned().flatten();
        let object = self.schema.object(at);
        let fields = object.map(|object| object.fields.as_slice());
        let masters = fields
            .unwrap_or_default()
            .iter()
            .enumerate()
            .filter(|(_, field)| field.is(Trait::Cascade) && field.is(Trait::Required))
            .flat_map(|(field, _)| [old(field), new(field)])
            .flatten()
            .filter_map(|id| self.schema.locate(id.as_bytes()));
        let mut touched = std::iter::once(record).chain(masters);
        match touched.find(|record| self.store.held.contains(record)) {
            Some((at, slot)) => {
                let id = self.schema.object(at).map(|object| object.mint.id(slot));
                let id = id.unwrap_or_default();
                Err(SaveError::new(
                    "UNABLE_TO_LOCK_ROW",
                    format!(
                        "unable to obtain exclusive access to this record or 1 records: {}",
                        String::from_utf8_lossy(&id)
                    ),
                ))
            }
            None => Ok(()),
        }
    }
}
