//! Describe results as the REST API prints them.
//!
//! Key spelling: SOAP API Developer Guide, `DescribeSObjectResult`; REST API Developer Guide, sObject
//! Describe and Describe Global.

use serde_json::{Map, Value, json};

use super::{
    Field, Kind, Object, Schema, Trait,
    since::keep_known,
    urls::{add_pages, urls},
};
use crate::{
    id::{Mint, long, parse},
    permission::permissionable,
};

/// The body of `GET /sobjects`.
pub(crate) fn describe_global(schema: &Schema, version: &str) -> Value {
    let sobjects: Vec<Value> = schema
        .objects
        .iter()
        .filter(|object| !object.removed() && !object.hidden)
        .map(|object| {
            let mut result = common(object, version);
            keep_known(&mut result, version);
            Value::Object(result)
        })
        .collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sobjects})
}

/// The body of `GET /sobjects/{name}/describe` for object number `at`; `host` starts the addresses
/// of pages for people.
pub(crate) fn describe(schema: &Schema, at: usize, version: &str, host: &str) -> Option<Value> {
    let object = schema.object(at)?;
    let mut body = common(object, version);
    if let Some(Value::Object(urls)) = body.get_mut("urls") {
        add_pages(urls, object, host);
    }
    let Value::Object(rest) = json!({
        "actionOverrides": [],
        "compactLayoutable": object.can('L'),
        "dataTranslationEnabled": false,
        "defaultImplementation": null,
        "extendedBy": null,
        "extendsInterfaces": null,
        "implementedBy": null,
        "implementsInterfaces": null,
        "listviewable": null,
        "lookupLayoutable": null,
        "namedLayoutInfos": [],
        "networkScopeFieldName": null,
        "searchLayoutable": object.can('S'),
        "sobjectDescribeOption": "DEFERRED",
        "supportedScopes": [{"label": format!("All {}", object.label()), "name": "everything"}],
    }) else {
        return None;
    };
    body.extend(rest);
    body.insert(
        "recordTypeInfos".to_owned(),
        Value::Array(record_types(schema, at, version)),
    );
    body.insert(
        "childRelationships".to_owned(),
        Value::Array(child_relationships(schema, at)),
    );
    let fields = object
        .live_fields()
        .map(|(_, field)| field_body(schema, object, field))
        .collect();
    body.insert("fields".to_owned(), Value::Array(fields));
    keep_known(&mut body, version);
    Some(Value::Object(body))
}

fn common(object: &Object, version: &str) -> Map<String, Value> {
    let (satellite, parent) = object
        .satellite
        .as_ref()
        .map_or((None, None), |(s, p)| (Some(s), Some(p)));
    let body = json!({
        "activateable": false,
        "associateEntityType": satellite,
        "associateParentEntity": parent,
        "createable": object.can('C'),
        "custom": object.custom(),
        "customSetting": object.custom_setting,
        "deepCloneable": false,
        "deletable": object.can('D'),
        "deprecatedAndHidden": false,
        "feedEnabled": object.can('F'),
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": object.key_prefix,
        "label": object.label(),
        "labelPlural": object.plural(),
        "layoutable": object.can('L'),
        "mergeable": object.can('M'),
        "mruEnabled": object.can('L'),
        "name": object.name,
        "queryable": object.can('Q'),
        "replicateable": object.can('P'),
        "retrieveable": object.can('R'),
        "searchable": object.can('S'),
        "triggerable": object.can('T'),
        "undeletable": object.can('X'),
        "updateable": object.can('U'),
        "urls": urls(object, version),
    });
    match body {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn record_types(schema: &Schema, at: usize, version: &str) -> Vec<Value> {
    let mut infos = Vec::new();
    let mut push = |name: &str, id: &str, master: bool| {
        let object = schema.object(at).map_or("", |o| o.name.as_str());
        infos.push(json!({
            "active": true,
            "available": true,
            "defaultRecordTypeMapping": master,
            "developerName": name,
            "master": master,
            "name": name,
            "recordTypeId": id,
            "urls": {"layout": format!("/services/data/{version}/sobjects/{object}/describe/layouts/{id}")},
        }));
    };
    if let Some(place) = schema.with_record_types().position(|o| o == at) {
        let mint = schema
            .find("RecordType")
            .map_or_else(|| Mint::new(*b"012", 1), |(_, o)| o.mint);
        for (place, name) in [(place * 2, "Standard"), (place * 2 + 1, "Special")] {
            push(name, &String::from_utf8_lossy(&mint.id(place)), false);
        }
        let account = schema.object(at).is_some_and(|o| o.name == "Account");
        if let Some(slot) = schema.person_type.filter(|_| account) {
            let id = mint.id(slot);
            push("PersonAccount", &String::from_utf8_lossy(&id), false);
        }
    }
    let master = parse("012000000000000").map_or_else(String::new, |id| long(&id));
    push("Master", &master, true);
    infos
}

fn child_relationships(schema: &Schema, at: usize) -> Vec<Value> {
    let fields = schema.children(at).filter_map(|(child, field)| {
        let object = schema.object(child)?;
        Some((object, object.fields.get(field)?))
    });
    fields
        .map(|(object, field)| {
            json!({
                "cascadeDelete": field.is(Trait::Cascade),
                "childSObject": object.name,
                "deprecatedAndHidden": false,
                "field": field.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": field.child_relationship,
                "restrictedDelete": field.is(Trait::Restrict),
            })
        })
        .collect()
}

fn field_body(schema: &Schema, object: &Object, field: &Field) -> Value {
    let createable = field.createable(object);
    let nillable = !field.is(Trait::Required);
    let short = field.kind.filterable() && !field.long_text();
    let byte_length = match field.kind {
        Kind::Id | Kind::Reference => 18,
        kind if kind.textual() => field.length * 3,
        _ => 0,
    };
    let system = field.system();
    let targets: Vec<&str> = field
        .targets
        .iter()
        .filter_map(|at| Some(schema.object(*at)?.name.as_str()))
        .collect();
    let values: Vec<Value> = field
        .values
        .iter()
        .map(|value| {
            json!({"active": true, "defaultValue": field.default.as_ref() == Some(value), "label": value, "validFor": null, "value": value})
        })
        .collect();
    let mut body = json!({
        "aggregatable": short && !matches!(field.kind, Kind::Boolean | Kind::MultiPicklist) && !field.kind.compound(),
        "aiPredictionField": false,
        "autoNumber": field.auto_number.is_some(),
        "byteLength": byte_length,
        "calculated": field.calculated(),
        "calculatedFormula": field.formula,
        "cascadeDelete": field.is(Trait::Cascade),
        "caseSensitive": field.is(Trait::CaseSensitive),
        "compoundFieldName": field.compound,
        "controllerName": null,
        "createable": createable,
        "custom": field.name.ends_with("__c") || field.name.ends_with("__s"),
        "dataTranslationEnabled": false,
        "defaultValue": (field.kind == Kind::Boolean).then_some(false),
        "defaultValueFormula": null,
        "defaultedOnCreate": field.defaulted(),
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": if field.kind == Kind::Int { field.length } else { 0 },
        "displayLocationInDecimal": field.kind == Kind::Location,
        "externalId": field.is(Trait::External),
        "extraTypeInfo": field.extra.as_deref().or_else(|| (field.kind == Kind::TextArea).then_some("plaintextarea")),
        "filterable": field.filterable(),
        "filteredLookupInfo": null,
        "formulaTreatNullNumberAsZero": field.formula.is_some() && field.kind.numeric(),
        "groupable": field.groupable(),
        "highScaleNumber": false,
        "htmlFormatted": field.is(Trait::Html),
        "idLookup": field.kind == Kind::Id || field.is(Trait::External) || field.is(Trait::Title),
        "inlineHelpText": null,
        "label": field.label(),
        "length": if field.kind == Kind::Int { 0 } else { field.length },
        "mask": null,
        "maskType": null,
        "name": field.name,
        "nameField": field.is(Trait::Title),
        "namePointing": field.polymorphic(),
        "nillable": nillable,
        "permissionable": permissionable(object, field),
        "picklistValues": values,
        "polymorphicForeignKey": field.polymorphic(),
    });
    // A second literal, because one of this length exceeds the macro's recursion limit.
    let rest = json!({
        "encrypted": false,
        "precision": field.precision,
        "queryByDistance": field.kind.compound(),
        "referenceTargetField": null,
        "referenceTo": targets,
        "relationshipName": field.relationship,
        "relationshipOrder": field.master,
        "restrictedDelete": field.is(Trait::Restrict),
        "restrictedPicklist": field.is(Trait::Strict),
        "scale": field.scale,
        "searchPrefilterable": field.kind == Kind::Reference && createable && field.name.ends_with("Id") && !system,
        "soapType": field.kind.soap(),
        "sortable": field.sortable(),
        "type": field.kind.name(),
        "unique": field.is(Trait::Unique),
        "updateable": field.updateable(object),
        "writeRequiresMasterRead": false,
    });
    if let (Some(body), Value::Object(rest)) = (body.as_object_mut(), rest) {
        body.extend(rest);
    }
    body
}
