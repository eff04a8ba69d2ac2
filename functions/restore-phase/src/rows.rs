//! Records as they are, and under which Ids they are there.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::MadeAs;
use holdfast_model::{Failure, SalesforceId};
use holdfast_plan::restore::Row;
use holdfast_salesforce::{Client, Columns, IDS_PER_CALL, RowBatch, Scope, soql};

use crate::batch::{Batch, Is};
use crate::run::Run;

/// Ids of a query: the address of a call has room for some hundreds.
const IDS_PER_QUERY: usize = 200;

/// The values of records as users see them, by Id. Of those that are not there, nothing.
pub(crate) async fn rows(
    client: &Client,
    batch: &Batch,
    ids: impl IntoIterator<Item = SalesforceId>,
    fields: &BTreeSet<&str>,
) -> Result<BTreeMap<SalesforceId, Row>, Failure> {
    let names = ["Id"].iter().chain(fields);
    let columns: Columns = names.map(|name| (*name).to_owned()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let mut found = Vec::new();
    for ids in ids.chunks(IDS_PER_CALL) {
        found.push(client.retrieve(&batch.object.name, ids, &columns).await?);
    }
    let mut rows = read(&found, fields)?;
    if batch.object.has_archive() {
        let left: Vec<_> = ids
            .into_iter()
            .filter(|id| !rows.contains_key(id))
            .collect();
        rows.extend(read(
            &archived(client, batch, &left, &columns).await?,
            fields,
        )?);
    }
    Ok(rows)
}

/// Records that are archived: they are there, though users' queries do not show them.
async fn archived(
    client: &Client,
    batch: &Batch,
    ids: &[SalesforceId],
    columns: &Columns,
) -> Result<Vec<RowBatch>, Failure> {
    let soql = |ids: &[SalesforceId]| soql::live_among(&batch.object.name, columns.names(), ids);
    let mut at_once = IDS_PER_QUERY.min(ids.len());
    while at_once > 1 && !soql::fits_rest(&soql(ids.get(..at_once).unwrap_or_default())) {
        at_once /= 2;
    }
    let mut found = Vec::new();
    for ids in ids.chunks(at_once.max(1)) {
        let mut pages = client.query(&soql(ids), columns, Scope::All);
        while let Some(page) = pages.next_page().await? {
            found.push(page);
        }
    }
    Ok(found)
}

/// The values of rows that begin with their Id.
fn read(
    found: &[RowBatch],
    fields: &BTreeSet<&str>,
) -> Result<BTreeMap<SalesforceId, Row>, Failure> {
    let mut rows = BTreeMap::new();
    for row in found.iter().flat_map(RowBatch::rows) {
        let id = SalesforceId::parse(row.value(0).unwrap_or_default().as_bytes())?;
        let values = (1..).zip(fields).filter_map(|(column, field)| {
            Some(((*field).to_owned(), row.value(column)?.to_owned()))
        });
        rows.insert(id, values.collect());
    }
    Ok(rows)
}

impl Run<'_> {
    /// The Ids under which the records of a batch are there now. One that was to be made and was not has none.
    pub(crate) async fn ids(
        &self,
        batch: &Batch,
    ) -> Result<BTreeMap<SalesforceId, SalesforceId>, Failure> {
        let of = |is| {
            let parts = batch.parts.iter().filter(move |part| part.is == is);
            parts.map(|part| part.id)
        };
        let there = of(Is::There).chain(of(Is::Back));
        let mut ids: BTreeMap<_, _> = there.map(|id| (id, id)).collect();
        for (is, made_as) in [(Is::Remade, MadeAs::Itself), (Is::Copy, MadeAs::Copy)] {
            ids.extend(self.made(made_as, of(is)).await?);
        }
        Ok(ids)
    }

    /// The records of a batch as they are there now, by their Ids of then: the Id, and the values that are written.
    pub(crate) async fn there(
        &self,
        client: &Client,
        batch: &Batch,
    ) -> Result<BTreeMap<SalesforceId, (SalesforceId, Row)>, Failure> {
        let ids = self.ids(batch).await?;
        let now = ids.values().copied();
        let mut rows = rows(client, batch, now, &batch.fields()).await?;
        let there = ids
            .into_iter()
            .filter_map(|(id, now)| Some((id, (now, rows.remove(&now)?))));
        Ok(there.collect())
    }

    /// Lookups point to the records that took the place of others.
    pub(crate) async fn translate(&self, batch: &mut Batch) -> Result<(), Failure> {
        let mut lookups = Vec::new();
        for write in batch.parts.iter_mut().flat_map(|part| &mut part.writes) {
            if let Some(to) = &mut write.to
                && batch.object.is_lookup(&write.field)
                && let Ok(id) = SalesforceId::parse(to.as_bytes())
            {
                lookups.push((id, to));
            }
        }
        let ids = lookups.iter().map(|(id, _)| *id);
        let made = self.made(MadeAs::Itself, ids).await?;
        for (id, to) in lookups {
            if let Some(made) = made.get(&id) {
                *to = made.to_string();
            }
        }
        Ok(())
    }
}
