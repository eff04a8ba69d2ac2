//! The records of an object that differ, an answer's worth at a time.

use holdfast_catalog::ComparisonItem;
use holdfast_model::Failure;
use holdfast_plan::compare::{Difference, Page, Plan, page_name};
use holdfast_runtime::Environment;
use serde::{Deserialize, Serialize};

use crate::Input;
use crate::table::Writer;

/// Bytes of text in one answer; Lambda allows an answer of 6 MB, and JSON escapes take room.
const TEXT_BYTES_MAX: usize = 2 << 20;

/// Where an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// Page of the object, from 0 on.
    page: u32,
    /// Differences of the page that were told.
    told: usize,
}

/// Some records.
#[derive(Debug, Serialize)]
pub struct Records {
    /// By Id. Empty when CSV is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
    /// One table when the answers are put behind each other: only the first has the names of the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    csv: Option<String>,
    /// Where to go on; nothing at the end.
    next: Option<Cursor>,
}

pub(crate) async fn read(
    environment: &Environment,
    plan: &Plan,
    comparison: &ComparisonItem,
    input: &Input,
) -> Result<Records, Failure> {
    let vault = environment.vault(&input.org).await?;
    let mut writer = match input.csv {
        Some(table) => Some(Writer::open(environment, plan, &comparison.object, table).await?),
        None => None,
    };
    if let (None, Some(writer)) = (input.next, &mut writer) {
        writer.names()?;
    }
    let mut at = input.next.unwrap_or_default();
    let mut room = TEXT_BYTES_MAX;
    let mut records = Vec::new();
    while at.page < comparison.progress.pages {
        let page: Page = vault
            .document(&page_name(&input.job, &comparison.object, at.page))
            .await?;
        for difference in page.differences.into_iter().skip(at.told) {
            let is_wanted = input.id.is_none_or(|id| id == difference.id)
                && input
                    .kinds
                    .as_ref()
                    .is_none_or(|kinds| kinds.contains(&difference.kind));
            if is_wanted {
                let bytes = difference.bytes();
                if bytes > room && room < TEXT_BYTES_MAX {
                    return finish(records, writer, Some(at));
                }
                room = room.saturating_sub(bytes);
                match &mut writer {
                    Some(writer) => writer.add(&difference)?,
                    None => records.push(difference),
                }
            }
            at.told += 1;
        }
        at = Cursor {
            page: at.page + 1,
            told: 0,
        };
    }
    finish(records, writer, None)
}

fn finish(
    differences: Vec<Difference>,
    writer: Option<Writer>,
    next: Option<Cursor>,
) -> Result<Records, Failure> {
    Ok(Records {
        differences,
        csv: writer.map(Writer::finish).transpose()?,
        next,
    })
}
