//! What a Bulk query cannot do although REST can.

use super::{error::ApiError, required_filter::check_required_filter};
use crate::{
    bulk::classic::Content,
    org::Org,
    schema::{Kind, Schema},
    soql::{Bound, Item, Output, bind, parse},
};

/// Refuses what Bulk cannot do: at once where the platform does, or with a message for a job that
/// fails later.
///
/// Source: Bulk API 2.0 Developer Guide, Understanding Bulk API 2.0 Query; field reports for texts.
pub(crate) fn compile(
    org: &Org,
    schema: &Schema,
    text: &str,
    version: &str,
    content: Content,
) -> Result<(Bound, Option<String>), ApiError> {
    let query = parse(text)?;
    if let Some((_, object)) = schema.find(&query.from.path) {
        if !object.can('Q') {
            let message = format!("entity type {} does not support query", object.name);
            return Err(ApiError::bad("INVALIDENTITY", message));
        }
        if !object.bulk {
            let message = format!("Entity '{}' is not supported by the Bulk API.", object.name);
            return Err(ApiError::bad("INVALIDENTITY", message));
        }
    }
    let refused = |message: &str| Err(ApiError::bad("FEATURENOTENABLED", message));
    for item in &query.select {
        match item {
            Item::Children { .. } => {
                return refused(
                    "Aggregate Relationships not supported in Bulk Query with CSV content type",
                );
            }
            // Rows of JSON can differ in their columns, as recorded.
            Item::TypeOf(_) if content == Content::Csv => {
                return refused("TYPEOF not supported in Bulk Query");
            }
            Item::Count | Item::Aggregate { .. } => {
                return refused("Aggregate functions not supported in Bulk Query");
            }
            Item::Fields { group, .. } if group != "STANDARD" => {
                return Err(ApiError::bad(
                    "MALFORMED_QUERY",
                    "The SOQL FIELDS function is not supported in Bulk Query",
                ));
            }
            _ => {}
        }
    }
    if !query.group_by.is_empty() {
        return refused("GROUP BY not supported in Bulk Query");
    }
    if query.offset.is_some() {
        return refused("OFFSET not supported in Bulk Query");
    }
    let bound = bind(schema, text, &query, org.clock.now_ms(), true)?;
    check_required_filter(org, &bound, version)?;
    let Output::Rows(columns) = &bound.output else {
        return Ok((bound, None));
    };
    if columns.iter().any(|column| column.kind.compound()) {
        let message = "Selecting compound data not supported in Bulk Query";
        return Err(ApiError::bad("FUNCTIONALITY_NOT_ENABLED", message));
    }
    let binary = columns.iter().any(|column| column.kind == Kind::Base64);
    let failure = binary.then(|| {
        "FUNCTIONALITY_NOT_ENABLED: Selecting binary data not supported in Bulk Query".to_owned()
    });
    Ok((bound, failure))
}
