//! What belongs to the chosen records: children that go with them or keep them from going, and theirs. Taken along when asked for;
//! named where it is gone and nobody asked.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::Catalog;
use holdfast_model::schema::ChildRelationship;
use holdfast_model::{ErrorCode, Failure, ObjectName, ObjectSchema, SalesforceId, Stamp};
use holdfast_plan::compare::{self, Difference};
use holdfast_plan::restore::plan::{LeftOut, Request, Selection};
use holdfast_runtime::Deadline;
use holdfast_vault::{Fields, Filter, Vault};

use crate::begin::Candidate;

/// A plan holds their Ids, and every call of the job reads it.
const RECORDS_MAX: usize = 100_000;

/// Records of an object; nothing for all.
type Chosen = Option<BTreeSet<SalesforceId>>;

/// Lookups of an object, with the records to which they must lead.
type Lookups<'n> = Vec<(&'n str, &'n Chosen)>;

/// Where records and what they belong to are found.
pub(crate) struct Family<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Of the org whose backup it is.
    pub(crate) vault: &'a Vault,
    pub(crate) request: &'a Request,
    pub(crate) then: Stamp,
    pub(crate) candidates: &'a BTreeMap<ObjectName, Candidate>,
    /// As they were described then.
    pub(crate) schemas: &'a BTreeMap<ObjectName, ObjectSchema>,
}

impl Family<'_> {
    /// The request, with all that belongs to the records of which the children are asked for, as far as it differs.
    ///
    /// # Errors
    /// `INPUT_INVALID`, when these are too many to be chosen one by one.
    pub(crate) async fn taken_along(&self, deadline: Deadline) -> Result<Request, Failure> {
        let mut request = self.request.clone();
        let Some(objects) = &mut request.objects else {
            return Ok(request);
        };
        let with_children = objects.iter().filter(|(_, selection)| selection.children);
        let mut family: BTreeMap<_, _> = with_children
            .map(|(object, selection)| (object.clone(), selection.ids.clone()))
            .collect();
        let mut new = family.clone();
        while !new.is_empty() {
            let mut next = BTreeMap::new();
            for (child, lookups) in self.lookups_to(&new) {
                let known = match family.get(child) {
                    // All of it is there already.
                    Some(None) => continue,
                    Some(Some(known)) => known.clone(),
                    None => BTreeSet::new(),
                };
                let mut fresh = self.belonging(child, &lookups, deadline).await?;
                if let Some(fresh) = &mut fresh {
                    fresh.retain(|id| !known.contains(id));
                }
                if fresh.as_ref().is_none_or(|fresh| !fresh.is_empty()) {
                    family.insert(child.clone(), both(Some(known), fresh.clone()));
                    next.insert(child.clone(), fresh);
                }
            }
            let records: usize = family.values().flatten().map(BTreeSet::len).sum();
            if records > RECORDS_MAX {
                return Err(too_many());
            }
            new = next;
        }
        for (object, chosen) in family {
            let selection = objects.entry(object).or_insert_with(|| Selection {
                ids: Some(BTreeSet::new()),
                ..Selection::default()
            });
            selection.ids = both(selection.ids.take(), chosen);
        }
        Ok(request)
    }

    /// By child.
    fn lookups_to<'n>(
        &'n self,
        parents: &'n BTreeMap<ObjectName, Chosen>,
    ) -> BTreeMap<&'n ObjectName, Lookups<'n>> {
        let mut lookups = BTreeMap::<_, Lookups>::new();
        for (parent, chosen) in parents {
            let children = self.schemas.get(parent).into_iter();
            for one in children.flat_map(|schema| &schema.children) {
                if let Some(child) = self.belongs(one) {
                    lookups.entry(child).or_default().push((&one.field, chosen));
                }
            }
        }
        lookups
    }

    /// The child of a relationship, if its records differ, can be made by themselves, and belong to the parent.
    fn belongs(&self, one: &ChildRelationship) -> Option<&ObjectName> {
        let mut candidates = self.candidates.keys();
        let child = candidates.find(|name| name.as_str() == one.child)?;
        let mut fields = self.schemas.get(child)?.stored_fields();
        let belongs = (one.cascade_delete || one.restricted_delete)
            && fields.any(|field| field.name == one.field && field.createable);
        belongs.then_some(child)
    }

    /// The records that differ and of which one of these lookups led, or leads, to such a record.
    async fn belonging(
        &self,
        child: &ObjectName,
        lookups: &Lookups<'_>,
        deadline: Deadline,
    ) -> Result<Chosen, Failure> {
        let mut wanted = Vec::new();
        for (lookup, chosen) in lookups {
            let Some(chosen) = chosen else {
                return Ok(None);
            };
            wanted.push((*lookup, chosen));
        }
        let names: Vec<_> = wanted.iter().map(|(lookup, _)| *lookup).collect();
        let leads = |lookup: &str, to: &str| {
            let id = SalesforceId::parse(to.as_bytes());
            let mut wanted = wanted.iter();
            wanted
                .any(|(name, ids)| *name == lookup && id.as_ref().is_ok_and(|id| ids.contains(id)))
        };
        let source = self.request.source();
        let segments = self.catalog.segments(source, child).await?;
        let pages = self.candidates.get(child).map_or(0, |one| one.pages);
        let mut found = BTreeSet::new();
        for page in 0..pages {
            if deadline.is_near() {
                return Err(too_many());
            }
            let name = compare::page_name(&self.request.compare, child, page);
            let page: compare::Page = self.vault.document(&name).await?;
            // Of a record on both sides the compare has what differs only.
            let mut on_both = BTreeSet::new();
            for difference in &page.differences {
                if told(difference).any(|(lookup, to)| leads(lookup, to)) {
                    found.insert(difference.id);
                } else if difference.row.is_empty() {
                    on_both.insert(difference.id);
                }
            }
            if on_both.is_empty() {
                continue;
            }
            let (fields, ids) = (Fields::Named(&names), Filter::Ids(on_both));
            let mut rows = self.vault.scan(&segments, self.then, fields, ids);
            while let Some(row) = rows.next().await? {
                let mut texts = row.fields();
                if texts.any(|(lookup, to)| to.is_some_and(|to| leads(lookup, to))) {
                    found.insert(row.id());
                }
            }
        }
        Ok(Some(found))
    }

    /// Children of what is restored that are gone and not asked for.
    pub(crate) fn left_out(&self, asked_for: &BTreeSet<ObjectName>) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for parent in asked_for {
            let children = self.schemas.get(parent).into_iter();
            for one in children.flat_map(|schema| &schema.children) {
                let Some(object) = self.belongs(one) else {
                    continue;
                };
                let gone = self.candidates.get(object).map_or(0, |one| one.gone);
                if gone > 0 && !asked_for.contains(object) {
                    left_out.push(LeftOut {
                        object: object.clone(),
                        lookup: one.field.clone(),
                        parent: parent.clone(),
                        went_along: one.cascade_delete,
                        gone,
                    });
                }
            }
        }
        left_out
    }
}

/// What a difference tells of the fields of a record, on either side.
fn told(difference: &Difference) -> impl Iterator<Item = (&str, &str)> {
    let row = difference.row.iter();
    let row = row.map(|(field, text)| (field.as_str(), text.as_str()));
    let changes = difference.changes.iter().flat_map(|change| {
        let sides = [&change.left, &change.right].into_iter().flatten();
        sides.map(|text| (change.field.as_str(), text.as_str()))
    });
    row.chain(changes)
}

fn both(one: Chosen, other: Chosen) -> Chosen {
    Some(one?.union(&other?).copied().collect())
}

fn too_many() -> Failure {
    Failure::new(
        ErrorCode::InputInvalid,
        format!(
            "input: `objects` chooses by `children` more records than the {RECORDS_MAX} that can be chosen by `ids`, or more than can be found in \
             one call; name the objects without `ids`"
        ),
    )
}
