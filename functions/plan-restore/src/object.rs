//! The records of one object: from a page of the compare to a page of the plan.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{Failure, JobId, ObjectSchema, SalesforceId, SegmentEntry, Stamp};
use holdfast_plan::compare::{self, Deleted, Difference};
use holdfast_plan::diff::ChangeKind;
use holdfast_plan::restore::counterpart::Counterparts;
use holdfast_plan::restore::plan::{Counts, Page, Plan, PlannedObject, PlannedRecord, page_name};
use holdfast_plan::restore::{Mode, Now, RestoredFields, Row, Step};
use holdfast_runtime::Environment;
use holdfast_vault::{Fields, Filter, Vault};

use crate::begin::chosen;

/// Later than any stamp.
pub(crate) const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);

/// An object at work.
pub(crate) struct Records<'a> {
    vault: Vault,
    /// Of the org whose backup it is, which may be the same.
    of_source: Vault,
    plan: &'a Plan,
    counterparts: &'a Counterparts,
    then: ObjectSchema,
    object: &'a PlannedObject,
    job: &'a JobId,
    fields: RestoredFields,
    /// Names of all stored fields.
    names: Vec<String>,
    segments: Vec<SegmentEntry>,
    segments_of_source: Vec<SegmentEntry>,
}

impl<'a> Records<'a> {
    /// Reads only.
    pub(crate) async fn open(
        environment: &Environment,
        plan: &'a Plan,
        counterparts: &'a Counterparts,
        object: &'a PlannedObject,
        job: &'a JobId,
    ) -> Result<Self, Failure> {
        let (org, source, name) = (
            &plan.request.org,
            plan.request.source(),
            &object.turn.object,
        );
        let (vault, of_source) = (
            environment.vault(org).await?,
            environment.vault(source).await?,
        );
        let catalog = environment.catalog();
        let then = of_source.schema(name, &object.schema_then).await?;
        let now = vault.schema(name, &object.schema_now).await?;
        let digits = plan.planned_at.soql();
        let objects = plan.objects.iter().map(|one| one.turn.object.clone());
        let suffix: String = digits.chars().filter(char::is_ascii_digit).collect();
        Ok(Self {
            fields: RestoredFields::of(&then, &now, chosen(&plan.request, name), &suffix)
                .among(objects.collect()),
            names: then
                .stored_fields()
                .map(|field| field.name.clone())
                .collect(),
            segments: catalog.segments(org, name).await?,
            segments_of_source: catalog.segments(source, name).await?,
            vault,
            of_source,
            plan,
            counterparts,
            then,
            object,
            job,
        })
    }

    /// Decides about the records of a page, stores what is decided, and counts it. What is left alone is not stored.
    pub(crate) async fn plan_page(
        &mut self,
        number: u32,
        counts: &mut Counts,
    ) -> Result<(), Failure> {
        let Plan { request, .. } = self.plan;
        let object = &self.object.turn.object;
        let name = compare::page_name(&request.compare, object, number);
        let page: compare::Page = self.of_source.document(&name).await?;
        let selection = request.objects.as_ref();
        let ids = selection.and_then(|objects| objects.get(object)?.ids.as_ref());
        let mut differences = page.differences;
        differences.retain(|one| ids.is_none_or(|ids| ids.contains(&one.id)));
        let bin = self.in_recycle_bin(&differences).await?;
        let whole = self.to_copy(&differences).await?;
        let mut records = Vec::new();
        for difference in differences {
            let (id, kind) = (difference.id, difference.kind);
            let (mut then, now) = states(difference, &bin);
            let mode = match (request.mode, kind) {
                // Of what nobody changed there is nothing to copy.
                (Mode::Duplicate, ChangeKind::Recalculated | ChangeKind::Touched) => Mode::Bypass,
                (mode, _) => mode,
            };
            if let Some(row) = whole.get(&id) {
                then = Some(row.clone());
            }
            let nobody = then.as_mut().map_or_else(Vec::new, |then| {
                let now = match &now {
                    Now::Live(row) | Now::InRecycleBin(row) => Some(row),
                    Now::Gone => None,
                };
                self.counterparts.translate(&self.then, then, now)
            });
            let mut decision = self.fields.decide(then.as_ref(), &now, mode);
            if !matches!(decision.step, Step::Delete { .. } | Step::Skip { .. }) {
                decision.unwritable.extend(nobody);
            }
            counts.note(&decision);
            let leaves_alone = matches!(decision.step, Step::Skip { .. });
            if !leaves_alone || !decision.unwritable.is_empty() {
                records.push(PlannedRecord { id, decision });
            }
        }
        if !records.is_empty() {
            let name = page_name(self.job, object, number);
            self.vault.put_document(&name, &Page { records }).await?;
        }
        Ok(())
    }

    /// The values with which records lie in the Recycle Bin, as far as they were captured there.
    async fn in_recycle_bin(
        &self,
        differences: &[Difference],
    ) -> Result<BTreeMap<SalesforceId, Row>, Failure> {
        let lie_there = differences.iter().filter(|one| {
            one.kind == ChangeKind::OnlyLeft && one.other_side == Some(Deleted::InRecycleBin)
        });
        let ids = lie_there.map(|one| one.id).collect();
        let now = self.plan.now.unwrap_or(END_OF_TIME);
        self.rows(&self.vault, &self.segments, ids, now).await
    }

    /// All values of records that get a copy: a compare has only those that differ.
    async fn to_copy(
        &self,
        differences: &[Difference],
    ) -> Result<BTreeMap<SalesforceId, Row>, Failure> {
        let makes_copies = self.plan.request.mode == Mode::Duplicate;
        let changed = differences
            .iter()
            .filter(|one| makes_copies && one.kind == ChangeKind::Changed);
        let ids = changed.map(|one| one.id).collect();
        let (vault, segments) = (&self.of_source, &self.segments_of_source);
        self.rows(vault, segments, ids, self.plan.then).await
    }

    async fn rows(
        &self,
        vault: &Vault,
        segments: &[SegmentEntry],
        ids: BTreeSet<SalesforceId>,
        as_of: Stamp,
    ) -> Result<BTreeMap<SalesforceId, Row>, Failure> {
        let mut rows = BTreeMap::new();
        if ids.is_empty() {
            return Ok(rows);
        }
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        let fields = Fields::Named(&names);
        let mut scan = vault.scan(segments, as_of, fields, Filter::Ids(ids));
        while let Some(row) = scan.next().await? {
            let texts = row.fields();
            let texts = texts.filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
            rows.insert(row.id(), texts.collect());
        }
        Ok(rows)
    }
}

/// How a record was and how it is, as far as it differs.
fn states(difference: Difference, bin: &BTreeMap<SalesforceId, Row>) -> (Option<Row>, Now) {
    match difference.kind {
        ChangeKind::OnlyLeft => {
            let now = match bin.get(&difference.id) {
                Some(row) => Now::InRecycleBin(row.clone()),
                None => Now::Gone,
            };
            (Some(difference.row), now)
        }
        ChangeKind::OnlyRight => (None, Now::Live(difference.row)),
        ChangeKind::Changed | ChangeKind::Recalculated | ChangeKind::Touched => {
            let (mut then, mut now) = (Row::new(), Row::new());
            for change in difference.changes {
                then.extend(change.left.map(|text| (change.field.clone(), text)));
                now.extend(change.right.map(|text| (change.field, text)));
            }
            (Some(then), Now::Live(now))
        }
    }
}
