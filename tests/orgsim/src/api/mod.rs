//! The HTTP interfaces of the org, with Salesforce's paths, keys, codes and texts.

mod blob;
pub(crate) mod bulk;
mod caller;
mod classic;
pub(crate) mod collections;
mod composite;
pub(crate) mod csv;
pub(crate) mod describe;
pub(crate) mod dispatch;
pub(crate) mod error;
pub(crate) mod gate;
pub(crate) mod ingest;
pub(crate) mod job;
pub(crate) mod json;
mod layout;
pub(crate) mod limits;
mod metadata;
pub(crate) mod multipart;
pub(crate) mod oauth;
pub(crate) mod partner;
pub(crate) mod query;
pub(crate) mod recent;
mod related;
pub(crate) mod replication;
mod required_filter;
pub(crate) mod restriction;
pub(crate) mod rows;
mod search;
pub(crate) mod session;
mod tooling;
pub(crate) mod upload;
pub(crate) mod write;

use std::sync::Arc;

use axum::Router;

use crate::org::Org;

/// Versions that answer; older ones answer 410.
pub(crate) const VERSIONS: std::ops::RangeInclusive<u32> = 31..=67;

/// Reads `v60.0`.
pub(crate) fn version_number(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()
}

/// Every path that Salesforce has.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .merge(oauth::routes())
        .merge(describe::routes())
        .merge(layout::routes())
        .merge(limits::routes())
        .merge(recent::routes())
        .merge(search::routes())
        .merge(replication::routes())
        .merge(rows::routes())
        .merge(write::routes())
        .merge(collections::routes())
        .merge(composite::routes())
        .merge(query::routes())
        .merge(blob::routes())
        .merge(bulk::routes())
        .merge(ingest::routes())
        .merge(classic::routes())
        .merge(partner::routes())
        .merge(tooling::routes())
        .merge(metadata::routes())
        .fallback(oauth::unknown)
        .method_not_allowed_fallback(oauth::wrong_method)
}
