//! Lookups that come back with a record, though they are to stay empty.
//!
//! Salesforce empties lookups to a record that goes, and fills them again when it comes back, unless they were filled with another one
//! meanwhile (SOAP guide, `undelete()`). Whoever was taken off the record before the snapshot would be on it again.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{Failure, ObjectName, ObjectSchema, SalesforceId, Stamp};
use holdfast_plan::restore::Step;
use holdfast_plan::restore::plan::{Page, Plan, page_name};
use holdfast_salesforce::{Client, Draft, RECORDS_PER_CALL, Records, Scope, Value};
use holdfast_vault::Vault;

use crate::batch::Batch;
use crate::run::Run;
use crate::update::persistently;

const STAMP: &str = "SystemModstamp";

/// An object that is restored, with lookups to one whose records come back.
#[derive(Debug)]
pub(crate) struct Child {
    name: ObjectName,
    /// Pages of the plan.
    pages: u32,
    has_stamp: bool,
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

/// Of records that came back, lookups to them that cannot be emptied.
type Filled = BTreeMap<SalesforceId, BTreeSet<String>>;

impl Child {
    pub(crate) async fn all(
        vault: &Vault,
        plan: &Plan,
        parent: &ObjectSchema,
    ) -> Result<Vec<Self>, Failure> {
        let mut lookups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        // A record that goes with its parent, or keeps it, never lost it.
        let emptied = parent.children.iter();
        let emptied = emptied.filter(|child| !child.cascade_delete && !child.restricted_delete);
        for child in emptied {
            let fields = lookups.entry(&child.child).or_default();
            fields.insert(&child.field);
        }
        let mut children = Vec::new();
        for (object, schema) in &plan.whole {
            let Some(fields) = lookups.get(object.as_str()) else {
                continue;
            };
            let mut planned = plan.objects.iter();
            let planned = planned.find(|one| one.turn.object == *object);
            let schema = vault.schema(object, schema).await?;
            let fields = schema.stored_fields().filter(|field| {
                fields.contains(field.name.as_str())
                    && field.updateable
                    && field.nillable
                    && is_chosen(plan, object, &field.name)
            });
            children.push(Self {
                pages: planned.map_or(0, |one| one.pages),
                has_stamp: schema.stored_fields().any(|field| field.name == STAMP),
                lookups: fields.map(|field| field.name.clone()).collect(),
                name: object.clone(),
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
        let run = &*self;
        for child in children.iter() {
            for lookup in &child.lookups {
                let mut fields = vec![lookup.as_str()];
                fields.extend(child.has_stamp.then_some(STAMP));
                let each = async |found| {
                    let links = run.unplanned(child, lookup, found, back).await?;
                    empty(client, child, links, &mut filled).await
                };
                client
                    .for_records_with(&child.name, &fields, (lookup, &ids), Scope::Live, each)
                    .await?;
            }
        }
        Ok(filled)
    }

    /// Links that came with the records and that the plan does not ask for. What somebody changed since the plan is left alone,
    /// unless it cannot have led to the record before.
    async fn unplanned(
        &self,
        child: &Child,
        lookup: &str,
        found: Records,
        back: &Back,
    ) -> Result<Links, Failure> {
        let mut links = Links::new();
        for (id, row) in found {
            let Some(to) = row.get(lookup) else { continue };
            let to = SalesforceId::parse(to.as_bytes())?;
            let stamp = row.get(STAMP).and_then(|text| Stamp::parse(text).ok());
            let is_untouched = stamp.is_some_and(|stamp| stamp <= self.plan.planned_at);
            if is_untouched || back.came_now.contains(&to) {
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
        let refused = links.iter().zip(saved).filter(|(_, saved)| saved.is_err());
        for (field, to) in refused.flat_map(|((_, of_record), _)| of_record) {
            let name = format!("{}.{field}", child.name);
            filled.entry(*to).or_default().insert(name);
        }
    }
    Ok(())
}

/// Whether a field was compared, and is restored.
fn is_chosen(plan: &Plan, object: &ObjectName, field: &str) -> bool {
    let selection = plan.request.objects.as_ref();
    let selection = selection.and_then(|objects| objects.get(object));
    let fields = selection.and_then(|selection| selection.fields.as_ref());
    let mut ignored = plan.ignored.iter();
    !ignored.any(|ignored| ignored.eq_ignore_ascii_case(field))
        && fields.is_none_or(|fields| fields.contains(field))
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
