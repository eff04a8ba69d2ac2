//! What else goes, stays or stands in the way when a record is deleted, and what comes back with it.
//!
//! Sources: SOAP API Developer Guide, `delete()` and `undelete()`; describe's `cascadeDelete` and `restrictedDelete`.

use std::collections::HashSet;

use super::{Act, Save, SaveError, mixed};
use crate::{
    rules::Event,
    schema::{Kind, Object, Trait},
    store::{
        Changes, Reference, audit,
        row::{cells, text},
    },
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
    /// Records that do not let their parent go.
    blocked: Vec<Record>,
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
            if save.before_delete(record)? {
                return Ok(Vec::new());
            }
            let reach = save.reach(record, false);
            save.unhindered(record, &reach)?;
            for member in &reach.family {
                save.free(*member, None)?;
            }
            save.clear(&reach);
            for member in &reach.family {
                save.bin(*member, true);
            }
            save.after_move(&reach.family, false);
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
        if self.before_delete(record)? {
            return Ok(Vec::new());
        }
        let reach = self.reach(record, true);
        self.unhindered(record, &reach)?;
        let live = |(object, slot): &Record| {
            let found = self.store.slot(*object, *slot);
            found.is_some_and(|found| found.row.is_some() && !found.deleted)
        };
        let family: Vec<Record> = reach.family.iter().copied().filter(live).collect();
        self.clear(&reach);
        for (object, slot) in &reach.family {
            self.store.take_cleared((*object, *slot));
            let row = self.stored((*object, *slot)).map(|(_, row)| row);
            self.store.remove(*object, *slot, self.now_ms);
            self.roll_up(*object, row.as_ref(), None)?;
        }
        self.after_move(&family, false);
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
        let object = self
            .schema
            .object(record.0)
            .ok_or_else(SaveError::unknown)?;
        if !object.can('X') && !self.caller.by_test {
            // It comes back with its parent only.
            return Err(SaveError::new(
                "UNDELETE_FAILED",
                format!("entity type {} does not support undelete", object.name),
            ));
        }
        let found = self.store.slot(record.0, record.1);
        let found = found.filter(|slot| slot.row.is_some() && slot.deleted);
        let stamp = found
            .map(|slot| slot.stamp_ms)
            .ok_or_else(|| SaveError::new("UNDELETE_FAILED", "entity is not in the recycle bin"))?;
        let mut family = Vec::new();
        let mut known = HashSet::new();
        let mut open = vec![record];
        while let Some(member) = open.pop() {
            if !known.insert(member) {
                continue;
            }
            family.push(member);
            for (child, _, owned) in self.children(member) {
                // A child that was deleted on its own, at another time, stays in the bin; what cannot be deleted on its
                // own went along.
                let alone = self
                    .schema
                    .object(child.0)
                    .is_some_and(|child| child.can('D'));
                let together = self
                    .store
                    .slot(child.0, child.1)
                    .is_some_and(|slot| slot.deleted && (slot.stamp_ms == stamp || !alone));
                if owned && together {
                    open.push(child);
                }
            }
        }
        // What also belongs to a record that stays in the bin stays there with it.
        while let Some(place) = family
            .iter()
            .skip(1)
            .position(|member| self.missing_parent(*member, &known).is_some())
        {
            known.remove(&family.remove(place + 1));
        }
        if let Some(parent) = self.missing_parent(record, &known) {
            return Err(SaveError::of(
                "UNDELETE_FAILED",
                "Undelete failed: the parent record is deleted",
                &parent,
            ));
        }
        for member in &family {
            self.free(*member, None)?;
        }
        for member in &family {
            self.bin(*member, false);
        }
        for member in &family {
            self.let_go(*member);
        }
        for member in &family {
            for reference in self.store.take_cleared(*member) {
                self.restore(*member, reference);
            }
        }
        self.after_move(&family, true);
        self.roll_up_all(&family)?;
        for member in &family {
            self.sum_again(*member)?;
        }
        self.around(record, None, Event::AfterUndelete)?;
        Ok(family)
    }

    /// Follows the references to a record, also those from the Recycle Bin when asked to.
    fn reach(&mut self, record: Record, from_bin: bool) -> Reach {
        let mut reach = Reach::default();
        let mut known = HashSet::new();
        let mut open = vec![record];
        let (mut restricting, mut held) = (Vec::new(), Vec::new());
        while let Some(member) = open.pop() {
            if !known.insert(member) {
                continue;
            }
            reach.family.push(member);
            for (child, field, owned) in self.children(member) {
                let found = self.store.slot(child.0, child.1);
                let deleted = found.is_some_and(|slot| slot.deleted);
                let live =
                    found.is_some_and(|slot| slot.row.is_some() && (from_bin || !slot.deleted));
                let declaration = self
                    .schema
                    .object(child.0)
                    .and_then(|object| object.fields.get(field));
                let Some(declaration) = declaration.filter(|_| live) else {
                    continue;
                };
                if owned && !deleted && self.holds_its_parent(child) {
                    held.push(child);
                } else if owned {
                    open.push(child);
                } else if declaration.is(Trait::Restrict) || declaration.is(Trait::Required) {
                    restricting.push(child);
                } else {
                    reach.cleared.push((member, (child.0, child.1, field)));
                }
            }
        }
        restricting.retain(|child| !known.contains(child));
        reach.blocked = if held.is_empty() { restricting } else { held };
        // Two references to the family may come from one record.
        let mut named = HashSet::new();
        reach.blocked.retain(|blocker| named.insert(*blocker));
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

    /// A record that comes back refers to nothing that is not there; a parent that comes back later is referred to again.
    fn let_go(&mut self, record: Record) {
        let Some(object) = self.schema.object(record.0) else {
            return;
        };
        let Some(row) = self.last_row(record) else {
            return;
        };
        for (number, field) in object.fields.iter().enumerate() {
            if field.kind != Kind::Reference || field.is(Trait::Required) {
                continue;
            }
            let parent = text(&row, number).and_then(|id| self.schema.locate(id.as_bytes()));
            let Some(parent) = parent else { continue };
            let found = self.store.slot(parent.0, parent.1);
            if found.is_some_and(|found| found.row.is_some() && !found.deleted) {
                continue;
            }
            self.touch(record, number, None);
            let mut waiting = self.store.take_cleared(parent);
            waiting.push((record.0, record.1, number));
            self.store.note_cleared(parent, waiting);
        }
    }

    /// A change that the platform makes by itself: it moves `SystemModstamp` alone.
    fn touch(&mut self, (object, slot): Record, field: usize, value: Option<String>) {
        let Some(declaration) = self.schema.object(object) else {
            return;
        };
        // A record in the bin keeps the stamp that tells what it was deleted with.
        let found = self.store.slot(object, slot);
        let mut changes = if found.is_some_and(|found| found.deleted) {
            Changes::new()
        } else {
            self.stamp(declaration)
        };
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

    /// The first required reference of a record that would point to nothing.
    fn missing_parent(&self, (at, slot): Record, known: &HashSet<Record>) -> Option<String> {
        let object = self.schema.object(at)?;
        let row = self.store.slot(at, slot)?.row.clone()?;
        let fields = object.fields.iter().zip(cells(&row));
        let mut parents = fields
            .filter(|(field, _)| field.kind == Kind::Reference && field.is(Trait::Required))
            .filter_map(|(field, value)| Some((field, self.schema.locate(value?)?)));
        parents.find_map(|(field, parent)| {
            let found = self.store.slot(parent.0, parent.1);
            let live = found.is_some_and(|found| found.row.is_some() && !found.deleted);
            (!live && !known.contains(&parent)).then(|| field.name.clone())
        })
    }

    /// Nothing that stays refers to the record so that it has to stay, too.
    fn unhindered(&self, record: Record, reach: &Reach) -> Result<(), SaveError> {
        let Some(first) = reach.blocked.first() else {
            return Ok(());
        };
        let object = self.schema.object(first.0);
        let kind = object.map(Object::label).unwrap_or_default().to_lowercase();
        let why = if kind == "opportunity" && self.holds_its_parent(*first) {
            "some opportunities in that account were closed won. The opportunities closed won in this account are the following".to_owned()
        } else {
            format!("it is associated with the following {}", plural(&kind))
        };
        let same = reach.blocked.iter().filter(|blocker| blocker.0 == first.0);
        let names: Vec<String> = same.map(|blocker| self.shown(*blocker)).collect();
        Err(SaveError::new(
            "DELETE_FAILED",
            format!(
                "Your attempt to delete {} could not be completed because {why}.: {}\n",
                self.shown(record),
                names.join(", ")
            ),
        ))
    }

    /// What people call a record.
    fn shown(&self, record: Record) -> String {
        let object = self.schema.object(record.0);
        let mut fields = object.into_iter().flat_map(|object| &object.fields);
        let title = fields.find(|field| field.is(Trait::Title));
        let title = title.and_then(|field| self.value(record, &field.name));
        let parts = [self.value(record, "Salutation"), title];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(" ")
    }
}

fn plural(word: &str) -> String {
    match word.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{word}s"),
    }
}
