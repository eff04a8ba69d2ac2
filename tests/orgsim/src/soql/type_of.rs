//! `TYPEOF`: what is selected of a parent depends on its type.
//!
//! Source: SOQL and SOSL Reference, TYPEOF; the form of the rows as recorded.

use super::{
    ast::{Name, TypeOf},
    column::{Column, relation, resolve},
    filter::Source,
};
use crate::schema::{Object, Schema};

/// Why a choice cannot be bound: code, place and text.
type Refused = (&'static str, usize, String);

/// One column for each field of each type.
pub(super) fn columns(
    schema: &Schema,
    object: &Object,
    choice: &TypeOf,
) -> Result<Vec<Column>, Refused> {
    let name = &choice.relation;
    let found = relation(object, &name.path).filter(|(_, field)| field.polymorphic());
    let Some((reference, field)) = found else {
        let message = format!("{} is not a polymorphic relationship", name.path);
        return Err(("INVALID_FIELD", name.at, message));
    };
    let relationship = field.relationship.clone().unwrap_or_default();
    let column = |targets: &[usize], name: &Name| -> Result<Column, Refused> {
        let parts: Vec<&str> = name.path.split('.').collect();
        let mut first = None;
        let mut sources = Vec::new();
        for target in targets {
            let column = resolve(schema, *target, &parts);
            let column = column.map_err(|why| ("INVALID_FIELD", name.at, why))?;
            sources.push((*target, column.source.clone()));
            first.get_or_insert(column);
        }
        let missing = || ("INVALID_FIELD", name.at, "no other type".to_owned());
        let mut column = first.ok_or_else(missing)?;
        column.path.insert(0, relationship.clone());
        column.source = Source::Parent {
            reference,
            targets: sources,
        };
        column.only = Some(targets.to_vec());
        Ok(column)
    };
    let mut columns = Vec::new();
    let mut others = field.targets.clone();
    for (named, fields) in &choice.cases {
        let target = schema.find(&named.path).map(|(at, _)| at);
        let target = target.filter(|target| field.targets.contains(target));
        let target = target.ok_or_else(|| {
            let message = format!("{} is not a type of {}", named.path, name.path);
            ("INVALID_TYPE", named.at, message)
        })?;
        others.retain(|other| *other != target);
        for field in fields {
            columns.push(column(&[target], field)?);
        }
    }
    for field in choice.otherwise.iter().filter(|_| !others.is_empty()) {
        columns.push(column(&others, field)?);
    }
    Ok(columns)
}
