//! Records that are made: anew, or as copies.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::MadeAs;
use holdfast_model::{ErrorCode, Failure, SalesforceId, Stamp, Window};
use holdfast_plan::restore::run::{Outcome, recover};
use holdfast_salesforce::soql::{self, Among};
use holdfast_salesforce::{Client, Columns, Draft, Scope};

use crate::batch::{Batch, Is, Part, Place};
use crate::rows::rows;
use crate::run::{Run, refused};
use crate::update::persistently;

/// By so much the clocks of Salesforce's servers may differ.
const CLOCKS_SECONDS: u32 = 5;
/// Records that somebody made of an object while one request was under way; more are not looked through.
const STRANGERS_MAX: usize = 50_000;

/// When a record was made.
const CREATED: &str = "CreatedDate";

/// New Ids by those of then.
type Made = BTreeMap<SalesforceId, SalesforceId>;

/// What became of a batch.
pub(crate) enum Inserted {
    /// This of each record.
    Done(Vec<Outcome>),
    /// Nothing yet: Salesforce may still be at work on it for so many seconds.
    Wait(u32),
}

/// What is known of records that may have been made.
pub(crate) enum Settled {
    /// Nothing yet, for so many seconds.
    Wait(u32),
    /// These were.
    Made(Made),
    /// These were; of the others nobody can tell.
    Unknown(Made),
}

impl Run<'_> {
    /// What was made before is not made again, whoever made it.
    pub(crate) async fn insert(
        &mut self,
        client: &Client,
        batch: &Batch,
    ) -> Result<Inserted, Failure> {
        let (mut made, lost) = match self.settle(client, batch).await? {
            Settled::Wait(seconds) => return Ok(Inserted::Wait(seconds)),
            Settled::Made(made) => (made, false),
            Settled::Unknown(made) => (made, true),
        };
        let left: Vec<&Part> = batch
            .parts
            .iter()
            .filter(|part| !made.contains_key(&part.id))
            .collect();
        let mut outcomes: BTreeMap<_, _> = BTreeMap::new();
        if lost {
            outcomes.extend(left.iter().map(|part| (part.id, answer_lost())));
        } else if !left.is_empty() {
            self.note_sent(server_time(client)?).await?;
            let drafts: Vec<_> = left
                .iter()
                .map(|part| batch.object.draft(None, &part.writes))
                .collect();
            let object = &batch.object.name;
            let send = async |drafts: &[Draft]| client.insert(object, drafts).await;
            let saved = persistently(&drafts, send).await?;
            let mut new = Made::new();
            for (part, saved) in left.iter().zip(saved) {
                match saved {
                    Ok(id) => drop(new.insert(part.id, id)),
                    Err(error) => drop(outcomes.insert(part.id, refused(error))),
                }
            }
            self.note_made(batch, &new).await?;
            made.extend(new);
        }
        let outcome = |part: &Part| match made.get(&part.id) {
            Some(id) if *id == part.id => Outcome::Done,
            Some(id) => Outcome::Made { new_id: *id },
            None => outcomes.remove(&part.id).unwrap_or(Outcome::Missing),
        };
        Ok(Inserted::Done(batch.parts.iter().map(outcome).collect()))
    }

    /// The records of a batch that are there. What may have been made by a request whose answer was lost is looked for, when
    /// Salesforce has surely ended it.
    pub(crate) async fn settle(&self, client: &Client, batch: &Batch) -> Result<Settled, Failure> {
        let mut made = self.made_and_there(client, batch).await?;
        let Some(sent_at) = self.sent_at().filter(|_| made.len() < batch.parts.len()) else {
            return Ok(Settled::Made(made));
        };
        let over = sent_at.plus_seconds(self.settle_seconds());
        let now = server_time(client)?;
        if now < over {
            let seconds = (over.millis() - now.millis()).div_euclid(1_000) + 1;
            return Ok(Settled::Wait(u32::try_from(seconds).unwrap_or(u32::MAX)));
        }
        let Some(found) = self.found(client, batch, &made, sent_at).await? else {
            return Ok(Settled::Unknown(made));
        };
        self.note_made(batch, &found).await?;
        made.extend(found);
        Ok(Settled::Made(made))
    }

    /// The records of a batch that were made before and are still there, and those that came back with their parents.
    async fn made_and_there(&self, client: &Client, batch: &Batch) -> Result<Made, Failure> {
        let mut made = self.ids(batch).await?;
        let ids = made.values().copied();
        let there = rows(client, batch, ids, &BTreeSet::new()).await?;
        made.retain(|_, id| there.contains_key(id));
        let back = batch.parts.iter().filter(|part| part.may_return);
        let back = back.filter(|part| !made.contains_key(&part.id));
        let back = rows(client, batch, back.map(|part| part.id), &BTreeSet::new()).await?;
        let back: Made = back.into_keys().map(|id| (id, id)).collect();
        self.note_made(batch, &back).await?;
        made.extend(back);
        Ok(made)
    }

    async fn note_made(&self, batch: &Batch, made: &Made) -> Result<(), Failure> {
        for (is, made_as) in [(Is::Remade, MadeAs::Itself), (Is::Copy, MadeAs::Copy)] {
            let parts = batch.parts.iter().filter(|part| part.is == is);
            let of = parts.filter_map(|part| Some((part.id, *made.get(&part.id)?)));
            self.put_made(made_as, &of.collect()).await?;
        }
        Ok(())
    }

    /// The records of a batch among those that came since it was sent. Nothing where records are not told apart by time.
    async fn found(
        &self,
        client: &Client,
        batch: &Batch,
        made: &Made,
        sent_at: Stamp,
    ) -> Result<Option<Made>, Failure> {
        let since = sent_at.minus_seconds(CLOCKS_SECONDS);
        let Some(stamped) = came_since(client, batch, since).await? else {
            return Ok(None);
        };
        let mut known = self.made_before(batch, since).await?;
        known.extend(made.values().copied());
        let strangers = stamped.difference(&known).copied();
        let rows = rows(client, batch, strangers, &batch.fields()).await?;
        let rows: Vec<_> = rows.into_iter().collect();
        let parts = batch.parts.iter();
        let parts: Vec<_> = parts.filter(|part| !made.contains_key(&part.id)).collect();
        let writes: Vec<_> = parts.iter().map(|part| part.writes.as_slice()).collect();
        let recovered = recover(&writes, &rows, &batch.object.types);
        let found = parts.iter().zip(recovered);
        Ok(Some(
            found
                .filter_map(|(part, id)| Some((part.id, id?)))
                .collect(),
        ))
    }

    /// Records that the batches before this one made since then.
    async fn made_before(
        &self,
        Batch { place, object, .. }: &Batch,
        since: Stamp,
    ) -> Result<BTreeSet<SalesforceId>, Failure> {
        let mut known = BTreeSet::new();
        let mut numbers = 0..place.number;
        for page in (0..=place.page).rev() {
            if page < place.page {
                numbers = 0..self.batches(object, Place { page, ..*place }).await?.len();
            }
            for number in numbers.clone().rev() {
                let at = Place {
                    page,
                    number,
                    ..*place
                };
                let Some(receipts) = self.receipts(object, at).await? else {
                    continue;
                };
                let made = receipts
                    .records
                    .iter()
                    .filter_map(|receipt| match receipt.outcome {
                        Outcome::Made { new_id } => Some(new_id),
                        _ => None,
                    });
                known.extend(made);
                if receipts.sent_at.is_some_and(|sent_at| sent_at < since) {
                    return Ok(known);
                }
            }
        }
        Ok(known)
    }
}

/// The records of the object that came since then. Where the restore sets the time of creation itself, these are all that changed
/// since.
async fn came_since(
    client: &Client,
    batch: &Batch,
    since: Stamp,
) -> Result<Option<BTreeSet<SalesforceId>>, Failure> {
    let schema = &batch.object.schema;
    if schema.cursor_field.is_none() {
        return Ok(None);
    }
    let window = Window {
        from: Some(since),
        until: server_time(client)?.plus_seconds(86_400),
    };
    let is_known = schema.stored_fields().any(|field| field.name == CREATED);
    let created = (is_known && !batch.fields().contains(CREATED)).then_some(CREATED);
    let fields: Vec<_> = std::iter::once("Id").chain(created).collect();
    let columns: Columns = fields.iter().map(|name| (*name).to_owned()).collect();
    let soql = soql::select_some(schema, &fields, Among::from(window))?;
    let mut pages = client.query(&soql, &columns, Scope::All);
    let mut ids = BTreeSet::new();
    while let Some(page) = pages.next_page().await? {
        for row in page.rows() {
            let created = row.value(1).map(Stamp::parse).transpose()?;
            if created.is_none_or(|created| created >= since) {
                let id = row.value(0).unwrap_or_default();
                ids.insert(SalesforceId::parse(id.as_bytes())?);
            }
        }
        if ids.len() > STRANGERS_MAX {
            let message = format!(
                "more than `{STRANGERS_MAX}` records came since a request whose answer was lost"
            );
            return Err(Failure::new(ErrorCode::QueryTooLarge, message));
        }
    }
    Ok(Some(ids))
}

/// Salesforce's clock; a run asks for it before anything else.
fn server_time(client: &Client) -> Result<Stamp, Failure> {
    client.server_time().ok_or_else(|| {
        Failure::new(
            ErrorCode::Internal,
            "an answer came without Salesforce's clock",
        )
    })
}

fn answer_lost() -> Outcome {
    Outcome::Refused {
        code: "ANSWER_LOST".to_owned(),
        message: "it may have been made, and records of this object have no time to find it by"
            .to_owned(),
        fields: Vec::new(),
    }
}
