//! Describe: which objects there are, and what one consists of (SOAP guide, `DescribeSObjectResult`; the JSON has
//! the same keys).

use holdfast_model::limits::FIELDS_MAX;
use holdfast_model::schema::ChildRelationship;
use holdfast_model::{Failure, FieldSchema, ObjectName, ObjectSchema, Transport};
use reqwest::StatusCode;
use reqwest::header::LAST_MODIFIED;
use serde::{Deserialize, Deserializer};

use crate::answer::read_json;
use crate::call::Call;
use crate::client::Client;
use crate::exceptions;
use crate::rows::damaged;

/// Windows are cut by the first of these that is there and can be filtered by (reference section 4.4).
const CURSOR_FIELDS: [&str; 4] = [
    "SystemModstamp",
    "LastModifiedDate",
    "CreatedDate",
    "LoginTime",
];

impl Client {
    /// The objects that this user may see; `if_modified_since` is the `last_modified` of an earlier answer.
    ///
    /// An object that is absent may be gone, or hidden from this user (REST guide, Describe Global).
    pub async fn describe_global(
        &self,
        if_modified_since: Option<&str>,
    ) -> Result<ObjectList, Failure> {
        let call = Call::get(self.path("sobjects")).if_modified_since(if_modified_since);
        let list = self
            .ask(&call, |answer| {
                if answer.status == StatusCode::NOT_MODIFIED {
                    return Ok(ObjectList::NotModified);
                }
                let global: DescribeGlobal = read_json(answer.status, &answer.body)?;
                let last_modified = answer.headers.get(LAST_MODIFIED);
                Ok(ObjectList::Modified {
                    objects: global.sobjects,
                    last_modified: last_modified
                        .and_then(|date| date.to_str().ok())
                        .map(str::to_owned),
                })
            })
            .await?;
        Ok(list)
    }

    /// Describes one object as this user sees it. Fields without permission are absent, not flagged.
    pub async fn describe(&self, object: &ObjectName) -> Result<Describe, Failure> {
        let call = Call::get(self.path(&format!("sobjects/{object}/describe")));
        Ok(self.json(&call).await?)
    }
}

/// The answer to describe global.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectList {
    /// Nothing changed in the org's metadata since the date.
    NotModified,
    /// All objects.
    Modified {
        /// In Salesforce's order.
        objects: Vec<ObjectSummary>,
        /// To be sent with the next question, as it is.
        last_modified: Option<String>,
    },
}

#[derive(Deserialize)]
struct DescribeGlobal {
    sobjects: Vec<ObjectSummary>,
}

/// One object in the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectSummary {
    /// API name.
    pub name: ObjectName,
    /// Label, singular.
    #[serde(default, deserialize_with = "or_default")]
    pub label: String,
    /// First three characters of its ids.
    pub key_prefix: Option<String>,
    /// Whether Salesforce says that it can be queried; necessary, not sufficient.
    #[serde(default, deserialize_with = "or_default")]
    pub queryable: bool,
    /// Whether Salesforce says which of its records changed and went (`getUpdated()`, `getDeleted()`).
    #[serde(default, deserialize_with = "or_default")]
    pub replicateable: bool,
    /// No longer in use.
    #[serde(default, deserialize_with = "or_default")]
    pub deprecated_and_hidden: bool,
    /// `History`, `Share`, `Feed`, … for satellites of another object.
    pub associate_entity_type: Option<String>,
    /// The object that a satellite belongs to.
    pub associate_parent_entity: Option<String>,
}

impl ObjectSummary {
    /// Why the object is not read, as far as can be said without describing it.
    pub fn unsupported(&self) -> Option<&'static str> {
        exceptions::unsupported(
            self.name.as_str(),
            self.queryable,
            self.deprecated_and_hidden,
            self.associate_entity_type.as_deref(),
        )
    }
}

/// The description of one object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Describe {
    #[serde(flatten)]
    summary: ObjectSummary,
    #[serde(default)]
    undeletable: Option<bool>,
    #[serde(default)]
    fields: Vec<WireField>,
    #[serde(default)]
    child_relationships: Vec<WireChild>,
}

impl Describe {
    /// Whether Salesforce says which of its records changed and went.
    pub fn replicateable(&self) -> bool {
        self.summary.replicateable
    }

    /// What storing and restoring need of it, and how it is read.
    pub fn schema(self) -> Result<ObjectSchema, Failure> {
        if self.fields.len() > FIELDS_MAX {
            return Err(damaged("an object has more fields than an object can have"));
        }
        let fields: Vec<_> = self
            .fields
            .into_iter()
            .map(FieldSchema::try_from)
            .collect::<Result<_, _>>()?;
        let children = self
            .child_relationships
            .into_iter()
            .filter_map(WireChild::named)
            .collect();
        let transport = transport(&self.summary, &fields);
        let windowed = transport != Transport::ByParent;
        let cursor_field = cursor_field(self.summary.name.as_str(), &fields);
        Ok(ObjectSchema {
            cursor_field: cursor_field.filter(|_| windowed),
            transport,
            name: self.summary.name,
            label: self.summary.label,
            key_prefix: self.summary.key_prefix,
            associate_entity_type: self.summary.associate_entity_type,
            associate_parent_entity: self.summary.associate_parent_entity,
            comes_back_with_parent: self.undeletable == Some(false),
            fields,
            children,
        })
    }
}

fn transport(object: &ObjectSummary, fields: &[FieldSchema]) -> Transport {
    if let Some(reason) = object.unsupported() {
        return Transport::Unsupported {
            reason: reason.to_owned(),
        };
    }
    if !fields.iter().any(|field| field.field_type == "id") {
        return Transport::Unsupported {
            reason: "has no Id".to_owned(),
        };
    }
    let name = object.name.as_str();
    if exceptions::only_by_parent(name) {
        return Transport::ByParent;
    }
    match exceptions::rest_only(name, object.associate_entity_type.as_deref()) {
        Some(reason) => Transport::Rest {
            reason: reason.to_owned(),
        },
        None => Transport::Bulk,
    }
}

fn cursor_field(object: &str, fields: &[FieldSchema]) -> Option<String> {
    if exceptions::no_time_filter(object) {
        return None;
    }
    let serves = |name: &&str| {
        fields
            .iter()
            .any(|field| field.name == **name && field.field_type == "datetime" && field.filterable)
    };
    CURSOR_FIELDS
        .iter()
        .find(|name| serves(name))
        .map(|name| (*name).to_owned())
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the Salesforce describe"
)]
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireField {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
    #[serde(default, deserialize_with = "or_default")]
    length: u32,
    #[serde(default, deserialize_with = "or_default")]
    precision: u32,
    #[serde(default, deserialize_with = "or_default")]
    scale: u32,
    #[serde(default, deserialize_with = "or_default")]
    nillable: bool,
    #[serde(default, deserialize_with = "or_default")]
    createable: bool,
    #[serde(default, deserialize_with = "or_default")]
    updateable: bool,
    #[serde(default, deserialize_with = "or_default")]
    calculated: bool,
    #[serde(default, deserialize_with = "or_default")]
    filterable: bool,
    #[serde(default, deserialize_with = "or_default")]
    reference_to: Vec<String>,
    relationship_name: Option<String>,
    relationship_order: Option<u8>,
    compound_field_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    external_id: bool,
    #[serde(default, deserialize_with = "or_default")]
    case_sensitive: bool,
    #[serde(default, deserialize_with = "or_default")]
    name_field: bool,
}

impl TryFrom<WireField> for FieldSchema {
    type Error = Failure;

    fn try_from(field: WireField) -> Result<Self, Failure> {
        // The name goes into queries and becomes a column.
        ObjectName::parse(field.name.as_str()).map_err(|_| damaged("a field name is malformed"))?;
        Ok(Self {
            name: field.name,
            field_type: field.field_type,
            length: field.length,
            precision: field.precision,
            scale: field.scale,
            nillable: field.nillable,
            createable: field.createable,
            updateable: field.updateable,
            calculated: field.calculated,
            filterable: field.filterable,
            reference_to: field.reference_to,
            relationship_name: field.relationship_name,
            relationship_order: field.relationship_order,
            compound_field_name: field.compound_field_name,
            external_id: field.external_id,
            case_sensitive: field.case_sensitive,
            name_field: field.name_field,
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WireChild {
    #[serde(rename = "childSObject")]
    child: Option<String>,
    field: Option<String>,
    #[serde(default, rename = "cascadeDelete", deserialize_with = "or_default")]
    cascade_delete: bool,
    #[serde(default, rename = "restrictedDelete", deserialize_with = "or_default")]
    restricted_delete: bool,
}

impl WireChild {
    pub(crate) fn named(self) -> Option<ChildRelationship> {
        Some(ChildRelationship {
            child: self.child?,
            field: self.field?,
            cascade_delete: self.cascade_delete,
            restricted_delete: self.restricted_delete,
        })
    }
}

/// Salesforce prints null for what does not apply to an object.
pub(crate) fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
