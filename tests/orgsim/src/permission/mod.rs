//! What a user may do: system permissions, and access to objects and fields, from the rows of `PermissionSet`,
//! `PermissionSetAssignment`, `ObjectPermissions`, `FieldPermissions` and `Profile`.
//!
//! Source: Object Reference, the pages of these objects; Salesforce Help, User Permissions and Access.

mod known;
mod rows;
mod view;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use crate::schema::{Field, Kind, Object, Schema, Trait};
pub(crate) use known::Known;

/// What even an administrator has only by a permission set: each of them lets a caller bypass a rule of saving.
const NOT_BY_PROFILE: [&str; 5] = [
    "createauditfields",
    "updatewithinactiveowner",
    "bulkapiharddelete",
    "caninsertfeedsystemfields",
    "apiuseronly",
];

/// Objects with object permissions of their own, besides the custom ones.
const PERMISSIONABLE: [&str; 15] = [
    "Account",
    "Asset",
    "Campaign",
    "Case",
    "Contact",
    "Contract",
    "Document",
    "Idea",
    "Lead",
    "Opportunity",
    "Order",
    "Pricebook2",
    "Product2",
    "Quote",
    "Solution",
];

/// Objects whose access is that of another one.
const FOLLOWERS: [(&str, &str); 15] = [
    ("AccountContactRole", "Account"),
    ("AccountContactRelation", "Account"),
    ("AccountTeamMember", "Account"),
    ("CampaignMember", "Campaign"),
    ("CampaignMemberStatus", "Campaign"),
    ("CaseComment", "Case"),
    ("CaseTeamMember", "Case"),
    ("OpportunityContactRole", "Opportunity"),
    ("OpportunityHistory", "Opportunity"),
    ("OpportunityLineItem", "Opportunity"),
    ("OpportunityTeamMember", "Opportunity"),
    ("OrderItem", "Order"),
    ("Partner", "Account"),
    ("PricebookEntry", "Pricebook2"),
    ("QuoteLineItem", "Quote"),
];

/// Objects that set the org up, with the permission that reading takes and the one that writing takes.
const SETUP: [(&str, Option<&str>, &str); 17] = [
    ("EventLogFile", Some("ViewEventLogFiles"), "ModifyAllData"),
    (
        "FieldPermissions",
        Some("ViewSetup"),
        "AssignPermissionSets",
    ),
    ("Group", None, "ManageUsers"),
    ("GroupMember", None, "ManageUsers"),
    ("LoginHistory", Some("ManageUsers"), "ManageUsers"),
    (
        "ObjectPermissions",
        Some("ViewSetup"),
        "AssignPermissionSets",
    ),
    ("Organization", None, "CustomizeApplication"),
    ("PermissionSet", None, "AssignPermissionSets"),
    ("PermissionSetAssignment", None, "AssignPermissionSets"),
    ("Profile", None, "ManageUsers"),
    ("QueueSobject", None, "ManageUsers"),
    ("RecordType", None, "CustomizeApplication"),
    ("SetupAuditTrail", Some("ViewSetup"), "ModifyAllData"),
    ("BusinessHours", None, "CustomizeApplication"),
    ("User", None, "ManageUsers"),
    ("UserRole", None, "ManageUsers"),
    ("StaticResource", None, "CustomizeApplication"),
];

/// What a user may do.
#[derive(Debug, Default)]
pub(crate) struct Access {
    administrator: bool,
    /// Suffixes of `PermissionsXxx` fields, in lower case.
    system: BTreeSet<String>,
    objects: HashMap<usize, Crud>,
    fields: HashMap<(usize, usize), FieldAccess>,
    /// What the user sees of the declarations; all of them when absent.
    view: Option<Schema>,
}

/// What a user may do with the records of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the columns of ObjectPermissions"
)]
pub(crate) struct Crud {
    /// Records can be read.
    pub read: bool,
    /// Records can be made.
    pub create: bool,
    /// Records can be changed.
    pub edit: bool,
    /// Records can be deleted.
    pub delete: bool,
}

/// What a user may do with a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldAccess {
    /// It can be read.
    pub read: bool,
    /// It can be written.
    pub edit: bool,
}

impl Crud {
    const ALL: Self = Self {
        read: true,
        create: true,
        edit: true,
        delete: true,
    };
    const READ: Self = Self {
        read: true,
        create: false,
        edit: false,
        delete: false,
    };

    fn add(&mut self, other: Self) {
        self.read |= other.read;
        self.create |= other.create;
        self.edit |= other.edit;
        self.delete |= other.delete;
    }
}

impl Access {
    /// Of those who administer the org, and of the org itself.
    pub(crate) fn administrator() -> Arc<Self> {
        static ALL: OnceLock<Arc<Access>> = OnceLock::new();
        Arc::clone(ALL.get_or_init(|| {
            Arc::new(Self {
                administrator: true,
                ..Self::default()
            })
        }))
    }

    /// The user has a system permission: the name of its field without `Permissions`.
    pub(crate) fn has(&self, permission: &str) -> bool {
        let permission = permission.to_ascii_lowercase();
        if self.system.contains(&permission) {
            return true;
        }
        self.administrator && !NOT_BY_PROFILE.contains(&permission.as_str())
    }

    /// What the user sees of the declarations; nothing for who sees them all.
    pub(crate) const fn view(&self) -> Option<&Schema> {
        self.view.as_ref()
    }

    /// Nothing is hidden from the user.
    pub(crate) const fn unrestricted(&self) -> bool {
        self.administrator
    }

    /// What the user may do with records of object number `at`.
    pub(crate) fn object(&self, schema: &Schema, at: usize) -> Crud {
        let Some(object) = schema.object(at) else {
            return Crud::default();
        };
        if self.administrator {
            return Crud::ALL;
        }
        if let Some((_, parent)) = &object.satellite {
            return self.named(schema, parent);
        }
        if let Some((_, parent)) = FOLLOWERS.iter().find(|(name, _)| *name == object.name) {
            return self.named(schema, parent);
        }
        if let Some((_, read, write)) = SETUP.iter().find(|(name, _, _)| *name == object.name) {
            let writes = self.has(write);
            return Crud {
                read: writes || read.is_none_or(|read| self.has(read) || self.has("ViewAllData")),
                create: writes,
                edit: writes,
                delete: writes,
            };
        }
        let own = object.custom() && !object.custom_setting;
        if !own && !PERMISSIONABLE.contains(&object.name.as_str()) {
            return Crud::ALL;
        }
        let mut crud = self.objects.get(&at).copied().unwrap_or_default();
        if self.has("ViewAllData") {
            crud.add(Crud::READ);
        }
        if self.has("ModifyAllData") {
            crud.add(Crud::ALL);
        }
        crud
    }

    /// What the user may do with field number `number` of object number `at`, whose records can be read.
    pub(crate) fn field(&self, schema: &Schema, at: usize, number: usize) -> FieldAccess {
        let open = FieldAccess {
            read: true,
            edit: true,
        };
        let found = schema
            .object(at)
            .and_then(|object| Some((object, object.fields.get(number)?)));
        let Some((object, field)) = found else {
            return FieldAccess::default();
        };
        if self.administrator {
            return open;
        }
        if !permissionable(object, field) {
            return open;
        }
        let own = self.fields.get(&(at, number)).copied().unwrap_or_default();
        // What is given for an address is given for its parts.
        let whole = field
            .compound
            .as_deref()
            .and_then(|name| object.field(name));
        let whole = whole.and_then(|(number, _)| self.fields.get(&(at, number)));
        let whole = whole.copied().unwrap_or_default();
        FieldAccess {
            read: own.read || whole.read,
            edit: own.edit || whole.edit,
        }
    }

    fn named(&self, schema: &Schema, name: &str) -> Crud {
        match schema.find(name) {
            Some((at, object)) if object.satellite.is_none() => self.object(schema, at),
            _ => Crud::ALL,
        }
    }
}

/// The field can be hidden: describe's `permissionable`.
pub(crate) fn permissionable(object: &Object, field: &Field) -> bool {
    let ruled = object.custom() && !object.custom_setting
        || object.can('L')
        || PERMISSIONABLE.contains(&object.name.as_str());
    let always = field.is(Trait::Required) && field.kind != Kind::Boolean
        || field.is(Trait::Title)
        || field.master.is_some()
        || field.system()
        || field.compound.as_deref() == Some("Name");
    let computed = field.formula.is_some() || field.auto_number.is_some() || field.kind.compound();
    ruled && !always && (computed || !field.is(Trait::ReadOnly))
}
