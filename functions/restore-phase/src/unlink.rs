//! Lookups that come back with a record, though they are to stay empty: whoever was taken off the record before the snapshot would be
//! on it again.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::MadeAs;
use holdfast_model::{Failure, ObjectName, ObjectSchema, SalesforceId, Stamp};
use holdfast_plan::restore::plan::{Page, Plan, page_name};
use holdfast_plan::restore::{Mode, Step};
use holdfast_salesforce::{Client, Draft, RECORDS_PER_CALL, Records, SaveError, Scope, Value};
use holdfast_vault::Vault;

use crate::batch::Batch;
use crate::run::Run;
use crate::update::persistently;

const STAMP: &str = "SystemModstamp";
const AUTHOR: &str = "LastModifiedById";
const CREATED: &str = "CreatedDate";
const MARKS: [&str; 3] = [STAMP, AUTHOR, CREATED];

/// An object that is restored, with lookups to one whose records come back.
#[derive(Debug)]
pub(crate) struct Child {
    name: ObjectName,
    /// Pages of the plan.
    pages: u32,
    /// Who changed a record last, when, and since when it is there; as far as it says so.
    marks: Vec<&'static str>,
    lookups: Vec<String>,
}

/// Records of a batch that are there again.
pub(crate) struct Back {
    /// By the call just made.
    pub(crate) came_now: BTreeSet<SalesforceId>,
    /// Before that: by a call whose answer was lost, with a parent, or by somebody else's hand.
    pub(crate) came_before: BTreeSet<SalesforceId>,
}

impl Back {
    fn has(&self, id: SalesforceId) -> bool {
        self.came_now.contains(&id) || self.came_before.contains(&id)
    }
}

/// Records of which one lookup leads to a record that came back.
type Links = BTreeMap<SalesforceId, SalesforceId>;

/// Why lookups cannot be emptied, by the record that came back.
type Filled = BTreeMap<SalesforceId, SaveError>;

impl Child {
    pub(crate) async fn all(
        vault: &Vault,
        plan: &Plan,
        parent: &ObjectSchema,
    ) -> Result<Vec<Self>, Failure> {
        let mut children = Vec::new();
        for (object, schema) in &plan.whole {
            if !parent
                .children
                .iter()
                .any(|one| one.child == object.as_str())
            {
                continue;
            }
            let mut planned = plan.objects.iter();
            let planned = planned.find(|one| one.turn.object == *object);
            let schema = vault.schema(object, schema).await?;
            let lookups = plan.refilled(parent, &schema).into_iter();
            children.push(Self {
                name: object.clone(),
                pages: planned.map_or(0, |one| one.pages),
                marks: MARKS
                    .into_iter()
                    .filter(|mark| schema.stored_fields().any(|field| field.name == *mark))
                    .collect(),
                lookups: lookups.map(str::to_owned).collect(),
            });
        }
        children.retain(|child| !child.lookups.is_empty());
        Ok(children)
    }
}

impl Run<'_> {
    /// Empties what the plan does not fill, so that everything but the record is as it was when the plan was made.
    pub(crate) async fn unlink(
        &mut self,
        client: &Client,
        batch: &Batch,
        back: &Back,
    ) -> Result<Filled, Failure> {
        let ids = back.came_now.union(&back.came_before);
        let ids: Vec<_> = ids.map(SalesforceId::as_str).collect();
        let mut filled = Filled::new();
        let children = self.children(batch).await?;
        if children.is_empty() {
            return Ok(filled);
        }
        let me = self.me(client).await?;
        let run = &*self;
        for child in children.iter() {
            for lookup in &child.lookups {
                let mut fields = vec![lookup.as_str()];
                fields.extend(&child.marks);
                let each = async |found| {
                    let links = run.unplanned(child, lookup, found, (back, me)).await?;
                    empty(client, (child, lookup), links, &mut filled).await
                };
                client
                    .for_records_with(&child.name, &fields, (lookup, &ids), Scope::Live, each)
                    .await?;
            }
        }
        Ok(filled)
    }

    /// Links that came with the records and that the plan does not ask for. What is new since the plan is left alone, as is what
    /// somebody else changed since, unless it cannot have led to the record before; what we changed was another lookup.
    async fn unplanned(
        &self,
        child: &Child,
        lookup: &str,
        found: Records,
        (back, me): (&Back, SalesforceId),
    ) -> Result<Links, Failure> {
        let mut links = Links::new();
        for (id, row) in found {
            let Some(to) = row.get(lookup) else { continue };
            let to = SalesforceId::parse(to.as_bytes())?;
            let is_before = |mark| {
                let stamp = row.get(mark).map(|text| Stamp::parse(text));
                stamp.map(|stamp| stamp.is_ok_and(|stamp| stamp <= self.plan.seen_at()))
            };
            let author = row.get(AUTHOR).map(|id| SalesforceId::parse(id.as_bytes()));
            // A copy is made with the values of then, audit fields among them, and nobody knows those of other runs.
            let is_ours =
                author.is_some_and(|id| id == Ok(me)) && self.plan.request.mode != Mode::Duplicate;
            let is_as_it_was = is_before(STAMP) == Some(true) || is_ours;
            if is_before(CREATED) != Some(false) && (is_as_it_was || back.came_now.contains(&to)) {
                links.insert(id, to);
            }
        }
        let selection = self.plan.request.objects.as_ref();
        let selection = selection.and_then(|objects| objects.get(&child.name));
        if let Some(ids) = selection.and_then(|selection| selection.ids.as_ref()) {
            links.retain(|id, _| ids.contains(id));
        }
        for page in 0..child.pages {
            if links.is_empty() {
                break;
            }
            let name = page_name(&self.request.plan, &child.name, page);
            let Some(page) = self.vault.find_document::<Page>(&name).await? else {
                continue;
            };
            let mut remade = Vec::new();
            for record in page.records {
                let step = &record.decision.step;
                let planned = leads_to(step, lookup);
                let is_remade = matches!(step, Step::Insert { .. });
                if is_remade && planned.is_some_and(|to| back.has(to)) {
                    remade.push(record.id);
                }
                let goes = matches!(step, Step::Delete { .. });
                if goes || planned.is_some() && links.get(&record.id) == planned.as_ref() {
                    links.remove(&record.id);
                }
            }
            // By a run before.
            for new_id in self.made(MadeAs::Itself, remade).await?.values() {
                links.remove(new_id);
            }
        }
        Ok(links)
    }
}

async fn empty(
    client: &Client,
    (child, lookup): (&Child, &str),
    links: Links,
    filled: &mut Filled,
) -> Result<(), Failure> {
    let links: Vec<_> = links.into_iter().collect();
    for links in links.chunks(RECORDS_PER_CALL) {
        let draft = |(id, _): &(SalesforceId, SalesforceId)| Draft {
            id: Some(*id),
            fields: vec![(lookup.to_owned(), Value::of("reference", None))],
        };
        let drafts: Vec<_> = links.iter().map(draft).collect();
        let send = async |drafts: &[Draft]| client.update(&child.name, drafts).await;
        let saved = persistently(&drafts, send).await?;
        for ((_, to), saved) in links.iter().zip(saved) {
            if let Err(error) = saved {
                let fields = vec![format!("{}.{lookup}", child.name)];
                filled.insert(*to, SaveError { fields, ..error });
            }
        }
    }
    Ok(())
}

/// Where a lookup of a record is to lead.
fn leads_to(step: &Step, lookup: &str) -> Option<SalesforceId> {
    let mut writes = step.fields().iter();
    let write = writes.find(|write| write.field == lookup)?;
    SalesforceId::parse(write.to.as_ref()?.as_bytes()).ok()
}
