//! What else goes, stays or stands in the way when a record is deleted, and what comes back with it.
//!
//! Sources: SOAP API Developer Guide, `delete()` and `undelete()`; describe's `cascadeDelete` and `restrictedDelete`.

use std::collections::HashSet;

use super::{Act, Save, SaveError, mixed};
use crate::{
    rules::Event,
    schema::{Object, Trait},
    store::{Reference, audit, row::text},
};

/// Object and slot number.
pub(crate) type Record = (usize, usize);

/// Everything that a deletion touches.
#[derive(Debug, Default)]
struct Reach {
    /// The record and what goes with it.
    family: Vec<Record>,
    /// References that become null, with the record that they point to.
    cleared: Vec<(Record, Reference)>,
    /// A record that does not let its parent go.
    blocked: Option<Record>,
}

impl Save<'_> {
    /// Moves a record and what belongs to it into the Recycle Bin; everything that went.
    pub(crate) fn delete(&mut self, record: Record) -> Result<Vec<Record>, SaveError> {
        let before = self.live(record)?;
        self.allowed(record.0, Act::Delete)?;
        self.whole(|save| {
            if let Some(object) = save.schema.object(record.0) {
                save.enter(&object.name, mixed::side(&object.name))?;
            }
            save.around(record, Some(&before), Event::BeforeDelete)?;
            let reach = save.reach(record, false);
            if let Some(blocker) = reach.blocked {
                return Err(save.in_the_way(record, blocker));
            }
            for member in &reach.family {
                save.free(*member, None)?;
            }
            save.clear(&reach);
            for member in &reach.family {
                save.bin(*member, true);
            }
            save.roll_up_all(&reach.family)?;
            save.around(record, Some(&before), Event::AfterDelete)?;
            Ok(reach.family)
        })
    }

    /// Removes a record and what belongs to it for good; everything that went.
    pub(crate) fn hard_delete(&mut self, record: Record) -> Result<Vec<Record>, SaveError> {
        self.whole(|save| save.purge(record))
    }

    fn purge(&mut self, record: Record) -> Result<Vec<Record>, SaveError> {
        let reach = self.reach(record, true);
        if let Some(blocker) = reach.blocked {
            return Err(self.in_the_way(record, blocker));
        }
        self.clear(&reach);
        for (object, slot) in &reach.family {
            self.store.take_cleared((*object, *slot));
            let row = self.stored((*object, *slot)).map(|(_, row)| row);
            self.store.remove(*object, *slot, self.now_ms);
            self.roll_up(*object, row.as_ref(), None)?;
        }
        Ok(reach.family)
    }

    /// Works out the summaries that records counted in, or count in again.
    fn roll_up_all(&mut self, records: &[Record]) -> Result<(), SaveError> {
        for record in records {
            if let Some((_, row)) = self.stored(*record) {
                self.roll_up(record.0, Some(&row), None)?;
            }
        }
        Ok(())
    }

    /// Empties the Recycle Bin of a record and of what went in with it; everything that went.
    pub(crate) fn empty(&mut self, record: Record) -> Result<Vec<Record>, SaveError> {
        let found = self.store.slot(record.0, record.1);
        if !found.is_some_and(|slot| slot.row.is_some() && slot.deleted) {
            let message = "entity is not in the recycle bin";
            return Err(SaveError::new("DELETE_FAILED", message));
        }
        self.allowed(record.0, Act::Delete)?;
        self.whole(|save| save.hard_delete(record))
    }

    /// Takes a record out of the Recycle Bin, with what went in together with it; everything that came back.
    pub(crate) fn undelete(&mut self, record: Record) -> Result<Vec<Record>, SaveError> {
        self.whole(|save| save.bring_back(record))
    }

    fn bring_back(&mut self, record: Record) -> Result<Vec<Record>, SaveError> {
        let found = self.store.slot(record.0, record.1);
        let found = found.filter(|slot| slot.row.is_some() && slot.deleted);
        let stamp = found
            .map(|slot| slot.stamp_ms)
            .ok_or_else(|| SaveError::new("UNDELETE_FAILED", "entity is not in the recycle bin"))?;
        if let Some(master) = self.missing_master(record) {
            return Err(SaveError::of(
                "UNDELETE_FAILED",
                "Undelete failed: the parent record is deleted",
                &master,
            ));
        }
        let mut family = Vec::new();
        let mut known = HashSet::new();
        let mut open = vec![record];
        while let Some(member) = open.pop() {
            if !known.insert(member) {
                continue;
            }
            family.push(member);
            for (child, _, owned) in self.children(member) {
                // A child that was deleted on its own, at another time, stays in the bin.
                let together = self
                    .store
                    .slot(child.0, child.1)
                    .is_some_and(|slot| slot.deleted && slot.stamp_ms == stamp);
                if owned && together {
                    open.push(child);
                }
            }
        }
        for member in &family {
            self.free(*member, None)?;
        }
        for member in &family {
            self.bin(*member, false);
        }
        for member in &family {
            for reference in self.store.take_cleared(*member) {
                self.restore(*member, reference);
            }
        }
        self.roll_up_all(&family)?;
        self.around(record, None, Event::AfterUndelete)?;
        Ok(family)
    }

    /// Follows the references to a record, also those from the Recycle Bin when asked to.
    fn reach(&mut self, record: Record, from_bin: bool) -> Reach {
        let mut reach = Reach::default();
        let mut known = HashSet::new();
        let mut open = vec![record];
        let mut restricting = Vec::new();
        while let Some(member) = open.pop() {
            if !known.insert(member) {
                continue;
            }
            reach.family.push(member);
            for (child, field, owned) in self.children(member) {
                let live = self
                    .store
                    .slot(child.0, child.1)
                    .is_some_and(|slot| slot.row.is_some() && (from_bin || !slot.deleted));
                let declaration = self
                    .schema
                    .object(child.0)
                    .and_then(|object| object.fields.get(field));
                let Some(declaration) = declaration.filter(|_| live) else {
                    continue;
                };
                if owned {
                    open.push(child);
                } else if declaration.is(Trait::Restrict) || declaration.is(Trait::Required) {
                    restricting.push(child);
                } else {
                    reach.cleared.push((member, (child.0, child.1, field)));
                }
            }
        }
        reach.blocked = restricting.into_iter().find(|child| !known.contains(child));
        reach
            .cleared
            .retain(|(_, (object, slot, _))| !known.contains(&(*object, *slot)));
        reach
    }

    /// Records that refer to `parent`, by which field, and whether they go with it.
    fn children(&mut self, parent: Record) -> Vec<(Record, usize, bool)> {
        let Some(object) = self.schema.object(parent.0) else {
            return Vec::new();
        };
        let id = object.mint.id(parent.1);
        let mut found = Vec::new();
        for (child, field) in self.schema.children(parent.0) {
            let owned = self
                .schema
                .object(child)
                .and_then(|object| object.fields.get(field))
                .is_some_and(|field| field.is(Trait::Cascade));
            let slots = self.store.with_value(child, field, &id);
            found.extend(slots.into_iter().map(|slot| ((child, slot), field, owned)));
        }
        found
    }

    /// Writes nulls over the references that would point to nothing, and remembers them.
    fn clear(&mut self, reach: &Reach) {
        for member in &reach.family {
            let of_member = reach.cleared.iter().filter(|(parent, _)| parent == member);
            let references: Vec<Reference> =
                of_member.clone().map(|(_, reference)| *reference).collect();
            for (object, slot, field) in &references {
                self.touch((*object, *slot), *field, None);
            }
            self.store.note_cleared(*member, references);
        }
    }

    /// Puts a reference back, unless it points elsewhere by now.
    fn restore(&mut self, parent: Record, (object, slot, field): Reference) {
        let empty = self.store.slot(object, slot).is_some_and(|found| {
            found
                .row
                .as_ref()
                .is_some_and(|row| text(row, field).is_none())
        });
        if let Some(declaration) = self.schema.object(parent.0).filter(|_| empty) {
            let id = String::from_utf8_lossy(&declaration.mint.id(parent.1)).into_owned();
            self.touch((object, slot), field, Some(id));
        }
    }

    /// A change that the platform makes by itself: it moves `SystemModstamp` alone.
    fn touch(&mut self, (object, slot): Record, field: usize, value: Option<String>) {
        let Some(declaration) = self.schema.object(object) else {
            return;
        };
        let mut changes = self.stamp(declaration);
        changes.insert(field, value);
        self.amend((object, slot), changes, 0);
    }

    /// Moves this one record in or out of the Recycle Bin.
    pub(crate) fn bin(&mut self, (at, slot): Record, deleted: bool) {
        let Some(object) = self.schema.object(at) else {
            return;
        };
        let Some((field, _)) = object.field("IsDeleted") else {
            // What has no Recycle Bin goes at once.
            self.store.remove(at, slot, self.now_ms);
            return;
        };
        let mut changes = audit(object, self.stamp_ms, &self.caller.user);
        changes.insert(field, Some(deleted.to_string()));
        self.store
            .change((at, slot), &changes, self.visible, self.now_ms);
    }

    /// The field that names a deleted master.
    fn missing_master(&self, (at, slot): Record) -> Option<String> {
        let object = self.schema.object(at)?;
        let row = self.store.slot(at, slot)?.row.clone()?;
        let fields = object.fields.iter().enumerate();
        let mut masters =
            fields.filter(|(_, field)| field.is(Trait::Cascade) && field.is(Trait::Required));
        masters.find_map(|(number, field)| {
            let (at, slot) = self.schema.locate(text(&row, number)?.as_bytes())?;
            let there = self
                .store
                .slot(at, slot)
                .is_some_and(|slot| slot.row.is_some() && !slot.deleted);
            (!there).then(|| field.name.clone())
        })
    }

    fn in_the_way(&self, record: Record, blocker: Record) -> SaveError {
        let name = |record: Record| {
            let object = self.schema.object(record.0)?;
            let row = self.store.slot(record.0, record.1)?.row.clone()?;
            let title = object
                .fields
                .iter()
                .position(|field| field.is(Trait::Title));
            text(&row, title.unwrap_or(0)).map(str::to_owned)
        };
        let kind = self.schema.object(blocker.0).map(Object::label);
        SaveError::new(
            "DELETE_FAILED",
            format!(
                "Your attempt to delete {} could not be completed because it is associated with the following {}s.: {}\n",
                name(record).unwrap_or_default(),
                kind.unwrap_or_default().to_lowercase(),
                name(blocker).unwrap_or_default()
            ),
        )
    }
}
