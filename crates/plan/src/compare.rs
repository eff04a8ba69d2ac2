//! What a compare is asked for, what it sets out to do, and what it finds.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::filter::CalendarRequest;
use holdfast_model::{JobId, ObjectName, OrgName, SalesforceId, Stamp};
use serde::{Deserialize, Serialize};

use crate::diff::{Change, ChangeKind, Ignore};

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What was.
    pub left: Moment,
    /// What it is compared with.
    pub right: Moment,
    /// Only these; all that either side has, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<BTreeSet<ObjectName>>,
    /// Which records of an object, as the WHERE clause of SOQL. A record counts when it is chosen on either side.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<ObjectName, String>,
    /// How date literals of filters are understood, with the time of their side as now.
    #[serde(default)]
    pub calendar: CalendarRequest,
    /// What is not looked at.
    #[serde(default)]
    pub ignore: Ignore,
}

/// An org at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// A connected org.
    pub org: OrgName,
    /// As its backups tell; as Salesforce has it now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
}

impl Request {
    /// The moment of a side.
    pub fn moment(&self, which: Which) -> &Moment {
        match which {
            Which::Left => &self.left,
            Which::Right => &self.right,
        }
    }

    /// The orgs that must be captured first, because a side is live.
    pub fn live(&self) -> BTreeSet<&OrgName> {
        let sides = [&self.left, &self.right].into_iter();
        let live = sides.filter(|side| side.at.is_none());
        live.map(|side| &side.org).collect()
    }
}

/// What a compare sets out to do. Stored once; every step of the job reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What was asked for.
    pub request: Request,
    /// When; "now" for a live side.
    pub planned_at: Stamp,
    /// The objects of either side: filters look at the parents, too.
    pub objects: Vec<PlannedObject>,
    /// Those that are compared.
    pub compared: Vec<ObjectName>,
}

impl Plan {
    /// One of its objects.
    pub fn object(&self, name: &ObjectName) -> Option<&PlannedObject> {
        self.objects.iter().find(|object| object.object == *name)
    }
}

/// Name of the document with the plan of a job.
pub fn plan_name(job: &JobId) -> String {
    format!("compares/{job}/plan.sealed")
}

/// Name of the document with a page of differences, from 0 on.
pub fn page_name(job: &JobId, object: &ObjectName, page: u32) -> String {
    format!("compares/{job}/{object}/{page:010}.sealed")
}

/// An object of a compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedObject {
    /// Its name.
    pub object: ObjectName,
    /// What the left has of it; nothing when it has nothing.
    pub left: Option<PlannedSide>,
    /// What the right has of it.
    pub right: Option<PlannedSide>,
}

/// Which moment of a compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What was.
    Left,
    /// What it is compared with.
    Right,
}

impl PlannedObject {
    /// What a side has of it.
    pub fn side(&self, which: Which) -> Option<&PlannedSide> {
        match which {
            Which::Left => self.left.as_ref(),
            Which::Right => self.right.as_ref(),
        }
    }
}

/// The schemas of all objects that a side has, by hash: filters lead from one object to others.
pub fn schemas(
    objects: &[PlannedObject],
    which: Which,
) -> impl Iterator<Item = (ObjectName, String)> {
    let has = move |object: &PlannedObject| {
        let side = object.side(which)?;
        Some((object.object.clone(), side.schema.clone()))
    };
    objects.iter().filter_map(has)
}

/// An object on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSide {
    /// Hash of its schema at the time.
    pub schema: String,
    /// Why the side may not be what the org had at the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
}

/// Why a side may not be what the org had at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The time is before the first backup: records show as they were when they were first read, if at all.
    BeforeFirstBackup,
    /// History is still being captured: records that did not change for long may be missing.
    HistoryIncomplete,
    /// The last backups could not read the object.
    NotCaptured,
}

/// One line of the list that the map goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The org of the left side.
    pub org: OrgName,
    /// The job.
    pub job: JobId,
    /// What to compare.
    pub object: ObjectName,
}

/// A record that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The record.
    pub id: SalesforceId,
    /// How.
    pub kind: ChangeKind,
    /// Of a record on both sides: what differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Of a record on one side only: its fields that are not null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub row: BTreeMap<String, String>,
    /// Of a record on one side only: whether the other side has it as deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_side: Option<Deleted>,
}

impl Difference {
    /// Bytes of its text.
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let changes = self.changes.iter();
        let changes =
            changes.map(|change| change.field.len() + text(&change.left) + text(&change.right));
        let row = self.row.iter().map(|(name, text)| name.len() + text.len());
        changes.chain(row).sum::<usize>() + 18
    }
}

/// Where a deleted record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    /// Somebody can restore it there.
    InRecycleBin,
    /// It is gone for good.
    Gone,
}

/// Some differences of an object, by Id. Stored once; one that is there is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The record behind which it begins.
    pub after: Option<SalesforceId>,
    /// The last record that it covers; nothing when it covers all to the end.
    pub until: Option<SalesforceId>,
    /// Live records that it covers, left and right.
    pub records: (u64, u64),
    /// What differs among them.
    pub differences: Vec<Difference>,
}
