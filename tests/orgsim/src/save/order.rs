//! The order in which one record is saved.
//!
//! Source: Apex Developer Guide, Triggers and Order of Execution. The numbers are the ones of that page, condensed.

use std::sync::Arc;

use super::{Draft, Save, SaveError, check};
use crate::{
    rules::{Event, ObjectRules},
    store::{Changes, audit},
};

/// Who changes a record: the caller moves all stamps, the platform `SystemModstamp` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Caller,
    Platform,
}

impl Save<'_> {
    /// Everything after the system's own checks of what the caller sent (1); the slot.
    pub(super) fn insert(&mut self, mut draft: Draft<'_>) -> Result<usize, SaveError> {
        self.enter(draft.object.name.as_str(), super::mixed::creates(&draft))?;
        let rules = self.rules.of(draft.at).cloned();
        if let Some(rules) = &rules {
            // 2, 3
            self.run(rules, &mut draft, Event::BeforeInsert)?;
        }
        // 4
        self.derive(&mut draft)?;
        self.compute(&mut draft);
        self.plausible(&draft)?;
        check::required(draft.object, |field| draft.holds(field))?;
        self.unique(draft.at, draft.object, None, |field| draft.own(field))?;
        if let Some(rules) = &rules {
            self.validate(rules, &draft)?;
            // 5
            self.find_duplicates(rules, &draft)?;
        }
        // 6
        self.room(draft.at, &draft.bodies)?;
        self.place(&mut draft);
        let record = (draft.at, draft.slot);
        self.store
            .insert(draft.at, draft.packed(), self.visible, self.now_ms);
        self.keep_bodies(record, std::mem::take(&mut draft.bodies));
        self.after_write(draft.object, record, None);
        if let Some(rules) = &rules {
            self.afterwards(rules, record, None, Event::AfterInsert)?;
        }
        // 14
        let after = self.stored(record).map(|(_, row)| row);
        self.roll_up(record.0, None, after.as_ref())?;
        Ok(record.1)
    }

    /// The same for a record that is changed.
    pub(super) fn change(&mut self, draft: Draft<'_>) -> Result<(), SaveError> {
        self.change_by(draft, By::Caller)
    }

    /// The same for a record that is changed by the org itself.
    pub(super) fn change_quietly(&mut self, draft: Draft<'_>) -> Result<(), SaveError> {
        self.change_by(draft, By::Platform)
    }

    fn change_by(&mut self, mut draft: Draft<'_>, by: By) -> Result<(), SaveError> {
        self.enter(draft.object.name.as_str(), super::mixed::updates(&draft))?;
        let rules = self.rules.of(draft.at).cloned();
        if let Some(rules) = &rules {
            self.run(rules, &mut draft, Event::BeforeUpdate)?;
        }
        self.derive(&mut draft)?;
        self.compute(&mut draft);
        check::required(draft.object, |field| {
            !draft.is_written(field) || draft.holds(field)
        })?;
        let slot = Some(draft.slot);
        self.unique(draft.at, draft.object, slot, |field| {
            draft.own(field).filter(|_| draft.is_written(field))
        })?;
        if let Some(rules) = &rules {
            self.validate(rules, &draft)?;
            self.find_duplicates(rules, &draft)?;
        }
        let record = (draft.at, draft.slot);
        self.write(&draft, by);
        self.keep_bodies(record, std::mem::take(&mut draft.bodies));
        self.after_write(draft.object, record, draft.before.as_ref());
        if let Some(rules) = &rules {
            self.afterwards(rules, record, draft.before.as_ref(), Event::AfterUpdate)?;
        }
        let after = self.stored(record).map(|(_, row)| row);
        self.roll_up(record.0, draft.before.as_ref(), after.as_ref())
    }

    /// Writes a changed record, with who and when, and what follows from it in formulas elsewhere.
    pub(super) fn write(&mut self, draft: &Draft<'_>, by: By) {
        let mut changes: Changes = match by {
            By::Caller => audit(draft.object, self.stamp_ms, &self.caller.user),
            By::Platform => self.stamp(draft.object),
        };
        changes.extend(draft.changes().clone());
        let record = (draft.at, draft.slot);
        self.store
            .change(record, &changes, self.visible, self.now_ms);
        if let Some(before) = &draft.before {
            self.ripple(record, before, 0);
        }
    }

    /// What follows once a record is in the store.
    fn afterwards(
        &mut self,
        rules: &Arc<ObjectRules>,
        record: (usize, usize),
        before: Option<&crate::store::row::Row>,
        event: Event,
    ) -> Result<(), SaveError> {
        // A record that is not visible yet has nothing that could follow from it.
        if self.stored(record).is_none() {
            return Ok(());
        }
        // 7
        self.triggers(rules, record, before, event)?;
        // 8
        self.assign(rules, record)?;
        // 10
        self.workflow(rules, record, before, event)?;
        // 12
        self.flows(rules, record, before, event)
    }

    /// A before-trigger may have made a record of the same object: the draft takes the next place then.
    fn place(&self, draft: &mut Draft<'_>) {
        let slot = self.store.next_slot(draft.at);
        if slot == draft.slot {
            return;
        }
        draft.slot = slot;
        let fresh = self.fresh(draft.object, slot);
        for (number, field) in draft.object.fields.iter().enumerate() {
            if field.kind == crate::schema::Kind::Id || field.auto_number.is_some() {
                draft.set(number, fresh.get(number).cloned().flatten());
            }
        }
    }

    /// Runs something that is taken back entirely when it fails.
    pub(super) fn whole<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, SaveError>,
    ) -> Result<T, SaveError> {
        self.store.begin();
        let done = act(self);
        if done.is_ok() {
            self.store.keep();
        } else {
            self.store.roll_back();
        }
        done
    }
}
