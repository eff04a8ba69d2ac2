//! The org's objects and fields. The declarations are the text files in `schema/`; their notation
//! is read by [`notation`].

mod declarations;
mod describe;
mod edit;
mod kind;
mod notation;
mod person;
mod satellite;
mod saved;
mod since;
mod urls;

use std::{collections::HashMap, sync::Arc};

pub(crate) use declarations::Declarations;
pub(crate) use describe::{describe, describe_global};
pub(crate) use kind::Kind;
pub use notation::NotationError;
#[cfg(test)]
pub(crate) use notation::field;

use serde::{Deserialize, Serialize};

use crate::id::Mint;

/// Objects take their numbers in this order, and Ids and generated values depend on the numbers: append only.
const DECLARATIONS: [&str; 20] = [
    include_str!("../../schema/setup.schema"),
    include_str!("../../schema/crm.schema"),
    include_str!("../../schema/commerce.schema"),
    include_str!("../../schema/service.schema"),
    include_str!("../../schema/content.schema"),
    include_str!("../../schema/custom.schema"),
    include_str!("../../schema/standard-automation.schema"),
    include_str!("../../schema/standard-productivity.schema"),
    include_str!("../../schema/standard-permission.schema"),
    include_str!("../../schema/standard-login.schema"),
    include_str!("../../schema/standard-settings.schema"),
    include_str!("../../schema/standard-team.schema"),
    include_str!("../../schema/standard-consent.schema"),
    include_str!("../../schema/standard-entitlement.schema"),
    include_str!("../../schema/standard-workorder.schema"),
    include_str!("../../schema/standard-incident.schema"),
    include_str!("../../schema/standard-activity.schema"),
    include_str!("../../schema/standard-library.schema"),
    include_str!("../../schema/standard-view.schema"),
    include_str!("../../schema/computed.schema"),
];

/// Every object of the org.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    /// In the order of declaration; an object's place here is its number everywhere else. Removed objects keep theirs.
    pub objects: Vec<Arc<Object>>,
    by_name: HashMap<String, usize>,
    by_prefix: HashMap<[u8; 3], Vec<usize>>,
    /// Per object, the reference fields that point to it: (object, field) numbers.
    children: Vec<Vec<(usize, usize)>>,
    /// The slot of the record type of person accounts, in an org that has them.
    pub(crate) person_type: Option<usize>,
}

/// One object.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Object {
    /// API name; empty for an object that was removed.
    pub name: String,
    /// Words for people, where they do not follow from the API name.
    pub own_label: Option<String>,
    /// The same for many of them.
    pub own_plural: Option<String>,
    /// Three characters that start its Ids, as describe shows them; some objects show none.
    pub key_prefix: Option<String>,
    /// Letters, in the order that describe lists the flags: `Q`ueryable, `R`etrieveable,
    /// re`P`licateable, `C`reateable, `U`pdateable, `D`eletable, undeletable (`X`), `M`ergeable,
    /// `S`earchable, `T`riggerable, `L`ayoutable, `F`eedEnabled.
    pub capabilities: String,
    /// Share of the generated records.
    pub weight: usize,
    /// A fixed number of records instead of a share.
    pub count: Option<usize>,
    /// False for objects that answer `INVALIDENTITY` to Bulk queries.
    pub bulk: bool,
    /// The user whose view this is may not read it.
    pub hidden: bool,
    /// A custom setting.
    pub custom_setting: bool,
    /// A query must filter on one of these fields; see `api::required_filter`.
    pub required_filter: Vec<String>,
    /// `associateEntityType` and `associateParentEntity`.
    pub satellite: Option<(String, String)>,
    /// All fields; the first one is `Id`. Removed ones keep their place: see [`Object::live_fields`].
    pub fields: Vec<Field>,
    /// Makes this object's Ids.
    pub mint: Mint,
    /// The field whose value the store keeps beside each row: `SystemModstamp`, or what replaces it.
    pub stamp_field: Option<usize>,
    #[serde(skip)]
    by_name: HashMap<String, usize>,
}

/// One field.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Field {
    /// API name; empty for a field that was removed.
    pub name: String,
    /// Words for people, where they do not follow from the API name.
    pub own_label: Option<String>,
    /// Describe type.
    pub kind: Kind,
    /// Characters, for texts; digits, for `int`.
    pub length: usize,
    /// Significant digits, for decimals.
    pub precision: usize,
    /// Digits after the point, for decimals.
    pub scale: usize,
    /// What deviates from the type's usual behaviour.
    pub(crate) traits: Vec<Trait>,
    /// Objects that a reference can point to.
    pub targets: Vec<usize>,
    /// Name of the relationship to the parent.
    pub relationship: Option<String>,
    /// Name of the relationship from the parent to its children.
    pub child_relationship: Option<String>,
    /// 0 for the first master-detail relationship, 1 for the second.
    pub master: Option<u8>,
    /// Picklist values.
    pub values: Vec<String>,
    /// What a record gets that is created without a value.
    pub default: Option<String>,
    /// Values in the order of the records, for short lists that the org defines.
    pub sequence: Vec<String>,
    /// Formula text of a calculated field.
    pub formula: Option<String>,
    /// What a roll-up summary field is worked out from: `SUM:Child.Reference.Field:condition`.
    pub roll_up: Option<String>,
    /// Display format of an auto-number.
    pub auto_number: Option<String>,
    /// The compound field that this one is a part of.
    pub compound: Option<String>,
    /// `extraTypeInfo`.
    pub extra: Option<String>,
    /// What the generator fills in.
    pub shape: String,
    /// Their names, as declared.
    pub(crate) target_names: Vec<String>,
}

/// A property of a field.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Trait {
    /// Not nillable.
    Required,
    /// Neither createable nor updateable.
    ReadOnly,
    /// Createable, not updateable.
    Once,
    /// Cannot stand in a WHERE clause although its type could.
    NoFilter,
    /// Cannot stand in an ORDER BY clause although its type could.
    NoSort,
    /// Deleting the parent deletes this record.
    Cascade,
    /// The parent cannot be deleted while this record refers to it.
    Restrict,
    /// The object's name field.
    Title,
    /// External Id.
    External,
    /// No two records share a value.
    Unique,
    /// Case counts when its values are compared.
    CaseSensitive,
    /// Rich text.
    Html,
    /// A picklist that takes no other values than its own.
    Strict,
}

impl Schema {
    /// Reads the declarations.
    pub(crate) fn load() -> Result<Self, NotationError> {
        Self::of(&DECLARATIONS)
    }

    /// Declarations of objects whose rows are computed. A field called `Link` loses its name: it keeps a relationship
    /// whose own field holds no Id.
    pub(crate) fn computed(text: &str) -> Result<Self, NotationError> {
        let mut schema = Self::of(&[text])?;
        for object in &mut schema.objects {
            let object = Arc::make_mut(object);
            for field in object
                .fields
                .iter_mut()
                .filter(|field| field.name == "Link")
            {
                field.name.clear();
            }
            object.index();
        }
        schema.children = vec![Vec::new(); schema.objects.len()];
        Ok(schema)
    }

    fn of(texts: &[&str]) -> Result<Self, NotationError> {
        let mut objects = Vec::new();
        for text in texts {
            objects.extend(notation::read(text)?);
        }
        let mut schema = Self {
            objects: Vec::with_capacity(objects.len()),
            by_name: HashMap::new(),
            by_prefix: HashMap::new(),
            children: Vec::new(),
            person_type: None,
        };
        for object in objects {
            schema.append(object);
        }
        schema.link()?;
        Ok(schema)
    }

    /// The number and declaration of the object called `name`, in any case.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &Object)> {
        let at = *self.by_name.get(&name.to_lowercase())?;
        Some((at, self.object(at)?))
    }

    /// The object numbered `at`.
    pub(crate) fn object(&self, at: usize) -> Option<&Object> {
        self.objects.get(at).map(Arc::as_ref)
    }

    /// The object and slot that `id` belongs to.
    pub(crate) fn locate(&self, id: &[u8]) -> Option<(usize, usize)> {
        let prefix: [u8; 3] = id.get(..3)?.try_into().ok()?;
        // Of the objects that share a prefix, the one with the nearest range below owns the Id.
        self.by_prefix.get(&prefix)?.iter().rev().find_map(|at| {
            let slot = self.objects.get(*at)?.mint.slot(id)?;
            Some((*at, slot))
        })
    }

    /// Reference fields that point to object `parent`: (object, field) numbers.
    pub(crate) fn children(&self, parent: usize) -> impl Iterator<Item = (usize, usize)> {
        self.children
            .get(parent)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .copied()
    }

    /// Objects whose records carry a record type, in order.
    pub(crate) fn with_record_types(&self) -> impl Iterator<Item = usize> {
        let objects = self.objects.iter().enumerate();
        objects
            .filter(|(_, o)| o.field("RecordTypeId").is_some())
            .map(|(at, _)| at)
    }
}

impl Object {
    /// True when the object's capabilities include `letter`.
    pub(crate) fn can(&self, letter: char) -> bool {
        self.capabilities.contains(letter)
    }

    /// The number and declaration of the field called `name`, in any case.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, &Field)> {
        let at = *self.by_name.get(&name.to_lowercase())?;
        Some((at, self.fields.get(at)?))
    }

    /// Custom objects and settings end in `__c`; their satellites contain it.
    pub(crate) fn custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Words for people.
    pub(crate) fn label(&self) -> String {
        self.own_label.clone().unwrap_or_else(|| label(&self.name))
    }

    /// Words for many of them.
    pub(crate) fn plural(&self) -> String {
        let own = self.own_plural.clone();
        own.unwrap_or_else(|| {
            let label = self.label();
            match label.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None if label.ends_with('s') => format!("{label}es"),
                None => format!("{label}s"),
            }
        })
    }

    /// The fields that were not removed, with their numbers.
    pub(crate) fn live_fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        let fields = self.fields.iter().enumerate();
        fields.filter(|(_, field)| !field.removed())
    }

    /// The object was removed; its number stays taken.
    pub(crate) const fn removed(&self) -> bool {
        self.name.is_empty()
    }
}

impl Field {
    /// The field was removed; its number stays taken.
    pub(crate) const fn removed(&self) -> bool {
        self.name.is_empty()
    }

    /// True when the field has the trait.
    pub(crate) fn is(&self, wanted: Trait) -> bool {
        self.traits.contains(&wanted)
    }

    /// A caller can give it a value.
    fn writable(&self) -> bool {
        let computed = self.calculated() || self.auto_number.is_some() || self.kind.compound();
        !computed && !self.is(Trait::ReadOnly) && self.kind != Kind::Id
    }

    /// A formula or a roll-up.
    pub(crate) const fn calculated(&self) -> bool {
        self.formula.is_some() || self.roll_up.is_some()
    }

    /// A caller can give it a value in a new record of `object`.
    pub(crate) fn createable(&self, object: &Object) -> bool {
        self.writable() && object.can('C')
    }

    /// A caller can change its value.
    pub(crate) fn updateable(&self, object: &Object) -> bool {
        self.writable() && !self.is(Trait::Once) && object.can('U')
    }

    /// A new record gets a value even when the caller gives none.
    pub(crate) fn defaulted(&self) -> bool {
        matches!(self.kind, Kind::Boolean | Kind::Id)
            || self.kind.numeric() && self.is(Trait::Required)
            || self.auto_number.is_some()
            || self.default.is_some()
            || self.system()
    }

    /// Who and when, which the platform fills in.
    pub(crate) fn system(&self) -> bool {
        [
            "OwnerId",
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
            "SystemModstamp",
        ]
        .contains(&self.name.as_str())
    }

    /// The WHERE clause may name it.
    pub(crate) fn filterable(&self) -> bool {
        self.kind.filterable() && !self.is(Trait::NoFilter) && !self.long_text()
    }

    /// The ORDER BY clause may name it.
    pub(crate) fn sortable(&self) -> bool {
        self.kind.sortable() && !self.is(Trait::NoSort) && !self.long_text()
    }

    /// The GROUP BY clause may name it.
    pub(crate) fn groupable(&self) -> bool {
        self.kind.groupable() && !self.long_text() && !self.is(Trait::NoFilter)
    }

    /// A text area that holds more than 255 characters.
    pub(crate) fn long_text(&self) -> bool {
        self.kind == Kind::TextArea && self.length > 255
    }

    /// References that can point to more than one object.
    pub(crate) fn polymorphic(&self) -> bool {
        self.targets.len() > 1
    }

    /// Words for people.
    pub(crate) fn label(&self) -> String {
        if let Some(label) = &self.own_label {
            return label.clone();
        }
        match self.name.as_str() {
            "SystemModstamp" => "System Modstamp".to_owned(),
            "IsDeleted" => "Deleted".to_owned(),
            name => label(
                name.strip_suffix("Id")
                    .filter(|stem| !stem.is_empty())
                    .unwrap_or(name),
            ),
        }
    }
}

fn label(name: &str) -> String {
    let stem = name
        .trim_end_matches("__c")
        .trim_end_matches("__s")
        .replace('_', " ");
    let mut words = String::with_capacity(stem.len() + 4);
    let mut previous = ' ';
    for letter in stem.chars() {
        if letter.is_ascii_uppercase() && previous.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(letter);
        previous = letter;
    }
    words
}

#[cfg(test)]
mod tests;
