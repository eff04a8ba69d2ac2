//! The records that pointed to a record at a time: its children, and its files.

use std::collections::BTreeMap;

use holdfast_model::{ErrorCode, Failure, ObjectName, ObjectSchema, SalesforceId, Stamp};
use holdfast_vault::{Fields, Filter};
use serde::Serialize;

use crate::history::{History, Named, references_of};

/// Children of one relationship that an answer names.
const NAMED_MAX: usize = 200;
/// Objects whose records tie files to others (Object Reference: `ContentDocumentLink`, Attachment).
const TIES_TO_FILES: [&str; 2] = ["ContentDocumentLink", "Attachment"];

/// The children of one relationship.
#[derive(Debug, Serialize)]
pub(crate) struct Children {
    object: ObjectName,
    field: String,
    /// Whether the object is captured at all.
    is_stored: bool,
    total: u64,
    /// The first 200 by Id.
    records: Vec<Child>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Child {
    #[serde(flatten)]
    named: Named,
    /// What it pointed to besides, if it has no name of its own, as a link to a file has not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    references: BTreeMap<String, Named>,
}

impl History<'_> {
    /// The relationships of the record's object that are asked for, as child and field: those named `Contact.AccountId`, and
    /// those of files.
    pub(crate) fn relationships(
        &self,
        asked: &[String],
        files: bool,
    ) -> Result<Vec<(ObjectName, String)>, Failure> {
        let known = || self.children.iter();
        let ties = known().filter(|(child, _)| files && TIES_TO_FILES.contains(&child.as_str()));
        let mut relationships: Vec<_> = ties.cloned().collect();
        for name in asked {
            let named = known().find(|(child, field)| format!("{child}.{field}") == *name);
            let named = named.ok_or_else(|| {
                let shown: String = name.chars().take(100).collect();
                Failure::new(
                    ErrorCode::InputInvalid,
                    format!(
                        "input: `children` names a relationship that the object does not have: `{}`",
                        shown.escape_debug()
                    ),
                )
            })?;
            relationships.push(named.clone());
        }
        relationships.sort();
        relationships.dedup();
        Ok(relationships)
    }

    /// The live children of a relationship at a time. Reads the columns that it needs of the whole child object.
    pub(crate) async fn children_of(
        &mut self,
        id: SalesforceId,
        (object, field): (ObjectName, String),
        at: Stamp,
    ) -> Result<Children, Failure> {
        let mut children = Children {
            object: object.clone(),
            field: field.clone(),
            is_stored: false,
            total: 0,
            records: Vec::new(),
        };
        let Some(schema) = self.schema_of(&object).await? else {
            return Ok(children);
        };
        children.is_stored = true;
        let (name, references) = told_by(&schema, &field);
        let asked = references.iter().map(|(field, _)| field.as_str());
        let asked: Vec<_> = asked.chain([field.as_str()]).chain(name).collect();
        let segments = self.catalog().segments(self.org, &object).await?;
        let mut rows = self
            .vault()
            .await?
            .scan(&segments, at, Fields::Named(&asked), Filter::Live);
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let parent = row.field(&field).map(str::as_bytes);
            let parent = parent.and_then(|parent| SalesforceId::parse(parent).ok());
            if parent != Some(id) {
                continue;
            }
            children.total += 1;
            if found.len() < NAMED_MAX {
                let id_in = |field: &String| SalesforceId::parse(row.field(field)?.as_bytes()).ok();
                let ids: Vec<_> = references.iter().map(|(field, _)| id_in(field)).collect();
                let named = Named {
                    id: row.id(),
                    name: name.and_then(|name| row.field(name)).map(str::to_owned),
                };
                found.push((named, ids));
            }
        }
        for (named, ids) in found {
            let mut pointed = BTreeMap::new();
            for ((field, objects), id) in references.iter().zip(ids) {
                if let Some(id) = id {
                    let name = self.name(id, objects, at).await?;
                    pointed.insert(field.clone(), Named { id, name });
                }
            }
            children.records.push(Child {
                named,
                references: pointed,
            });
        }
        Ok(children)
    }
}

/// The field with what people call the records; without one, the fields that point to other records, and where.
fn told_by<'s>(
    schema: &'s ObjectSchema,
    parent: &str,
) -> (Option<&'s str>, Vec<(String, Vec<ObjectName>)>) {
    let mut fields = schema.stored_fields();
    let name = fields.find(|field| field.name_field);
    if let Some(name) = name {
        return (Some(&name.name), Vec::new());
    }
    let mut references = references_of(schema);
    references.retain(|(field, _)| field != parent);
    (None, references)
}
