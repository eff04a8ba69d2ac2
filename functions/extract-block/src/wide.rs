//! By REST, in several queries that share the fields: for objects of which one query cannot compute all.
//!
//! The answers are joined by Id and stamp, and only used when they are of the same versions.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{ErrorCode, Failure, SalesforceId};
use holdfast_runtime::Protection;
use holdfast_salesforce::{Client, Columns, Scope, soql};
use tracing::warn;

use crate::Step;
use crate::adapt::less;
use crate::extraction::Extraction;

/// Rows that are joined at a time; they are held whole.
const ROWS_MAX: u64 = 10_000;
/// How often the answers are asked for that are not of the same versions.
const TRIES: u32 = 5;

/// Joined rows: the text of each stored field.
type Rows = BTreeMap<SalesforceId, Vec<Option<Box<str>>>>;

/// Reads a window of few rows; a larger one is left to the next part.
pub(crate) async fn step(
    extraction: &mut Extraction<'_>,
    client: &Client,
) -> Result<Step, Failure> {
    let counted = client
        .count(
            &soql::count(&extraction.schema, extraction.among()),
            Scope::All,
        )
        .await?;
    if counted > ROWS_MAX {
        return cut(extraction, counted / ROWS_MAX + 1).await;
    }
    let mut tries = 1;
    let rows = loop {
        match read(extraction, client).await? {
            Read::Same(rows) => break rows,
            Read::TooMuch => return cut(extraction, 4).await,
            Read::Different if tries < TRIES => {
                warn!(tries, "the halves of rows do not agree");
                tries += 1;
            }
            Read::Different => {
                let message =
                    "queries for parts of the fields keep answering with different versions";
                return Err(Failure::new(ErrorCode::CountMismatch, message));
            }
        }
    };
    let reported = rows.len() as u64;
    for values in rows.values() {
        extraction.take_row(|column| values.get(column)?.as_deref())?;
    }
    extraction.note_calls(client.budget().used());
    extraction.verify_reported(reported).await?;
    if Protection::Count.is_on() {
        extraction.verify_counted(counted)?;
    }
    extraction.commit().await?;
    Ok(Step::Done)
}

async fn cut(extraction: &mut Extraction<'_>, pieces: u64) -> Result<Step, Failure> {
    let way = less(extraction, pieces).ok_or_else(|| {
        Failure::new(
            ErrorCode::QueryTooLarge,
            format!(
                "rows of `{}` are so wide that their fields are read apart, and too many to be joined at once",
                extraction.schema.name
            ),
        )
    })?;
    extraction.begin_anew(way).await?;
    Ok(Step::More)
}

enum Read {
    /// All queries answered with the same versions.
    Same(Rows),
    /// A row changed, came or went between two queries.
    Different,
    /// More bytes than may be held.
    TooMuch,
}

async fn read(extraction: &mut Extraction<'_>, client: &Client) -> Result<Read, Failure> {
    let names: Vec<String> = extraction
        .schema
        .stored_fields()
        .map(|field| field.name.clone())
        .collect();
    let position = |name: &str| names.iter().position(|other| other == name);
    let keys: Vec<usize> = [Some("Id"), extraction.schema.cursor_field.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(position)
        .collect();
    let others: Vec<usize> = (0..names.len()).filter(|at| !keys.contains(at)).collect();
    let queries = extraction.way().field_queries.max(1) as usize;
    let mut rows = Rows::new();
    let mut bytes = 0;
    for (query, some) in others
        .chunks(others.len().div_ceil(queries).max(1))
        .enumerate()
    {
        let columns: Vec<usize> = keys.iter().chain(some).copied().collect();
        let fields: Vec<&str> = columns
            .iter()
            .filter_map(|at| names.get(*at))
            .map(String::as_str)
            .collect();
        let soql = soql::select_some(&extraction.schema, &fields, extraction.among())?;
        let selected: Columns = fields.iter().map(|name| (*name).to_owned()).collect();
        let mut pages = client.query_all(&soql, &selected);
        let mut met = BTreeSet::new();
        while let Some(batch) = pages.next_page().await? {
            extraction.last_page_done(batch.bytes() as u64);
            bytes += batch.bytes() + batch.len() * 16 * columns.len();
            if bytes > 2 * extraction.segment_bytes() {
                return Ok(Read::TooMuch);
            }
            for row in batch.rows() {
                let id = SalesforceId::parse(row.value(0).unwrap_or_default().as_bytes())?;
                if query == 0 {
                    rows.entry(id).or_insert_with(|| vec![None; names.len()]);
                }
                let Some(values) = rows.get_mut(&id).filter(|_| met.insert(id)) else {
                    return Ok(Read::Different);
                };
                for (column, at) in columns.iter().enumerate() {
                    let Some(value) = values.get_mut(*at) else {
                        continue;
                    };
                    let text = row.value(column);
                    if query > 0 && keys.contains(at) && value.as_deref() != text {
                        return Ok(Read::Different);
                    }
                    *value = text.map(Box::from);
                }
            }
        }
        if met.len() != rows.len() {
            return Ok(Read::Different);
        }
    }
    Ok(Read::Same(rows))
}
