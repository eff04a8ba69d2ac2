//! A syntax tree against the schema: names become field numbers, literals become typed values.

use super::{
    SoqlError,
    aggregate::GroupColumn,
    ast::{Condition, Item, Literal, Name, Operator, Query, TypeOf},
    children::Children,
    column::{Column, own, relation, resolve},
    filter::{Filter, Source, Test, Value},
    literal::{Mismatch, typed},
    type_of,
};
use crate::schema::{Kind, Object, Schema, Trait};

/// Relationship hops in one path: SOQL, Relationship Query Limitations.
const HOPS_MAX: usize = 5;
/// SOQL, OFFSET.
const OFFSET_MAX: usize = 2_000;
/// Rows of an unbounded `FIELDS()` query: SOQL, `FIELDS()`.
const FIELDS_LIMIT_MAX: usize = 200;

/// A query that can run.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Number of the object.
    pub object: usize,
    /// What the rows become.
    pub output: Output,
    /// Which rows.
    pub filter: Option<Filter>,
    /// In which order.
    pub order: Vec<Sorting>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// After so many rows.
    pub offset: usize,
    /// Sub-selects, in the order of the SELECT list.
    pub children: Vec<Children>,
}

/// The SELECT list.
#[derive(Debug)]
pub(crate) enum Output {
    /// Fields of each row.
    Rows(Vec<Column>),
    /// `COUNT()` alone.
    Count,
    /// Aggregates, perhaps by group.
    Groups {
        /// What a group shows.
        columns: Vec<GroupColumn>,
        /// What makes a group.
        by: Vec<Column>,
        /// ORDER BY: column and whether it descends.
        order: Vec<(usize, bool)>,
    },
}

/// One element of ORDER BY.
#[derive(Debug)]
pub(crate) struct Sorting {
    /// Where the value is.
    pub source: Source,
    /// Its type.
    pub kind: Kind,
    /// DESC
    pub descending: bool,
    /// NULLS LAST
    pub nulls_last: bool,
}

/// Resolves `query`, whose text is `text`, at the time `now_ms`. `bulk` queries expand
/// `FIELDS(STANDARD)` to what Bulk can return.
pub(crate) fn bind(
    schema: &Schema,
    text: &str,
    query: &Query,
    now_ms: i64,
    bulk: bool,
) -> Result<Bound, SoqlError> {
    let Some((at, object)) = schema.find(&query.from.path) else {
        return Err(SoqlError::located(
            "INVALID_TYPE",
            text,
            query.from.at,
            &format!(
                "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to \
                 append the '__c' after the entity name. Please reference your WSDL or the describe call for the \
                 appropriate names.",
                query.from.path
            ),
        ));
    };
    let binder = Binder {
        schema,
        text,
        query,
        at,
        object,
        now_ms,
        bulk,
    };
    let bound = binder.bound()?;
    Ok(Bound {
        children: binder.children()?,
        ..bound
    })
}

/// A statement, or a sub-select of one, whose object is known.
#[derive(Clone, Copy)]
pub(super) struct Binder<'a> {
    pub(super) schema: &'a Schema,
    pub(super) text: &'a str,
    pub(super) query: &'a Query,
    pub(super) at: usize,
    pub(super) object: &'a Object,
    pub(super) now_ms: i64,
    pub(super) bulk: bool,
}

impl Binder<'_> {
    /// Everything but the sub-selects.
    pub(super) fn bound(&self) -> Result<Bound, SoqlError> {
        let (query, object) = (self.query, self.object);
        if !object.can('Q') {
            let message = format!("entity type {} does not support query", object.name);
            return Err(SoqlError::new("INVALID_TYPE_FOR_OPERATION", message));
        }
        let output = self.output()?;
        let filter = query
            .filter
            .as_ref()
            .map(|condition| self.condition(condition))
            .transpose()?;
        let order = match &output {
            Output::Rows(_) => self.order()?,
            _ => Vec::new(),
        };
        let offset = query.offset.unwrap_or(0);
        if offset > OFFSET_MAX {
            let message = format!("Maximum SOQL offset allowed is {OFFSET_MAX}");
            return Err(SoqlError::new("NUMBER_OUTSIDE_VALID_RANGE", message));
        }
        Ok(Bound {
            object: self.at,
            output,
            filter,
            order,
            limit: query.limit,
            offset,
            children: Vec::new(),
        })
    }

    pub(super) fn error(&self, code: &'static str, at: usize, message: &str) -> SoqlError {
        SoqlError::located(code, self.text, at, message)
    }

    fn output(&self) -> Result<Output, SoqlError> {
        if let [Item::Count] = self.query.select.as_slice() {
            return Ok(Output::Count);
        }
        let aggregates = |item: &Item| matches!(item, Item::Aggregate { .. } | Item::Count);
        if !self.query.group_by.is_empty() || self.query.select.iter().any(aggregates) {
            return self.groups();
        }
        let mut columns: Vec<Column> = Vec::new();
        for item in &self.query.select {
            match item {
                Item::Field { name, alias: None } => columns.push(self.column(name)?),
                Item::Field {
                    name,
                    alias: Some(_),
                } => {
                    return Err(self.error(
                        "MALFORMED_QUERY",
                        name.at,
                        "only aggregate expressions use field aliasing",
                    ));
                }
                Item::Fields { group, at } => columns.extend(self.field_group(group, *at)?),
                Item::TypeOf(choice) => {
                    let chosen = type_of::columns(self.schema, self.object, choice);
                    columns.extend(chosen.map_err(|(code, at, why)| self.error(code, at, &why))?);
                }
                Item::Children { .. } | Item::Count | Item::Aggregate { .. } => {}
            }
        }
        for (place, column) in columns.iter().enumerate() {
            if columns
                .iter()
                .take(place)
                .any(|earlier| earlier.path == column.path && earlier.only == column.only)
            {
                let message = format!("duplicate field selected: {}", column.path.join("."));
                return Err(SoqlError::malformed(message));
            }
        }
        Ok(Output::Rows(columns))
    }

    pub(super) fn field_group(&self, group: &str, at: usize) -> Result<Vec<Column>, SoqlError> {
        if group != "STANDARD" {
            if !matches!(group, "ALL" | "CUSTOM") {
                return Err(self.error(
                    "MALFORMED_QUERY",
                    at,
                    &format!("unexpected token: {group}"),
                ));
            }
            if self.bulk
                || self
                    .query
                    .limit
                    .is_none_or(|limit| limit > FIELDS_LIMIT_MAX)
            {
                let message = format!(
                    "The SOQL FIELDS function must have a LIMIT of at most {FIELDS_LIMIT_MAX}"
                );
                return Err(SoqlError::malformed(message));
            }
        }
        let custom = |name: &str| name.ends_with("__c") || name.ends_with("__s");
        let wanted = self.object.live_fields().filter(|(_, field)| match group {
            "STANDARD" => {
                !custom(&field.name)
                    && !(self.bulk && (field.kind.compound() || field.kind == Kind::Base64))
            }
            "CUSTOM" => custom(&field.name),
            _ => true,
        });
        let columns: Vec<Column> = wanted.map(|(number, _)| own(self.object, number)).collect();
        if columns.is_empty() {
            return Err(SoqlError::malformed(
                "The SOQL FIELDS function cannot be used for this object",
            ));
        }
        Ok(columns)
    }

    fn groups(&self) -> Result<Output, SoqlError> {
        let mut by = Vec::new();
        for name in &self.query.group_by {
            let column = self.column(name)?;
            if !column.field.groupable() {
                let message = format!("field '{}' can not be grouped in a query call", name.path);
                return Err(self.error("MALFORMED_QUERY", name.at, &message));
            }
            by.push(column);
        }
        let mut columns = Vec::new();
        let mut unnamed = 0;
        let mut expression = |alias: &Option<String>| {
            alias.clone().unwrap_or_else(|| {
                unnamed += 1;
                format!("expr{}", unnamed - 1)
            })
        };
        for item in &self.query.select {
            columns.push(match item {
                Item::Field { name, alias } => {
                    let column = self.column(name)?;
                    let Some(group) = by.iter().position(|b| b.path == column.path) else {
                        let message = format!("Field must be grouped or aggregated: {}", name.path);
                        return Err(self.error("MALFORMED_QUERY", name.at, &message));
                    };
                    let shown = column.path.last().cloned().unwrap_or_default();
                    GroupColumn::Key {
                        name: alias.clone().unwrap_or(shown),
                        group,
                    }
                }
                Item::Count => GroupColumn::Rows {
                    name: expression(&None),
                },
                Item::Aggregate {
                    function,
                    name,
                    alias,
                } => GroupColumn::Value {
                    name: expression(alias),
                    function: *function,
                    column: Box::new(self.column(name)?),
                },
                Item::Fields { at, .. }
                | Item::Children { at, .. }
                | Item::TypeOf(TypeOf { at, .. }) => {
                    return Err(self.error(
                        "MALFORMED_QUERY",
                        *at,
                        "unexpected token in an aggregate query",
                    ));
                }
            });
        }
        let mut order = Vec::new();
        for element in &self.query.order_by {
            let name = &element.name;
            let column = columns
                .iter()
                .position(|c: &GroupColumn| c.name().eq_ignore_ascii_case(&name.path));
            let Some(column) = column else {
                let message = format!("Ordered field must be grouped or aggregated: {}", name.path);
                return Err(self.error("MALFORMED_QUERY", name.at, &message));
            };
            order.push((column, element.descending));
        }
        Ok(Output::Groups { columns, by, order })
    }

    fn order(&self) -> Result<Vec<Sorting>, SoqlError> {
        let mut order = Vec::new();
        for element in &self.query.order_by {
            let Column {
                source,
                kind,
                field,
                ..
            } = self.column(&element.name)?;
            if !field.sortable() {
                let message = format!(
                    "field '{}' can not be sorted in a query call",
                    element.name.path
                );
                return Err(self.error("INVALID_FIELD", element.name.at, &message));
            }
            order.push(Sorting {
                source,
                kind,
                descending: element.descending,
                nulls_last: element.nulls_last,
            });
        }
        Ok(order)
    }

    fn column(&self, name: &Name) -> Result<Column, SoqlError> {
        let mut parts: Vec<&str> = name.path.split('.').collect();
        let head = parts.first().copied().unwrap_or_default();
        if parts.len() > 1 && self.is_own(head) {
            parts.remove(0);
        }
        if parts.len() > HOPS_MAX + 1 {
            return Err(self.error(
                "MALFORMED_QUERY",
                name.at,
                "SOQL relationship path exceeds 5 levels",
            ));
        }
        resolve(self.schema, self.at, &parts)
            .map_err(|error| self.error("INVALID_FIELD", name.at, &error))
    }

    /// True when `name` stands for the object itself.
    pub(super) fn is_own(&self, name: &str) -> bool {
        let alias = self.query.alias.as_deref();
        alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name))
            || name.eq_ignore_ascii_case(&self.object.name) && relation(self.object, name).is_none()
    }

    fn mismatch(&self, name: &Name, mismatch: &Mismatch) -> SoqlError {
        match mismatch {
            Mismatch::Id(text) => {
                let message = format!("invalid ID field: {text}");
                self.error("INVALID_QUERY_FILTER_OPERATOR", name.at, &message)
            }
            Mismatch::Type(wanted, quoted) => {
                let not = if *quoted { "" } else { "not " };
                let message = format!(
                    "value of filter criterion for field '{}' must be of type {wanted} and should \
                     {not}be enclosed in quotes",
                    name.path
                );
                self.error("INVALID_FIELD", name.at, &message)
            }
        }
    }

    fn condition(&self, condition: &Condition) -> Result<Filter, SoqlError> {
        let all = |parts: &[Condition]| {
            parts
                .iter()
                .map(|part| self.condition(part))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::All(parts) => Filter::All(all(parts)?),
            Condition::Any(parts) => Filter::Any(all(parts)?),
            Condition::Not(inner) => Filter::Not(Box::new(self.condition(inner)?)),
            Condition::Test {
                name,
                operator,
                values,
            } => self.test(name, *operator, values)?,
        })
    }

    fn test(
        &self,
        name: &Name,
        operator: Operator,
        values: &[Literal],
    ) -> Result<Filter, SoqlError> {
        let column = self.column(name)?;
        if !column.field.filterable() || column.kind.compound() {
            let message = format!("field '{}' can not be filtered in a query call", name.path);
            return Err(self.error("INVALID_FIELD", name.at, &message));
        }
        let fits = match operator {
            Operator::Like => column.kind.textual() && column.kind != Kind::MultiPicklist,
            Operator::Includes | Operator::Excludes => column.kind == Kind::MultiPicklist,
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                !matches!(column.kind, Kind::Boolean | Kind::MultiPicklist)
            }
            _ => true,
        };
        if !fits {
            let message = format!("invalid operator on {} field", column.kind.name());
            return Err(self.error("INVALID_QUERY_FILTER_OPERATOR", name.at, &message));
        }
        let case = column.field.is(Trait::CaseSensitive);
        let values: Result<Vec<Value>, SoqlError> = values
            .iter()
            .map(|literal| {
                typed(column.kind, case, operator, literal, self.now_ms)
                    .map_err(|mismatch| self.mismatch(name, &mismatch))
            })
            .collect();
        Ok(Filter::Test(Test {
            source: column.source,
            kind: column.kind,
            case,
            operator,
            values: values?,
        }))
    }
}
