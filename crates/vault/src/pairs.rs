//! Two states of the records of an object, side by side: a merge join that reads text only where something may differ.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use holdfast_model::{Failure, SalesforceId, SegmentEntry, Stamp};
use serde::{Deserialize, Serialize};

use crate::Vault;
use crate::bucket::Ranges;
use crate::choice::Choice;
use crate::error::internal;
use crate::filter::IdFilter;
use crate::keys::KeyRing;
use crate::newest::Newest;
use crate::scan::{Fields, Merge};
use crate::version::{Presence, ScanRow};

/// Records whose text is read in one go: enough that a row group is not opened often, few enough to keep.
const CANDIDATES_MAX: usize = 4096;
/// Records after which a stretch without differences is interrupted.
const RECORDS_AT_ONCE: u64 = 262_144;

/// The records of an object at a time.
#[derive(Clone)]
pub struct Side {
    ranges: Arc<dyn Ranges>,
    keys: Arc<KeyRing>,
    segments: Vec<SegmentEntry>,
    as_of: Stamp,
    fields: BTreeSet<String>,
    choice: Option<Choice>,
}

impl Vault {
    /// One side of a comparison: `segments` are all of the object, `fields` those that count.
    pub fn side(
        &self,
        segments: Vec<SegmentEntry>,
        as_of: Stamp,
        fields: impl IntoIterator<Item = String>,
    ) -> Side {
        Side::new(
            self.ranges(),
            Arc::clone(&self.keys),
            segments,
            as_of,
            fields,
        )
    }
}

impl Side {
    /// A side whose sealed objects are read from anywhere.
    pub fn new(
        ranges: Arc<dyn Ranges>,
        keys: Arc<KeyRing>,
        segments: Vec<SegmentEntry>,
        as_of: Stamp,
        fields: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            ranges,
            keys,
            segments,
            as_of,
            fields: fields.into_iter().collect(),
            choice: None,
        }
    }

    /// The same side, of which a filter chooses records.
    #[must_use]
    pub fn only(mut self, choice: Choice) -> Self {
        self.choice = Some(choice);
        self
    }

    fn merge(&self, until: Stamp, fields: &BTreeSet<String>, ids: &IdFilter) -> Merge {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let segments = self.segments.iter();
        Merge::new(
            Arc::clone(&self.ranges),
            Arc::clone(&self.keys),
            segments.filter(|segment| segment.stamps.0 <= until),
            Fields::Named(&fields),
            ids.clone(),
        )
    }

    /// Whether both read the same segments with the same keys.
    fn reads_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.keys, &other.keys) && self.segments == other.segments
    }

    /// Columns that the filter looks at.
    fn columns(&self) -> impl Iterator<Item = &str> {
        self.choice.iter().flat_map(Choice::columns)
    }

    fn chooses(&self, row: Option<&ScanRow>) -> bool {
        match (&self.choice, row) {
            (None, _) => true,
            (Some(choice), Some(row)) => choice.takes(row),
            (Some(_), None) => false,
        }
    }
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side")
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

/// A record on both sides. A version that says that it is deleted is there, too.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The record.
    pub id: SalesforceId,
    /// Its version on the left.
    pub left: Option<ScanRow>,
    /// Its version on the right.
    pub right: Option<ScanRow>,
}

impl Pair {
    /// The version on the left, if the record is live there.
    pub fn live_left(&self) -> Option<&ScanRow> {
        live(self.left.as_ref())
    }

    /// The version on the right, if the record is live there.
    pub fn live_right(&self) -> Option<&ScanRow> {
        live(self.right.as_ref())
    }
}

fn live(row: Option<&ScanRow>) -> Option<&ScanRow> {
    row.filter(|row| row.presence() == Presence::Live)
}

/// Live records so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// On the left.
    pub left: u64,
    /// On the right.
    pub right: u64,
}

/// A step of a comparison.
#[derive(Debug)]
pub enum Found {
    /// A record that may differ, with the fields that count.
    Pair(Box<Pair>),
    /// Up to this record there is nothing more that differs.
    Reached(SalesforceId),
    /// There are no more records.
    End,
}

/// Goes through the records of two sides in the order of Ids and finds those that may differ.
///
/// Row hashes are compared first, which takes no text. Memory is bounded as that of a scan, for each side.
pub struct Pairs {
    left: Side,
    right: Side,
    /// Fields that only one side has: where they have text, equal hashes say nothing.
    one_sided: BTreeSet<String>,
    hashes: Join,
    /// Records that may differ, with the totals up to them.
    candidates: VecDeque<(SalesforceId, Totals)>,
    rows: Option<Join>,
    after: Option<SalesforceId>,
    /// Up to the last record whose hashes were compared.
    compared: Totals,
    /// Up to what was told last.
    totals: Totals,
}

impl Pairs {
    /// Begins behind a record, or with the first one.
    pub fn new(left: Side, right: Side, after: Option<SalesforceId>) -> Self {
        let one_sided = left
            .fields
            .symmetric_difference(&right.fields)
            .cloned()
            .collect();
        let ids = after.map_or(IdFilter::All, IdFilter::After);
        let mut hashes = Join::new(&left, &right, &one_sided, &one_sided, &ids);
        hashes.also_read(&left, &right);
        Self {
            left,
            right,
            one_sided,
            hashes,
            candidates: VecDeque::new(),
            rows: None,
            after,
            compared: Totals::default(),
            totals: Totals::default(),
        }
    }

    /// Live records up to what was told last, both sides for themselves.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The next step.
    pub async fn next(&mut self) -> Result<Found, Failure> {
        if self.rows.is_none() {
            let reached = self.compare_hashes().await?;
            if self.candidates.is_empty() {
                self.totals = self.compared;
                return Ok(reached.map_or(Found::End, Found::Reached));
            }
            // They came in the order of Ids.
            let ids = IdFilter::Among(self.candidates.iter().map(|(id, _)| *id).collect());
            let (left, right) = (&self.left, &self.right);
            self.rows = Some(Join::new(left, right, &left.fields, &right.fields, &ids));
        }
        let pair = match &mut self.rows {
            Some(rows) => rows.next().await?,
            None => None,
        };
        match (pair, self.candidates.pop_front()) {
            (Some(pair), Some((id, totals))) if pair.id == id => {
                self.totals = totals;
                if self.candidates.is_empty() {
                    self.rows = None;
                }
                Ok(Found::Pair(Box::new(pair)))
            }
            _ => Err(internal("a record was not found a second time")),
        }
    }

    /// Goes on until enough candidates are found or for long enough; gives the last record, nothing at the end.
    async fn compare_hashes(&mut self) -> Result<Option<SalesforceId>, Failure> {
        let mut reached = None;
        for _ in 0..RECORDS_AT_ONCE {
            let Some(pair) = self.hashes.next().await? else {
                return Ok(None);
            };
            reached = Some(self.after.map_or(pair.id, |after| after.max(pair.id)));
            if self.after.is_some_and(|after| pair.id <= after) || !self.is_chosen(&pair) {
                continue;
            }
            let (left, right) = (pair.live_left(), pair.live_right());
            self.compared.left += u64::from(left.is_some());
            self.compared.right += u64::from(right.is_some());
            let alike = match (left, right) {
                (None, None) => true,
                (Some(left), Some(right)) => left.hash() == right.hash() && self.proves(left),
                _ => false,
            };
            if !alike {
                self.candidates.push_back((pair.id, self.compared));
                if self.candidates.len() == CANDIDATES_MAX {
                    break;
                }
            }
        }
        Ok(reached)
    }

    /// A record counts when either side chooses it: one that a filter no longer chooses has changed.
    fn is_chosen(&self, pair: &Pair) -> bool {
        self.left.chooses(pair.live_left()) || self.right.chooses(pair.live_right())
    }

    /// Whether the hash of a row says everything about the fields that count on either side.
    fn proves(&self, row: &ScanRow) -> bool {
        self.one_sided.is_empty() || row.fields().all(|(_, text)| text.is_none())
    }
}

impl std::fmt::Debug for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pairs")
            .field("left", &self.left)
            .field("right", &self.right)
            .finish_non_exhaustive()
    }
}

/// The versions of two times, by record.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it lives long"
)]
enum Join {
    /// Both sides read the same segments: each is read once.
    One(Newest<2>),
    Two(Ahead, Ahead),
}

impl Join {
    fn new(
        left: &Side,
        right: &Side,
        left_fields: &BTreeSet<String>,
        right_fields: &BTreeSet<String>,
        ids: &IdFilter,
    ) -> Self {
        if left.reads_like(right) {
            let fields = left_fields.union(right_fields).cloned().collect();
            let merge = left.merge(left.as_of.max(right.as_of), &fields, ids);
            return Self::One(Newest::new(merge, [left.as_of, right.as_of]));
        }
        let ahead = |side: &Side, fields| {
            let merge = side.merge(side.as_of, fields, ids);
            Ahead {
                newest: Newest::new(merge, [side.as_of]),
                head: None,
            }
        };
        Self::Two(ahead(left, left_fields), ahead(right, right_fields))
    }

    /// Reads what the filters need, too.
    fn also_read(&mut self, left: &Side, right: &Side) {
        match self {
            Self::One(newest) => newest.also_read(left.columns().chain(right.columns())),
            Self::Two(one, two) => {
                one.newest.also_read(left.columns());
                two.newest.also_read(right.columns());
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Pair>, Failure> {
        match self {
            Self::One(newest) => {
                let next = newest.next().await?;
                Ok(next.map(|(id, [left, right])| Pair { id, left, right }))
            }
            Self::Two(one, two) => {
                let ids = (one.peek().await?, two.peek().await?);
                let id = match ids {
                    (Some(one), Some(two)) => one.min(two),
                    (Some(id), None) | (None, Some(id)) => id,
                    (None, None) => return Ok(None),
                };
                let (left, right) = (one.take(id), two.take(id));
                Ok(Some(Pair { id, left, right }))
            }
        }
    }
}

/// One side, with its next record at hand.
struct Ahead {
    newest: Newest<1>,
    head: Option<ScanRow>,
}

impl Ahead {
    async fn peek(&mut self) -> Result<Option<SalesforceId>, Failure> {
        if self.head.is_none() {
            self.head = self.newest.next().await?.and_then(|(_, [row])| row);
        }
        Ok(self.head.as_ref().map(ScanRow::id))
    }

    fn take(&mut self, id: SalesforceId) -> Option<ScanRow> {
        self.head.take_if(|row| row.id() == id)
    }
}
