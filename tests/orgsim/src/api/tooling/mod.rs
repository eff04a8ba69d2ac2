//! The Tooling API's queries, descriptions and records, as far as backups and restores use them; and the objects of the
//! data API whose rows are computed as well.
//!
//! Source: Tooling API Developer Guide, REST Resources; Object Reference, `EntityDefinition`, `FieldDefinition`,
//! `UserPermissionAccess`.

mod automation;
mod data_type;
mod query;
mod record;
mod rows;

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::error::{ApiError, json_body};
use crate::{
    org::Org,
    schema::{Schema, describe, describe_global},
};
pub(crate) use query::{answer, is_computed};

const DECLARATIONS: &str = include_str!("../../../schema/tooling.schema");
/// Objects that the data API has too.
const IN_DATA: [&str; 4] = [
    "EntityDefinition",
    "FieldDefinition",
    "FlowDefinitionView",
    "UserPermissionAccess",
];

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}/tooling";
    Router::new()
        .route(root, get(resources))
        .route(&format!("{root}/query"), get(query::query))
        .route(&format!("{root}/queryAll"), get(query::query))
        .route(&format!("{root}/sobjects"), get(global))
        .route(&format!("{root}/sobjects/{{name}}"), get(basic))
        .route(&format!("{root}/sobjects/{{name}}/describe"), get(object))
        .route(
            &format!("{root}/sobjects/{{name}}/{{id}}"),
            get(record::get).patch(record::patch),
        )
}

/// The declarations of the computed objects.
fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    // Declarations that cannot be read declare nothing; a test reads them.
    SCHEMA.get_or_init(|| Schema::computed(DECLARATIONS).unwrap_or_default())
}

/// `GET …/tooling`
async fn resources(Path(version): Path<String>) -> Response {
    let root = format!("/services/data/{version}/tooling");
    json_body(&json!({
        "query": format!("{root}/query"),
        "queryAll": format!("{root}/queryAll"),
        "sobjects": format!("{root}/sobjects"),
    }))
}

/// `GET …/tooling/sobjects`
async fn global(Path(version): Path<String>) -> Response {
    json_body(&describe_global(schema(), &format!("{version}/tooling")))
}

/// `GET …/tooling/sobjects/{name}`
async fn basic(Path((version, name)): Path<(String, String)>) -> Result<Response, ApiError> {
    let global = describe_global(schema(), &format!("{version}/tooling"));
    let all = global.get("sobjects").and_then(Value::as_array);
    let found = all.into_iter().flatten().find(|one| {
        let own = one.get("name").and_then(Value::as_str);
        own.is_some_and(|own| own.eq_ignore_ascii_case(&name))
    });
    let found = found.ok_or_else(ApiError::not_found)?;
    Ok(json_body(
        &json!({"objectDescribe": found, "recentItems": []}),
    ))
}

/// `GET …/tooling/sobjects/{name}/describe`
async fn object(
    State(org): State<Arc<Org>>,
    Path((version, name)): Path<(String, String)>,
) -> Response {
    let found = schema().find(&name);
    let body = found
        .and_then(|(at, _)| describe(schema(), at, &format!("{version}/tooling"), org.base_url()));
    match body {
        Some(body) => json_body(&body),
        None => ApiError::not_found().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_read_and_links_have_no_name() {
        let schema = Schema::computed(DECLARATIONS).unwrap();
        let (_, fields) = schema.find("FieldDefinition").unwrap();
        assert!(fields.field("Link").is_none());
        let kept = |field: &&crate::schema::Field| {
            field.relationship.as_deref() == Some("EntityDefinition")
        };
        assert!(fields.fields.iter().any(|field| kept(&field)));
    }
}
