//! Read back what was to be.

use holdfast_model::Failure;
use holdfast_plan::restore::run::{Outcome, differing};
use holdfast_salesforce::Client;

use crate::batch::Batch;
use crate::rows::rows;
use crate::run::Run;

impl Run<'_> {
    /// Reads only.
    pub(crate) async fn verify(
        &self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, Failure> {
        let ids = self.ids(batch).await?;
        let now = ids.values().copied();
        let rows = rows(client, batch, now, &batch.fields()).await?;
        let outcomes = batch.parts.iter().map(|part| {
            let Some(row) = ids.get(&part.id).and_then(|id| rows.get(id)) else {
                return Outcome::Missing;
            };
            match differing(&part.writes, row, &batch.object.types) {
                fields if fields.is_empty() => Outcome::Done,
                fields => Outcome::Differs { fields },
            }
        });
        Ok(outcomes.collect())
    }
}
