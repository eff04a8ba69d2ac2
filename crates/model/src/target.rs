//! An object that is written to, as Salesforce describes it to the connected user at the moment.
//!
//! Asked for when it is needed and never stored: schema snapshots keep what reading needs, under a hash.

use std::collections::BTreeSet;

use crate::ObjectName;
use crate::schema::ChildRelationship;

/// The object.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the Salesforce describe"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// API name.
    pub name: ObjectName,
    /// First three characters of its Ids.
    pub key_prefix: Option<String>,
    /// Whether this user may make records.
    pub createable: bool,
    /// Whether this user may change records.
    pub updateable: bool,
    /// Whether this user may delete records.
    pub deletable: bool,
    /// Whether records come out of the Recycle Bin.
    pub undeletable: bool,
    /// The fields that this user may see.
    pub fields: Vec<TargetField>,
    /// Relationships to children.
    pub children: Vec<ChildRelationship>,
}

/// A field of it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the Salesforce describe"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetField {
    /// API name.
    pub name: String,
    /// Describe `type`.
    pub field_type: String,
    /// Characters; 0 where it does not apply.
    pub length: u32,
    /// Digits of an integer.
    pub digits: u32,
    /// Digits in all, for other numbers.
    pub precision: u32,
    /// Digits after the point.
    pub scale: u32,
    /// Whether it may be null.
    pub nillable: bool,
    /// Whether this user may set it on create.
    pub createable: bool,
    /// Whether this user may change it.
    pub updateable: bool,
    /// Formula or roll-up.
    pub calculated: bool,
    /// Whether Salesforce fills it in when it is not given.
    pub defaulted_on_create: bool,
    /// Whether no two records may share a value.
    pub unique: bool,
    /// Whether case counts when texts are compared.
    pub case_sensitive: bool,
    /// The active values of a restricted picklist; nothing for other fields.
    pub values: Option<BTreeSet<String>>,
    /// Objects that a reference may point to.
    pub reference_to: Vec<String>,
    /// Name of the way to the referenced record.
    pub relationship_name: Option<String>,
    /// Whether the record goes with the one that it refers to.
    pub cascade_delete: bool,
}

impl Target {
    /// Whether records are archived in time: those are there, and only `queryAll` sees them (SOAP guide, Archived Activities).
    pub fn has_archive(&self) -> bool {
        self.field("IsArchived").is_some() && self.field("IsDeleted").is_some()
    }

    /// A field by its name, in whatever case.
    pub fn field(&self, name: &str) -> Option<&TargetField> {
        let mut fields = self.fields.iter();
        fields.find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl TargetField {
    /// Whether a new record must be given a value.
    pub fn is_required(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted_on_create
    }

    /// Whether it points to other records.
    pub fn is_reference(&self) -> bool {
        self.field_type == "reference"
    }
}
