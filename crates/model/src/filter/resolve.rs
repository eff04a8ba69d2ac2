//! A path of names against the schema: over which references it goes, and in which columns its value stands.

use std::collections::BTreeMap;

use super::{FieldPath, LEVELS_MAX, Reason};
use crate::{FieldSchema, ObjectName, ObjectSchema};

/// Objects by name.
pub(super) type Schemas = BTreeMap<ObjectName, ObjectSchema>;

/// Fields that a parent of several possible types has (object reference: Name), beside its Id and Type, and that mean
/// the same on each type that has them.
const NAME_FIELDS: [&str; 5] = ["Name", "FirstName", "LastName", "Alias", "Username"];

/// Where the value of a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// From the object up, nearest first.
    pub(super) hops: Vec<Hop>,
    /// The column of the value, by the object at the end of the hops.
    pub(super) columns: BTreeMap<ObjectName, String>,
    /// The value is the name of the object whose Ids begin so; the column is the reference.
    pub(super) type_names: Option<Vec<(String, ObjectName)>>,
    pub(super) field_type: String,
    pub(super) case_sensitive: bool,
    /// The path in the names of the schema.
    pub(super) path: FieldPath,
}

/// From a record to its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    /// The column with the parent's Id, by the object that has it.
    pub(super) reference: String,
    /// The objects that the parent may be of.
    pub(super) objects: Vec<ObjectName>,
}

/// Follows a path from an object.
pub(super) fn resolve(
    schemas: &Schemas,
    object: &ObjectName,
    path: &FieldPath,
) -> Result<Target, Reason> {
    let mut at = schema(schemas, object)?;
    let mut names = path.names();
    if let [first, rest @ ..] = names
        && !rest.is_empty()
        && first.eq_ignore_ascii_case(object.as_str())
        && relationship(at, first).is_err()
    {
        names = rest;
    }
    let (last, relationships) = names.split_last().ok_or(Reason::Expected("a field"))?;
    if relationships.len() > LEVELS_MAX {
        let what = "number of relationships of a path";
        return Err(Reason::TooLong {
            what,
            max: LEVELS_MAX,
        });
    }
    let mut hops = Vec::new();
    let mut spelled: Vec<String> = Vec::new();
    for (number, name) in relationships.iter().enumerate() {
        let reference = relationship(at, name)?;
        spelled.extend(reference.relationship_name.clone());
        let is_last = number + 1 == relationships.len();
        // The Id of a parent stands in the reference itself.
        if is_last && last.eq_ignore_ascii_case("Id") && reference.filterable {
            return finish(spelled, "Id", hops, at, reference, None);
        }
        match reference.reference_to.as_slice() {
            [parent] => {
                let parent = name_of(parent)?;
                at = schema(schemas, &parent)?;
                hops.push(Hop {
                    reference: reference.name.clone(),
                    objects: vec![parent],
                });
            }
            // Only the fields of the object Name are common to parents of several types.
            _ if !is_last => {
                return Err(Reason::Unsupported(
                    "paths beyond a parent of several types",
                ));
            }
            parents => return of_several(schemas, at, reference, parents, last, hops, spelled),
        }
    }
    let field = at
        .fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(last))
        .ok_or_else(|| Reason::UnknownField {
            object: at.name.to_string(),
        })?;
    if !field.filterable || !field.is_stored() {
        return Err(Reason::NotFilterable {
            field_type: field.field_type.clone(),
        });
    }
    finish(spelled, &field.name, hops, at, field, None)
}

/// The value in a column of the object at the end of the hops.
fn finish(
    mut spelled: Vec<String>,
    last: &str,
    hops: Vec<Hop>,
    at: &ObjectSchema,
    field: &FieldSchema,
    type_names: Option<Vec<(String, ObjectName)>>,
) -> Result<Target, Reason> {
    spelled.push(last.to_owned());
    let field_type = if type_names.is_some() {
        "picklist"
    } else {
        &field.field_type
    };
    Ok(Target {
        hops,
        columns: [(at.name.clone(), field.name.clone())].into(),
        type_names,
        field_type: field_type.to_owned(),
        case_sensitive: field.case_sensitive,
        path: FieldPath::parse(&spelled.join("."))?,
    })
}

/// A field of a parent that may be of several types (SOQL: Understanding Relationship Fields and Polymorphic Fields).
fn of_several(
    schemas: &Schemas,
    at: &ObjectSchema,
    reference: &FieldSchema,
    parents: &[String],
    last: &str,
    mut hops: Vec<Hop>,
    spelled: Vec<String>,
) -> Result<Target, Reason> {
    // A type that this user may not see is not in the schema, and its records are not stored.
    let parents: Vec<_> = parents
        .iter()
        .filter_map(|parent| schemas.get(&name_of(parent).ok()?))
        .collect();
    if last.eq_ignore_ascii_case("Type") {
        let names = parents
            .iter()
            .filter_map(|parent| Some((parent.key_prefix.clone()?, parent.name.clone())));
        return finish(spelled, "Type", hops, at, reference, Some(names.collect()));
    }
    let unknown = || Reason::UnknownField {
        object: "Name".to_owned(),
    };
    let mut known = NAME_FIELDS.into_iter();
    let name = known
        .find(|name| name.eq_ignore_ascii_case(last))
        .ok_or_else(unknown)?;
    let fields = parents.iter().filter_map(|parent| {
        let is_it = |field: &&FieldSchema| match name {
            "Name" => field.name_field || field.name == name,
            name => field.name == name,
        };
        // A case has a number for its name; where there is a field Name, that is it.
        let found = parent
            .fields
            .iter()
            .filter(is_it)
            .max_by_key(|field| field.name == name)?;
        Some((*parent, found))
    });
    let fields: Vec<_> = fields.collect();
    let (_, field) = fields.first().ok_or_else(unknown)?;
    if !fields.iter().all(|(_, field)| field.filterable) {
        return Err(Reason::NotFilterable {
            field_type: field.field_type.clone(),
        });
    }
    hops.push(Hop {
        reference: reference.name.clone(),
        objects: fields
            .iter()
            .map(|(parent, _)| parent.name.clone())
            .collect(),
    });
    let target = finish(spelled, name, hops, at, field, None)?;
    let columns = fields
        .iter()
        .map(|(parent, field)| (parent.name.clone(), field.name.clone()));
    Ok(Target {
        columns: columns.collect(),
        ..target
    })
}

fn schema<'s>(schemas: &'s Schemas, object: &ObjectName) -> Result<&'s ObjectSchema, Reason> {
    schemas.get(object).ok_or_else(|| Reason::UnknownObject {
        object: object.to_string(),
    })
}

fn name_of(object: &str) -> Result<ObjectName, Reason> {
    let unknown = |_| Reason::UnknownObject {
        object: String::new(),
    };
    ObjectName::parse(object).map_err(unknown)
}

/// The reference field whose relationship has this name.
fn relationship<'s>(object: &'s ObjectSchema, name: &str) -> Result<&'s FieldSchema, Reason> {
    let is_it = |field: &&FieldSchema| {
        let relationship = field.relationship_name.as_deref();
        relationship.is_some_and(|relationship| relationship.eq_ignore_ascii_case(name))
            && !field.reference_to.is_empty()
    };
    object
        .fields
        .iter()
        .find(is_it)
        .ok_or_else(|| Reason::UnknownRelationship {
            object: object.name.to_string(),
            relationship: name.to_owned(),
        })
}
