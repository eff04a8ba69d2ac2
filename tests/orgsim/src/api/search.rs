//! `/search` and `/parameterizedSearch`.
//!
//! Source: REST API Developer Guide, Search, Parameterized Search. Texts: recorded answers.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use serde::Deserialize;

use super::{
    error::{ApiError, json_body},
    json::{Tree, push_record},
    version_number,
};
use crate::{
    org::Org,
    schema::{Field, Kind, Object, Trait},
    soql::{self, Output, View, bind},
    sosl::{self, Group, Malformed, Returning, Search, Term},
    store::row::text,
};

/// Records of one search.
const RECORDS_MAX: usize = 2_000;

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    let root = "/services/data/{version}";
    Router::new()
        .route(&format!("{root}/search"), get(search))
        .route(
            &format!("{root}/parameterizedSearch"),
            get(by_parameters).post(by_body),
        )
}

impl From<Malformed> for ApiError {
    fn from(error: Malformed) -> Self {
        Self::bad("MALFORMED_SEARCH", error.0)
    }
}

/// `GET …/search?q=FIND {…}`
async fn search(
    State(org): State<Arc<Org>>,
    Path(version): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let text = parameters.get("q").map(String::as_str).unwrap_or_default();
    let search = sosl::parse(text)?;
    answer(org, version, search).await
}

/// The body of a parameterized search.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    q: String,
    #[serde(default, rename = "in")]
    group: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    sobjects: Vec<Sobject>,
    #[serde(default)]
    default_limit: Option<usize>,
    #[serde(default)]
    overall_limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Sobject {
    name: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default, rename = "where")]
    condition: Option<String>,
    #[serde(default, rename = "orderBy")]
    order: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `POST …/parameterizedSearch`
async fn by_body(
    State(org): State<Arc<Org>>,
    Path(version): Path<String>,
    Json(parameters): Json<Parameters>,
) -> Result<Response, ApiError> {
    let search = parameters.search()?;
    answer(org, version, search).await
}

/// `GET …/parameterizedSearch?q=…&sobject=A&A.fields=Id,Name&A.limit=3`
async fn by_parameters(
    State(org): State<Arc<Org>>,
    Path(version): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let value = |wanted: &str| {
        let found = pairs
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone())
    };
    let number = |wanted: &str| value(wanted).and_then(|value| value.parse().ok());
    let list = |text: Option<String>| -> Vec<String> {
        let text = text.unwrap_or_default();
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    };
    let named = pairs
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("sobject"));
    let sobjects = named.map(|(_, object)| Sobject {
        name: object.clone(),
        fields: list(value(&format!("{object}.fields"))),
        condition: value(&format!("{object}.where")),
        order: value(&format!("{object}.orderBy")),
        limit: number(&format!("{object}.limit")),
    });
    let parameters = Parameters {
        q: value("q").unwrap_or_default(),
        group: value("in"),
        fields: list(value("fields")),
        sobjects: sobjects.collect(),
        default_limit: number("defaultLimit"),
        overall_limit: number("overallLimit"),
    };
    answer(org, version, parameters.search()?).await
}

impl Parameters {
    fn search(self) -> Result<Search, ApiError> {
        let group = self.group.as_deref().map_or(Some(Group::All), Group::read);
        let group =
            group.ok_or_else(|| Malformed("unexpected value of parameter in".to_owned()))?;
        let common = self.fields.join(", ");
        let returning = self.sobjects.into_iter().map(|object| {
            let condition = object
                .condition
                .map(|condition| format!("WHERE {condition}"));
            let order = object.order.map(|order| format!("ORDER BY {order}"));
            let own = object.fields.join(", ");
            Returning {
                object: object.name,
                fields: if own.is_empty() { common.clone() } else { own },
                clauses: [condition, order]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" "),
                limit: object.limit.or(self.default_limit),
            }
        });
        Ok(Search {
            term: Term::parse(&self.q)?,
            group,
            returning: returning.collect(),
            limit: self.overall_limit,
        })
    }
}

async fn answer(org: Arc<Org>, version: String, search: Search) -> Result<Response, ApiError> {
    // A scan of many tables would hold up the other connections of its thread.
    let found = tokio::task::spawn_blocking(move || found(&org, &version, search));
    found.await.map_err(|_| ApiError::unexpected())?
}

fn found(org: &Org, version: &str, search: Search) -> Result<Response, ApiError> {
    let returning = if search.returning.is_empty() {
        everything(org)
    } else {
        search.returning
    };
    let most = search.limit.unwrap_or(RECORDS_MAX).min(RECORDS_MAX);
    let mut out = String::new();
    let mut count = 0;
    for one in returning {
        let left = most - count;
        let limit = one.limit.unwrap_or(left).min(left);
        count += of_object(
            org,
            version,
            &search.term,
            search.group,
            &one,
            limit,
            &mut out,
        )?;
    }
    // The object around the list came with v37.0.
    let list = format!("[{out}]");
    Ok(json_body(
        &if version_number(version).is_some_and(|version| version < 37) {
            list
        } else {
            format!("{{\"searchRecords\":{list}}}")
        },
    ))
}

/// Every object that a search without RETURNING looks at.
fn everything(org: &Org) -> Vec<Returning> {
    let objects = org.schema.objects.iter();
    let searched = objects.filter(|object| object.can('S') && object.can('Q'));
    searched
        .map(|object| Returning {
            object: object.name.clone(),
            ..Returning::default()
        })
        .collect()
}

/// Appends the records of one object; how many.
fn of_object(
    org: &Org,
    version: &str,
    term: &Term,
    group: Group,
    returning: &Returning,
    limit: usize,
    out: &mut String,
) -> Result<usize, ApiError> {
    let name = &returning.object;
    let fields = match returning.fields.as_str() {
        "" => "Id",
        fields => fields,
    };
    let query = format!("SELECT {fields} FROM {name} {}", returning.clauses);
    let bound = bind(
        &org.schema,
        &query,
        &soql::parse(&query)?,
        org.clock.now_ms(),
        false,
    )?;
    let object = org
        .schema
        .object(bound.object)
        .ok_or_else(ApiError::not_found)?;
    let (Output::Rows(columns), []) = (&bound.output, bound.children.as_slice()) else {
        return Err(Malformed(format!("unexpected fields of {name}")).into());
    };
    let tree = Tree::of(columns);
    let searched = searched(object, group);
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    let mut count = 0;
    for slot in soql::select(view, &bound, false) {
        if count == limit {
            break;
        }
        let row = store
            .slot(bound.object, slot)
            .and_then(|slot| slot.visible(false));
        let Some(row) = row else { continue };
        let texts = searched.iter().filter_map(|number| text(row, *number));
        if !term.finds(texts) {
            continue;
        }
        if !out.is_empty() {
            out.push(',');
        }
        push_record(out, view, bound.object, row, &tree, version);
        count += 1;
    }
    Ok(count)
}

/// The fields that a search looks at.
fn searched(object: &Object, group: Group) -> Vec<usize> {
    let name = |field: &Field| {
        field.is(Trait::Title) || matches!(field.name.as_str(), "Name" | "FirstName" | "LastName")
    };
    let fits = |field: &Field| match group {
        Group::All => {
            let text = field.kind.textual() || matches!(field.kind, Kind::Email | Kind::Phone);
            text || name(field)
        }
        Group::Name => name(field),
        Group::Email => field.kind == Kind::Email,
        Group::Phone => field.kind == Kind::Phone,
    };
    let fields = object.fields.iter().enumerate();
    let fitting = fields.filter(|(_, field)| fits(field));
    fitting.map(|(number, _)| number).collect()
}
