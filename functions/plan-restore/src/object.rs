//! The records of one object: from a page of the compare to a page of the plan.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{Failure, JobId, SalesforceId, SegmentEntry, Stamp};
use holdfast_plan::compare::{self, Deleted, Difference};
use holdfast_plan::diff::ChangeKind;
use holdfast_plan::restore::plan::{Counts, Page, Plan, PlannedObject, PlannedRecord, page_name};
use holdfast_plan::restore::{Mode, Now, RestoredFields, Row, Step};
use holdfast_runtime::Environment;
use holdfast_vault::{Fields, Filter, Vault};

use crate::begin::chosen;

/// Later than any stamp.
const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);

/// An object at work.
pub(crate) struct Records<'a> {
    vault: Vault,
    plan: &'a Plan,
    object: &'a PlannedObject,
    job: &'a JobId,
    fields: RestoredFields,
    /// Names of all stored fields.
    names: Vec<String>,
    segments: Vec<SegmentEntry>,
}

impl<'a> Records<'a> {
    /// Reads only.
    pub(crate) async fn open(
        environment: &Environment,
        plan: &'a Plan,
        object: &'a PlannedObject,
        job: &'a JobId,
    ) -> Result<Self, Failure> {
        let (org, name) = (&plan.request.org, &object.turn.object);
        let vault = environment.vault(org).await?;
        let then = vault.schema(name, &object.schema_then).await?;
        let now = vault.schema(name, &object.schema_now).await?;
        let digits = plan.planned_at.soql();
        let suffix: String = digits.chars().filter(char::is_ascii_digit).collect();
        Ok(Self {
            fields: RestoredFields::of(&then, &now, chosen(&plan.request, name), &suffix),
            names: then
                .stored_fields()
                .map(|field| field.name.clone())
                .collect(),
            segments: environment.catalog().segments(org, name).await?,
            vault,
            plan,
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
        let page: compare::Page = self.vault.document(&name).await?;
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
            let decision = self.fields.decide(then.as_ref(), &now, mode);
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
        self.rows(ids, self.plan.now.unwrap_or(END_OF_TIME)).await
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
        self.rows(ids, self.plan.then).await
    }

    async fn rows(
        &self,
        ids: BTreeSet<SalesforceId>,
        as_of: Stamp,
    ) -> Result<BTreeMap<SalesforceId, Row>, Failure> {
        let mut rows = BTreeMap::new();
        if ids.is_empty() {
            return Ok(rows);
        }
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        let fields = Fields::Named(&names);
        let mut scan = self
            .vault
            .scan(&self.segments, as_of, fields, Filter::Ids(ids));
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
