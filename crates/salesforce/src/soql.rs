//! The queries of a backup.

use holdfast_model::filter::CheckedFilter;
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

/// Which records a query is about: all, unless it says otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Among<'a> {
    /// Those in a window of the cursor field; an object without one has no windows.
    pub window: Option<Window>,
    /// Those that refer to one of these by the field.
    pub parents: Option<(&'a str, &'a [SalesforceId])>,
}

impl From<Window> for Among<'_> {
    fn from(window: Window) -> Self {
        Self {
            window: Some(window),
            parents: None,
        }
    }
}

/// Selects all stored fields of an object in schema order.
///
/// No ORDER BY and no LIMIT: both would turn off the chunking that makes large bulk queries fast (Bulk API 2.0 guide,
/// Understanding Bulk API 2.0 Query).
pub fn select(schema: &ObjectSchema, among: Among<'_>) -> Result<String, Failure> {
    let fields: Vec<_> = schema.stored_fields().map(|field| &*field.name).collect();
    select_some(schema, &fields, among)
}

/// Selects some fields of an object.
pub fn select_some(
    schema: &ObjectSchema,
    fields: &[&str],
    among: Among<'_>,
) -> Result<String, Failure> {
    let fields = fields.join(",");
    let soql = format!(
        "SELECT {fields} FROM {}{}",
        schema.name,
        condition(schema, among)
    );
    limited(&schema.name, soql)
}

/// Selects fields of the records that a filter chooses.
///
/// The text comes from the names of the schema and from the tree of the filter only, which prints no value outside of
/// its quotes.
pub fn select_where(fields: &[&str], filter: &CheckedFilter) -> Result<String, Failure> {
    let object = filter.object();
    let soql = format!("SELECT {} FROM {object} WHERE {filter}", fields.join(","));
    limited(object, soql)
}

/// Counts the records that a filter chooses, for [`Client::count`](crate::Client::count).
///
/// `QUERY_REFUSED` if the filter is too long for a call by REST, which alone counts.
pub fn count_where(filter: &CheckedFilter) -> Result<String, Failure> {
    let object = filter.object();
    let soql = format!("SELECT COUNT() FROM {object} WHERE {filter}");
    if !fits_rest(&soql) {
        let message = format!("filter of `{object}` is too long for the address of a count");
        return Err(Failure::new(ErrorCode::QueryRefused, message));
    }
    Ok(soql)
}

fn limited(object: &ObjectName, soql: String) -> Result<String, Failure> {
    let characters = soql.chars().count();
    if characters > STATEMENT_CHARS_MAX {
        return Err(Failure::new(
            ErrorCode::QueryTooWide,
            format!(
                "query of `{object}` has `{characters}` characters, a query may have `{STATEMENT_CHARS_MAX}`"
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

/// Selects Id and cursor field.
pub fn list(schema: &ObjectSchema, among: Among<'_>) -> String {
    let stamp = schema
        .cursor_field
        .as_ref()
        .map_or_else(String::new, |field| format!(",{field}"));
    let condition = condition(schema, among);
    format!("SELECT Id{stamp} FROM {}{condition}", schema.name)
}

/// Selects the Ids of all records behind one, in their order.
pub fn ids_behind(object: &ObjectName, last: Option<SalesforceId>) -> String {
    let behind = last.map_or_else(String::new, |last| format!(" WHERE Id > '{last}'"));
    format!("SELECT Id FROM {object}{behind} ORDER BY Id")
}

/// Selects those of the given records that there are.
pub fn ids_among(object: &ObjectName, ids: &[SalesforceId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!("SELECT Id FROM {object} WHERE Id IN ({})", ids.join(","))
}

/// Selects the records that have one of the values in a field.
pub fn with_values(object: &ObjectName, columns: &[&str], field: &str, values: &[&str]) -> String {
    let escaped = values.iter().map(|value| {
        let mut text = String::with_capacity(value.len() + 2);
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '\'' => text.push_str("\\'"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                other => text.push(other),
            }
        }
        format!("'{text}'")
    });
    let escaped: Vec<_> = escaped.collect();
    let (columns, values) = (columns.join(","), escaped.join(","));
    format!("SELECT {columns} FROM {object} WHERE {field} IN ({values})")
}

/// Counts the rows of an object, for [`Client::count`](crate::Client::count).
pub fn count(schema: &ObjectSchema, among: Among<'_>) -> String {
    let condition = condition(schema, among);
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

/// The WHERE clause, or nothing when all records are meant.
fn condition(schema: &ObjectSchema, among: Among<'_>) -> String {
    let mut conditions = Vec::new();
    if let Some((field, ids)) = among.parents {
        let ids: Vec<_> = ids.iter().map(|id| format!("'{id}'")).collect();
        conditions.push(match ids.as_slice() {
            [id] => format!("{field} = {id}"), // where IN is refused, so is a list of one
            ids => format!("{field} IN ({})", ids.join(",")),
        });
    }
    if let (Some(field), Some(window)) = (&schema.cursor_field, among.window) {
        if let Some(from) = window.from {
            conditions.push(format!("{field} >= {}", literal(from)));
        }
        conditions.push(format!("{field} < {}", literal(window.until)));
    }
    if conditions.is_empty() {
        return String::new();
    }
    format!(" WHERE {}", conditions.join(" AND "))
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

    #[test]
    fn no_value_leaves_its_quotes() {
        let object = ObjectName::parse("Lead").unwrap();
        let soql = with_values(
            &object,
            &["Id"],
            "Key__c",
            &["a'b", "c\\' OR Id != '", "d\ne"],
        );
        assert_eq!(
            soql,
            r"SELECT Id FROM Lead WHERE Key__c IN ('a\'b','c\\\' OR Id != \'','d\ne')"
        );
    }

    fn schema(fields: &[(&str, &str)], cursor_field: Option<&str>) -> ObjectSchema {
        let fields = fields
            .iter()
            .map(|(name, field_type)| FieldSchema {
                name: (*name).to_owned(),
                field_type: (*field_type).to_owned(),
                nillable: true,
                createable: true,
                updateable: true,
                filterable: true,
                ..FieldSchema::default()
            })
            .collect();
        ObjectSchema {
            name: ObjectName::parse("Account").unwrap(),
            label: "Account".to_owned(),
            key_prefix: None,
            associate_entity_type: None,
            associate_parent_entity: None,
            comes_back_with_parent: false,
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
            window(Some("2024-01-31T10:15:00Z"), "2024-02-01T00:00:00Z").into(),
        );
        assert_eq!(
            soql.unwrap(),
            "SELECT Id,Name FROM Account WHERE SystemModstamp >= 2024-01-31T10:15:00Z \
             AND SystemModstamp < 2024-02-01T00:00:00Z"
        );
        let soql = select(&schema, window(None, "2024-02-01T00:00:00Z").into()).unwrap();
        assert_eq!(
            soql,
            "SELECT Id,Name FROM Account WHERE SystemModstamp < 2024-02-01T00:00:00Z"
        );
    }

    #[test]
    fn a_bound_within_a_second_splits_the_whole_seconds_as_the_window_does() {
        let window = window(Some("2024-01-31T10:15:00.001Z"), "2024-01-31T10:15:09.999Z");
        let soql = select(&schema(FIELDS, Some("CreatedDate")), window.into()).unwrap();
        assert!(soql.ends_with(
            "CreatedDate >= 2024-01-31T10:15:01Z AND CreatedDate < 2024-01-31T10:15:10Z"
        ));
    }

    #[test]
    fn children_of_some_parents_are_selected_and_one_parent_is_equalled() {
        let ids = ["001000000000001AAA", "001000000000002AAA"]
            .map(|id| SalesforceId::parse(id.as_bytes()).unwrap());
        let soql = |ids, window: Option<Window>| {
            let parents = Some(("IdeaId", ids));
            list(
                &schema(FIELDS, Some("CreatedDate")),
                Among { window, parents },
            )
        };
        assert!(soql(&ids[..1], None).ends_with(" WHERE IdeaId = '001000000000001AAA'"));
        assert!(soql(&ids, Some(window(None, "2024-02-01T00:00:00Z"))).ends_with(
            " WHERE IdeaId IN ('001000000000001AAA','001000000000002AAA') AND CreatedDate < 2024-02-01T00:00:00Z"
        ));
    }

    #[test]
    fn an_object_without_a_cursor_field_is_selected_and_counted_whole() {
        let schema = schema(FIELDS, None);
        let window = window(None, "2024-02-01T00:00:00Z");
        assert_eq!(
            select(&schema, window.into()).unwrap(),
            "SELECT Id,Name FROM Account"
        );
        assert_eq!(count(&schema, window.into()), "SELECT COUNT() FROM Account");
    }

    #[test]
    fn a_statement_over_the_limit_is_refused_here() {
        let names: Vec<_> = (0..2_000)
            .map(|n| format!("{}{n}__c", "x".repeat(60)))
            .collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "string")).collect();
        let schema = schema(&fields, None);
        let failure = select(&schema, window(None, "2024-02-01T00:00:00Z").into()).unwrap_err();
        assert_eq!(failure.code, ErrorCode::QueryTooWide);
    }

    #[test]
    fn a_wide_query_does_not_fit_into_an_address() {
        assert!(fits_rest("SELECT Id FROM Account"));
        assert!(!fits_rest(&"Some_Field__c,".repeat(1_000)));
    }
}
