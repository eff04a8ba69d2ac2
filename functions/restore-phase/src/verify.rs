//! Read back what was to be.

use holdfast_model::Failure;
use holdfast_plan::restore::run::{Outcome, differing};
use holdfast_salesforce::Client;

use crate::batch::Batch;
use crate::run::Run;

impl Run<'_> {
    /// Reads only.
    pub(crate) async fn verify(
        &self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, Failure> {
        let there = self.there(client, batch).await?;
        let outcomes = batch.parts.iter().map(|part| {
            let Some((_, row)) = there.get(&part.id) else {
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
