//! Queries of computed objects. Their answers have one page: these objects know no `queryMore`.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    response::Response,
};

use super::{IN_DATA, rows::fill, schema};
use crate::{
    api::{
        error::{ApiError, json_body},
        json::{Tree, push_computed},
        query::push_groups,
    },
    org::Org,
    save::Caller,
    soql::{self, Ast, Output, SoqlError, View, bind, parse},
};

/// Rows of an answer.
const ROWS_MAX: usize = 2_000;

/// `GET …/tooling/query?q=`
pub(super) async fn query(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path(version): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let Some(text) = parameters.get("q") else {
        let message = "SOQL expression is required (parameter q)";
        return Err(ApiError::bad("MALFORMED_QUERY", message));
    };
    let version = format!("{version}/tooling");
    answer(&org, &caller, &version, (text, &parse(text)?), true)
}

/// The data API has this object too, and its rows are computed.
pub(crate) fn is_computed(name: &str) -> bool {
    IN_DATA.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// The answer to a query of computed objects.
pub(crate) fn answer(
    org: &Org,
    caller: &Caller,
    version: &str,
    (text, query): (&str, &Ast),
    tooling: bool,
) -> Result<Response, ApiError> {
    let schema = schema();
    let bound = bind(schema, text, query, org.clock.now_ms(), false)?;
    let object = schema
        .object(bound.object)
        .ok_or_else(ApiError::not_found)?;
    let pinned: Vec<usize> = object
        .required_filter
        .iter()
        .flat_map(|name| {
            let own = object.field(name).map(|(number, _)| number);
            // The relationship is as good as the Id: `EntityDefinition.QualifiedApiName = 'Account'`.
            let link = object
                .fields
                .iter()
                .position(|field| field.name.is_empty() && field.relationship.is_some());
            [own, link].into_iter().flatten()
        })
        .collect();
    let restricted = bound
        .filter
        .as_ref()
        .is_some_and(|filter| filter.pins(&pinned) || filter.pins_parent(&pinned));
    if !pinned.is_empty() && !restricted {
        let message = format!(
            "{}: a filter on a reified column is required [{}]",
            object.name,
            object.required_filter.join(",")
        );
        return Err(SoqlError::malformed(message).into());
    }
    let store = fill(org, caller, schema);
    let view = View {
        schema,
        store: &store,
    };
    let head = |count: usize| {
        if tooling {
            let name = &object.name;
            format!(
                "{{\"size\":{count},\"totalSize\":{count},\"done\":true,\"queryLocator\":null,\"entityTypeName\":\"{name}\",\"records\":["
            )
        } else {
            format!("{{\"totalSize\":{count},\"done\":true,\"records\":[")
        }
    };
    let mut out;
    match &bound.output {
        Output::Count => {
            out = head(soql::count(view, &bound, false));
        }
        Output::Groups { .. } => {
            let groups = soql::groups(view, &bound, false);
            out = head(groups.len());
            push_groups(&mut out, &groups);
        }
        Output::Rows(columns) => {
            let slots = soql::select(view, &bound, false);
            if slots.len() > ROWS_MAX {
                let message = format!(
                    "{} does not support queryMore(), use LIMIT to restrict the results to a single batch",
                    object.name
                );
                return Err(ApiError::bad("EXCEEDED_ID_LIMIT", message));
            }
            out = head(slots.len());
            let tree = Tree::of(columns);
            for (place, slot) in slots.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                let row = store.slot(bound.object, *slot);
                let row = row.and_then(|slot| slot.row.as_deref()).unwrap_or_default();
                push_computed(&mut out, view, bound.object, row, &tree, version);
            }
        }
    }
    let _ = write!(out, "]}}");
    Ok(json_body(&out))
}
