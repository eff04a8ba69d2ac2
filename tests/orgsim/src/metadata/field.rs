//! Custom fields from their metadata.
//!
//! Sources: Metadata API Developer Guide (`CustomField`, `FieldType`); refusals as recorded from upsertMetadata.

use super::{content::is_name, definition::kind_name, problem::Problem};
use crate::{
    schema::{Field, Kind, Object, Schema, Trait},
    soap::Element,
};

/// Longest text of a rich or long text area.
const LONG_TEXT_MAX: usize = 131_072;
/// Shortest length that a long text area can have.
const LONG_TEXT_MIN: usize = 256;

/// A custom field can have this name.
pub(crate) fn is_field_name(name: &str) -> bool {
    let stem = name.strip_suffix("__c");
    stem.is_some_and(|stem| is_name(stem) && stem.len() <= 40)
}

/// Reads the definition of a custom field; `old` is the field that it replaces.
pub(crate) fn read(
    schema: &Schema,
    object: &Object,
    name: &str,
    content: &Element,
    old: Option<&Field>,
) -> Result<Field, Problem> {
    if !is_field_name(name) {
        return Err(Problem::integrity(format!(
            "The name '{name}' is not a valid name for a custom field"
        )));
    }
    let kind = content.given("type").map_or_else(
        || old.map(kind_name).ok_or_else(|| Problem::missing("type")),
        Ok,
    )?;
    let label = content.given("label").map(str::to_owned);
    let label = label.or_else(|| old.and_then(|old| old.own_label.clone()));
    if label.is_none() && old.is_none() {
        return Err(Problem::integrity(
            "Must specify a non-empty label for the CustomField",
        ));
    }
    let mut field = Field {
        name: name.to_owned(),
        own_label: label,
        ..Field::default()
    };
    let given = Given { kind, content, old };
    given.refuse()?;
    if let Some(formula) = content.given("formula") {
        field.formula = Some(formula.to_owned());
        field.traits.push(Trait::ReadOnly);
    }
    if kind == "Summary" {
        super::summary::read(schema, object, content, old, &mut field)?;
    } else {
        given.shape(&mut field)?;
    }
    if matches!(kind, "Lookup" | "MasterDetail") {
        given.reference(&mut field, schema, object)?;
    }
    if content.flag("required") {
        field.traits.push(Trait::Required);
    }
    for (name, what) in [("unique", Trait::Unique), ("externalId", Trait::External)] {
        if content.flag(name) {
            field.traits.push(what);
        }
    }
    if let Some(default) = content.given("defaultValue") {
        // Anything else is a formula, which only a literal of is kept.
        field.default = match kind {
            "Checkbox" => Some(default.to_owned()).filter(|default| default == "true"),
            "Picklist" => field.default,
            _ => Some(default.trim_matches('"').to_owned()),
        };
    }
    if let Some(old) = old {
        // Metadata does not say what made-up values look like.
        field.shape.clone_from(&old.shape);
        field.sequence.clone_from(&old.sequence);
    }
    if let Some(old) = old
        && !convertible(old, &field)
    {
        return Err(Problem::integrity(format!(
            "Cannot change the type of {name} from {} to {kind}",
            kind_name(old)
        )));
    }
    Ok(field)
}

/// A definition as a caller gave it.
struct Given<'a> {
    kind: &'a str,
    content: &'a Element,
    old: Option<&'a Field>,
}

impl Given<'_> {
    /// Properties that the type does not have.
    fn refuse(&self) -> Result<(), Problem> {
        let kind = self.kind;
        let cannot = |name: &str| {
            Err(Problem::integrity(format!(
                "Can not specify '{name}' for a CustomField of type {kind}"
            )))
        };
        let plain = matches!(
            kind,
            "Checkbox" | "LongTextArea" | "Html" | "AutoNumber" | "Summary"
        );
        if plain && self.content.flag("required") {
            return cannot("required");
        }
        if kind == "MasterDetail" && self.content.flag("required") {
            return Err(Problem::integrity(
                "Master-Detail Relationship Fields Cannot be Optional or Required",
            ));
        }
        if kind == "MasterDetail" && self.content.child("deleteConstraint").is_some() {
            return cannot("deleteConstraint");
        }
        if kind == "Lookup" && self.content.child("relationshipOrder").is_some() {
            return cannot("relationshipOrder");
        }
        if kind == "TextArea" && self.content.child("length").is_some() {
            return cannot("length");
        }
        let keyed = matches!(kind, "Text" | "Email" | "Number" | "AutoNumber");
        for name in ["externalId", "unique"] {
            if !keyed && self.content.flag(name) {
                return cannot(name);
            }
        }
        Ok(())
    }

    fn number(&self, name: &str) -> Result<Option<usize>, Problem> {
        let text = self.content.given(name);
        text.map(|text| text.parse().map_err(|_| Problem::invalid(name, text)))
            .transpose()
    }

    /// A number that the type needs, within `range`.
    fn size(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<usize>,
        old: Option<usize>,
    ) -> Result<usize, Problem> {
        let kind = self.kind;
        let size = self.number(name)?.or(old).ok_or_else(|| {
            Problem::integrity(format!(
                "Must specify '{name}' for a CustomField of type {kind}"
            ))
        })?;
        if size < *range.start() {
            return Err(Problem::integrity(format!(
                "Invalid {name}, minimum is: {}",
                range.start()
            )));
        }
        if size > *range.end() {
            return Err(Problem::integrity(format!(
                "Invalid {name}, maximum is: {}",
                range.end()
            )));
        }
        Ok(size)
    }

    /// What the type says about the stored value.
    fn shape(&self, field: &mut Field) -> Result<(), Problem> {
        let formula = field.formula.is_some();
        let old = self.old;
        match self.kind {
            "Text" | "EncryptedText" => {
                field.kind = Kind::Text;
                field.length = if formula {
                    1300
                } else {
                    self.size("length", 1..=255, old.map(|old| old.length))?
                };
            }
            "TextArea" => (field.kind, field.length) = (Kind::TextArea, 255),
            "LongTextArea" | "Html" => {
                field.kind = Kind::TextArea;
                let old_length = old.map(|old| old.length);
                field.length = self.size("length", LONG_TEXT_MIN..=LONG_TEXT_MAX, old_length)?;
                self.lines()?;
                if self.kind == "Html" {
                    field.traits.push(Trait::Html);
                    field.extra = Some("richtextarea".to_owned());
                }
            }
            "Checkbox" => {
                field.kind = Kind::Boolean;
                if !formula && old.is_none() && self.content.given("defaultValue").is_none() {
                    return Err(Problem::integrity(
                        "Must specify 'defaultValue' for a CustomField of type Checkbox",
                    ));
                }
            }
            "Number" | "Currency" | "Percent" => {
                field.kind = match self.kind {
                    "Currency" => Kind::Currency,
                    "Percent" => Kind::Percent,
                    _ => Kind::Double,
                };
                field.precision = self.size("precision", 1..=18, old.map(|old| old.precision))?;
                field.scale = self.size("scale", 0..=18, old.map(|old| old.scale))?;
                if field.scale > field.precision {
                    return Err(Problem::integrity(
                        "The scale of a number cannot exceed its precision",
                    ));
                }
            }
            "Date" => field.kind = Kind::Date,
            "DateTime" => field.kind = Kind::DateTime,
            "Time" => field.kind = Kind::Time,
            "Phone" => (field.kind, field.length) = (Kind::Phone, 40),
            "Url" => (field.kind, field.length) = (Kind::Url, 255),
            "Email" => (field.kind, field.length) = (Kind::Email, 80),
            "Location" => field.kind = Kind::Location,
            "AutoNumber" => {
                (field.kind, field.length) = (Kind::Text, 30);
                let format = self.content.given("displayFormat").map(str::to_owned);
                let format = format.or_else(|| old.and_then(|old| old.auto_number.clone()));
                field.auto_number = Some(format.unwrap_or_else(|| "{0}".to_owned()));
                field.traits.push(Trait::ReadOnly);
            }
            "Picklist" => {
                (field.kind, field.length) = (Kind::Picklist, 255);
                self.values(field)?;
            }
            "MultiselectPicklist" => {
                (field.kind, field.length) = (Kind::MultiPicklist, 4099);
                self.lines()?;
                self.values(field)?;
            }
            "Lookup" | "MasterDetail" => {}
            other => return Err(Problem::invalid("type", other)),
        }
        Ok(())
    }

    fn lines(&self) -> Result<(), Problem> {
        let old = self.old.map(|_| 3);
        self.size("visibleLines", 2..=50, old).map(|_| ())
    }

    /// The values of a picklist, in either of its forms.
    fn values(&self, field: &mut Field) -> Result<(), Problem> {
        let Some(set) = self.content.child("valueSet") else {
            let old = self.old.ok_or_else(|| {
                Problem::integrity(format!(
                    "Must specify either 'valueSet' or 'picklist' for a CustomField of type {}",
                    self.kind
                ))
            });
            if let Some(old_form) = self.content.child("picklist") {
                for value in old_form.all("picklistValues") {
                    field
                        .values
                        .extend(value.given("fullName").map(str::to_owned));
                }
                return Ok(());
            }
            let old = old?;
            field.values.clone_from(&old.values);
            field.default.clone_from(&old.default);
            return Ok(());
        };
        if set.flag("restricted") {
            field.traits.push(Trait::Strict);
        }
        let Some(values) = set.child("valueSetDefinition") else {
            return Ok(());
        };
        for value in values.all("value") {
            let name = value
                .given("fullName")
                .or_else(|| value.given("label"))
                .ok_or_else(|| Problem::missing("fullName"))?;
            if field.values.iter().any(|known| known == name) {
                return Err(Problem::new(
                    "DUPLICATE_VALUE",
                    format!("duplicate value found: {name}"),
                ));
            }
            if value.flag("default") {
                field.default = Some(name.to_owned());
            }
            // An inactive value is kept for old records, and no longer offered.
            if value.given("isActive") != Some("false") {
                field.values.push(name.to_owned());
            }
        }
        if values.flag("sorted") {
            field.values.sort();
        }
        Ok(())
    }

    fn reference(
        &self,
        field: &mut Field,
        schema: &Schema,
        object: &Object,
    ) -> Result<(), Problem> {
        let old_target = self
            .old
            .and_then(|old| old.targets.first())
            .and_then(|at| schema.object(*at))
            .map(|target| target.name.as_str());
        let target = self.content.given("referenceTo").or(old_target);
        let target = target.ok_or_else(|| {
            Problem::integrity(format!(
                "Must specify 'referenceTo' for a CustomField of type {}",
                self.kind
            ))
        })?;
        let found = schema.find(target);
        let (at, target) =
            found.ok_or_else(|| Problem::reference("referenceTo", "CustomObject", target))?;
        field.refer_to(vec![target.name.clone()]);
        field.relationship = Some(format!("{}__r", field.name.trim_end_matches("__c")));
        if let Some(name) = self.content.given("relationshipName") {
            let full = format!("{name}__r");
            let taken = schema.children(at).any(|(child, number)| {
                let other = schema.object(child);
                let other = other.and_then(|other| Some((&other.name, other.fields.get(number)?)));
                other.is_some_and(|(owner, other)| {
                    other.child_relationship.as_deref() == Some(full.as_str())
                        && (*owner != object.name || other.name != field.name)
                })
            });
            if taken {
                return Err(Problem::taken(format!(
                    "There is already a Child Relationship named {name} on {}.",
                    target.label()
                )));
            }
            field.child_relationship = Some(full);
        }
        if self.kind == "MasterDetail" {
            let masters = object
                .live_fields()
                .filter(|(_, other)| other.master.is_some() && other.name != field.name);
            let order = u8::try_from(masters.count()).unwrap_or(u8::MAX);
            if order > 1 {
                return Err(Problem::integrity(
                    "An object can have two master-detail relationships at most",
                ));
            }
            let given = self.number("relationshipOrder")?;
            field.master = Some(given.and_then(|n| u8::try_from(n).ok()).unwrap_or(order));
            field.traits.extend([Trait::Required, Trait::Cascade]);
            if !self.content.flag("reparentableMasterDetail") {
                field.traits.push(Trait::Once);
            }
        } else {
            match self.content.given("deleteConstraint") {
                Some("Cascade") => field.traits.push(Trait::Cascade),
                Some("Restrict") => field.traits.push(Trait::Restrict),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Stored values of the old type are values of the new one.
fn convertible(old: &Field, new: &Field) -> bool {
    let texts = |kind: Kind| kind.textual();
    old.calculated() == new.calculated()
        && (old.kind == new.kind
            || old.kind.numeric() && new.kind.numeric()
            || texts(old.kind) && texts(new.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::definition::definition;

    fn parse(name: &str, xml: &str) -> Result<Field, Problem> {
        let schema = Schema::load().unwrap();
        let object = schema.find("Project__c").unwrap().1;
        let content = Element::parse(format!("<f>{xml}</f>").as_bytes()).unwrap();
        read(&schema, object, name, &content, None)
    }

    fn refusal(xml: &str) -> String {
        parse("X__c", xml).unwrap_err().message
    }

    #[test]
    fn every_custom_field_is_read_as_it_is_written() {
        let schema = Schema::load().unwrap();
        let mut seen = 0;
        for object in schema.objects.iter().filter(|object| object.custom()) {
            let fields = object
                .live_fields()
                .filter(|(_, f)| f.name.ends_with("__c"));
            for (_, field) in fields {
                let written = definition(&schema, field);
                let back = read(&schema, object, &field.name, &written, None)
                    .unwrap_or_else(|problem| panic!("{}: {problem:?}", field.name));
                // What a reference points to is found when the field is put in its place.
                let names = |definition: &Element| -> Vec<String> {
                    let names = definition.children.iter().map(|child| child.name.clone());
                    names.filter(|name| name != "referenceTo").collect()
                };
                assert_eq!(names(&definition(&schema, &back)), names(&written));
                assert_eq!(kind_name(&back), kind_name(field), "{}", field.name);
                assert_eq!(back.values.len(), field.values.len());
                for what in [
                    Trait::Required,
                    Trait::Unique,
                    Trait::External,
                    Trait::Cascade,
                ] {
                    assert_eq!(back.is(what), field.is(what), "{} {what:?}", field.name);
                }
                seen += 1;
            }
        }
        assert!(seen > 30);
    }

    #[test]
    fn refusals_use_the_recorded_words() {
        assert_eq!(
            refusal(
                "<label>A</label><type>LongTextArea</type><length>30</length><visibleLines>3</visibleLines>"
            ),
            "Invalid length, minimum is: 256"
        );
        assert_eq!(
            refusal(
                "<label>A</label><type>Checkbox</type><required>true</required><defaultValue>false</defaultValue>"
            ),
            "Can not specify 'required' for a CustomField of type Checkbox"
        );
        assert_eq!(
            refusal("<label>A</label><type>Checkbox</type>"),
            "Must specify 'defaultValue' for a CustomField of type Checkbox"
        );
        assert_eq!(
            refusal("<label>A</label><type>TextArea</type><length>255</length>"),
            "Can not specify 'length' for a CustomField of type TextArea"
        );
        assert_eq!(
            refusal(
                "<label>A</label><type>MasterDetail</type><referenceTo>Account</referenceTo><deleteConstraint>Cascade</deleteConstraint>"
            ),
            "Can not specify 'deleteConstraint' for a CustomField of type MasterDetail"
        );
        assert_eq!(
            refusal("<label>A</label><type>Lookup</type><referenceTo>Nope__c</referenceTo>"),
            "In field: referenceTo - no CustomObject named Nope__c found"
        );
        assert_eq!(
            refusal("<type>Text</type><length>10</length>"),
            "Must specify a non-empty label for the CustomField"
        );
        assert!(parse("1X__c", "<label>A</label><type>Date</type>").is_err());
    }
}
