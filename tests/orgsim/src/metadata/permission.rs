//! Profiles, permission sets and record types: components whose state is rows of the store.
//!
//! Sources: Metadata API Developer Guide (`PermissionSet`, `Profile`, `RecordType`); Object Reference, the pages of
//! `PermissionSet`, `ObjectPermissions`, `FieldPermissions`.

use std::collections::BTreeMap;

use super::{content::is_name, problem::Problem};
use crate::{
    schema::{Object, Schema},
    soap::Element,
    store::{
        Store, id_of,
        row::{Row, text},
    },
};

/// Profiles that the Metadata API calls by another name than the one people see.
const PROFILES: [(&str, &str); 6] = [
    ("System Administrator", "Admin"),
    ("Standard User", "Standard"),
    ("Read Only", "ReadOnly"),
    ("Contract Manager", "ContractManager"),
    ("Marketing User", "MarketingProfile"),
    ("Solution Manager", "SolutionManager"),
];
/// The flags of `objectPermissions` and their columns.
pub(crate) const OBJECT_FLAGS: [(&str, &str); 6] = [
    ("allowCreate", "PermissionsCreate"),
    ("allowDelete", "PermissionsDelete"),
    ("allowEdit", "PermissionsEdit"),
    ("allowRead", "PermissionsRead"),
    ("modifyAllRecords", "PermissionsModifyAllRecords"),
    ("viewAllRecords", "PermissionsViewAllRecords"),
];

/// The rows of one object, read by column name.
pub(crate) struct Rows<'a> {
    object: &'a Object,
    at: usize,
    store: &'a Store,
}

impl<'a> Rows<'a> {
    /// The rows of the object called `name`, if the org has it.
    pub(crate) fn of(schema: &'a Schema, store: &'a Store, name: &str) -> Option<Self> {
        let (at, object) = schema.find(name)?;
        Some(Self { object, at, store })
    }

    /// Slots and rows that are not deleted.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, &'a Row)> + use<'a> {
        let slots = self
            .store
            .table(self.at)
            .map_or(&[][..], |table| table.slots());
        let visible = slots.iter().enumerate();
        visible.filter_map(|(slot, record)| Some((slot, record.visible(false)?)))
    }

    /// A column of a row.
    pub(crate) fn value<'r>(&self, row: &'r Row, column: &str) -> Option<&'r str> {
        text(row, self.object.field(column)?.0)
    }

    /// A column says `true`.
    pub(crate) fn flag(&self, row: &Row, column: &str) -> bool {
        self.value(row, column) == Some("true")
    }

    /// The object's number.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }
}

/// Name of a profile in the Metadata API.
fn profile_name(name: &str) -> &str {
    let known = PROFILES.iter().find(|(label, _)| *label == name);
    known.map_or(name, |(_, full)| full)
}

/// Names, Ids and origin of the components of one of the three types.
pub(crate) fn names(kind: &str, schema: &Schema, store: &Store) -> Vec<(String, String, bool)> {
    let Some(rows) = Rows::of(schema, store, kind) else {
        return Vec::new();
    };
    let named = rows.live().filter_map(|(_, row)| {
        let name = full_name(kind, &rows, row)?;
        Some((name, id_of(row).to_owned(), true))
    });
    named.collect()
}

fn full_name(kind: &str, rows: &Rows<'_>, row: &Row) -> Option<String> {
    let value = |column: &str| rows.value(row, column);
    match kind {
        "Profile" => Some(profile_name(value("Name")?).to_owned()),
        "RecordType" => Some(format!(
            "{}.{}",
            value("SobjectType")?,
            value("DeveloperName")?
        )),
        // The one that a profile owns has no name that a caller could use.
        _ if rows.flag(row, "IsOwnedByProfile") => None,
        _ => Some(value("Name")?.to_owned()).filter(|name| is_name(name)),
    }
}

/// The slot and row of a component.
pub(crate) fn find<'a>(rows: &Rows<'a>, kind: &str, name: &str) -> Option<(usize, &'a Row)> {
    let named =
        |row: &Row| full_name(kind, rows, row).is_some_and(|own| own.eq_ignore_ascii_case(name));
    rows.live().find(|(_, row)| named(row))
}

/// The content of one component.
pub(crate) fn content(kind: &str, name: &str, schema: &Schema, store: &Store) -> Option<Element> {
    let rows = Rows::of(schema, store, kind)?;
    let (_, row) = find(&rows, kind, name)?;
    let mut out = Element::named(kind);
    let description = rows.value(row, "Description");
    match kind {
        "RecordType" => {
            out.put("active", rows.flag(row, "IsActive"))
                .maybe("description", description)
                .maybe("label", rows.value(row, "Name"));
            return Some(out);
        }
        "Profile" => {
            out.put(
                "custom",
                profile_name(rows.value(row, "Name")?) == rows.value(row, "Name")?,
            )
            .maybe("description", description)
            .put("userLicense", "Salesforce");
            access(
                &mut out,
                schema,
                store,
                &owned_set(schema, store, id_of(row)),
            );
        }
        _ => {
            out.maybe("description", description)
                .put("hasActivationRequired", "false")
                .maybe("label", rows.value(row, "Label"));
            access(&mut out, schema, store, id_of(row));
        }
    }
    for (_, field) in rows.object.live_fields() {
        if let Some(permission) = field.name.strip_prefix("Permissions")
            && rows.flag(row, &field.name)
        {
            let mut entry = Element::named("userPermissions");
            entry.put("enabled", "true").put("name", permission);
            out.push("userPermissions", entry);
        }
    }
    out.sort();
    Some(out)
}

/// The permission set that carries the object and field permissions of a profile.
pub(crate) fn owned_set(schema: &Schema, store: &Store, profile: &str) -> String {
    let owned = Rows::of(schema, store, "PermissionSet").and_then(|rows| {
        let mut live = rows.live();
        live.find(|(_, row)| {
            rows.flag(row, "IsOwnedByProfile") && rows.value(row, "ProfileId") == Some(profile)
        })
        .map(|(_, row)| id_of(row).to_owned())
    });
    owned.unwrap_or_default()
}

/// Object and field permissions of a permission set.
fn access(out: &mut Element, schema: &Schema, store: &Store, set: &str) {
    if let Some(rows) = Rows::of(schema, store, "ObjectPermissions") {
        for (_, row) in rows
            .live()
            .filter(|(_, row)| rows.value(row, "ParentId") == Some(set))
        {
            let mut entry = Element::named("objectPermissions");
            for (flag, column) in OBJECT_FLAGS {
                entry.put(flag, rows.flag(row, column));
            }
            entry.maybe("object", rows.value(row, "SobjectType"));
            entry.sort();
            out.push("objectPermissions", entry);
        }
    }
    if let Some(rows) = Rows::of(schema, store, "FieldPermissions") {
        for (_, row) in rows
            .live()
            .filter(|(_, row)| rows.value(row, "ParentId") == Some(set))
        {
            let mut entry = Element::named("fieldPermissions");
            entry
                .put("editable", rows.flag(row, "PermissionsEdit"))
                .maybe("field", rows.value(row, "Field"))
                .put("readable", rows.flag(row, "PermissionsRead"));
            out.push("fieldPermissions", entry);
        }
    }
}

/// Drops what rows carry.
pub(crate) fn without_rows(content: &mut Element) {
    const ROWS: [&str; 8] = [
        "custom",
        "description",
        "fieldPermissions",
        "hasActivationRequired",
        "label",
        "objectPermissions",
        "userLicense",
        "userPermissions",
    ];
    content
        .children
        .retain(|child| !ROWS.contains(&child.name.as_str()));
}

/// Object and field permissions name what is there.
pub(crate) fn check(schema: &Schema, content: &Element) -> Result<(), Problem> {
    for entry in content.all("objectPermissions") {
        let name = entry
            .given("object")
            .ok_or_else(|| Problem::missing("object"))?;
        schema
            .find(name)
            .ok_or_else(|| Problem::reference("object", "CustomObject", name))?;
        let reads = entry.flag("allowRead");
        let more = OBJECT_FLAGS
            .iter()
            .find(|(flag, _)| *flag != "allowRead" && entry.flag(flag));
        if let Some((flag, _)) = more.filter(|_| !reads) {
            let action = flag.trim_start_matches("allow");
            return Err(Problem::integrity(format!(
                "Permission {action} {name} depends on permission(s): Read {name}"
            )));
        }
    }
    for entry in content.all("fieldPermissions") {
        let name = entry
            .given("field")
            .ok_or_else(|| Problem::missing("field"))?;
        let unknown = || Problem::reference("field", "CustomField", name);
        let (object, field) = name.split_once('.').ok_or_else(unknown)?;
        let (_, object) = schema.find(object).ok_or_else(unknown)?;
        let (_, field) = object.field(field).ok_or_else(unknown)?;
        // What every record must have, everybody can see.
        if field.is(crate::schema::Trait::Required) && field.name.ends_with("__c") {
            return Err(Problem::integrity(format!(
                "You cannot deploy to a required field: {name}"
            )));
        }
    }
    Ok(())
}

/// Columns of a permission set's or profile's own row.
pub(crate) fn columns(
    kind: &str,
    name: &str,
    content: &Element,
) -> BTreeMap<String, serde_json::Value> {
    let mut columns = BTreeMap::new();
    if kind == "PermissionSet" {
        columns.insert("Name".to_owned(), name.into());
        let label = content.given("label").unwrap_or(name);
        columns.insert("Label".to_owned(), label.into());
    }
    if let Some(description) = content.given("description") {
        columns.insert("Description".to_owned(), description.into());
    }
    for entry in content.all("userPermissions") {
        if let Some(permission) = entry.given("name") {
            columns.insert(
                format!("Permissions{permission}"),
                entry.flag("enabled").into(),
            );
        }
    }
    columns
}

/// A permission set that a user has cannot go. The words are as recorded from deleteMetadata.
pub(crate) fn unassigned(schema: &Schema, store: &Store, name: &str) -> Result<(), Problem> {
    let found = (|| {
        let sets = Rows::of(schema, store, "PermissionSet")?;
        let (_, set) = find(&sets, "PermissionSet", name)?;
        let assignments = Rows::of(schema, store, "PermissionSetAssignment")?;
        let mut live = assignments.live();
        let (_, assignment) =
            live.find(|(_, row)| assignments.value(row, "PermissionSetId") == Some(id_of(set)))?;
        let user = assignments.value(assignment, "AssigneeId")?.to_owned();
        let users = Rows::of(schema, store, "User")?;
        let (_, row) = users.live().find(|(_, row)| id_of(row) == user)?;
        users.value(row, "Name").map(str::to_owned)
    })();
    match found {
        None => Ok(()),
        Some(user) => Err(Problem::new(
            "DEPENDENCY_EXISTS",
            format!(
                "This permission set is assigned to one or more users. You can only delete permission sets that aren't \
                 assigned to users. : {user}."
            ),
        )),
    }
}
