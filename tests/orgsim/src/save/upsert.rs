//! Creating or updating by the value of a key field.
//!
//! Sources: REST API Developer Guide, sObject Rows by External ID; SOAP API Developer Guide, `upsert()`.

use super::{Intent, Save, SaveError, Source};
use crate::{id, schema::Kind};

/// Why an upsert changed nothing.
#[derive(Debug)]
pub(crate) enum Upsert {
    /// The record is at fault.
    Refused(SaveError),
    /// More than one record has the value.
    Several(Vec<usize>),
}

impl From<SaveError> for Upsert {
    fn from(error: SaveError) -> Self {
        Self::Refused(error)
    }
}

impl Save<'_> {
    /// Creates or updates the record of object `at` whose field `key` is `value`; its slot, and whether it is new.
    pub(crate) fn upsert(
        &mut self,
        (at, key): (usize, usize),
        value: &str,
        source: &impl Source,
        update_only: bool,
    ) -> Result<(usize, bool), Upsert> {
        let object = self.schema.object(at).ok_or_else(SaveError::unknown)?;
        let by_id = object
            .fields
            .get(key)
            .is_some_and(|field| field.kind == Kind::Id);
        let named = Some((key, None));
        if by_id && !value.is_empty() {
            // The Id tells the slot: no index is needed.
            let found = id::parse(value).and_then(|id| self.schema.locate(&id));
            let record = found.filter(|(owner, _)| *owner == at);
            let record = record.ok_or_else(|| SaveError::malformed_id(value))?;
            let intent = Intent {
                creates: false,
                key: named,
            };
            self.update_as(record, source, intent)?;
            return Ok((record.1, false));
        }
        let slots = if by_id {
            Vec::new()
        } else {
            self.live_with(at, key, value)
        };
        match slots.as_slice() {
            [] if update_only => Err(SaveError::unknown().into()),
            [] => {
                let intent = Intent {
                    creates: true,
                    key: Some((key, (!by_id).then_some(value))),
                };
                Ok((self.create_as(at, source, intent)?, true))
            }
            [slot] => {
                let intent = Intent {
                    creates: false,
                    key: named,
                };
                self.update_as((at, *slot), source, intent)?;
                Ok((*slot, false))
            }
            _ => Err(Upsert::Several(slots)),
        }
    }

    /// The live records with a value in a key field.
    pub(crate) fn live_with(&mut self, at: usize, key: usize, value: &str) -> Vec<usize> {
        let mut slots = self.store.with_value(at, key, value.as_bytes());
        slots.retain(|slot| self.live((at, *slot)).is_ok());
        slots
    }
}
