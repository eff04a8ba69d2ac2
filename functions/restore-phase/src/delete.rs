//! Into the Recycle Bin: what was created since.

use holdfast_model::Failure;
use holdfast_plan::restore::run::{Due, Outcome, due};
use holdfast_salesforce::{Client, SaveError};

use crate::batch::Batch;
use crate::rows::rows;
use crate::run::{Run, refused};

impl Run<'_> {
    /// A record that somebody changed since the plan stays, unless the run overwrites. One that is gone went with its parent.
    pub(crate) async fn delete(
        &self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, Failure> {
        let ids = batch.parts.iter().map(|part| part.id);
        let there = rows(client, batch, ids, &batch.fields()).await?;
        let (mut ids, mut places) = (Vec::new(), Vec::new());
        let mut outcomes = vec![Outcome::Done; batch.parts.len()];
        for (place, (part, outcome)) in batch.parts.iter().zip(&mut outcomes).enumerate() {
            let Some(row) = there.get(&part.id) else {
                continue;
            };
            let writes = part.writes.iter().cloned();
            if let Due::Conflict(field) = due(writes, row, &batch.object.types, self.overwrites()) {
                *outcome = Outcome::Conflict { field };
            } else {
                ids.push(part.id);
                places.push(place);
            }
        }
        if ids.is_empty() {
            return Ok(outcomes);
        }
        let saved = client.delete(&ids).await?;
        for (place, saved) in places.into_iter().zip(saved) {
            if let (Err(error), Some(outcome)) = (saved, outcomes.get_mut(place))
                && !is_gone(&error)
            {
                *outcome = refused(error);
            }
        }
        Ok(outcomes)
    }
}

fn is_gone(error: &SaveError) -> bool {
    error.code == "ENTITY_IS_DELETED"
}
