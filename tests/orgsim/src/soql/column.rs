//! Names on the way from an object to a field.

use super::filter::Source;
use crate::schema::{Field, Kind, Object, Schema, Trait};

/// One selected field.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// The names on the way, spelled as in describe.
    pub path: Vec<String>,
    /// Where the value is.
    pub source: Source,
    /// Its type.
    pub kind: Kind,
    /// The declaration.
    pub field: Field,
    /// The types of the parent that show it; all of them when absent.
    pub only: Option<Vec<usize>>,
}

impl Column {
    /// A custom long text, of which two make pages small.
    pub(crate) fn custom_long_text(&self) -> bool {
        self.field.long_text() && self.field.name.ends_with("__c")
    }
}

/// The reference field whose relationship is called `name`.
pub(super) fn relation<'a>(object: &'a Object, name: &str) -> Option<(usize, &'a Field)> {
    let mut fields = object.fields.iter().enumerate();
    fields.find(|(_, f)| {
        f.relationship
            .as_deref()
            .is_some_and(|r| r.eq_ignore_ascii_case(name))
    })
}

pub(super) fn own(object: &Object, number: usize) -> Column {
    let field = object.fields.get(number).cloned().unwrap_or_default();
    Column {
        source: Source::Own(number),
        kind: field.kind,
        path: vec![field.name.clone()],
        field,
        only: None,
    }
}

/// The field at the end of `parts`, seen from object number `at`; the text says why there is none.
pub(super) fn resolve(schema: &Schema, at: usize, parts: &[&str]) -> Result<Column, String> {
    let object = schema
        .object(at)
        .ok_or_else(|| "unknown object".to_owned())?;
    let (head, rest) = parts.split_first().ok_or_else(|| "empty path".to_owned())?;
    if rest.is_empty() {
        return object.field(head).map(|(number, _)| own(object, number)).ok_or_else(|| {
            format!(
                "No such column '{head}' on entity '{}'. If you are attempting to use a custom field, be sure to append \
                 the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
                 appropriate names.",
                object.name
            )
        });
    }
    let (number, field) = relation(object, head).ok_or_else(|| {
        format!(
            "Didn't understand relationship '{head}' in field path. If you are attempting to use a custom relationship, \
             be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe \
             call for the appropriate names."
        )
    })?;
    let relationship = field.relationship.clone().unwrap_or_default();
    let through = |mut column: Column, source: Source| {
        column.path.insert(0, relationship.clone());
        column.source = source;
        column
    };
    if let [last] = rest
        && field.polymorphic()
        && last.eq_ignore_ascii_case("Type")
    {
        // The type of a polymorphic parent is part of its name, whatever fields it has.
        let id = own(object, 0);
        let column = Column {
            path: vec!["Type".to_owned()],
            kind: Kind::Text,
            ..id
        };
        return Ok(through(column, Source::ParentType(number)));
    }
    let mut found = Vec::new();
    let mut column = None;
    let mut first_error = None;
    for target in &field.targets {
        let title = title(schema, field, *target, rest);
        match resolve(
            schema,
            *target,
            title.as_ref().map_or(rest, |title| &title[..]),
        ) {
            Ok(mut resolved) => {
                if title.is_some() {
                    resolved.path = vec!["Name".to_owned()];
                }
                found.push((*target, resolved.source.clone()));
                column.get_or_insert(resolved);
            }
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    let column = column.ok_or_else(|| first_error.unwrap_or_default())?;
    Ok(through(
        column,
        Source::Parent {
            reference: number,
            targets: found,
        },
    ))
}

/// What stands for the Name of a parent of several types that has no field of that name: the number of a case.
fn title<'s>(
    schema: &'s Schema,
    reference: &Field,
    target: usize,
    rest: &[&str],
) -> Option<[&'s str; 1]> {
    let asked =
        reference.polymorphic() && matches!(rest, [last] if last.eq_ignore_ascii_case("Name"));
    let object = schema
        .object(target)
        .filter(|object| asked && object.field("Name").is_none())?;
    let title = object.fields.iter().find(|field| field.is(Trait::Title))?;
    Some([title.name.as_str()])
}
