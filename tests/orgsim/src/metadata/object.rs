//! Custom objects as metadata, both ways. Fields and other parts are components of their own.
//!
//! Source: Metadata API Developer Guide (`CustomObject`); requests as recorded from createMetadata.

use super::{content::is_name, problem::Problem};
use crate::{
    schema::{Field, Kind, Object, Schema, Trait},
    soap::Element,
};

/// Objects that the Metadata API lists: records that people make and lay out, and what a customer added.
pub(crate) fn customizable(object: &Object) -> bool {
    !object.removed()
        && object.satellite.is_none()
        && (object.custom() || object.can('L') || object.can('T'))
}

/// The properties of an object without its parts.
pub(crate) fn definition(object: &Object) -> Element {
    let mut out = Element::named("CustomObject");
    if !object.custom() {
        out.put("enableFeeds", object.can('F'));
        out.put("sharingModel", "ReadWrite");
        out.sort();
        return out;
    }
    if object.custom_setting {
        out.put("customSettingsType", "Hierarchy")
            .put("enableFeeds", "false")
            .put("label", object.label())
            .put("visibility", "Public");
        out.sort();
        return out;
    }
    out.put("allowInChatterGroups", "false")
        .put("compactLayoutAssignment", "SYSTEM")
        .put("deploymentStatus", "Deployed")
        .put("enableActivities", "false")
        .put("enableBulkApi", object.bulk)
        .put("enableFeeds", object.can('F'))
        .put("enableHistory", "false")
        .put("enableReports", "false")
        .put("enableSearch", object.can('S'))
        .put("enableSharing", "true")
        .put("enableStreamingApi", "true")
        .put("label", object.label())
        .put("pluralLabel", object.plural())
        .push("searchLayouts", Element::default());
    let detail = object
        .live_fields()
        .any(|(_, field)| field.master.is_some());
    let model = if detail {
        "ControlledByParent"
    } else {
        "ReadWrite"
    };
    out.put("sharingModel", model);
    if let Some((_, field)) = object.field("Name") {
        let mut name = Element::named("nameField");
        name.put("label", field.label());
        if let Some(format) = &field.auto_number {
            name.put("displayFormat", format).put("type", "AutoNumber");
        } else {
            name.put("type", "Text");
        }
        out.push("nameField", name);
    }
    out.sort();
    out
}

/// Puts an object into the declarations as `content` describes it, or changes it. True when it is new.
pub(crate) fn put(schema: &mut Schema, name: &str, content: &Element) -> Result<bool, Problem> {
    if let Some((at, object)) = schema.find(name) {
        if object.custom() {
            rename(schema, at, content)?;
        }
        return Ok(false);
    }
    let stem = ["__c", "__mdt"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    let Some(stem) = stem else {
        return Err(Problem::unknown("CustomObject", name));
    };
    if !is_name(stem) || stem.len() > 40 {
        return Err(Problem::integrity(format!(
            "The name '{name}' is not a valid name for a custom object"
        )));
    }
    if content.given("label").is_none() {
        return Err(Problem::integrity(
            "Must specify a non-empty label for the CustomObject",
        ));
    }
    let setting = content.child("customSettingsType").is_some();
    let typed = name.ends_with("__mdt");
    if !setting && !typed {
        for property in [
            "pluralLabel",
            "nameField",
            "deploymentStatus",
            "sharingModel",
        ] {
            content
                .child(property)
                .ok_or_else(|| Problem::missing(property))?;
        }
    }
    let text = declaration(schema, name, content);
    let declared = schema.declare(&text);
    declared.map_err(|error| Problem::new("UNKNOWN_EXCEPTION", error.to_string()))?;
    if let Some((at, _)) = schema.find(name) {
        rename(schema, at, content)?;
    }
    Ok(true)
}

/// A new object in the notation of the declarations.
fn declaration(schema: &Schema, name: &str, content: &Element) -> String {
    let prefix = schema.free_prefix();
    let model = content.given("sharingModel");
    if name.ends_with("__mdt") {
        return format!(
            "object {name} key={prefix} can=QRT\n  DeveloperName string(40) ! ro\n  MasterLabel string(40) ! ro\n  \
             Language picklist ! ro\n  NamespacePrefix string(15) ro\n  Label string(40) ! ro title\n  \
             QualifiedApiName string(70) ro\n  SystemModstamp datetime ! ro\n"
        );
    }
    if content.child("customSettingsType").is_some() {
        return format!(
            "object {name} key={prefix} can=QRPCUDT setting\n  +detail\n  \
             SetupOwnerId ->Organization|Profile|User ! rel=SetupOwner once\n"
        );
    }
    let mut can = String::from("QRPCUDXTL");
    for (property, letter) in [("enableSearch", 'S'), ("enableFeeds", 'F')] {
        if content.flag(property) {
            can.push(letter);
        }
    }
    let mut with = Vec::new();
    if content.flag("enableHistory") {
        with.push("history");
    }
    if matches!(model, Some("Private" | "Read")) {
        with.push("share=02c");
    }
    let with = if with.is_empty() {
        String::new()
    } else {
        format!(" with={}", with.join(","))
    };
    let group = if model == Some("ControlledByParent") {
        "detail"
    } else {
        "custom"
    };
    format!("object {name} key={prefix} can={can}{with}\n  +{group}\n")
}

/// The labels and the name field, which can change later.
fn rename(schema: &mut Schema, at: usize, content: &Element) -> Result<(), Problem> {
    let name_field = content.child("nameField").map(name_field).transpose()?;
    let Some(object) = schema.object_mut(at) else {
        return Ok(());
    };
    if let Some(label) = content.given("label") {
        object.own_label = Some(label.to_owned());
    }
    if let Some(plural) = content.given("pluralLabel") {
        object.own_plural = Some(plural.to_owned());
    }
    for (property, letter) in [("enableSearch", 'S'), ("enableFeeds", 'F')] {
        match (content.given(property), object.can(letter)) {
            (Some("true"), false) => object.capabilities.push(letter),
            (Some("false"), true) => object.capabilities.retain(|known| known != letter),
            _ => {}
        }
    }
    if let Some(field) = name_field
        && !object.custom_setting
    {
        schema
            .put_field(at, field)
            .map_err(|error| unlinked(&error))?;
    }
    Ok(())
}

fn name_field(content: &Element) -> Result<Field, Problem> {
    let mut field = Field {
        name: "Name".to_owned(),
        own_label: content.given("label").map(str::to_owned),
        kind: Kind::Text,
        length: 80,
        traits: vec![Trait::Title],
        ..Field::default()
    };
    match content.given("type") {
        Some("Text") | None => {}
        Some("AutoNumber") => {
            let format = content.given("displayFormat").unwrap_or("{0}");
            field.auto_number = Some(format.to_owned());
            field.traits.extend([Trait::Required, Trait::ReadOnly]);
        }
        Some(other) => return Err(Problem::invalid("nameField", other)),
    }
    Ok(field)
}

/// Puts a field into an object. A first master-detail relationship takes the owner away.
pub(crate) fn put_field(schema: &mut Schema, at: usize, field: Field) -> Result<(), Problem> {
    let first_master = field.master.is_some();
    let location = (field.kind == Kind::Location).then(|| field.name.clone());
    schema
        .put_field(at, field)
        .map_err(|error| unlinked(&error))?;
    if first_master {
        schema.remove_field(at, "OwnerId");
    }
    // A location is stored in two numbers beside it.
    if let Some(name) = location {
        let stem = name.trim_end_matches("__c");
        for part in ["Latitude", "Longitude"] {
            let number = Field {
                name: format!("{stem}__{part}__s"),
                kind: Kind::Double,
                precision: 18,
                scale: 15,
                compound: Some(name.clone()),
                ..Field::default()
            };
            schema
                .put_field(at, number)
                .map_err(|error| unlinked(&error))?;
        }
    }
    Ok(())
}

/// Takes a field away, with the parts of a location.
pub(crate) fn remove_field(schema: &mut Schema, at: usize, name: &str) -> bool {
    let Some(object) = schema.objects.get(at).cloned() else {
        return false;
    };
    let parts = object.live_fields().filter(|(_, field)| {
        field.name.ends_with("__s")
            && field
                .compound
                .as_deref()
                .is_some_and(|of| of.eq_ignore_ascii_case(name))
    });
    for (_, part) in parts {
        schema.remove_field(at, &part.name);
    }
    schema.remove_field(at, name)
}

fn unlinked(error: &crate::schema::NotationError) -> Problem {
    Problem::new("INVALID_CROSS_REFERENCE_KEY", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(xml: &str) -> Element {
        Element::parse(format!("<o>{xml}</o>").as_bytes()).unwrap()
    }

    const SHOP: &str = "<deploymentStatus>Deployed</deploymentStatus><label>Corner shop</label>\
        <nameField><label>Shop name</label><type>Text</type></nameField>\
        <pluralLabel>Corner shops</pluralLabel><sharingModel>Private</sharingModel>\
        <enableHistory>true</enableHistory><enableSearch>true</enableSearch>";

    #[test]
    fn a_new_object_has_what_its_definition_asks_for() {
        let mut schema = Schema::load().unwrap();
        assert_eq!(put(&mut schema, "Shop__c", &content(SHOP)), Ok(true));
        let (_, shop) = schema.find("Shop__c").unwrap();
        assert_eq!(
            (shop.label(), shop.plural()),
            ("Corner shop".to_owned(), "Corner shops".to_owned())
        );
        assert!(shop.can('S') && !shop.can('F'));
        assert!(schema.find("Shop__History").is_some());
        assert!(schema.find("Shop__Share").is_some());
        assert_eq!(
            put(&mut schema, "Shop__c", &content("<label>Stall</label>")),
            Ok(false)
        );
        assert_eq!(schema.find("Shop__c").unwrap().1.label(), "Stall");
    }

    #[test]
    fn a_new_object_must_say_what_it_is() {
        let mut schema = Schema::load().unwrap();
        let mut message =
            |name: &str, xml: &str| put(&mut schema, name, &content(xml)).unwrap_err().message;
        assert_eq!(
            message("Shop__c", ""),
            "Must specify a non-empty label for the CustomObject"
        );
        assert_eq!(
            message("Shop__c", "<label>A</label><pluralLabel>B</pluralLabel>"),
            "Required field is missing: nameField"
        );
        assert_eq!(
            message("Shop", SHOP),
            "In field: fullName - no CustomObject named Shop found"
        );
    }

    #[test]
    fn a_location_comes_and_goes_with_its_parts() {
        let mut schema = Schema::load().unwrap();
        let at = schema.find("Big__c").unwrap().0;
        let spot = Field {
            name: "Spot__c".to_owned(),
            kind: Kind::Location,
            ..Field::default()
        };
        put_field(&mut schema, at, spot).unwrap();
        assert!(
            schema
                .object(at)
                .unwrap()
                .field("Spot__Latitude__s")
                .is_some()
        );
        assert!(remove_field(&mut schema, at, "spot__c"));
        assert!(
            schema
                .object(at)
                .unwrap()
                .field("Spot__Longitude__s")
                .is_none()
        );
    }
}
