//! From rows to access.

use std::collections::HashSet;

use super::{Access, Crud};
use crate::{
    id,
    schema::Schema,
    store::{
        Store, id_of,
        row::{Row, text},
    },
};

/// Objects whose rows decide what users may do.
pub(super) const SOURCES: [&str; 6] = [
    "User",
    "Profile",
    "PermissionSet",
    "PermissionSetAssignment",
    "ObjectPermissions",
    "FieldPermissions",
];

impl Access {
    /// Of the user with this Id.
    pub(crate) fn of(schema: &Schema, store: &Store, user: &str) -> Self {
        let rows = Rows { schema, store };
        let mut access = Self::default();
        let Some((slot, profile)) = rows.user(user) else {
            return access;
        };
        let profile_row = rows.one("Profile", &profile);
        let named = |row: &Row| rows.value("Profile", row, "Name") == Some("System Administrator");
        access.administrator = slot == 0 || profile_row.as_ref().is_some_and(named);
        if let Some(row) = &profile_row {
            access.add_system(&rows, "Profile", row);
        }
        let sets = rows.sets(user, &profile);
        for (id, row) in rows.all("PermissionSet") {
            if sets.contains(&id) {
                access.add_system(&rows, "PermissionSet", &row);
            }
        }
        let of_set = |object: &str, row: &Row| {
            let parent = rows.value(object, row, "ParentId");
            parent.is_some_and(|parent| sets.contains(parent))
        };
        for (_, row) in rows.all("ObjectPermissions") {
            if of_set("ObjectPermissions", &row) {
                access.add_object(&rows, &row);
            }
        }
        for (_, row) in rows.all("FieldPermissions") {
            if of_set("FieldPermissions", &row) {
                access.add_field(&rows, &row);
            }
        }
        access
    }

    fn add_system(&mut self, rows: &Rows<'_>, object: &str, row: &Row) {
        let Some((_, declared)) = rows.schema.find(object) else {
            return;
        };
        for (number, field) in declared.fields.iter().enumerate() {
            if let Some(permission) = field.name.strip_prefix("Permissions")
                && text(row, number) == Some("true")
            {
                self.system.insert(permission.to_ascii_lowercase());
            }
        }
        if self.system.contains("modifyalldata") {
            self.system.insert("viewalldata".to_owned());
        }
    }

    fn add_object(&mut self, rows: &Rows<'_>, row: &Row) {
        let value = |name: &str| rows.value("ObjectPermissions", row, name);
        let flag = |name: &str| value(name) == Some("true");
        let Some((at, _)) = value("SobjectType").and_then(|name| rows.schema.find(name)) else {
            return;
        };
        let mut crud = Crud {
            read: flag("PermissionsRead") || flag("PermissionsViewAllRecords"),
            create: flag("PermissionsCreate"),
            edit: flag("PermissionsEdit"),
            delete: flag("PermissionsDelete"),
        };
        if flag("PermissionsModifyAllRecords") {
            crud.add(Crud {
                create: false,
                ..Crud::ALL
            });
        }
        self.objects.entry(at).or_default().add(crud);
    }

    fn add_field(&mut self, rows: &Rows<'_>, row: &Row) {
        let value = |name: &str| rows.value("FieldPermissions", row, name);
        let found = value("Field")
            .and_then(|path| path.split_once('.'))
            .and_then(|(object, field)| {
                let (at, object) = rows.schema.find(object)?;
                Some((at, object.field(field)?.0))
            });
        let Some(place) = found else { return };
        let access = self.fields.entry(place).or_default();
        access.edit |= value("PermissionsEdit") == Some("true");
        access.read |= access.edit || value("PermissionsRead") == Some("true");
    }
}

/// The rows that permissions are made of.
struct Rows<'a> {
    schema: &'a Schema,
    store: &'a Store,
}

impl Rows<'_> {
    /// Ids and rows of the live records of an object.
    fn all(&self, object: &str) -> impl Iterator<Item = (String, Row)> {
        let at = self.schema.find(object).map(|(at, _)| at);
        let table = at.and_then(|at| self.store.table(at));
        let slots = table.map_or(&[][..], |table| table.slots());
        let rows = slots.iter().filter_map(|slot| slot.visible(false));
        rows.map(|row| (id_of(row).to_owned(), Row::clone(row)))
    }

    fn one(&self, object: &str, id: &str) -> Option<Row> {
        let (at, slot) = self.schema.locate(&id::parse(id)?)?;
        let (wanted, _) = self.schema.find(object)?;
        let found = self.store.slot(at, slot).filter(|_| at == wanted)?;
        found.visible(false).map(Row::clone)
    }

    fn value<'r>(&self, object: &str, row: &'r Row, field: &str) -> Option<&'r str> {
        text(row, self.schema.find(object)?.1.field(field)?.0)
    }

    /// Slot and profile of a user.
    fn user(&self, id: &str) -> Option<(usize, String)> {
        let (at, slot) = self.schema.locate(&id::parse(id)?)?;
        let (users, _) = self.schema.find("User")?;
        let row = self.store.slot(at, slot).filter(|_| at == users)?;
        let row = row.row.as_ref()?;
        let profile = self.value("User", row, "ProfileId").unwrap_or_default();
        Some((slot, profile.to_owned()))
    }

    /// Ids of the permission sets of a user: those that are assigned, and the one that stands for the profile.
    fn sets(&self, user: &str, profile: &str) -> HashSet<String> {
        let object = "PermissionSetAssignment";
        let assigned = self.all(object).filter_map(|(_, row)| {
            let own = self.value(object, &row, "AssigneeId") == Some(user)
                && self.value(object, &row, "IsRevoked") != Some("true");
            let set = self.value(object, &row, "PermissionSetId")?;
            own.then(|| set.to_owned())
        });
        let owned = self.all("PermissionSet").filter_map(|(id, row)| {
            let value = |field: &str| self.value("PermissionSet", &row, field);
            let own =
                value("IsOwnedByProfile") == Some("true") && value("ProfileId") == Some(profile);
            own.then_some(id)
        });
        assigned.chain(owned).collect()
    }
}
