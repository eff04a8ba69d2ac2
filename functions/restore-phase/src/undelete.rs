//! Out of the Recycle Bin.

use std::collections::BTreeSet;

use holdfast_model::{Failure, SalesforceId};
use holdfast_plan::restore::run::Outcome;
use holdfast_salesforce::Client;

use crate::batch::Batch;
use crate::rows::rows;
use crate::run::{Run, refused, server_time};
use crate::unlink::Back;

impl Run<'_> {
    /// A record that is there already came back with its parent, or by somebody else's hand.
    pub(crate) async fn undelete(
        &mut self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, Failure> {
        let ids: Vec<_> = batch.parts.iter().map(|part| part.id).collect();
        let is_again = self.sent_at().is_some();
        if !is_again && !self.children(batch).await?.is_empty() {
            self.note_sent(server_time(client)?).await?;
        }
        let saved = client.undelete(&ids).await?;
        let not_saved = ids.iter().zip(&saved);
        let not_saved = not_saved.filter_map(|(id, saved)| saved.is_err().then_some(*id));
        let there = rows(client, batch, not_saved, &BTreeSet::new()).await?;
        let came_now = ids.iter().zip(&saved).filter(|(_, saved)| saved.is_ok());
        let mut back = Back {
            by_us: came_now.map(|(id, _)| *id).collect(),
            before: BTreeSet::new(),
        };
        let others = if is_again {
            &mut back.by_us
        } else {
            &mut back.before
        };
        others.extend(there.keys());
        let mut filled = self.unlink(client, batch, &back).await?;
        let outcomes = ids.iter().zip(saved).map(|(id, saved)| match saved {
            Err(error) if !there.contains_key(id) => refused(error),
            _ => filled.remove(id).map_or(Outcome::Done, refused),
        });
        Ok(outcomes.collect())
    }

    /// Ends what a run has begun with records that it called back.
    pub(crate) async fn settle_undelete(
        &mut self,
        client: &Client,
        batch: &Batch,
    ) -> Result<(), Failure> {
        let ids = batch.parts.iter().map(|part| part.id);
        let there = rows(client, batch, ids, &BTreeSet::<&str>::new()).await?;
        let back = Back {
            by_us: there.into_keys().collect::<BTreeSet<SalesforceId>>(),
            before: BTreeSet::new(),
        };
        // A lookup that cannot be emptied is met again by whoever calls the record back again.
        self.unlink(client, batch, &back).await.map(drop)
    }
}
