//! What a field of the declarations is as metadata.
//!
//! Source: Metadata API Developer Guide (`CustomField`, `FieldType`).

use crate::{
    schema::{Field, Kind, Schema, Trait},
    soap::Element,
};

/// The definition of `field` without its name.
pub(crate) fn definition(schema: &Schema, field: &Field) -> Element {
    let mut out = Element::named("CustomField");
    let kind = kind_name(field);
    if let Some(roll_up) = &field.roll_up {
        super::summary::describe(&mut out, roll_up);
    }
    if field.is(Trait::External) {
        out.put("externalId", "true");
    } else if field.formula.is_none() && !field.kind.compound() {
        out.put("externalId", "false");
    }
    out.put("label", field.label());
    match kind {
        "Text" | "LongTextArea" | "Html" if field.formula.is_none() => {
            out.put("length", field.length);
        }
        "Number" | "Currency" | "Percent" => {
            let (precision, scale) = match field.kind {
                Kind::Int => (field.length, 0),
                _ => (field.precision, field.scale),
            };
            out.put("precision", precision).put("scale", scale);
        }
        "AutoNumber" => {
            out.maybe("displayFormat", field.auto_number.as_ref());
        }
        "Checkbox" if field.formula.is_none() => {
            let default = field.default.as_deref().unwrap_or("false");
            out.put("defaultValue", default);
        }
        "Location" => {
            out.put("displayLocationInDecimal", "true").put("scale", 8);
        }
        "Picklist" | "MultiselectPicklist" => {
            out.push("valueSet", value_set(field));
        }
        "Lookup" | "MasterDetail" => reference(&mut out, schema, field, kind),
        _ => {}
    }
    match kind {
        "LongTextArea" => {
            out.put("visibleLines", 3);
        }
        "Html" => {
            out.put("visibleLines", 25);
        }
        "MultiselectPicklist" => {
            out.put("visibleLines", 4);
        }
        _ => {}
    }
    if let Some(formula) = &field.formula {
        out.put("formula", formula);
        out.put("formulaTreatBlanksAs", "BlankAsZero");
    }
    let requirable = !matches!(
        kind,
        "Checkbox" | "MasterDetail" | "AutoNumber" | "LongTextArea" | "Html" | "Summary"
    );
    if requirable && field.formula.is_none() {
        out.put("required", field.is(Trait::Required));
    }
    out.put("type", kind);
    if matches!(kind, "Text" | "Email" | "Number") && field.formula.is_none() {
        out.put("unique", field.is(Trait::Unique));
    }
    out.sort();
    out
}

/// The type of a field as the Metadata API calls it.
pub(crate) fn kind_name(field: &Field) -> &'static str {
    if field.roll_up.is_some() {
        return "Summary";
    }
    if field.auto_number.is_some() {
        return "AutoNumber";
    }
    match field.kind {
        Kind::TextArea if field.is(Trait::Html) => "Html",
        Kind::TextArea if field.long_text() => "LongTextArea",
        Kind::TextArea => "TextArea",
        Kind::Boolean => "Checkbox",
        Kind::Int | Kind::Double => "Number",
        Kind::Currency => "Currency",
        Kind::Percent => "Percent",
        Kind::Date => "Date",
        Kind::DateTime => "DateTime",
        Kind::Time => "Time",
        Kind::Reference if field.master.is_some() => "MasterDetail",
        Kind::Reference => "Lookup",
        Kind::Picklist | Kind::Combobox => "Picklist",
        Kind::MultiPicklist => "MultiselectPicklist",
        Kind::Phone => "Phone",
        Kind::Url => "Url",
        Kind::Email => "Email",
        Kind::Location => "Location",
        Kind::Address => "Address",
        _ => "Text",
    }
}

fn reference(out: &mut Element, schema: &Schema, field: &Field, kind: &str) {
    let target = field.targets.first().and_then(|at| schema.object(*at));
    out.maybe("referenceTo", target.map(|object| object.name.as_str()));
    let name = field.child_relationship.as_deref();
    let name = name.map(|name| name.trim_end_matches("__r"));
    out.maybe("relationshipLabel", name.map(|name| name.replace('_', " ")));
    out.maybe("relationshipName", name);
    if kind == "Lookup" {
        let constraint = match () {
            () if field.is(Trait::Cascade) => "Cascade",
            () if field.is(Trait::Restrict) => "Restrict",
            () => "SetNull",
        };
        out.put("deleteConstraint", constraint);
    } else {
        out.maybe("relationshipOrder", field.master)
            .put("reparentableMasterDetail", !field.is(Trait::Once))
            .put("writeRequiresMasterRead", "false");
    }
}

fn value_set(field: &Field) -> Element {
    let mut values = Element::named("valueSetDefinition");
    values.put("sorted", "false");
    for value in &field.values {
        let mut entry = Element::named("value");
        entry
            .put("fullName", value)
            .put("default", field.default.as_ref() == Some(value))
            .put("label", value);
        values.push("value", entry);
    }
    let mut set = Element::named("valueSet");
    if field.is(Trait::Strict) {
        set.put("restricted", "true");
    }
    set.push("valueSetDefinition", values);
    set
}
