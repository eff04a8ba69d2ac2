use super::*;

fn schema() -> Schema {
    Schema::load().unwrap()
}

#[test]
fn the_declarations_hold_what_every_org_uses() {
    let schema = schema();
    for name in [
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        "Case",
        "Task",
        "Event",
        "User",
        "Profile",
        "ContentVersion",
        "ContentDocumentLink",
        "AccountHistory",
        "AccountShare",
        "LoginHistory",
        "SetupAuditTrail",
        "CaseStatus",
        "AccountChangeEvent",
        "Project__History",
        "Project__Share",
    ] {
        assert!(schema.find(name).is_some(), "{name}");
    }
    let standard = schema.objects.iter().filter(|o| !o.name.contains("__"));
    assert!(standard.count() > 250);
}

#[test]
fn no_two_declarations_share_a_name() {
    let schema = schema();
    assert_eq!(schema.by_name.len(), schema.objects.len());
    for object in &schema.objects {
        assert_eq!(object.by_name.len(), object.fields.len(), "{}", object.name);
    }
}

#[test]
fn a_field_is_part_of_a_compound_field_that_exists() {
    for object in &schema().objects {
        for field in &object.fields {
            if let Some(compound) = &field.compound {
                assert!(
                    object.field(compound).is_some(),
                    "{}.{}",
                    object.name,
                    field.name
                );
            }
        }
    }
}

#[test]
fn a_required_filter_names_fields_that_can_be_filtered_by() {
    for object in &schema().objects {
        for name in &object.required_filter {
            let (_, field) = object.field(name).unwrap();
            assert!(field.filterable(), "{}.{name}", object.name);
        }
    }
}

#[test]
fn every_object_but_change_events_has_distinct_ids() {
    let schema = schema();
    for (at, object) in schema
        .objects
        .iter()
        .enumerate()
        .filter(|(_, o)| o.can('Q'))
    {
        for slot in [0, 1, 999_999_999] {
            assert_eq!(
                schema.locate(&object.mint.id(slot)),
                Some((at, slot)),
                "{}",
                object.name
            );
        }
    }
}

#[test]
fn cursor_fields_fall_back_in_the_documented_order() {
    let schema = schema();
    for (object, field) in [
        ("Account", "SystemModstamp"),
        ("AccountHistory", "CreatedDate"),
        ("AccountShare", "LastModifiedDate"),
        ("LoginHistory", "LoginTime"),
    ] {
        let (_, object) = schema.find(object).unwrap();
        assert_eq!(object.fields[object.stamp_field.unwrap()].name, field);
    }
}

#[test]
fn describe_classifies_fields_and_satellites() {
    let schema = schema();
    let body = |name: &str| {
        describe(&schema, schema.find(name).unwrap().0, "v60.0", "http://org").unwrap()
    };
    let account = body("Account");
    let field = |body: &serde_json::Value, name: &str| {
        body["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(account["keyPrefix"], "001");
    assert_eq!(
        field(&account, "BillingStreet")["compoundFieldName"],
        "BillingAddress"
    );
    assert_eq!(field(&account, "BillingAddress")["soapType"], "urn:address");
    assert_eq!(field(&account, "Description")["filterable"], false);
    assert_eq!(field(&account, "Name")["byteLength"], 765);
    let contacts = account["childRelationships"].as_array().unwrap();
    assert!(contacts.iter().any(|c| c["childSObject"] == "Contact"
        && c["relationshipName"] == "Contacts"
        && c["cascadeDelete"] == true));
    let junction = body("Project_Member__c");
    assert_eq!(field(&junction, "Employee__c")["relationshipOrder"], 1);
    let task = body("Task");
    assert_eq!(field(&task, "WhatId")["polymorphicForeignKey"], true);
    assert_eq!(
        account["urls"]["listviews"],
        "/services/data/v60.0/sobjects/Account/listviews"
    );
    assert_eq!(account["urls"]["uiNewRecord"], "http://org/001/e");
    let history = body("AccountHistory");
    assert_eq!(history["associateEntityType"], "History");
    assert_eq!(history["associateParentEntity"], "Account");
    assert!(history["keyPrefix"].is_null());
}

#[test]
fn a_declaration_that_cannot_be_read_says_which_word() {
    let error = notation::read("object X__c key=a99 can=Q\n  Y__c string(3) shiny\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown word in `Y__c string(3) shiny`: `shiny`"
    );
    assert!(notation::read("  Y__c string(3)\n").is_err());
}

#[test]
fn older_versions_lack_keys_that_came_later() {
    let schema = schema();
    let (at, _) = schema.find("Account").unwrap();
    let body = |version: &str| describe(&schema, at, version, "http://org").unwrap();
    for (version, there) in [("v49.0", false), ("v50.0", true)] {
        assert_eq!(
            body(version).get("associateEntityType").is_some(),
            there,
            "{version}"
        );
    }
    for (version, there) in [("v45.0", false), ("v46.0", true)] {
        let field = body(version)["fields"][0].clone();
        assert_eq!(field.get("aiPredictionField").is_some(), there, "{version}");
    }
    let global = describe_global(&schema, "v41.0");
    assert!(global["sobjects"][0].get("mruEnabled").is_none());
}
