//! Records as they are, and under which Ids they are there.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::MadeAs;
use holdfast_model::{Failure, SalesforceId};
use holdfast_plan::restore::Row;
use holdfast_salesforce::{Client, Records};

use crate::batch::{Batch, Is};
use crate::run::Run;

/// The values of records as users see them, by Id. Of those that are not there, nothing.
pub(crate) async fn rows(
    client: &Client,
    batch: &Batch,
    ids: impl IntoIterator<Item = SalesforceId>,
    fields: &BTreeSet<&str>,
) -> Result<Records, Failure> {
    let ids: Vec<_> = ids.into_iter().collect();
    let fields: Vec<_> = fields.iter().copied().collect();
    let object = &batch.object.name;
    if batch.object.has_archive() {
        client.records_and_archived(object, &fields, &ids).await
    } else {
        client.records(object, &fields, &ids).await
    }
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
