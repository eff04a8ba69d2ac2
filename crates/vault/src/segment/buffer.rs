//! Rows of text on their way into a segment: one arena and one index.

use holdfast_model::limits::{FIELD_BYTES_MAX, FIELDS_MAX, ROW_BYTES_MAX};
use holdfast_model::row::RowHasher;
use holdfast_model::{
    ErrorCode, Failure, IdDigest, JobId, ObjectName, ObjectSchema, RowHash, SalesforceId, Stamp,
};

/// The arena is addressed by 32 bits.
const ARENA_BYTES_MAX: usize = u32::MAX as usize;

/// From where it is known that a record is gone for good: `_deleted` (docs/FORMAT.md, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneBy {
    /// Salesforce's delete log, which says when it went.
    DeleteLog = 2,
    /// No query lists it; it went before it was missed.
    Sweep = 3,
}

/// Rows of one object as text, unsorted, in memory.
#[derive(Debug)]
pub struct SegmentBuffer {
    source: Source,
    rows: Vec<Row>,
    /// Per row and field: length + 1 as digits of six bits (0 for null), then the text.
    /// The digits are ASCII, so that the arena is a string and slices of it need no check.
    arena: String,
}

/// What all rows of a buffer share.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) object: ObjectName,
    pub(crate) schema: String,
    pub(crate) job: JobId,
    pub(crate) captured: Stamp,
    pub(crate) fields: Vec<String>,
    hasher: RowHasher,
    id_at: usize,
    stamp_at: Option<usize>,
    deleted_at: Option<usize>,
}

/// What sorts a row, and where its text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: SalesforceId,
    pub(crate) stamp: Stamp,
    pub(crate) hash: RowHash,
    pub(crate) deleted: i8,
    at: u32,
}

impl Row {
    /// The order of a segment: by Id, then newest first.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (&self.id, other.stamp, &self.hash).cmp(&(&other.id, self.stamp, &other.hash))
    }

    fn is_same_version(&self, other: &Self) -> bool {
        self.id == other.id && self.stamp == other.stamp && self.hash == other.hash
    }
}

impl SegmentBuffer {
    /// An empty buffer for rows of `schema` that `job` reads at `captured`.
    ///
    /// `OBJECT_UNSUPPORTED` if the object has no Id or too many fields.
    pub fn new(schema: &ObjectSchema, job: &JobId, captured: Stamp) -> Result<Self, Failure> {
        let fields: Vec<_> = schema.stored_fields().collect();
        let position = |name: &str| fields.iter().position(|field| field.name == name);
        let unsupported = |reason: &str| {
            Failure::new(
                ErrorCode::ObjectUnsupported,
                format!("object cannot be stored: {reason}, `{}`", schema.name),
            )
        };
        if fields.len() > FIELDS_MAX {
            return Err(unsupported("it has too many fields"));
        }
        let id_at = position("Id").ok_or_else(|| unsupported("it has no Id"))?;
        let source = Source {
            object: schema.name.clone(),
            schema: schema.hash(),
            job: job.clone(),
            captured,
            hasher: RowHasher::new(
                fields
                    .iter()
                    .map(|field| (field.name.as_str(), field.field_type.as_str())),
            ),
            id_at,
            stamp_at: schema.cursor_field.as_deref().and_then(position),
            deleted_at: position("IsDeleted"),
            fields: fields.iter().map(|field| field.name.clone()).collect(),
        };
        Ok(Self {
            source,
            rows: Vec::new(),
            arena: String::new(),
        })
    }

    /// Appends a row and gives its stamp; `value` gives the text of each of the schema's stored fields by position, or
    /// nothing for null.
    ///
    /// `DAMAGED_ANSWER` if Id or stamp are missing or malformed; `SEAL_TOO_LARGE` beyond the limits of the format.
    /// The buffer is then as it was before.
    pub fn push<'v>(&mut self, value: impl Fn(usize) -> Option<&'v str>) -> Result<Stamp, Failure> {
        let damaged =
            |what: &str| Failure::new(ErrorCode::DamagedAnswer, format!("row has {what}"));
        let id = value(self.source.id_at).ok_or_else(|| damaged("no Id"))?;
        let id = SalesforceId::parse(id.as_bytes())?;
        let stamp = match self.source.stamp_at {
            Some(at) => Stamp::parse(value(at).ok_or_else(|| damaged("no system stamp"))?)?,
            None => self.source.captured,
        };
        let deleted = self.source.deleted_at.and_then(&value) == Some("true");
        let start = self.arena.len();
        if let Err(failure) = self.append(&value) {
            self.arena.truncate(start);
            return Err(failure);
        }
        self.rows.push(Row {
            id,
            stamp,
            hash: self.source.hasher.hash(value),
            deleted: i8::from(deleted),
            at: u32::try_from(start).unwrap_or(u32::MAX), // append has checked the end of the row
        });
        Ok(stamp)
    }

    /// Appends a record that is gone for good since `stamp`: no field of it is known.
    pub fn push_gone(&mut self, id: SalesforceId, stamp: Stamp, by: GoneBy) -> Result<(), Failure> {
        let start = self.arena.len();
        self.append(|_| None)?;
        self.rows.push(Row {
            id,
            stamp,
            hash: self.source.hasher.hash(|_| None),
            deleted: by as i8,
            at: u32::try_from(start).unwrap_or(u32::MAX), // append has checked the end of the row
        });
        Ok(())
    }

    fn append<'v>(&mut self, value: impl Fn(usize) -> Option<&'v str>) -> Result<(), Failure> {
        let too_large =
            |what: &str| Failure::new(ErrorCode::SealTooLarge, format!("{what} is too large"));
        let start = self.arena.len();
        for column in 0..self.source.fields.len() {
            let Some(text) = value(column) else {
                self.arena.push('\0');
                continue;
            };
            if text.len() > FIELD_BYTES_MAX {
                return Err(too_large("field"));
            }
            push_length(&mut self.arena, text.len() + 1);
            self.arena.push_str(text);
        }
        if self.arena.len() - start > ROW_BYTES_MAX {
            return Err(too_large("row"));
        }
        if self.arena.len() > ARENA_BYTES_MAX {
            return Err(too_large("buffer"));
        }
        Ok(())
    }

    /// Rows in the buffer.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Memory that the rows take, in bytes.
    pub fn bytes(&self) -> usize {
        self.arena.len() + self.rows.len() * size_of::<Row>()
    }

    /// Forgets all rows after the first `rows`, as if they had not been pushed.
    pub fn truncate(&mut self, rows: usize) {
        if let Some(first) = self.rows.get(rows) {
            self.arena.truncate(first.at as usize);
            self.rows.truncate(rows);
        }
    }

    /// Brings the rows into the order of a segment. The same version (Id, stamp, hash) twice becomes one.
    pub fn sorted(mut self) -> SortedRows {
        let received = self.rows.len();
        let mut duplicate_ids = IdDigest::default();
        self.rows.sort_unstable_by(Row::order);
        self.rows.dedup_by(|again, first| {
            let same = again.is_same_version(first);
            if same {
                duplicate_ids.add(&again.id);
            }
            same
        });
        SortedRows {
            duplicates: received - self.rows.len(),
            duplicate_ids,
            source: self.source,
            rows: self.rows,
            arena: self.arena,
        }
    }
}

/// Rows in the order of a segment, each version once.
#[derive(Debug)]
pub struct SortedRows {
    pub(crate) source: Source,
    pub(crate) rows: Vec<Row>,
    arena: String,
    duplicates: usize,
    duplicate_ids: IdDigest,
}

impl SortedRows {
    /// Rows left.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing to seal.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows dropped because the buffer, or a segment given to `drop_known`, held the same version.
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Digest over the ids of the rows dropped.
    pub fn duplicate_ids(&self) -> IdDigest {
        self.duplicate_ids
    }

    /// An empty buffer for more rows of the same source, in the memory of this one.
    pub fn into_empty(mut self) -> SegmentBuffer {
        self.rows.clear();
        self.arena.clear();
        SegmentBuffer {
            source: self.source,
            rows: self.rows,
            arena: self.arena,
        }
    }

    /// Rows that say that their record is deleted.
    pub fn deleted(&self) -> usize {
        self.rows.iter().filter(|row| row.deleted != 0).count()
    }

    /// The rows from this one on.
    pub(crate) fn from(&self, row: usize) -> &[Row] {
        self.rows.get(row..).unwrap_or_default()
    }

    /// Bytes of the rows' text.
    pub(crate) fn arena_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Least and greatest Id.
    pub(crate) fn ids(&self) -> Option<(SalesforceId, SalesforceId)> {
        Some((self.rows.first()?.id, self.rows.last()?.id))
    }

    /// Least and greatest stamp.
    pub(crate) fn stamps(&self) -> Option<(Stamp, Stamp)> {
        let least = self.rows.iter().map(|row| row.stamp).min()?;
        let greatest = self.rows.iter().map(|row| row.stamp).max()?;
        Some((least, greatest))
    }

    /// Drops the rows whose flag is set; flags are in the order of the rows.
    pub(crate) fn drop_flagged(&mut self, known: &[bool]) {
        let before = self.rows.len();
        let mut flags = known.iter();
        self.rows.retain(|row| {
            let drop = flags.next() == Some(&true);
            if drop {
                self.duplicate_ids.add(&row.id);
            }
            !drop
        });
        self.duplicates += before - self.rows.len();
    }

    /// The fields of a row, in the order of the schema.
    pub(crate) fn values<'a>(&'a self, row: &Row) -> Values<'a> {
        Values {
            rest: self.arena.get(row.at as usize..).unwrap_or_default(),
        }
    }
}

/// The fields of one row; goes on into the next row, so take only as many as there are fields.
pub(crate) struct Values<'a> {
    rest: &'a str,
}

impl Values<'_> {
    /// What is left of the arena; the difference of two calls is the text in between.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut length = 0;
        let mut digits = 0;
        for digit in self.rest.bytes() {
            length |= usize::from(digit & 63) << (6 * digits);
            digits += 1;
            if digit < 64 {
                break;
            }
        }
        let Some(length) = length.checked_sub(1) else {
            self.rest = self.rest.get(1..)?;
            return Some(None);
        };
        let end = digits + length;
        let text = self.rest.get(digits..end)?;
        self.rest = self.rest.get(end..)?;
        Some(Some(text))
    }
}

/// Digits of six bits, least first; all but the last have 64 added.
fn push_length(arena: &mut String, mut length: usize) {
    let digit = |bits: usize| char::from(u8::try_from(bits).unwrap_or_default());
    while length >= 64 {
        arena.push(digit(64 | length & 63));
        length >>= 6;
    }
    arena.push(digit(length));
}
