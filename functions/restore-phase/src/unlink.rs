//! Lookups that come back with a record, though they are to stay empty: whoever was taken off the record before the snapshot would be
//! on it again.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{Failure, ObjectName, ObjectSchema, SalesforceId, Stamp};
use holdfast_plan::restore::Step;
use holdfast_plan::restore::plan::{Page, Plan, page_name};
use holdfast_salesforce::{Client, Draft, RECORDS_PER_CALL, Records, SaveError, Scope, Value};
use holdfast_vault::Vault;

use crate::batch::Batch;
use crate::run::Run;
use crate::update::persistently;

const STAMP: &str = "SystemModstamp";
const AUTHOR: &str = "LastModifiedById";
const MARKS: [&str; 2] = [STAMP, AUTHOR];

/// An object that is restored, with lookups to one whose records come back.
#[derive(Debug)]
pub(crate) struct Child {
    name: ObjectName,
    /// Pages of the plan.
    pages: u32,
    /// Who changed a record last, and when; as far as it says so.
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

/// Lookups of records of one object that lead to records that came back.
type Links = BTreeMap<SalesforceId, BTreeMap<String, SalesforceId>>;

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
                    empty(client, child, links, &mut filled).await
                };
                client
                    .for_records_with(&child.name, &fields, (lookup, &ids), Scope::Live, each)
                    .await?;
            }
        }
        Ok(filled)
    }

    /// Links that came with the records and that the plan does not ask for. What somebody else changed since the plan is left alone,
    /// unless it cannot have led to the record before; what we changed was another lookup.
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
            let stamp = row.get(STAMP).and_then(|text| Stamp::parse(text).ok());
            let is_untouched = stamp.is_some_and(|stamp| stamp <= self.plan.seen_at());
            let author = row.get(AUTHOR).map(|id| SalesforceId::parse(id.as_bytes()));
            let is_ours = author.is_some_and(|id| id == Ok(me));
            if is_untouched || is_ours || back.came_now.contains(&to) {
                links.insert(id, [(lookup.to_owned(), to)].into());
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
            for record in page.records {
                if let Some(of_record) = links.get_mut(&record.id) {
                    let step = &record.decision.step;
                    of_record.retain(|field, to| !is_planned(step, field, *to));
                }
            }
        }
        links.retain(|_, of_record| !of_record.is_empty());
        Ok(links)
    }
}

async fn empty(
    client: &Client,
    child: &Child,
    links: Links,
    filled: &mut Filled,
) -> Result<(), Failure> {
    let links: Vec<_> = links.into_iter().collect();
    for links in links.chunks(RECORDS_PER_CALL) {
        let draft = |(id, of_record): &(SalesforceId, BTreeMap<String, _>)| Draft {
            id: Some(*id),
            fields: of_record
                .keys()
                .map(|field| (field.clone(), Value::of("reference", None)))
                .collect(),
        };
        let drafts: Vec<_> = links.iter().map(draft).collect();
        let send = async |drafts: &[Draft]| client.update(&child.name, drafts).await;
        let saved = persistently(&drafts, send).await?;
        for ((_, of_record), saved) in links.iter().zip(saved) {
            let Err(error) = saved else { continue };
            for (field, to) in of_record {
                let name = format!("{}.{field}", child.name);
                let error = SaveError {
                    fields: vec![name],
                    ..error.clone()
                };
                filled.insert(*to, error);
            }
        }
    }
    Ok(())
}

/// Whether a record is to lead there, or goes.
fn is_planned(step: &Step, field: &str, to: SalesforceId) -> bool {
    let leads_there = |text: &String| SalesforceId::parse(text.as_bytes()).ok() == Some(to);
    match step {
        Step::Delete { .. } => true,
        _ => step
            .fields()
            .iter()
            .any(|write| write.field == field && write.to.as_ref().is_some_and(leads_there)),
    }
}
