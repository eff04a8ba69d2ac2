//! `/composite/graph`: groups of dependent calls, each of them all or nothing.
//!
//! Source: REST API Developer Guide, Composite Graph, Composite Graph Limits.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Caller, Outcome, Part, check_names, responses, taken, transaction};
use crate::{
    api::{
        dispatch::Dispatch,
        error::{ApiError, json_body},
        version_number,
        write::parser_error,
    },
    org::Org,
};

const GRAPHS_MAX: usize = 75;
/// Over all graphs.
const NODES_MAX: usize = 500;
const DEPTH_MAX: usize = 15;
/// Kinds of nodes in one graph, by object and version.
const KINDS_MAX: usize = 15;

#[derive(Deserialize)]
struct Graphs {
    graphs: Vec<Graph>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graph {
    graph_id: String,
    composite_request: Vec<Part>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    graph_id: String,
    graph_response: Box<RawValue>,
    is_successful: bool,
}

/// `POST …/composite/graph`
pub(super) async fn graph(
    State(org): State<Arc<Org>>,
    Extension(dispatch): Extension<Dispatch>,
    Path(version): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    if version_number(&version).is_some_and(|version| version < 50) {
        return Err(ApiError::not_found());
    }
    let (extensions, body) = taken(request).await?;
    let request: Graphs = serde_json::from_slice(&body).map_err(|error| parser_error(&error))?;
    check(&version, &request.graphs)?;
    let caller = Caller {
        dispatch,
        extensions,
    };
    // On its own, so that it ends as it must even when the client goes away.
    let work = tokio::spawn(async move {
        let mut done = Vec::with_capacity(request.graphs.len());
        for graph in request.graphs {
            let _turn = org.turnstile.write().await;
            org.settle();
            let (outcomes, stays) = transaction(&org, &caller, &graph.composite_request).await;
            done.push(Done::of(graph.graph_id, &outcomes, stays));
        }
        done
    });
    let done = work.await.map_err(|_| ApiError::unexpected())?;
    let list = serde_json::to_string(&done).unwrap_or_default();
    Ok(json_body(&format!("{{\"graphs\":{list}}}")))
}

impl Done {
    fn of(graph_id: String, outcomes: &[Outcome], is_successful: bool) -> Self {
        let response = RawValue::from_string(responses(outcomes));
        Self {
            graph_id,
            graph_response: response.unwrap_or_else(|_| RawValue::NULL.to_owned()),
            is_successful,
        }
    }
}

fn check(version: &str, graphs: &[Graph]) -> Result<(), ApiError> {
    let limit = |what: &str, most: usize| {
        let message = format!("The request can’t contain more than {most} {what}.");
        Err(ApiError::bad("LIMIT_EXCEEDED", message))
    };
    if graphs.len() > GRAPHS_MAX {
        return limit("graphs", GRAPHS_MAX);
    }
    let nodes = graphs.iter().map(|graph| graph.composite_request.len());
    if nodes.sum::<usize>() > NODES_MAX {
        return limit("operations", NODES_MAX);
    }
    for graph in graphs {
        let parts = &graph.composite_request;
        check_names(version, parts)?;
        let mut kinds: Vec<(&str, &str)> = Vec::new();
        for part in parts {
            kinds.push(kind(part).ok_or_else(|| unsupported(part))?);
        }
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() > KINDS_MAX {
            return limit("different nodes in a graph", KINDS_MAX);
        }
        if depth(parts) > DEPTH_MAX {
            return limit("levels of nodes in a graph", DEPTH_MAX);
        }
    }
    Ok(())
}

/// Version and object of a node; nothing for calls that a graph does not take.
fn kind(part: &Part) -> Option<(&str, &str)> {
    let path = part.url.split('?').next()?.trim_end_matches('/');
    let mut steps = path.strip_prefix("/services/data/")?.split('/');
    let (version, root, object) = (steps.next()?, steps.next()?, steps.next()?);
    let allowed = match steps.count() {
        0 => part.method == "POST",
        1 => matches!(part.method.as_str(), "DELETE" | "GET" | "PATCH"),
        2 => matches!(part.method.as_str(), "DELETE" | "GET" | "PATCH" | "POST"),
        _ => false,
    };
    (root == "sobjects" && allowed).then_some((version, object))
}

fn unsupported(part: &Part) -> ApiError {
    let message = format!(
        "{} {} is not supported in a composite graph.",
        part.method, part.url
    );
    ApiError::bad("INVALID_INPUT", message)
}

/// The longest chain of references. A node only reaches those before it.
fn depth(parts: &[Part]) -> usize {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for part in parts {
        let body = part.body.as_ref().map_or("", |body| body.get());
        let references = [part.url.as_str(), body].into_iter().flat_map(|text| {
            text.split("@{").skip(1).map(|after| {
                let end = after.find(['.', '[', '}']).unwrap_or(after.len());
                after.split_at(end).0
            })
        });
        let above = references.filter_map(|id| depths.get(id)).max();
        let own = above.copied().unwrap_or(0) + 1;
        depths.insert(&part.reference_id, own);
    }
    depths.into_values().max().unwrap_or(0)
}
