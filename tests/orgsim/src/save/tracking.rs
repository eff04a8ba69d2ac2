//! Field history: one row for a new record and one per change of a tracked field.
//!
//! Source: Object Reference, `StandardObjectNameHistory`, `CustomObject__History`. What an org tracks is what the history
//! object's `Field` picklist lists.

use super::{Save, delete::Record, value_of};
use crate::{
    schema::{Kind, Object},
    store::row::Row,
};

impl Save<'_> {
    /// Writes the history of a record that was made or changed.
    pub(super) fn field_history(&mut self, object: &Object, record: Record, before: Option<&Row>) {
        let Some((name, parent)) = history_of(object) else {
            return;
        };
        let Some((_, history)) = self.schema.find(&name) else {
            return;
        };
        let id = self.id_of(record);
        if before.is_none() {
            self.history_row(&name, &parent, &id, ("created", "Text"), [None, None]);
            return;
        }
        let Some((_, tracked)) = history.field("Field") else {
            return;
        };
        for field in &tracked.values {
            let Some((_, declaration)) = object.field(field) else {
                continue;
            };
            let old = before.and_then(|row| value_of(row, object, field).map(str::to_owned));
            let new = self.value(record, field);
            if old == new {
                continue;
            }
            if declaration.kind == Kind::Reference {
                // A reference leaves two rows: one for people and one with the Ids.
                let names = [&old, &new].map(|id| self.value_of(id.as_deref(), "Name"));
                self.history_row(&name, &parent, &id, (field, "Text"), names);
                self.history_row(&name, &parent, &id, (field, "EntityId"), [old, new]);
                continue;
            }
            let kind = match declaration.kind {
                Kind::Picklist | Kind::MultiPicklist => "DynamicEnum",
                _ => "Text",
            };
            self.history_row(&name, &parent, &id, (field, kind), [old, new]);
        }
    }

    fn history_row(
        &mut self,
        history: &str,
        parent: &str,
        id: &str,
        (field, kind): (&str, &str),
        [old, new]: [Option<String>; 2],
    ) {
        let values = [
            (parent, Some(id.to_owned())),
            ("Field", Some(field.to_owned())),
            ("DataType", Some(kind.to_owned())),
            ("OldValue", old),
            ("NewValue", new),
        ];
        self.add(history, &values);
    }
}

/// Name of an object's history and of its reference to the record.
fn history_of(object: &Object) -> Option<(String, String)> {
    if !object.can('U') {
        return None;
    }
    Some(match object.name.strip_suffix("__c") {
        Some(stem) => (format!("{stem}__History"), "ParentId".to_owned()),
        None if object.name == "Opportunity" => (
            "OpportunityFieldHistory".to_owned(),
            "OpportunityId".to_owned(),
        ),
        None => (
            format!("{}History", object.name),
            format!("{}Id", object.name),
        ),
    })
}
