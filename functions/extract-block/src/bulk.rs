//! By Bulk API 2.0: create the job, let the machine wait, then read page after page.

use holdfast_model::{ErrorClass, Failure};
use holdfast_salesforce::{BulkJobId, Client, Columns};
use tracing::warn;

use crate::Outcome;
use crate::extraction::Extraction;

/// The longest wait between two looks at a job.
const WAIT_SECONDS_MAX: u32 = 30;
/// How often a page is read that comes damaged, before the block is given up for this job.
const PAGE_TRIES: u32 = 3;

/// Creates the job, or looks whether it is done and then reads it.
pub(crate) async fn step(
    extraction: &mut Extraction<'_>,
    client: &Client,
    waited: u32,
) -> Result<(Outcome, u32), Failure> {
    let Some(job) = extraction.saved().bulk_job.clone() else {
        let job = client.bulk_create(&extraction.soql()?).await?;
        extraction.note_calls(client.budget().used());
        extraction.save_bulk_job(&job).await?;
        return Ok((Outcome::Wait, 1));
    };
    let job = BulkJobId::parse(job)?;
    let state = client.bulk_state(&job).await?;
    if state.completed()?.is_none() {
        return Ok((Outcome::Wait, (waited * 2).clamp(1, WAIT_SECONDS_MAX)));
    }
    let columns = Columns::of(&extraction.schema);
    let mut damaged = 0;
    loop {
        match page(extraction, client, &job, &columns).await {
            Ok(Next::End) => break,
            Ok(Next::Page) => damaged = 0,
            Ok(Next::Deadline) => return Ok((Outcome::More, 0)),
            // A locator can be read again; what a proxy cut or garbled comes whole the next time.
            Err(failure)
                if failure.class() == ErrorClass::Integrity && damaged + 1 < PAGE_TRIES =>
            {
                damaged += 1;
                warn!(code = failure.code.name(), damaged, "page is read again");
                extraction.roll_back();
            }
            Err(failure) => return Err(failure),
        }
    }
    state.verify_rows(extraction.rows_received())?;
    extraction.note_calls(client.budget().used());
    extraction.commit().await?;
    Ok((Outcome::Committed, 0))
}

enum Next {
    Page,
    End,
    Deadline,
}

async fn page(
    extraction: &mut Extraction<'_>,
    client: &Client,
    job: &BulkJobId,
    columns: &Columns,
) -> Result<Next, Failure> {
    let rows_max = extraction.settings.bulk_page_rows;
    let mut page = client
        .bulk_page(job, extraction.locator(), rows_max, columns)
        .await?;
    while let Some(batch) = page.next_batch().await? {
        extraction.take(&batch).await?;
    }
    let end = page.finish()?;
    let Some(locator) = end.next_locator else {
        extraction.last_page_done(end.bytes);
        return Ok(Next::End);
    };
    let hurry = extraction.deadline_is_near();
    extraction.note_calls(client.budget().used());
    extraction.page_done(end.bytes, locator, hurry).await?;
    Ok(if hurry { Next::Deadline } else { Next::Page })
}
