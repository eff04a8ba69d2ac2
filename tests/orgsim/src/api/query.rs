//! `/query`, `/queryAll` and their pages.
//!
//! Source: REST API Developer Guide, Query, `QueryAll`, Query Options Header.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};

use serde::{Deserialize, Serialize};

use super::{
    error::{ApiError, JSON},
    json::{Tree, push_record},
    required_filter::check_required_filter,
    tooling,
};
use crate::{
    control::fault::Effects,
    id::Mint,
    org::Org,
    save::Caller,
    soql::{self, Output, View, bind, parse},
};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/data/{version}/query", get(query))
        .route("/services/data/{version}/queryAll", get(query_all))
        .route("/services/data/{version}/query/{locator}", get(more))
        .route("/services/data/{version}/queryAll/{locator}", get(more))
}

const PAGE_ROWS_MAX: usize = 2_000;
const PAGE_ROWS_MIN: usize = 200;
/// Two days: LIM, API Query Cursor Limits.
const CURSOR_LIFE_MS: i64 = 172_800_000;
/// Aggregates have no second page.
const GROUPS_MAX: usize = 2_000;

/// Open cursors by locator.
pub(crate) type Cursors = HashMap<String, Arc<Cursor>>;

/// A query's rows as slots: values are read when a page is, so a row that was deleted in between
/// makes its page shorter.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cursor {
    object: usize,
    slots: Vec<usize>,
    tree: Tree,
    all: bool,
    page_rows: usize,
    expires_ms: i64,
}

/// `GET …/query?q=`
pub(crate) async fn query(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path(version): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
    Extension(effects): Extension<Effects>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let options = Options {
        page_rows: page_rows(&headers),
        all: false,
        effects,
    };
    run(org, caller, version, parameters, options).await
}

/// `GET …/queryAll?q=`
pub(crate) async fn query_all(
    State(org): State<Arc<Org>>,
    caller: Caller,
    Path(version): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
    Extension(effects): Extension<Effects>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let options = Options {
        page_rows: page_rows(&headers),
        all: true,
        effects,
    };
    run(org, caller, version, parameters, options).await
}

/// `GET …/query/{locator}`, under either name.
pub(crate) async fn more(
    State(org): State<Arc<Org>>,
    Path((version, locator)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let invalid = || ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, offset) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let offset: usize = offset.parse().map_err(|_| invalid())?;
    let cursor = org.cursors.lock().get(id).cloned().ok_or_else(invalid)?;
    if cursor.expires_ms <= org.clock.now_ms() || offset >= cursor.slots.len() {
        return Err(invalid());
    }
    Ok(page(&org, &version, id, &cursor, offset))
}

/// Ends all locators, as if two days had passed.
pub(crate) fn expire(org: &Org) {
    let spent = Arc::new(Cursor::spent());
    // They stay known, so that later ones get names of their own.
    for cursor in org.cursors.lock().values_mut() {
        *cursor = Arc::clone(&spent);
    }
}

/// `Sforce-Query-Options: batchSize=n`, a hint between 200 and 2,000.
pub(crate) fn page_rows(headers: &HeaderMap) -> usize {
    let options = headers
        .get("sforce-query-options")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let size = options
        .split([',', ';'])
        .find_map(|option| option.trim().strip_prefix("batchSize="));
    let size = size
        .and_then(|size| size.trim().parse().ok())
        .unwrap_or(PAGE_ROWS_MAX);
    size.clamp(PAGE_ROWS_MIN, PAGE_ROWS_MAX)
}

/// How a query is run.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Rows of a page.
    pub page_rows: usize,
    /// Also what is deleted or archived.
    pub all: bool,
    /// What goes wrong.
    pub effects: Effects,
}

async fn run(
    org: Arc<Org>,
    caller: Caller,
    version: String,
    parameters: HashMap<String, String>,
    options: Options,
) -> Result<Response, ApiError> {
    let Some(text) = parameters.get("q").cloned() else {
        return Err(ApiError::bad(
            "MALFORMED_QUERY",
            "SOQL expression is required (parameter q)",
        ));
    };
    // A scan of a large table would hold up the other connections of its thread.
    let answer =
        tokio::task::spawn_blocking(move || answer(&org, &caller, &version, &text, &options));
    answer
        .await
        .map_err(|_| ApiError::bad("UNKNOWN_EXCEPTION", "An unexpected error occurred"))?
}

/// The first page of a query.
pub(crate) fn answer(
    org: &Org,
    caller: &Caller,
    version: &str,
    text: &str,
    options: &Options,
) -> Result<Response, ApiError> {
    let &Options {
        page_rows,
        all,
        ref effects,
    } = options;
    let refuse = |fields, rows| {
        let refused = |(code, text)| ApiError::bad(code, text);
        effects.refuse(fields, rows).map_err(refused)
    };
    let query = parse(text)?;
    if tooling::is_computed(&query.from.path) {
        return tooling::answer(org, caller, version, (text, &query), false);
    }
    let bound = bind(caller.schema(org), text, &query, org.clock.now_ms(), false)?;
    check_required_filter(org, &bound, version)?;
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    match &bound.output {
        Output::Count => {
            let count = soql::count(view, &bound, all);
            refuse(0, count)?;
            Ok(body(&format!(
                "{{\"totalSize\":{count},\"done\":true,\"records\":[]}}"
            )))
        }
        Output::Groups { .. } => {
            let groups = soql::groups(view, &bound, all);
            if groups.len() > GROUPS_MAX {
                return Err(ApiError::bad(
                    "EXCEEDED_ID_LIMIT",
                    "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
                ));
            }
            let mut out = format!(
                "{{\"totalSize\":{},\"done\":true,\"records\":[",
                groups.len()
            );
            push_groups(&mut out, &groups);
            out.push_str("]}");
            Ok(body(&out))
        }
        Output::Rows(columns) => {
            // Two long texts make rows wide, and the page small.
            let wide = columns
                .iter()
                .filter(|column| column.custom_long_text())
                .count()
                >= 2;
            let slots = soql::select(view, &bound, all);
            refuse(columns.len(), slots.len())?;
            let cursor = Cursor {
                object: bound.object,
                tree: Tree::with_children(view, &bound, columns, &slots, all),
                slots,
                all,
                page_rows: if wide { PAGE_ROWS_MIN } else { page_rows },
                expires_ms: org.clock.now_ms() + CURSOR_LIFE_MS,
            };
            drop(store);
            let cursor = Arc::new(cursor);
            let mut cursors = org.cursors.lock();
            let id = String::from_utf8_lossy(&Mint::new(*b"0r8", 1).id(cursors.len())).into_owned();
            // Cursors that have only one page are numbered too, so that Ids stay distinct.
            let keep = if cursor.slots.len() > cursor.page_rows {
                Arc::clone(&cursor)
            } else {
                Arc::new(Cursor::spent())
            };
            cursors.insert(id.clone(), keep);
            drop(cursors);
            Ok(page(org, version, &id, &cursor, 0))
        }
    }
}

/// The records of an aggregate query.
pub(crate) fn push_groups(out: &mut String, groups: &[Vec<(String, String)>]) {
    for (place, group) in groups.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        out.push_str("{\"attributes\":{\"type\":\"AggregateResult\"}");
        for (name, value) in group {
            let _ = write!(out, ",\"{name}\":{value}");
        }
        out.push('}');
    }
}

impl Cursor {
    /// Number of the queried object.
    pub(crate) const fn object(&self) -> usize {
        self.object
    }

    fn spent() -> Self {
        Self {
            object: 0,
            slots: Vec::new(),
            tree: Tree::default(),
            all: false,
            page_rows: 0,
            expires_ms: 0,
        }
    }
}

fn page(org: &Org, version: &str, id: &str, cursor: &Cursor, offset: usize) -> Response {
    let total = cursor.slots.len();
    let end = (offset + cursor.page_rows).min(total);
    let mut out = format!("{{\"totalSize\":{total},\"done\":{},", end == total);
    if end < total {
        let _ = write!(
            out,
            "\"nextRecordsUrl\":\"/services/data/{version}/query/{id}-{end}\","
        );
    }
    out.push_str("\"records\":[");
    let store = org.store.read();
    let view = View {
        schema: &org.schema,
        store: &store,
    };
    let mut first = true;
    for slot in cursor.slots.get(offset..end).unwrap_or_default() {
        let row = store
            .slot(cursor.object, *slot)
            .and_then(|slot| slot.visible(cursor.all));
        let Some(row) = row else { continue };
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        push_record(&mut out, view, cursor.object, row, &cursor.tree, version);
    }
    out.push_str("]}");
    body(&out)
}

fn body(text: &str) -> Response {
    ([(header::CONTENT_TYPE, JSON)], text.to_owned()).into_response()
}
