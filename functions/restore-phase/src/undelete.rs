//! Out of the Recycle Bin.

use std::collections::BTreeSet;

use holdfast_model::Failure;
use holdfast_plan::restore::run::Outcome;
use holdfast_salesforce::Client;

use crate::batch::Batch;
use crate::rows::rows;
use crate::run::{Run, refused};
use crate::unlink::Back;

impl Run<'_> {
    /// A record that is there already came back with its parent, or by somebody else's hand.
    pub(crate) async fn undelete(
        &mut self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, Failure> {
        let ids: Vec<_> = batch.parts.iter().map(|part| part.id).collect();
        let saved = client.undelete(&ids).await?;
        let not_saved = ids.iter().zip(&saved);
        let not_saved = not_saved.filter_map(|(id, saved)| saved.is_err().then_some(*id));
        let there = rows(client, batch, not_saved, &BTreeSet::new()).await?;
        let came_now = ids.iter().zip(&saved).filter(|(_, saved)| saved.is_ok());
        let back = Back {
            came_now: came_now.map(|(id, _)| *id).collect(),
            came_before: there.keys().copied().collect(),
        };
        let mut filled = self.unlink(client, batch, &back).await?;
        let outcomes = ids.iter().zip(saved).map(|(id, saved)| match saved {
            Err(error) if !there.contains_key(id) => refused(error),
            _ => filled.remove(id).map_or(Outcome::Done, refused),
        });
        Ok(outcomes.collect())
    }
}
