//! What the columns of a load mean.
//!
//! Source: Bulk API 2.0 Developer Guide, Prepare CSV Files and Relationship Fields in a Header Row.

use super::Operation;
use crate::{
    save::{ParentKey, Place, relation},
    schema::{Kind, Object, Schema},
};

/// The columns of a file, found.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// Where each column goes.
    pub places: Vec<Place>,
    /// The column of Ids.
    pub id: Option<usize>,
    /// The column of an upsert's key.
    pub key: Option<usize>,
}

impl Header {
    /// Finds the columns; the text says why the whole file is refused. `key` is the key field of an upsert.
    pub(crate) fn find(
        schema: &Schema,
        object: &Object,
        operation: Operation,
        key: Option<usize>,
        columns: &[String],
    ) -> Result<Self, String> {
        if operation.deletes() {
            let only_ids = matches!(columns, [one] if one.eq_ignore_ascii_case("Id"));
            if !only_ids {
                return Err(format!(
                    "InvalidBatch : The '{}' batch must contain only ids",
                    operation.name()
                ));
            }
        }
        let mut header = Self {
            places: Vec::with_capacity(columns.len()),
            id: None,
            key: None,
        };
        for (number, column) in columns.iter().enumerate() {
            let unknown = || format!("InvalidBatch : Field name not found : {column}");
            let place = match object.field(column) {
                Some((at, field)) if field.kind == Kind::Id => {
                    if operation == Operation::Insert {
                        return Err(unknown());
                    }
                    // Upserts by another key may carry it, as those of jsforce do, and it is left alone.
                    if key.is_none_or(|key| key == at) {
                        header.id = Some(number);
                    }
                    Place::Nowhere
                }
                Some((_, field)) if field.kind == Kind::Base64 => {
                    return Err(format!(
                        "InvalidBatch : Binary field {} is only supported for content types ZIP_XML and ZIP_CSV",
                        field.name
                    ));
                }
                Some((at, field)) if !field.kind.compound() => {
                    if key == Some(at) {
                        header.key = Some(number);
                    }
                    Place::Field(at)
                }
                Some(_) => return Err(unknown()),
                None => Place::Parent(parent(schema, object, column).ok_or_else(unknown)?),
            };
            header.places.push(place);
        }
        Ok(header)
    }
}

/// `Account__r.External_Key__c`, or `User:Owner.Username` where the relationship has several targets.
fn parent(schema: &Schema, object: &Object, column: &str) -> Option<ParentKey> {
    let (path, key) = column.split_once('.')?;
    let (only, relationship) = match path.split_once(':') {
        Some((only, relationship)) => (Some(only), relationship),
        None => (None, path),
    };
    let (_, field) = relation(object, relationship)?;
    if only.is_some() != field.polymorphic() {
        return None;
    }
    ParentKey::resolve(schema, object, relationship, key, only)
}
