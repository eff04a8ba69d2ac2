//! Where the list of all Ids comes from: one query by REST, or a bulk job. It can be gone through again.

use std::ops::ControlFlow;

use holdfast_model::{ErrorCode, Failure, SalesforceId, Stamp, Transport};
use holdfast_salesforce::soql::{self, Among};
use holdfast_salesforce::{BulkJobId, Client, Columns, RowBatch, by_parent};

use super::{NO_STAMP, Sweeping};
use crate::bulk::next_wait;
use crate::parents::{self, Place};

/// Rows asked for in one page of a bulk job: an Id and a stamp each.
pub(super) const PAGE_ROWS: u32 = 250_000;

pub(super) enum Listing {
    Rest,
    Bulk(BulkJobId),
}

impl Listing {
    /// Decides, and begins a bulk job where one is needed; seconds to wait while Salesforce is at work on it.
    pub(super) async fn begin(
        sweep: &mut Sweeping<'_>,
        client: &Client,
        waited: u32,
    ) -> Result<Result<Self, u32>, Failure> {
        let many = sweep.item.block().rows_expected >= u64::from(sweep.settings.bulk_rows_min);
        if sweep.schema.transport != Transport::Bulk || !many {
            return Ok(Ok(Self::Rest));
        }
        let Some(job) = sweep.item.progress.bulk_job.clone() else {
            let soql = soql::list(&sweep.schema, Among::default());
            let job = client.bulk_create(&soql).await?;
            sweep.item.progress.bulk_job = Some(job.as_str().to_owned());
            sweep.catalog.save_block(&mut sweep.item).await?;
            return Ok(Err(1));
        };
        let job = BulkJobId::parse(job)?;
        match client.bulk_state(&job).await?.completed()? {
            Some(_) => Ok(Ok(Self::Bulk(job))),
            None => Ok(Err(next_wait(waited))),
        }
    }

    /// Hands on every Id with its stamp, and compares their number with what Salesforce says that it is.
    pub(super) async fn each(
        &self,
        sweep: &Sweeping<'_>,
        client: &Client,
        mut take: impl FnMut(SalesforceId, Stamp),
    ) -> Result<(), Failure> {
        let columns: Columns = [Some("Id".to_owned()), sweep.schema.cursor_field.clone()]
            .into_iter()
            .flatten()
            .collect();
        let mut rows = 0;
        let mut take_all = |batch: &RowBatch| -> Result<(), Failure> {
            rows += batch.len() as u64;
            for row in batch.rows() {
                let id = SalesforceId::parse(row.value(0).unwrap_or_default().as_bytes())?;
                let stamp = match sweep.schema.cursor_field {
                    Some(_) => Stamp::parse(row.value(1).unwrap_or_default())?,
                    None => NO_STAMP,
                };
                take(id, stamp);
            }
            Ok(())
        };
        let job = match self {
            Self::Rest if sweep.schema.transport == Transport::ByParent => {
                return by_parents(sweep, client, &columns, take_all).await;
            }
            Self::Rest => {
                let soql = soql::list(&sweep.schema, Among::default());
                let mut pages = client.query_all(&soql, &columns);
                loop {
                    match pages.next_page().await {
                        Ok(Some(batch)) => take_all(&batch)?,
                        Ok(None) => return Ok(()),
                        Err(failure) if failure.code == ErrorCode::ObjectUnsupported => {
                            return by_parents(sweep, client, &columns, take_all).await;
                        }
                        Err(failure) => return Err(failure),
                    }
                }
            }
            Self::Bulk(job) => job,
        };
        let mut locator = None;
        loop {
            let mut page = client
                .bulk_page(job, locator.as_deref(), PAGE_ROWS, &columns)
                .await?;
            while let Some(batch) = page.next_batch().await? {
                take_all(&batch)?;
            }
            locator = page.finish()?.next_locator;
            if locator.is_none() {
                break;
            }
        }
        client.bulk_state(job).await?.verify_rows(rows)
    }
}

/// The children of all parents, of an object that gives nothing else.
async fn by_parents(
    sweep: &Sweeping<'_>,
    client: &Client,
    columns: &Columns,
    mut take: impl FnMut(&RowBatch) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let way = by_parent(&sweep.schema.name).ok_or_else(|| {
        let message = "no way is known to ask for all records of the object";
        Failure::new(ErrorCode::ObjectUnsupported, message)
    })?;
    let all = parents::each(client, way, Place::default(), async |parents, _| {
        let among = Among {
            parents: Some((way.field, parents)),
            window: None,
        };
        let soql = soql::list(&sweep.schema, among);
        let mut children = client.query_all(&soql, columns);
        while let Some(batch) = children.next_page().await? {
            take(&batch)?;
        }
        Ok(ControlFlow::Continue(()))
    });
    all.await.map(drop)
}
