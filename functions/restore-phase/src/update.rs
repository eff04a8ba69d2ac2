//! Values of records that are there, lookups that had to wait among them.

use std::time::Duration;

use holdfast_model::{Failure, Phase};
use holdfast_plan::restore::run::{Due, Outcome, due, is_passing};
use holdfast_salesforce::{Client, Draft, SaveError, Saved};

use crate::batch::{Batch, Is};
use crate::run::{Run, refused};

/// How often a record is sent that others hold.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Only what is not yet as it is to be is written.
    pub(crate) async fn update(
        &self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, Failure> {
        let there = self.there(client, batch).await?;
        let (mut drafts, mut places) = (Vec::new(), Vec::new());
        let mut outcomes = vec![Outcome::Done; batch.parts.len()];
        for (place, (part, outcome)) in batch.parts.iter().zip(&mut outcomes).enumerate() {
            let Some((id, row)) = there.get(&part.id) else {
                *outcome = Outcome::Missing;
                continue;
            };
            // Nobody had a reason to change a record that was not there.
            let overwrite = self.overwrites() || part.is != Is::There;
            let mut writes = part.writes.clone();
            if batch.place.phase == Phase::Update {
                writes = batch.object.waiting.emptied(writes, row);
            }
            match due(writes, row, &batch.object.types, overwrite) {
                Due::Nothing => *outcome = Outcome::Same,
                Due::Conflict(field) => *outcome = Outcome::Conflict { field },
                Due::Write(writes) => {
                    drafts.push(batch.object.draft(Some(*id), &writes));
                    places.push(place);
                }
            }
        }
        let object = &batch.object.name;
        let send = async |drafts: &[Draft]| client.update(object, drafts).await;
        for (place, saved) in places.into_iter().zip(persistently(&drafts, send).await?) {
            if let (Err(error), Some(outcome)) = (saved, outcomes.get_mut(place)) {
                *outcome = refused(error);
            }
        }
        Ok(outcomes)
    }
}

/// Saves records, those again that others hold at the moment.
pub(crate) async fn persistently(
    drafts: &[Draft],
    mut send: impl AsyncFnMut(&[Draft]) -> Result<Vec<Saved>, Failure>,
) -> Result<Vec<Saved>, Failure> {
    let mut all: Vec<Saved> = Vec::new();
    let mut places: Vec<usize> = (0..drafts.len()).collect();
    for attempt in 0..ATTEMPTS {
        let some: Vec<_> = places
            .iter()
            .filter_map(|place| drafts.get(*place))
            .cloned()
            .collect();
        if some.is_empty() {
            break;
        }
        if attempt > 0 {
            tokio::time::sleep(PAUSE * attempt).await;
        }
        let saved = send(&some).await?;
        if attempt == 0 {
            all = saved;
        } else {
            for (place, saved) in places.iter().zip(saved) {
                if let Some(slot) = all.get_mut(*place) {
                    *slot = saved;
                }
            }
        }
        let passing =
            |saved: &Saved| matches!(saved, Err(SaveError { code, .. }) if is_passing(code));
        places.retain(|place| all.get(*place).is_some_and(passing));
    }
    Ok(all)
}
