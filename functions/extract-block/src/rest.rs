//! By REST `queryAll`: for few rows, and for objects that Bulk does not read.

use holdfast_model::Failure;
use holdfast_salesforce::{Client, Columns, soql};

use crate::extraction::Extraction;

/// What became of reading by REST.
pub(crate) enum Read {
    /// All pages came and are committed.
    Committed,
    /// There are so many rows, or so wide ones, that Bulk is the better way; nothing was taken.
    BulkIsBetter,
}

/// Reads all pages. A block that was interrupted starts again from its first page: the rows are few.
pub(crate) async fn step(
    extraction: &mut Extraction<'_>,
    client: &Client,
) -> Result<Read, Failure> {
    let soql = extraction.soql()?;
    let bulk_is_supported = extraction.bulk_is_supported();
    if bulk_is_supported && !soql::fits_rest(&soql) {
        return Ok(Read::BulkIsBetter);
    }
    let columns = Columns::of(&extraction.schema);
    let mut pages = client.query_all(&soql, &columns);
    while let Some(batch) = pages.next_page().await? {
        let many = pages.total_size() >= Some(u64::from(extraction.settings.bulk_rows_min));
        if bulk_is_supported && many && !extraction.saved().avoids_bulk {
            return Ok(Read::BulkIsBetter);
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
