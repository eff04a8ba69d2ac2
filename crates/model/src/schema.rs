//! What an org says about an object: its fields, and how Holdfast reads it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ObjectName;

/// An object as described by Salesforce at one time, reduced to what storing and restoring need.
///
/// Stored sealed under its [`hash`](Self::hash); a segment names the schema that its text belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// API name.
    pub name: ObjectName,
    /// Label, singular.
    pub label: String,
    /// First three characters of its ids; not unique, absent for some objects.
    pub key_prefix: Option<String>,
    /// `History`, `Share`, `Feed`, … for satellites of another object.
    pub associate_entity_type: Option<String>,
    /// The object that a satellite belongs to.
    pub associate_parent_entity: Option<String>,
    /// Whether its records come out of the Recycle Bin with their parents only, as those of feeds (describe: `deletable`, but not
    /// `undeletable`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub comes_back_with_parent: bool,
    /// How the object is read.
    pub transport: Transport,
    /// The field that windows are cut by; absent when the object is always read whole.
    pub cursor_field: Option<String>,
    /// The fields that this user may see, in the order of the describe.
    pub fields: Vec<FieldSchema>,
    /// Relationships to children, for cascades and restore order.
    pub children: Vec<ChildRelationship>,
}

impl ObjectSchema {
    /// SHA-256 over the JSON form, in hex.
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(&json))
    }

    /// Whether it has stored fields that an older one lacks: their values of old records were never read.
    pub fn gained_fields(&self, older: &Self) -> bool {
        let known: BTreeSet<_> = older.stored_fields().map(|field| &field.name).collect();
        self.stored_fields()
            .any(|field| !known.contains(&field.name))
    }

    /// The fields that are read as text into segments: everything but compounds and binaries,
    /// whose parts and bodies are read on their own.
    pub fn stored_fields(&self) -> impl Iterator<Item = &FieldSchema> {
        self.fields.iter().filter(|field| field.is_stored())
    }
}

/// How an object is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Transport {
    /// Bulk API 2.0 `queryAll`, or REST when few rows are expected.
    Bulk,
    /// REST `queryAll` only.
    Rest {
        /// Why not Bulk.
        reason: String,
    },
    /// REST `queryAll`, of the children of some parents at a time; whole every time.
    ByParent,
    /// Not read, and reported so.
    Unsupported {
        /// Why not at all.
        reason: String,
    },
}

/// A field as described by Salesforce (`DescribeSObjectResult`, `fields[]`).
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the Salesforce describe"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSchema {
    /// API name.
    pub name: String,
    /// Describe `type`, e.g. `string`, `double`, `datetime`, `reference`.
    #[serde(rename = "type")]
    pub field_type: String,
    /// Characters; 0 where it does not apply.
    pub length: u32,
    /// Digits in all, for numbers.
    pub precision: u32,
    /// Digits after the point, for numbers.
    pub scale: u32,
    /// Whether it may be null.
    pub nillable: bool,
    /// Whether this user may set it on create.
    pub createable: bool,
    /// Whether this user may change it.
    pub updateable: bool,
    /// Formula or roll-up: may change without a new SystemModstamp.
    pub calculated: bool,
    /// Whether WHERE may use it.
    pub filterable: bool,
    /// Objects that a reference may point to.
    pub reference_to: Vec<String>,
    /// Name of the way to the referenced record.
    pub relationship_name: Option<String>,
    /// 0 or 1 for master-detail fields.
    pub relationship_order: Option<u8>,
    /// The compound that this is a component of.
    pub compound_field_name: Option<String>,
    /// Whether it can serve as an upsert key.
    pub external_id: bool,
    /// Whether case counts when its text is compared.
    #[serde(default, skip_serializing_if = "is_false")]
    pub case_sensitive: bool,
    /// Whether it is what people call the record: `Name`, `CaseNumber`, `Subject`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub name_field: bool,
}

/// A flag that came later is written only when it is set: the hash of older schemas stays what it was.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde asks for"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl FieldSchema {
    /// Whether the field is stored as text in segments.
    pub fn is_stored(&self) -> bool {
        !matches!(
            self.field_type.as_str(),
            "address" | "location" | "base64" | "complexvalue" | "json"
        )
    }
}

/// One entry of `childRelationships[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildRelationship {
    /// The child object.
    pub child: String,
    /// The field of the child that points here.
    pub field: String,
    /// The child goes when the parent goes.
    pub cascade_delete: bool,
    /// The parent cannot go while a child is there.
    pub restricted_delete: bool,
}
