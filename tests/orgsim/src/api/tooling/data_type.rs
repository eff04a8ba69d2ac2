//! Types of fields in words: `FieldDefinition.DataType`.
//!
//! Source: recorded answers of `EntityParticle` and `FieldDefinition` queries (API 54.0).

use crate::schema::{Field, Kind, Object, Schema, Trait};

/// Objects whose name is more than a text.
const PEOPLE: [&str; 4] = ["Account", "Contact", "Lead", "User"];

/// The type in words, as the list of fields in the setup shows it.
pub(super) fn data_type(schema: &Schema, object: &str, field: &Field) -> String {
    let sized = |name: &str| format!("{name}({})", field.length);
    let decimal = |name: &str| {
        let whole = field.precision.saturating_sub(field.scale);
        format!("{name}({whole}, {})", field.scale)
    };
    let plain = match field.kind {
        _ if field.auto_number.is_some() => "Auto Number".to_owned(),
        Kind::Text if field.name == "Name" && PEOPLE.contains(&object) => "Name".to_owned(),
        Kind::Id => "Lookup()".to_owned(),
        Kind::Reference if field.name == "ParentId" && object == "Account" => {
            "Hierarchy".to_owned()
        }
        Kind::Reference => {
            let targets = field.targets.iter().filter_map(|at| schema.object(*at));
            let mut names: Vec<String> = targets.map(Object::label).collect();
            // Users come before groups, other than in describes.
            if field.name == "OwnerId" {
                names.reverse();
            }
            let relation = if field.master.is_some() {
                "Master-Detail"
            } else {
                "Lookup"
            };
            format!("{relation}({})", names.join(","))
        }
        Kind::Text | Kind::Combobox => sized("Text"),
        Kind::TextArea if field.is(Trait::Html) => sized("Rich Text Area"),
        Kind::TextArea if field.long_text() => sized("Long Text Area"),
        Kind::TextArea => sized("Text Area"),
        Kind::Boolean => "Checkbox".to_owned(),
        Kind::Int => format!("Number({}, 0)", field.length),
        Kind::Double => decimal("Number"),
        Kind::Currency => decimal("Currency"),
        Kind::Percent => decimal("Percent"),
        Kind::Date => "Date".to_owned(),
        Kind::DateTime => "Date/Time".to_owned(),
        Kind::Time => "Time".to_owned(),
        Kind::Picklist => "Picklist".to_owned(),
        Kind::MultiPicklist => "Picklist (Multi-Select)".to_owned(),
        Kind::Phone if field.name == "Fax" => "Fax".to_owned(),
        Kind::Phone => "Phone".to_owned(),
        Kind::Url => sized("URL"),
        Kind::Email => "Email".to_owned(),
        Kind::Base64 => "Base64".to_owned(),
        Kind::AnyType => "AnyType".to_owned(),
        Kind::Address => "Address".to_owned(),
        Kind::Location => "Geolocation".to_owned(),
        Kind::Complex => "ComplexValue".to_owned(),
    };
    if field.formula.is_some() {
        let name = plain.split('(').next().unwrap_or_default();
        return format!("Formula ({name})");
    }
    plain
}
