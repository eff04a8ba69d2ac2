//! The queries of a backup.

use holdfast_model::{ErrorCode, Failure, ObjectName, ObjectSchema, SalesforceId, Stamp, Window};

/// Characters of one statement (SOQL and SOSL limits); more is `MALFORMED_QUERY`.
const STATEMENT_CHARS_MAX: usize = 100_000;

/// Which rows a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What users see: `/query`.
    Live,
    /// Also the Recycle Bin, merge losers and archived activities: `/queryAll`.
    All,
}

impl Scope {
    pub(crate) fn resource(self) -> &'static str {
        match self {
            Self::Live => "query",
            Self::All => "queryAll",
        }
    }
}

/// Selects all stored fields of an object in schema order, in a window of its cursor field.
///
/// An object without a cursor field is selected whole. No ORDER BY and no LIMIT: both would turn off the
/// chunking that makes large bulk queries fast (Bulk API 2.0 guide, Understanding Bulk API 2.0 Query).
pub fn select(schema: &ObjectSchema, window: &Window) -> Result<String, Failure> {
    let fields: Vec<_> = schema
        .stored_fields()
        .map(|field| field.name.as_str())
        .collect();
    let fields = fields.join(",");
    let soql = format!(
        "SELECT {fields} FROM {}{}",
        schema.name,
        condition(schema, window)
    );
    if soql.len() > STATEMENT_CHARS_MAX {
        return Err(Failure::new(
            ErrorCode::QueryRefused,
            format!(
                "query of `{}` has `{}` characters, a query may have `{STATEMENT_CHARS_MAX}`",
                schema.name,
                soql.len()
            ),
        ));
    }
    Ok(soql)
}

/// Selects the oldest stamp; nothing for an object without a cursor field.
pub fn oldest(schema: &ObjectSchema) -> Option<String> {
    let field = schema.cursor_field.as_ref()?;
    Some(format!(
        "SELECT {field} FROM {} ORDER BY {field} ASC NULLS LAST LIMIT 1",
        schema.name
    ))
}

/// Selects Id and cursor field of every record.
pub fn list(schema: &ObjectSchema) -> String {
    let stamp = schema
        .cursor_field
        .as_ref()
        .map_or_else(String::new, |field| format!(",{field}"));
    format!("SELECT Id{stamp} FROM {}", schema.name)
}

/// Selects those of the given records that there are.
pub fn ids_among(object: &ObjectName, ids: &[SalesforceId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!("SELECT Id FROM {object} WHERE Id IN ({})", ids.join(","))
}

/// Counts the rows of an object, in a window or all, for [`Client::count`](crate::Client::count).
pub fn count(schema: &ObjectSchema, window: Option<&Window>) -> String {
    let condition = window.map_or_else(String::new, |window| condition(schema, window));
    format!("SELECT COUNT() FROM {}{condition}", schema.name)
}

/// Whether the query fits into the address of a REST call; if not, only Bulk can run it.
pub fn fits_rest(soql: &str) -> bool {
    // Percent-encoding makes at most three of one; room for host and path.
    let encoded: usize = soql
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b" *-._".contains(&byte) {
                1
            } else {
                3
            }
        })
        .sum();
    encoded + 300 <= crate::call::URI_BYTES_MAX
}

/// The WHERE clause, or nothing for an object without a cursor field.
fn condition(schema: &ObjectSchema, window: &Window) -> String {
    let Some(field) = &schema.cursor_field else {
        return String::new();
    };
    let until = literal(window.until);
    match window.from.map(literal) {
        Some(from) => format!(" WHERE {field} >= {from} AND {field} < {until}"),
        None => format!(" WHERE {field} < {until}"),
    }
}

/// Stamps are whole seconds, and so are literals: a bound within a second is the next whole one,
/// which has the same stamps on either side.
fn literal(bound: Stamp) -> String {
    Stamp::from_millis(bound.millis().saturating_add(999)).soql()
}

#[cfg(test)]
mod tests {
    use holdfast_model::{FieldSchema, ObjectName, Transport};

    use super::*;

    fn schema(fields: &[(&str, &str)], cursor_field: Option<&str>) -> ObjectSchema {
        let fields = fields
            .iter()
            .map(|(name, field_type)| FieldSchema {
                name: (*name).to_owned(),
                field_type: (*field_type).to_owned(),
                length: 0,
                precision: 0,
                scale: 0,
                nillable: true,
                createable: true,
                updateable: true,
                calculated: false,
                filterable: true,
                reference_to: vec![],
                relationship_name: None,
                relationship_order: None,
                compound_field_name: None,
                external_id: false,
            })
            .collect();
        ObjectSchema {
            name: ObjectName::parse("Account").unwrap(),
            label: "Account".to_owned(),
            key_prefix: None,
            associate_entity_type: None,
            associate_parent_entity: None,
            transport: Transport::Bulk,
            cursor_field: cursor_field.map(str::to_owned),
            fields,
            children: vec![],
        }
    }

    fn window(from: Option<&str>, until: &str) -> Window {
        Window {
            from: from.map(|text| Stamp::parse(text).unwrap()),
            until: Stamp::parse(until).unwrap(),
        }
    }

    const FIELDS: &[(&str, &str)] = &[
        ("Id", "id"),
        ("BillingAddress", "address"),
        ("Name", "string"),
        ("Body", "base64"),
    ];

    #[test]
    fn stored_fields_are_selected_in_a_half_open_window() {
        let schema = schema(FIELDS, Some("SystemModstamp"));
        let soql = select(
            &schema,
            &window(Some("2024-01-31T10:15:00Z"), "2024-02-01T00:00:00Z"),
        );
        assert_eq!(
            soql.unwrap(),
            "SELECT Id,Name FROM Account WHERE SystemModstamp >= 2024-01-31T10:15:00Z \
             AND SystemModstamp < 2024-02-01T00:00:00Z"
        );
        let soql = select(&schema, &window(None, "2024-02-01T00:00:00Z")).unwrap();
        assert_eq!(
            soql,
            "SELECT Id,Name FROM Account WHERE SystemModstamp < 2024-02-01T00:00:00Z"
        );
    }

    #[test]
    fn a_bound_within_a_second_splits_the_whole_seconds_as_the_window_does() {
        let window = window(Some("2024-01-31T10:15:00.001Z"), "2024-01-31T10:15:09.999Z");
        let soql = select(&schema(FIELDS, Some("CreatedDate")), &window).unwrap();
        assert!(soql.ends_with(
            "CreatedDate >= 2024-01-31T10:15:01Z AND CreatedDate < 2024-01-31T10:15:10Z"
        ));
    }

    #[test]
    fn an_object_without_a_cursor_field_is_selected_and_counted_whole() {
        let schema = schema(FIELDS, None);
        let window = window(None, "2024-02-01T00:00:00Z");
        assert_eq!(
            select(&schema, &window).unwrap(),
            "SELECT Id,Name FROM Account"
        );
        assert_eq!(count(&schema, Some(&window)), "SELECT COUNT() FROM Account");
    }

    #[test]
    fn a_statement_over_the_limit_is_refused_here() {
        let names: Vec<_> = (0..2_000)
            .map(|n| format!("{}{n}__c", "x".repeat(60)))
            .collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "string")).collect();
        let schema = schema(&fields, None);
        let failure = select(&schema, &window(None, "2024-02-01T00:00:00Z")).unwrap_err();
        assert_eq!(failure.code, ErrorCode::QueryRefused);
    }

    #[test]
    fn a_wide_query_does_not_fit_into_an_address() {
        assert!(fits_rest("SELECT Id FROM Account"));
        assert!(!fits_rest(&"Some_Field__c,".repeat(1_000)));
    }
}
