use holdfast_model::ErrorCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn field(name: &str, field_type: &str) -> Value {
    json!({"name": name, "type": field_type, "label": name, "filterable": true, "nillable": true,
           "length": 0, "referenceTo": [], "relationshipOrder": null})
}

fn object(name: &str, fields: &[Value]) -> Value {
    json!({"name": name, "label": name, "keyPrefix": "a00", "queryable": true, "custom": false,
           "associateEntityType": null, "associateParentEntity": null,
           "fields": fields, "childRelationships": [], "urls": {}})
}

fn schema(describe: Value) -> ObjectSchema {
    let describe: Describe = serde_json::from_value(describe).unwrap();
    describe.schema().unwrap()
}

fn with_id(name: &str) -> Value {
    object(
        name,
        &[field("Id", "id"), field("SystemModstamp", "datetime")],
    )
}

#[test]
fn a_describe_becomes_a_schema() {
    let schema = schema(json!({
        "name": "Invoice__c", "label": "Invoice", "keyPrefix": "a0B", "queryable": true,
        "deprecatedAndHidden": false, "associateEntityType": null, "associateParentEntity": null,
        "fields": [
            {"name": "Id", "type": "id", "length": 18, "byteLength": 54, "nillable": false, "filterable": true,
             "compoundFieldName": null, "relationshipName": null, "relationshipOrder": null, "referenceTo": []},
            {"name": "Account__c", "type": "reference", "length": 18, "createable": true, "updateable": false,
             "filterable": true, "referenceTo": ["Account"], "relationshipName": "Account__r",
             "relationshipOrder": 0, "cascadeDelete": true},
            {"name": "Total__c", "type": "currency", "precision": 18, "scale": 2, "calculated": true,
             "filterable": true},
            {"name": "Place__c", "type": "location", "filterable": true},
            {"name": "Place__Latitude__s", "type": "double", "precision": 18, "scale": 15,
             "compoundFieldName": "Place__c"},
            {"name": "SystemModstamp", "type": "datetime", "filterable": true}
        ],
        "childRelationships": [
            {"childSObject": "InvoiceLine__c", "field": "Invoice__c", "cascadeDelete": true,
             "restrictedDelete": false, "relationshipName": "Lines__r", "junctionIdListNames": []},
            {"childSObject": "Task", "field": "WhatId", "cascadeDelete": true, "restrictedDelete": null,
             "relationshipName": null}
        ]
    }));
    assert_eq!(schema.transport, Transport::Bulk);
    assert_eq!(schema.cursor_field.as_deref(), Some("SystemModstamp"));
    assert_eq!(schema.key_prefix.as_deref(), Some("a0B"));
    let stored: Vec<_> = schema
        .stored_fields()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        stored,
        [
            "Id",
            "Account__c",
            "Total__c",
            "Place__Latitude__s",
            "SystemModstamp"
        ]
    );
    let account = &schema.fields[1];
    assert_eq!(account.reference_to, ["Account"]);
    assert_eq!(account.relationship_order, Some(0));
    assert_eq!(
        (schema.fields[2].precision, schema.fields[2].scale),
        (18, 2)
    );
    assert_eq!(schema.children.len(), 2);
    assert!(schema.children[0].cascade_delete && !schema.children[1].restricted_delete);
}

#[test]
fn the_cursor_is_the_first_time_that_can_be_filtered_by() {
    let hidden = |name: &str| {
        let mut field = field(name, "datetime");
        field["filterable"] = json!(false);
        field
    };
    let id = field("Id", "id");
    for (name, fields, expected) in [
        (
            "Account",
            vec![
                field("CreatedDate", "datetime"),
                field("SystemModstamp", "datetime"),
            ],
            Some("SystemModstamp"),
        ),
        (
            "X",
            vec![
                hidden("SystemModstamp"),
                field("LastModifiedDate", "datetime"),
            ],
            Some("LastModifiedDate"),
        ),
        (
            "AccountHistory",
            vec![field("CreatedDate", "datetime")],
            Some("CreatedDate"),
        ),
        (
            "LoginHistory",
            vec![field("LoginTime", "datetime")],
            Some("LoginTime"),
        ),
        ("Y", vec![field("CreatedDate", "date")], None),
        ("CaseStatus", vec![hidden("SystemModstamp")], None),
        (
            "ActivityFieldHistory",
            vec![field("SystemModstamp", "datetime")],
            None,
        ),
    ] {
        let fields = [vec![id.clone()], fields].concat();
        let schema = schema(object(name, &fields));
        assert_eq!(schema.cursor_field.as_deref(), expected, "{name}");
    }
}

#[test]
fn objects_are_read_by_the_way_that_serves_them() {
    let satellite = |name: &str, kind: &str| {
        let mut describe = with_id(name);
        describe["associateEntityType"] = json!(kind);
        describe["associateParentEntity"] = json!("Account");
        describe
    };
    let flagged = |name: &str, flag: &str, value: bool| {
        let mut describe = with_id(name);
        describe[flag] = json!(value);
        describe
    };
    let golden: Vec<String> = [
        with_id("Account"),
        with_id("Attachment"),
        with_id("Invoice__c"),
        satellite("AccountHistory", "History"),
        satellite("Invoice__Share", "Share"),
        with_id("CaseStatus"),
        with_id("EventWhoRelation"),
        with_id("Setting__mdt"),
        satellite("Invoice__Tag", "Tag"),
        satellite("AccountFeed", "Feed"),
        satellite("AccountChangeEvent", "ChangeEvent"),
        with_id("Order_Placed__e"),
        with_id("Erp_Order__x"),
        with_id("Archive__b"),
        with_id("LoginEvent"),
        with_id("Vote"),
        with_id("ActivityHistory"),
        with_id("Faq__ViewStat"),
        with_id("AsyncApexJob"),
        flagged("Legacy", "deprecatedAndHidden", true),
        flagged("Thing", "queryable", false),
        object("Aggregate", &[field("Name", "string")]),
    ]
    .into_iter()
    .map(|describe| {
        let schema = schema(describe);
        let way = match schema.transport {
            Transport::Bulk => "bulk".to_owned(),
            Transport::ByParent => "by parent".to_owned(),
            Transport::Rest { reason } => format!("rest: {reason}"),
            Transport::Unsupported { reason } => format!("none: {reason}"),
        };
        format!("{} {way}", schema.name)
    })
    .collect();
    assert_eq!(
        golden,
        [
            "Account bulk",
            "Attachment bulk",
            "Invoice__c bulk",
            "AccountHistory bulk",
            "Invoice__Share bulk",
            "CaseStatus rest: not in the Bulk API",
            "EventWhoRelation rest: not in the Bulk API",
            "Setting__mdt rest: custom metadata is not in the Bulk API",
            "Invoice__Tag rest: tags are not in the Bulk API",
            "AccountFeed none: rows are read as FeedItem",
            "AccountChangeEvent none: change events are a stream, not rows",
            "Order_Placed__e none: platform events are a stream, not rows",
            "Erp_Order__x none: rows of external objects are kept elsewhere",
            "Archive__b none: big objects are not read yet",
            "LoginEvent none: big objects are not read yet",
            "Vote none: queries need a filter that a backup cannot know",
            "ActivityHistory none: not queryable",
            "Faq__ViewStat none: left out by default: a cache, a log or a setting of Salesforce",
            "AsyncApexJob none: left out by default: a cache, a log or a setting of Salesforce",
            "Legacy none: deprecated and hidden",
            "Thing none: not queryable",
            "Aggregate none: has no Id",
        ]
    );
}

#[test]
fn a_field_name_that_is_soql_is_damage() {
    let describe = object("X", &[field("Id FROM User WHERE Name", "string")]);
    let describe: Describe = serde_json::from_value(describe).unwrap();
    assert_eq!(
        describe.schema().unwrap_err().code,
        ErrorCode::DamagedAnswer
    );
}

/// Any JSON, with the keys of a describe more often than not.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[A-Za-z_' ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![
            Just("name".to_owned()),
            Just("type".to_owned()),
            Just("queryable".to_owned()),
            Just("fields".to_owned()),
            Just("childRelationships".to_owned()),
            Just("referenceTo".to_owned()),
            Just("length".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_refused_or_becomes_a_schema(describe in anything(), fields in anything()) {
        for describe in [describe, json!({"name": "X", "queryable": true, "fields": fields})] {
            if let Ok(describe) = serde_json::from_value::<Describe>(describe) {
                let _ = describe.schema();
            }
        }
    }
}
