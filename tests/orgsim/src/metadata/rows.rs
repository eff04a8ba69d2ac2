//! Rows that a change of metadata writes: permission sets with their object and field permissions, profiles, and
//! record types. They are saved like every other row, by the user who deploys.

use std::collections::BTreeMap;

use serde_json::{Value, value::to_raw_value};

use super::permission::{OBJECT_FLAGS, Rows, columns, find, owned_set};
use crate::{
    org::Org,
    save::{Caller, Save, Values},
    soap::Element,
    store::{Visible, id_of},
};

/// One row, and those that hang on it.
#[derive(Clone, Debug)]
pub(crate) struct RowChange {
    kind: &'static str,
    name: String,
    /// Nothing for a deletion.
    content: Option<Element>,
}

impl RowChange {
    /// A row that becomes what `content` says.
    pub(crate) fn put(kind: &'static str, name: &str, content: &Element) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            content: Some(content.clone()),
        }
    }

    /// A row that goes.
    pub(crate) fn delete(kind: &'static str, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            content: None,
        }
    }

    /// Writes the rows.
    pub(crate) fn run(&self, org: &Org, user: &str) {
        let writer = Writer { org, user };
        match (&self.content, self.kind) {
            (None, _) => writer.delete(self.kind, &self.name),
            (Some(content), "RecordType") => writer.record_type(&self.name, content),
            (Some(content), _) => writer.permissions(self.kind, &self.name, content),
        }
    }
}

struct Writer<'o> {
    org: &'o Org,
    user: &'o str,
}

impl Writer<'_> {
    fn locate(&self, kind: &str, name: &str) -> Option<((usize, usize), String)> {
        let store = self.org.store.read();
        let rows = Rows::of(&self.org.schema, &store, kind)?;
        let (slot, row) = find(&rows, kind, name)?;
        Some(((rows.at(), slot), id_of(row).to_owned()))
    }

    /// Saves a row, a new one if there is no place for it yet; its Id.
    fn save(
        &self,
        object: &str,
        place: Option<(usize, usize)>,
        columns: BTreeMap<String, Value>,
    ) -> Option<String> {
        let schema = &self.org.schema;
        let (at, declared) = schema.find(object)?;
        let mut values = Values::new();
        for (column, value) in columns {
            let takes = declared
                .field(&column)
                .is_some_and(|(_, field)| match place {
                    None => field.createable(declared),
                    Some(_) => field.updateable(declared),
                });
            if takes {
                values.insert(column, to_raw_value(&value).ok()?);
            }
        }
        let caller = Caller::plain(self.user.to_owned());
        let mut store = self.org.store.write();
        let mut save = Save {
            schema,
            store: &mut store,
            caller: &caller,
            stamp_ms: self.org.clock.now_second_ms(),
            now_ms: self.org.clock.now_ms(),
            visible: Visible::Now,
            rules: self.org.rules_in_force(),
        };
        let slot = match place {
            Some(place) => save.update(place, &values).ok().map(|()| place.1),
            None => save.create(at, &values).ok(),
        }?;
        Some(String::from_utf8_lossy(&declared.mint.id(slot)).into_owned())
    }

    fn delete(&self, kind: &str, name: &str) {
        let Some(((at, slot), id)) = self.locate(kind, name) else {
            return;
        };
        for object in ["ObjectPermissions", "FieldPermissions"] {
            self.clear(object, &id);
        }
        let now = self.org.clock.now_ms();
        self.org.store.write().remove(at, slot, now);
    }

    /// Removes the permission rows of a set.
    fn clear(&self, object: &str, parent: &str) {
        let slots: Vec<(usize, usize)> = {
            let store = self.org.store.read();
            let Some(rows) = Rows::of(&self.org.schema, &store, object) else {
                return;
            };
            let of_parent = rows
                .live()
                .filter(|(_, row)| rows.value(row, "ParentId") == Some(parent));
            of_parent.map(|(slot, _)| (rows.at(), slot)).collect()
        };
        let now = self.org.clock.now_ms();
        let mut store = self.org.store.write();
        for (at, slot) in slots {
            store.remove(at, slot, now);
        }
    }

    fn record_type(&self, name: &str, content: &Element) {
        let Some((object, own)) = name.split_once('.') else {
            return;
        };
        let place = self.locate("RecordType", name).map(|(place, _)| place);
        let mut columns: BTreeMap<String, Value> = BTreeMap::new();
        let mut put = |column: &str, value: Value| columns.insert(column.to_owned(), value);
        if place.is_none() {
            put("SobjectType", object.into());
            put("DeveloperName", own.into());
            put("IsActive", true.into());
        }
        if content.child("active").is_some() {
            put("IsActive", content.flag("active").into());
        }
        let label = content
            .given("label")
            .or_else(|| place.is_none().then_some(own));
        if let Some(label) = label {
            put("Name", label.into());
        }
        if let Some(description) = content.given("description") {
            put("Description", description.into());
        }
        self.save("RecordType", place, columns);
    }

    fn permissions(&self, kind: &str, name: &str, content: &Element) {
        let found = self.locate(kind, name);
        let own = columns(kind, name, content);
        let place = found.as_ref().map(|(place, _)| *place);
        let saved = self.save(kind, place, own);
        let Some(id) = saved.or_else(|| found.map(|(_, id)| id)) else {
            return;
        };
        let set = if kind == "Profile" {
            owned_set(&self.org.schema, &self.org.store.read(), &id)
        } else {
            // What a permission set no longer names, it no longer grants.
            self.clear("ObjectPermissions", &id);
            self.clear("FieldPermissions", &id);
            id
        };
        if set.is_empty() {
            return;
        }
        for entry in content.all("objectPermissions") {
            let mut columns: BTreeMap<String, Value> = BTreeMap::new();
            columns.insert("ParentId".to_owned(), set.as_str().into());
            columns.insert("SobjectType".to_owned(), entry.given("object").into());
            for (flag, column) in OBJECT_FLAGS {
                columns.insert(column.to_owned(), entry.flag(flag).into());
            }
            self.replace("ObjectPermissions", "SobjectType", columns);
        }
        for entry in content.all("fieldPermissions") {
            let field = entry.given("field").unwrap_or_default();
            let object = field.split_once('.').map_or("", |(object, _)| object);
            let columns: BTreeMap<String, Value> = [
                ("ParentId", set.as_str().into()),
                ("SobjectType", object.into()),
                ("Field", field.into()),
                ("PermissionsEdit", entry.flag("editable").into()),
                ("PermissionsRead", entry.flag("readable").into()),
            ]
            .into_iter()
            .map(|(column, value): (&str, Value)| (column.to_owned(), value))
            .collect();
            self.replace("FieldPermissions", "Field", columns);
        }
    }

    /// Puts a permission row in the place of the one about the same object or field.
    fn replace(&self, object: &str, key: &str, columns: BTreeMap<String, Value>) {
        let wanted = |column: &str| columns.get(column).and_then(Value::as_str);
        let old = {
            let store = self.org.store.read();
            Rows::of(&self.org.schema, &store, object).and_then(|rows| {
                let (parent, key_value) = (wanted("ParentId"), wanted(key));
                let mut live = rows.live();
                live.find(|(_, row)| {
                    rows.value(row, "ParentId") == parent && rows.value(row, key) == key_value
                })
                .map(|(slot, _)| (rows.at(), slot))
            })
        };
        if let Some((at, slot)) = old {
            let now = self.org.clock.now_ms();
            self.org.store.write().remove(at, slot, now);
        }
        // A row that grants nothing is no row.
        if columns.values().any(|value| value == &Value::Bool(true)) {
            self.save(object, None, columns);
        }
    }
}
