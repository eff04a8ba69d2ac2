//! By REST `queryAll`: for few rows, and for objects that Bulk does not read.

use holdfast_model::{ErrorCode, Failure};
use holdfast_salesforce::{Client, Columns, soql};

use crate::adapt::less;
use crate::extraction::Extraction;

/// Rows that are read by REST before any of them is kept.
const ROWS_MAX: u64 = 50_000;

/// What became of reading by REST.
pub(crate) enum Read {
    /// All pages came and are committed.
    Committed,
    /// There are so many rows, or so wide ones, that Bulk is the better way; nothing was taken.
    BulkIsBetter,
    /// There are so many rows that the beginning of the window is read alone; nothing was taken.
    InParts,
}

/// Reads all pages. A block that was interrupted starts again from its first page: the rows are few.
pub(crate) async fn step(
    extraction: &mut Extraction<'_>,
    client: &Client,
) -> Result<Read, Failure> {
    let soql = extraction.soql()?;
    let bulk_is_supported = extraction.bulk_is_supported();
    if !soql::fits_rest(&soql) {
        if bulk_is_supported {
            return Ok(Read::BulkIsBetter);
        }
        let message =
            "query is too long for the address of a REST call, and bulk does not serve it";
        return Err(Failure::new(ErrorCode::QueryTooWide, message));
    }
    let columns = Columns::of(&extraction.schema);
    let mut pages = client.query_all(&soql, &columns);
    while let Some(batch) = pages.next_page().await? {
        let rows = pages.total_size().unwrap_or(0);
        if bulk_is_supported && rows >= u64::from(extraction.settings.bulk_rows_min) {
            return Ok(Read::BulkIsBetter);
        }
        if rows > ROWS_MAX
            && let Some(way) = less(extraction, rows / ROWS_MAX + 1)
        {
            extraction.begin_anew(way).await?;
            return Ok(Read::InParts);
        }
        extraction.take(&batch).await?;
        extraction.last_page_done(batch.bytes() as u64);
    }
    extraction.note_calls(client.budget().used());
    extraction
        .verify_reported(pages.total_size().unwrap_or(0))
        .await?;
    extraction.commit().await?;
    Ok(Read::Committed)
}
