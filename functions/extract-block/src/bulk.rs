//! By Bulk API 2.0: create the job, let the machine wait, then read page after page.

use holdfast_catalog::Way;
use holdfast_model::{ErrorClass, ErrorCode, Failure, Stamp};
use holdfast_runtime::Protection;
use holdfast_salesforce::{BulkJobId, Client, Columns, Scope, soql};
use tracing::warn;

use crate::Step;
use crate::adapt::less;
use crate::extraction::Extraction;

/// The longest wait between two looks at a job.
const WAIT_SECONDS_MAX: u32 = 30;
/// A job waits in line for minutes; after so long, and the time for its rows, it is given up.
const PATIENCE_SECONDS: u32 = 3_600;
/// Salesforce reads thousands of rows a second; slower than this, a job is stuck.
const ROWS_PER_SECOND_MIN: u64 = 500;
/// How often a page is read that comes damaged, before the block is given up for this job.
const PAGE_TRIES: u32 = 3;

/// Creates the job, or looks whether it is done and then reads it.
pub(crate) async fn step(
    extraction: &mut Extraction<'_>,
    client: &Client,
    waited: u32,
) -> Result<Step, Failure> {
    let Some(job) = extraction.saved().bulk_job.clone() else {
        let job = match client.bulk_create(&extraction.soql()?).await {
            // The list of objects that Bulk does not serve is never whole.
            Err(failure) if failure.code == ErrorCode::ObjectUnsupported => {
                return by_rest(extraction).await;
            }
            job => job?,
        };
        extraction.note_calls(client.budget().used());
        extraction.save_bulk_job(&job, client.server_time()).await?;
        return Ok(Step::Wait(1));
    };
    let job = BulkJobId::parse(job)?;
    let state = client.bulk_state(&job).await?;
    if state.completed()?.is_none() {
        if !is_stuck(extraction, client.server_time()) {
            return Ok(Step::Wait(next_wait(waited)));
        }
        warn!(job = job.as_str(), "job does not end");
        client.bulk_abort(&job).await?;
        return by_rest(extraction).await;
    }
    let rows = state.completed()?.unwrap_or(0);
    if rows > extraction.rows_at_once()
        && extraction.locator().is_none()
        && let Some(way) = less(extraction, rows / extraction.rows_at_once() + 1)
    {
        warn!(rows, "block has more rows than are kept at once");
        client.bulk_delete(&job).await?;
        extraction.begin_anew(way).await?;
        return Ok(Step::More);
    }
    let columns = Columns::of(&extraction.schema);
    let mut damaged = 0;
    loop {
        match page(extraction, client, &job, &columns).await {
            Ok(Next::End) => break,
            Ok(Next::Page) => damaged = 0,
            Ok(Next::Deadline) => return Ok(Step::More),
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
    verify(extraction, client, state.completed()?).await?;
    extraction.note_calls(client.budget().used());
    extraction.commit().await?;
    Ok(Step::Done)
}

/// The block begins anew by REST, however many rows it has.
async fn by_rest(extraction: &mut Extraction<'_>) -> Result<Step, Failure> {
    let way = Way {
        avoids_bulk: true,
        ..extraction.way().clone()
    };
    extraction.begin_anew(way).await?;
    Ok(Step::More)
}

/// Whether the job takes much longer than jobs do.
fn is_stuck(extraction: &Extraction<'_>, now: Option<Stamp>) -> bool {
    let work = extraction.rows_expected() / ROWS_PER_SECOND_MIN;
    let patience = PATIENCE_SECONDS.saturating_add(u32::try_from(work).unwrap_or(u32::MAX));
    let since = extraction.saved().bulk_since;
    since
        .zip(now)
        .is_some_and(|(since, now)| since.plus_seconds(patience) < now)
}

/// Seconds until the next look at a job: twice as long as before.
pub(crate) fn next_wait(waited: u32) -> u32 {
    waited.saturating_mul(2).clamp(1, WAIT_SECONDS_MAX)
}

/// A job has been known to count only what it kept: another interface is asked how many rows there are. More may have
/// become visible since the job ran; reading them once more is right then, too.
async fn verify(
    extraction: &mut Extraction<'_>,
    client: &Client,
    reported: Option<u64>,
) -> Result<(), Failure> {
    if !Protection::Count.is_on() {
        return Ok(());
    }
    extraction.verify_reported(reported.unwrap_or(0)).await?;
    let soql = soql::count(&extraction.schema, extraction.among());
    match client.count(&soql, Scope::All).await {
        Ok(counted) => extraction.verify_counted(counted),
        // Very large objects cannot be counted in two minutes; the job's own count stands.
        Err(failure)
            if matches!(
                failure.code,
                ErrorCode::QueryRefused | ErrorCode::QueryTooLarge
            ) =>
        {
            warn!(code = failure.code.name(), "rows cannot be counted");
            Ok(())
        }
        Err(failure) => Err(failure),
    }
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
    let hurry = extraction.deadline_is_near() || client.budget().is_low();
    extraction.note_calls(client.budget().used());
    extraction.page_done(end.bytes, locator, hurry).await?;
    Ok(if hurry { Next::Deadline } else { Next::Page })
}
