//! A small schema with a field of every type.

use std::collections::BTreeMap;

use jiff::civil::Weekday;

use crate::filter::{Calendar, CheckedFilter, Filter, FilterError};
use crate::{FieldSchema, ObjectName, ObjectSchema, Stamp, Transport};

pub(super) type Schemas = BTreeMap<ObjectName, ObjectSchema>;

pub(super) fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn field(name: &str, field_type: &str) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        field_type: field_type.into(),
        nillable: true,
        createable: true,
        updateable: true,
        filterable: !matches!(field_type, "base64" | "anyType"),
        ..FieldSchema::default()
    }
}

fn reference(name: &str, relationship: &str, to: &[&str]) -> FieldSchema {
    FieldSchema {
        reference_to: to.iter().map(|&object| object.into()).collect(),
        relationship_name: Some(relationship.into()),
        ..field(name, "reference")
    }
}

fn object(object: &str, prefix: &str, fields: Vec<FieldSchema>) -> (ObjectName, ObjectSchema) {
    let schema = ObjectSchema {
        name: name(object),
        label: object.into(),
        key_prefix: Some(prefix.into()),
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: None,
        fields: [vec![field("Id", "id")], fields].concat(),
        children: Vec::new(),
    };
    (name(object), schema)
}

pub(super) fn schemas() -> Schemas {
    let named = |name| FieldSchema {
        name_field: true,
        ..field(name, "string")
    };
    let account = vec![
        named("Name"),
        field("Rating", "picklist"),
        field("Active__c", "boolean"),
        reference("OwnerId", "Owner", &["User"]),
        reference("ParentId", "Parent", &["Account"]),
    ];
    let thing = vec![
        named("Name"),
        field("Number__c", "double"),
        field("Price__c", "currency"),
        field("Day__c", "date"),
        field("At__c", "datetime"),
        field("Clock__c", "time"),
        field("Flag__c", "boolean"),
        field("Pick__c", "picklist"),
        field("Picks__c", "multipicklist"),
        FieldSchema {
            case_sensitive: true,
            ..field("Key__c", "string")
        },
        FieldSchema {
            filterable: false,
            ..field("Long__c", "textarea")
        },
        field("Place__c", "location"),
        reference("Account__c", "Account__r", &["Account"]),
        reference("OwnerId", "Owner", &["Group", "User"]),
        reference("WhatId", "What", &["Account", "Case", "Hidden__c"]),
    ];
    let user = vec![named("Name"), field("Username", "string")];
    [
        object("Thing__c", "a00", thing),
        object("Account", "001", account),
        object("User", "005", user),
        object("Group", "00G", vec![named("Name")]),
        object("Case", "500", vec![named("CaseNumber")]),
    ]
    .into()
}

/// Checked for a thing.
pub(super) fn checked(filter: &Filter) -> Result<CheckedFilter, FilterError> {
    filter.check(&name("Thing__c"), &schemas())
}

pub(super) fn calendar(now: &str, zone: &str) -> Calendar {
    let now = Stamp::parse(now).unwrap();
    Calendar::new(now, zone, Weekday::Sunday, 4).unwrap()
}
