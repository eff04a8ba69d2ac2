//! Into the Recycle Bin: what was created since.

use holdfast_model::{Failure, SalesforceId};
use holdfast_plan::restore::run::{Due, Outcome, due};
use holdfast_salesforce::{Client, SaveError, Saved};

use crate::batch::Batch;
use crate::rows::rows;
use crate::run::{Run, refused};

/// How often records are sent again that others of the same batch kept.
const ROUNDS: usize = 10;

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
        let saved = deleted(client, &ids).await?;
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

/// Records of one object may keep each other: those that are kept go once their keepers are gone.
async fn deleted(client: &Client, ids: &[SalesforceId]) -> Result<Vec<Saved>, Failure> {
    let mut saved = client.delete(ids).await?;
    for _ in 0..ROUNDS {
        let places = saved.iter().enumerate();
        let kept = places.filter(|(_, saved)| saved.as_ref().is_err_and(is_kept));
        let kept: Vec<_> = kept.map(|(place, _)| place).collect();
        if kept.is_empty() || kept.len() == ids.len() {
            break;
        }
        let some: Vec<_> = kept
            .iter()
            .filter_map(|place| ids.get(*place))
            .copied()
            .collect();
        let again = client.delete(&some).await?;
        let is_stuck = again.iter().all(|saved| saved.as_ref().is_err_and(is_kept));
        for (place, again) in kept.into_iter().zip(again) {
            if let Some(saved) = saved.get_mut(place) {
                *saved = again;
            }
        }
        if is_stuck {
            break;
        }
    }
    Ok(saved)
}

fn is_kept(error: &SaveError) -> bool {
    error.code == "DELETE_FAILED"
}

fn is_gone(error: &SaveError) -> bool {
    error.code == "ENTITY_IS_DELETED"
}
