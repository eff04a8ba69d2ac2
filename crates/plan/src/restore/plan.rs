//! A restore as it is asked for, planned, stored and reviewed. A plan is made from a compare: how it was is its left
//! side, how it is its right one.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{JobId, ObjectName, OrgName, Phase, SalesforceId, Stamp};
use serde::{Deserialize, Serialize};

use super::order::Turn;
use super::record::{Decision, Mode, SkipReason, Step};

/// What to restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The org that is restored: the right side of the compare.
    pub org: OrgName,
    /// The org of the left side, whose backup it is restored from, when that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<OrgName>,
    /// The compare that has ended.
    pub compare: JobId,
    /// What becomes of records that are there already.
    pub mode: Mode,
    /// Only these objects, and of them these records and fields; all that differ, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<BTreeMap<ObjectName, Selection>>,
}

impl Request {
    /// The org whose backup it is restored from.
    pub fn source(&self) -> &OrgName {
        self.from.as_ref().unwrap_or(&self.org)
    }
}

/// Some records and fields of an object; all, unless given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Only these records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<BTreeSet<SalesforceId>>,
    /// Only these fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeSet<String>>,
    /// Also what belongs to them and differs: children that go with them or keep them from going, and theirs; without `ids`, all
    /// records of these objects.
    #[serde(default)]
    pub children: bool,
}

/// What a restore sets out to do. Stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What was asked for, with the children that are taken along.
    pub request: Request,
    /// When.
    pub planned_at: Stamp,
    /// How it is restored.
    pub then: Stamp,
    /// How it is now, by the compare; nothing when that was the live org.
    pub now: Option<Stamp>,
    /// The objects, in the order of their turns.
    pub objects: Vec<PlannedObject>,
    /// Children of these that nobody asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Objects that were compared whole, with the hash of their schema now: records that are not planned are as they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub whole: BTreeMap<ObjectName, String>,
    /// Fields that the compare did not look at, whatever the object; case does not count.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignored: BTreeSet<String>,
}

impl Plan {
    /// What changed until then, it knows of.
    pub fn seen_at(&self) -> Stamp {
        self.now.unwrap_or(self.planned_at)
    }

    /// Objects of which records are made, given the counts of each.
    pub fn made_of(&self, counts: &[Counts]) -> BTreeSet<ObjectName> {
        let made = self.objects.iter().zip(counts);
        let made = made.filter(|(_, counts)| counts.insert > 0);
        made.map(|(planned, _)| planned.turn.object.clone())
            .collect()
    }
}

/// An object of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedObject {
    /// When it is its turn.
    #[serde(flatten)]
    pub turn: Turn,
    /// Hash of its schema then.
    pub schema_then: String,
    /// Hash of its schema now.
    pub schema_now: String,
    /// Pages of the compare; a page of records has the number of the one that it comes from.
    pub pages: u32,
    /// Fields of content that it does not have any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Children that belong to what is restored, are gone, and were not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The children.
    pub object: ObjectName,
    /// Their lookup to the object that is restored.
    pub lookup: String,
    /// The object that is restored.
    pub parent: ObjectName,
    /// Whether they went with it. Then they come out of the Recycle Bin with it, too, but not when it is made anew.
    pub went_along: bool,
    /// How many are gone, whatever their lookup leads to.
    pub gone: u64,
}

/// A record of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRecord {
    /// The record.
    pub id: SalesforceId,
    /// What is done with it.
    #[serde(flatten)]
    pub decision: Decision,
}

impl PlannedRecord {
    /// Bytes of its text.
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let fields = self.decision.step.fields().iter();
        let fields = fields.map(|write| write.field.len() + text(&write.from) + text(&write.to));
        let unwritable = self.decision.unwritable.iter().map(String::len);
        fields.chain(unwritable).sum::<usize>() + 18
    }
}

/// Some records of an object, by Id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What is done with each.
    pub records: Vec<PlannedRecord>,
}

/// Records of an object, by what is done with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Out of the Recycle Bin.
    pub undelete: u64,
    /// Of these, those that need other values, too.
    pub undelete_and_update: u64,
    /// Other values.
    pub update: u64,
    /// Made anew.
    pub insert: u64,
    /// Copied.
    pub copy: u64,
    /// To the Recycle Bin.
    pub delete: u64,
    /// Left alone, by reason.
    pub skip: BTreeMap<SkipReason, u64>,
    /// Records with fields that will not be as they were.
    pub incomplete: u64,
    /// By field, how many records it will not be as it was in.
    pub unwritable: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts one.
    pub fn note(&mut self, decision: &Decision) {
        match &decision.step {
            Step::Undelete { fields } => {
                self.undelete += 1;
                let differs = fields.iter().any(|write| write.from != write.to);
                self.undelete_and_update += u64::from(differs);
            }
            Step::Update { .. } => self.update += 1,
            Step::Insert { .. } => self.insert += 1,
            Step::Copy { .. } => self.copy += 1,
            Step::Delete { .. } => self.delete += 1,
            Step::Skip { reason } => *self.skip.entry(*reason).or_default() += 1,
        }
        self.incomplete += u64::from(!decision.unwritable.is_empty());
        for field in &decision.unwritable {
            *self.unwritable.entry(field.clone()).or_default() += 1;
        }
    }

    /// Records that are written.
    pub fn writes(&self) -> u64 {
        self.undelete + self.update + self.insert + self.copy + self.delete
    }

    /// Records that a phase is about; of [`Phase::Link`] at most so many.
    pub fn of(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Undelete => self.undelete,
            Phase::Update => self.undelete + self.update,
            Phase::Insert => self.insert + self.copy,
            Phase::Delete => self.delete,
            Phase::Link | Phase::Verify => self.writes() - self.delete,
        }
    }

    /// Salesforce calls that running it takes about: records are written by 200 and read by 1,000 (SOAP `undelete()`, sObject
    /// collections), and what is changed or deleted is read before; `waiting` lookups are filled by a change of their own.
    pub fn calls(&self, waiting: bool) -> u64 {
        let calls = |phase| self.of(phase).div_ceil(200);
        let linked = if waiting { calls(Phase::Insert) } else { 0 };
        let changed = calls(Phase::Update) + linked + calls(Phase::Delete);
        let verified = self.of(Phase::Verify).div_ceil(1_000);
        calls(Phase::Undelete) + calls(Phase::Insert) + 2 * changed + verified
    }
}

/// Name of the document with the plan of a job.
pub fn plan_name(job: &JobId) -> String {
    format!("restores/{job}/plan.sealed")
}

/// Name of the document with a page of records, from 0 on; there is none where a page has no record.
pub fn page_name(job: &JobId, object: &ObjectName, page: u32) -> String {
    format!("restores/{job}/{object}/{page:010}.sealed")
}

/// Name of the document with the counts of an object.
pub fn counts_name(job: &JobId, object: &ObjectName) -> String {
    format!("restores/{job}/{object}/counts.sealed")
}
