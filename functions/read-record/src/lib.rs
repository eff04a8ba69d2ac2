//! Reads all stored versions of one record.

use holdfast_model::{ErrorCode, Failure, ObjectName, OrgName, SalesforceId};
use holdfast_runtime::{Deadline, Environment};
use holdfast_vault::Version;
use serde::{Deserialize, Serialize};

/// Bytes of field text in one answer; Lambda allows an answer of 6 MB, and JSON escapes take room.
const TEXT_BYTES_MAX: usize = 2 << 20;

/// Which record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    org: OrgName,
    object: ObjectName,
    /// 15 or 18 characters.
    id: String,
    /// Versions to leave out, from the newest on: what the answer before this one ended with.
    #[serde(default)]
    skip: usize,
}

/// The versions, newest first.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    object: ObjectName,
    id: SalesforceId,
    /// All versions that are stored.
    versions_stored: usize,
    versions: Vec<Version>,
    /// Where to go on when the answer could not hold all of them.
    next_skip: Option<usize>,
}

/// `RECORD_UNKNOWN` when no committed segment holds the record.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        org,
        object,
        id,
        skip,
    } = input;
    let id = SalesforceId::parse(id.as_bytes()).map_err(|_| {
        Failure::new(
            ErrorCode::InputInvalid,
            "input: `id` is not a record id of 15 or 18 characters",
        )
    })?;
    let catalog = environment.catalog();
    catalog.org(&org).await?;
    let segments = catalog.segments(&org, &object).await?;
    let stored = environment
        .vault(&org)
        .await?
        .versions(&segments, id)
        .await?;
    if stored.is_empty() {
        return Err(Failure::new(
            ErrorCode::RecordUnknown,
            format!("no version of the record is stored: `{object}`, `{id}`"),
        ));
    }
    let versions_stored = stored.len();
    let mut room = TEXT_BYTES_MAX;
    let mut versions = Vec::new();
    for version in stored.into_iter().skip(skip) {
        let bytes = text_bytes(&version);
        if bytes > room && !versions.is_empty() {
            break;
        }
        room = room.saturating_sub(bytes);
        versions.push(version);
    }
    let end = skip + versions.len();
    let next_skip = (end < versions_stored).then_some(end);
    Ok(Output {
        org,
        object,
        id,
        versions_stored,
        versions,
        next_skip,
    })
}

fn text_bytes(version: &Version) -> usize {
    let texts = version
        .fields
        .iter()
        .map(|(name, text)| name.len() + text.as_ref().map_or(0, String::len));
    texts.sum()
}
