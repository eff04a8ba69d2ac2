//! Reads the history of a record: all stored versions, what each changed, and what differs between any two.

mod children;
mod history;

use holdfast_model::{ErrorCode, Failure, ObjectName, OrgName, SalesforceId, Stamp};
use holdfast_plan::Change;
use holdfast_runtime::{Deadline, Environment};
use holdfast_vault::Version;
use serde::{Deserialize, Serialize};

use crate::children::Children;
use crate::history::{History, Told};

/// Bytes of field text in one answer; Lambda allows an answer of 6 MB, and JSON escapes take room.
const TEXT_BYTES_MAX: usize = 2 << 20;
/// Later than any stamp.
const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);

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
    /// What differs between two versions instead of all versions: their numbers, 0 is the newest.
    #[serde(default)]
    between: Option<(usize, usize)>,
    /// With what people call the records that each version points to, as of then.
    #[serde(default)]
    names: bool,
    /// Records that pointed to it at a time, instead of its versions: relationships as child and field, `Contact.AccountId`.
    #[serde(default)]
    children: Vec<String>,
    /// The same of its files.
    #[serde(default)]
    files: bool,
    /// That time; as the newest backup has them, unless given.
    #[serde(default)]
    at: Option<Stamp>,
}

/// The versions, newest first.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    object: ObjectName,
    id: SalesforceId,
    /// All versions that are stored.
    versions_stored: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Told>,
    /// Between the two versions that were asked for, from the first to the second. Fields that are alike are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
    /// By relationship.
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<Vec<Children>>,
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
        between,
        names,
        children,
        files,
        at,
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
    let mut history = History::open(environment, &org, &object).await?;
    let mut output = Output {
        org: org.clone(),
        object,
        id,
        versions_stored: stored.len(),
        versions: Vec::new(),
        changes: None,
        children: None,
        next_skip: None,
    };
    if let Some((one, other)) = between {
        output.changes = Some(changes_between(&history, &stored, one, other)?);
        return Ok(output);
    }
    if files || !children.is_empty() {
        let mut told = Vec::new();
        for relationship in history.relationships(&children, files)? {
            let at = at.unwrap_or(END_OF_TIME);
            told.push(history.children_of(id, relationship, at).await?);
        }
        output.children = Some(told);
        return Ok(output);
    }
    let mut room = TEXT_BYTES_MAX;
    for (number, version) in stored.iter().enumerate().skip(skip) {
        // Changes repeat text of this version and of the one before it.
        let older = stored.get(number + 1);
        let bytes = 2 * text_bytes(version) + older.map_or(0, text_bytes);
        if bytes > room && !output.versions.is_empty() {
            break;
        }
        room = room.saturating_sub(bytes);
        let told = history.tell(version.clone(), older, names).await?;
        output.versions.push(told);
    }
    let end = skip + output.versions.len();
    output.next_skip = (end < stored.len()).then_some(end);
    Ok(output)
}

fn changes_between(
    history: &History<'_>,
    stored: &[Version],
    one: usize,
    other: usize,
) -> Result<Vec<Change>, Failure> {
    match (stored.get(one), stored.get(other)) {
        (Some(one), Some(other)) => Ok(history.changes(one, other)),
        _ => Err(Failure::new(
            ErrorCode::InputInvalid,
            format!(
                "input: `between` names a version that is not stored, there are `{}`",
                stored.len()
            ),
        )),
    }
}

fn text_bytes(version: &Version) -> usize {
    let texts = version
        .fields
        .iter()
        .map(|(name, text)| name.len() + text.as_ref().map_or(0, String::len));
    texts.sum()
}
