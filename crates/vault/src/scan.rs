//! The one reading primitive: a streaming merge over segments that are sorted by Id.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use holdfast_model::{Failure, SalesforceId, SegmentEntry, Stamp};

use crate::bucket::Ranges;
use crate::choice::Choice;
use crate::error::Refusal;
use crate::filter::IdFilter;
use crate::keys::KeyRing;
use crate::newest::Newest;
use crate::segment::{Columns, RowStream, Segment};
use crate::version::{Batch, Presence, RowKey, ScanRow, Shown, Version};

/// Which fields a scan reads.
#[derive(Debug, Clone, Copy)]
pub enum Fields<'a> {
    /// All that each segment has.
    All,
    /// These; one that a segment does not have is null.
    Named(&'a [&'a str]),
}

/// Which records a scan yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every record, also when its newest version says that it is deleted.
    All,
    /// Records whose newest version is live.
    Live,
    /// The records with these ids; segments and row groups without them are not read.
    Ids(BTreeSet<SalesforceId>),
}

/// Yields one version per record: the newest at or before a time, in the order of Ids.
///
/// A segment is opened when the merge reaches its least Id and let go when it is read, so memory is bounded by the
/// number of segments that overlap (one row group each), and segments that do not overlap cost nothing.
pub struct Scan {
    newest: Newest<1>,
    live_only: bool,
    choice: Option<Choice>,
}

impl Scan {
    pub(crate) fn new(
        ranges: Arc<dyn Ranges>,
        keys: Arc<KeyRing>,
        entries: &[SegmentEntry],
        as_of: Stamp,
        fields: Fields<'_>,
        filter: Filter,
    ) -> Self {
        let live_only = filter == Filter::Live;
        let ids = match filter {
            Filter::All | Filter::Live => IdFilter::All,
            Filter::Ids(ids) => IdFilter::Among(ids.into_iter().collect()),
        };
        let entries = entries.iter().filter(|entry| entry.stamps.0 <= as_of);
        Self {
            newest: Newest::new(Merge::new(ranges, keys, entries, fields, ids), [as_of]),
            live_only,
            choice: None,
        }
    }

    /// The same scan, of the records that a filter chooses: their newest version decides. Columns that only the
    /// filter needs are read and not shown.
    #[must_use]
    pub fn only(mut self, choice: &Choice) -> Self {
        self.newest.also_read(choice.columns());
        self.choice = Some(choice.clone());
        self
    }

    /// How many records are left.
    pub async fn count(mut self) -> Result<u64, Failure> {
        let mut records = 0;
        while self.next().await?.is_some() {
            records += 1;
        }
        Ok(records)
    }

    /// The next record's version.
    ///
    /// Among versions of one record with the same stamp the one that was read last is the newest.
    pub async fn next(&mut self) -> Result<Option<ScanRow>, Failure> {
        while let Some((_, [newest])) = self.newest.next().await? {
            if let Some(row) = newest.filter(|row| self.passes(row)) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn passes(&self, row: &ScanRow) -> bool {
        (!self.live_only || row.presence() == Presence::Live)
            && self.choice.as_ref().is_none_or(|choice| choice.takes(row))
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

/// All versions that pass the filter, by Id, then newest first; among equal stamps the one read last first.
pub(crate) struct Merge {
    ranges: Arc<dyn Ranges>,
    keys: Arc<KeyRing>,
    shown: Shown,
    /// Columns that are read and not shown.
    hidden: Vec<String>,
    ids: IdFilter,
    /// Not open yet, the one with the least Id last.
    waiting: Vec<SegmentEntry>,
    open: BinaryHeap<Reverse<Cursor>>,
}

impl Merge {
    pub(crate) fn new<'a>(
        ranges: Arc<dyn Ranges>,
        keys: Arc<KeyRing>,
        entries: impl Iterator<Item = &'a SegmentEntry>,
        fields: Fields<'_>,
        ids: IdFilter,
    ) -> Self {
        let mut waiting: Vec<_> = entries
            .filter(|entry| ids.may_pass(entry.ids.0, entry.ids.1))
            .cloned()
            .collect();
        waiting.sort_unstable_by_key(|entry| Reverse(entry.ids.0));
        let shown = match fields {
            Fields::All => Shown::All,
            Fields::Named(names) => {
                Shown::Named(names.iter().map(|name| (*name).to_owned()).collect())
            }
        };
        Self {
            ranges,
            keys,
            shown,
            hidden: Vec::new(),
            ids,
            waiting,
            open: BinaryHeap::new(),
        }
    }

    /// Reads columns that are not shown, too.
    pub(crate) fn also_read<'a>(&mut self, columns: impl Iterator<Item = &'a str>) {
        self.hidden.extend(columns.map(str::to_owned));
    }

    /// The Id of the next version.
    pub(crate) async fn peek(&mut self) -> Result<Option<SalesforceId>, Failure> {
        loop {
            let next = self.open.peek().map(|Reverse(cursor)| cursor.head.id());
            let reached = |entry: &mut SegmentEntry| next.is_none_or(|next| entry.ids.0 <= next);
            let Some(entry) = self.waiting.pop_if(reached) else {
                return Ok(next);
            };
            if let Some(cursor) = self.open_segment(&entry).await? {
                self.open.push(Reverse(cursor));
            }
        }
    }

    /// The next version.
    pub(crate) async fn next(&mut self) -> Result<Option<ScanRow>, Failure> {
        self.peek().await?;
        let Some(Reverse(cursor)) = self.open.pop() else {
            return Ok(None);
        };
        let row = cursor.head.clone();
        if let Some(cursor) = cursor.advance().await? {
            self.open.push(Reverse(cursor));
        }
        Ok(Some(row))
    }

    /// Everything that is left, the same version (stamp and hash) once.
    pub(crate) async fn versions(mut self) -> Result<Vec<Version>, Failure> {
        let mut versions: Vec<Version> = Vec::new();
        while let Some(row) = self.next().await? {
            let version = row.to_version();
            let same = |other: &Version| {
                (other.id, other.modstamp, other.hash)
                    == (version.id, version.modstamp, version.hash)
            };
            if !versions
                .iter()
                .rev()
                .take_while(|other| other.modstamp == version.modstamp)
                .any(same)
            {
                versions.push(version);
            }
        }
        Ok(versions)
    }

    async fn open_segment(&self, entry: &SegmentEntry) -> Result<Option<Cursor>, Failure> {
        let segment = Segment::open(Arc::clone(&self.ranges), &self.keys, entry).await?;
        let stream = match &self.shown {
            Shown::All => segment.rows(Columns::All, &self.ids)?,
            Shown::Named(names) => {
                let read = names.iter().chain(&self.hidden).map(String::as_str);
                let columns: Vec<&str> = Batch::OWN.into_iter().chain(read).collect();
                segment.rows(Columns::Named(&columns), &self.ids)?
            }
        };
        Cursor::start(stream, entry.path.clone(), self.shown.clone()).await
    }
}

/// A place in a segment.
struct Cursor {
    path: String,
    stream: RowStream,
    shown: Shown,
    batch: Arc<Batch>,
    row: usize,
    head: ScanRow,
}

impl Cursor {
    /// At the first row, if there is one.
    async fn start(
        mut stream: RowStream,
        path: String,
        shown: Shown,
    ) -> Result<Option<Self>, Failure> {
        let Some(batch) = load(&mut stream, &path, &shown).await? else {
            return Ok(None);
        };
        let head = batch.row(0).map_err(|refusal| refusal.at(&path))?;
        Ok(Some(Self {
            path,
            stream,
            shown,
            batch,
            row: 0,
            head,
        }))
    }

    /// At the next row, if there is one.
    async fn advance(mut self) -> Result<Option<Self>, Failure> {
        self.row += 1;
        if self.row == self.batch.rows() {
            let Some(batch) = load(&mut self.stream, &self.path, &self.shown).await? else {
                return Ok(None);
            };
            self.batch = batch;
            self.row = 0;
        }
        let head = self
            .batch
            .row(self.row)
            .map_err(|refusal| refusal.at(&self.path))?;
        // Only a writer that broke the order could cause this; a merge would silently skip rows.
        if order(&head.key, &self.head.key) == Ordering::Less {
            return Err(Refusal::Broken.at(&self.path));
        }
        self.head = head;
        Ok(Some(self))
    }
}

async fn load(
    stream: &mut RowStream,
    path: &str,
    shown: &Shown,
) -> Result<Option<Arc<Batch>>, Failure> {
    let batch = stream.next().await?;
    let batch = batch.map(|batch| Batch::new(&batch, shown)).transpose();
    Ok(batch.map_err(|refusal| refusal.at(path))?.map(Arc::new))
}

/// By Id, then newest first.
fn order(a: &RowKey, b: &RowKey) -> Ordering {
    a.id.cmp(&b.id)
        .then(b.stamp.cmp(&a.stamp))
        .then(b.captured.cmp(&a.captured))
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        // Names of segments ascend with time, so the later one is first among equals.
        order(&self.head.key, &other.head.key).then_with(|| other.path.cmp(&self.path))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cursor {}
