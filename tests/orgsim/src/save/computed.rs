//! Formula fields and roll-up summary fields, worked out when what they read changes.
//!
//! Sources: Object Reference, System Fields (a formula moves no stamp); Apex Developer Guide, Triggers and Order of
//! Execution (a roll-up saves the parent).

use std::{cmp::Ordering, sync::Arc};

use rust_decimal::Decimal;

use super::{Draft, Save, SaveError, check};
use crate::{
    clock::utc_datetime,
    formula::Record as _,
    rules::{Operation, RollUp},
    schema::{Field, Kind, Object},
    store::{Changes, row::Row},
};

/// Object and slot number.
type Record = (usize, usize);

/// Formulas that read formulas that read formulas. Source: Salesforce Help, Cross-Object Formulas (10 relationships).
const DEPTH_MAX: usize = 10;

impl Save<'_> {
    /// Gives a draft's formula fields the values that follow from its other fields.
    pub(super) fn compute(&self, draft: &mut Draft<'_>) {
        for formula in self.rules.computed.formulas(draft.at) {
            let Some(field) = draft.object.fields.get(formula.field) else {
                continue;
            };
            let value = self.about_draft(draft, |scope| {
                let scope = crate::formula::Scope {
                    blank_is_zero: formula.blank_is_zero,
                    ..*scope
                };
                // What cannot be worked out is `#Error!` for people and null for programs.
                formula
                    .formula
                    .value(&scope)
                    .ok()
                    .and_then(|value| value.stored(field))
            });
            let value = value.and_then(|text| fitted(field, text));
            if draft.value(formula.field) != value.as_deref() {
                draft.set(formula.field, value);
            }
        }
    }

    /// A change that the platform makes by itself: no stamp moves that is not among the changes.
    pub(super) fn amend(&mut self, record: Record, changes: Changes, depth: usize) {
        let Some((object, before)) = self.stored(record) else {
            return;
        };
        let mut draft = Draft::changed(
            (record.0, object),
            (record.1, Row::clone(&before)),
            changes,
            Vec::new(),
        );
        self.compute(&mut draft);
        if draft.changes().is_empty() {
            return;
        }
        self.store
            .change(record, draft.changes(), self.visible, self.now_ms);
        self.ripple(record, &before, depth);
    }

    /// Works the formulas of children out again that read what changed in a record.
    pub(super) fn ripple(&mut self, record: Record, before: &Row, depth: usize) {
        let rules = Arc::clone(&self.rules);
        let readers = rules.computed.readers(record.0);
        if readers.is_empty() || depth > DEPTH_MAX {
            return;
        }
        let Some((object, row)) = self.stored(record) else {
            return;
        };
        let id = object.mint.id(record.1);
        let mut done = Vec::new();
        for reader in readers {
            let place = (reader.object, reader.reference);
            if row.value(reader.field) == before.value(reader.field) || done.contains(&place) {
                continue;
            }
            done.push(place);
            for slot in self.store.with_value(reader.object, reader.reference, &id) {
                self.amend((reader.object, slot), Changes::new(), depth + 1);
            }
        }
    }

    /// Works out the summaries that a detail counts in; `before` and `after` are its values when it counted.
    pub(super) fn roll_up(
        &mut self,
        at: usize,
        before: Option<&Row>,
        after: Option<&Row>,
    ) -> Result<(), SaveError> {
        let rules = Arc::clone(&self.rules);
        let summaries = rules.computed.roll_ups(at);
        if summaries.is_empty() {
            return Ok(());
        }
        let mut masters: Vec<Record> = Vec::new();
        for summary in summaries {
            for row in [before, after].into_iter().flatten() {
                let id = row.value(summary.reference);
                let master = id.and_then(|id| self.schema.locate(id.as_bytes()));
                masters.extend(master.filter(|master| !masters.contains(master)));
            }
        }
        for master in masters {
            let of_master = summaries
                .iter()
                .filter(|summary| summary.summary.0 == master.0);
            self.sum_up(at, master, of_master)?;
        }
        Ok(())
    }

    /// Works out the summaries of a master that came back: details may have gone for good meanwhile.
    pub(super) fn sum_again(&mut self, master: Record) -> Result<(), SaveError> {
        let rules = Arc::clone(&self.rules);
        let details: Vec<usize> = self.schema.children(master.0).map(|(at, _)| at).collect();
        for at in details {
            let summaries = rules.computed.roll_ups(at);
            let mut of_master = summaries
                .iter()
                .filter(|summary| summary.summary.0 == master.0)
                .peekable();
            if of_master.peek().is_some() {
                self.sum_up(at, master, of_master)?;
            }
        }
        Ok(())
    }

    fn sum_up<'r>(
        &mut self,
        at: usize,
        master: Record,
        summaries: impl Iterator<Item = &'r RollUp>,
    ) -> Result<(), SaveError> {
        let Ok(row) = self.live(master) else {
            // It went along with its details.
            return Ok(());
        };
        let Some(object) = self.schema.object(master.0) else {
            return Ok(());
        };
        let mut changes = Changes::new();
        for summary in summaries {
            let Some(field) = object.fields.get(summary.summary.1) else {
                continue;
            };
            let total = self.total(at, master, summary);
            let total = total.and_then(|text| fitted(field, text));
            if row.value(summary.summary.1) != total.as_deref() {
                changes.insert(summary.summary.1, total);
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let draft = Draft::changed((master.0, object), (master.1, row), changes, Vec::new());
        self.whole(|save| save.change_quietly(draft))
    }

    /// The value of a summary over the live details of a master.
    fn total(&mut self, at: usize, (parent, slot): Record, summary: &RollUp) -> Option<String> {
        let id = self.schema.object(parent)?.mint.id(slot);
        let slots = self.store.with_value(at, summary.reference, &id);
        let mut count = 0_usize;
        let mut sum = Decimal::ZERO;
        let mut extreme: Option<&str> = None;
        for slot in slots {
            let found = self.store.slot(at, slot).filter(|found| !found.deleted);
            let Some(row) = found.and_then(|found| found.row.as_ref()) else {
                continue;
            };
            let counts = summary.condition.as_ref().is_none_or(|condition| {
                self.about(row, None, |scope| condition.holds(scope))
                    .unwrap_or(false)
            });
            if !counts {
                continue;
            }
            count += 1;
            let Some(value) = summary.source.and_then(|source| row.value(source)) else {
                continue;
            };
            sum = sum.checked_add(value.parse().unwrap_or_default())?;
            let wanted = match summary.operation {
                Operation::Min => Ordering::Less,
                _ => Ordering::Greater,
            };
            if extreme.is_none_or(|known| order(value, known) == wanted) {
                extreme = Some(value);
            }
        }
        match summary.operation {
            Operation::Count => Some(count.to_string()),
            Operation::Sum => Some(sum.to_string()),
            Operation::Min | Operation::Max => extreme.map(str::to_owned),
        }
    }

    /// The stamp of a change that the platform makes.
    pub(super) fn stamp(&self, object: &Object) -> Changes {
        let stamp = object.field("SystemModstamp");
        let stamp = stamp.map(|(number, _)| (number, Some(utc_datetime(self.stamp_ms))));
        stamp.into_iter().collect()
    }
}

/// What a computed field can hold of a value.
fn fitted(field: &Field, text: String) -> Option<String> {
    if field.kind.numeric() {
        return check::number(field, &text).ok().flatten();
    }
    if field.kind == Kind::Text && field.length > 0 && text.chars().count() > field.length {
        return Some(text.chars().take(field.length).collect());
    }
    Some(text).filter(|text| !text.is_empty())
}

/// Numbers by value, dates and moments by their text.
fn order(a: &str, b: &str) -> Ordering {
    match (a.parse::<Decimal>(), b.parse::<Decimal>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests;
