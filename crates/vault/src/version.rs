//! One state of one record, as it is read from a segment.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int8Type, TimestampMillisecondType};
use arrow_array::{
    Array, FixedSizeBinaryArray, Int8Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use holdfast_model::{RowHash, SalesforceId, Stamp, Standing};
use serde::{Serialize, Serializer};

use crate::error::Refusal;
use crate::segment::column::{CAPTURED, DELETED, HASH, ID, JOB, MODSTAMP};

/// One state of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The record.
    pub id: SalesforceId,
    /// When Salesforce changed it to this state.
    pub modstamp: Stamp,
    /// Whether it was deleted.
    pub presence: Presence,
    /// When it was read.
    pub captured: Stamp,
    /// The job that read it.
    pub job: String,
    /// Hash of the canonical row.
    #[serde(serialize_with = "as_hex")]
    pub hash: RowHash,
    /// The text of every field as Salesforce sent it; nothing for null.
    pub fields: BTreeMap<String, Option<String>>,
}

fn as_hex<S: Serializer>(hash: &RowHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(hash))
}

/// Whether a record was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It was.
    Live,
    /// It was in the Recycle Bin.
    InRecycleBin,
    /// It was gone for good.
    Gone,
}

/// A version inside a batch that a scan read. Cheap to clone; it keeps its batch in memory.
#[derive(Debug, Clone)]
pub struct ScanRow {
    batch: Arc<Batch>,
    row: usize,
    pub(crate) key: RowKey,
}

/// What a merge compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowKey {
    pub(crate) id: SalesforceId,
    pub(crate) stamp: Stamp,
    pub(crate) captured: Stamp,
}

impl ScanRow {
    /// The record.
    pub fn id(&self) -> SalesforceId {
        self.key.id
    }

    /// When Salesforce changed it to this state.
    pub fn modstamp(&self) -> Stamp {
        self.key.stamp
    }

    /// Whether it was deleted.
    pub fn presence(&self) -> Presence {
        match self.batch.deleted.value(self.row) {
            0 => Presence::Live,
            1 => Presence::InRecycleBin,
            _ => Presence::Gone,
        }
    }

    /// When it was read.
    pub fn captured(&self) -> Stamp {
        self.key.captured
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        Standing {
            live: self.presence() == Presence::Live,
            stamp: self.modstamp(),
            captured: self.captured(),
        }
    }

    /// The job that read it.
    pub fn job(&self) -> &str {
        self.batch.jobs.value(self.row)
    }

    /// Hash of the canonical row.
    pub fn hash(&self) -> RowHash {
        self.batch
            .hashes
            .value(self.row)
            .first_chunk()
            .copied()
            .unwrap_or_default()
    }

    /// The text of a field; nothing when it is null, was not asked for or did not exist.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, column) = self.batch.fields.iter().find(|(field, _)| field == name)?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    /// The fields that were asked for and that the segment has, with their text.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.batch.fields.iter().map(|(name, column)| {
            (
                name.as_str(),
                column.is_valid(self.row).then(|| column.value(self.row)),
            )
        })
    }

    /// The text of a field that was read, also when only a filter needs it.
    pub(crate) fn stored(&self, name: &str) -> Option<&str> {
        if name == ID {
            return Some(self.key.id.as_str());
        }
        let mut read = self.batch.fields.iter().chain(&self.batch.hidden);
        let (_, column) = read.find(|(field, _)| field == name)?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    /// A copy that does not keep the batch.
    pub fn to_version(&self) -> Version {
        Version {
            id: self.id(),
            modstamp: self.modstamp(),
            presence: self.presence(),
            captured: self.captured(),
            job: self.job().to_owned(),
            hash: self.hash(),
            fields: self
                .fields()
                .map(|(name, text)| (name.to_owned(), text.map(ToOwned::to_owned)))
                .collect(),
        }
    }
}

/// The columns of a batch by their types.
#[derive(Debug)]
pub(crate) struct Batch {
    ids: StringArray,
    stamps: TimestampMillisecondArray,
    deleted: Int8Array,
    captured: TimestampMillisecondArray,
    jobs: StringArray,
    hashes: FixedSizeBinaryArray,
    /// What was asked for.
    fields: Vec<(String, StringArray)>,
    /// What only a filter needs.
    hidden: Vec<(String, StringArray)>,
}

impl Batch {
    /// The columns that every reading needs.
    pub(crate) const OWN: [&'static str; 6] = [ID, MODSTAMP, DELETED, CAPTURED, JOB, HASH];

    /// Takes the columns apart.
    pub(crate) fn new(batch: &RecordBatch, shown: &Shown) -> Result<Self, Refusal> {
        let column = |name| {
            batch
                .column_by_name(name)
                .filter(|column| column.null_count() == 0)
                .ok_or(Refusal::Broken)
        };
        let text = |name| {
            column(name)?
                .as_string_opt::<i32>()
                .cloned()
                .ok_or(Refusal::Broken)
        };
        let stamps = |name| {
            column(name)?
                .as_primitive_opt::<TimestampMillisecondType>()
                .cloned()
                .ok_or(Refusal::Broken)
        };
        let ids = text(ID)?;
        let hashes = column(HASH)?
            .as_fixed_size_binary_opt()
            .cloned()
            .ok_or(Refusal::Broken)?;
        let (mut fields, mut hidden) = (Vec::new(), Vec::new());
        if shown.has(ID) {
            fields.push((ID.to_owned(), ids.clone()));
        }
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let name = field.name();
            if !Self::OWN.contains(&name.as_str()) {
                let column = column.as_string_opt::<i32>().ok_or(Refusal::Broken)?;
                let place = if shown.has(name) {
                    &mut fields
                } else {
                    &mut hidden
                };
                place.push((name.clone(), column.clone()));
            }
        }
        Ok(Self {
            ids,
            stamps: stamps(MODSTAMP)?,
            deleted: column(DELETED)?
                .as_primitive_opt::<Int8Type>()
                .cloned()
                .ok_or(Refusal::Broken)?,
            captured: stamps(CAPTURED)?,
            jobs: text(JOB)?,
            hashes: Some(hashes)
                .filter(|hashes| hashes.value_length() == 16)
                .ok_or(Refusal::Broken)?,
            fields,
            hidden,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.ids.len()
    }

    /// A row of the batch; it must have one.
    pub(crate) fn row(self: &Arc<Self>, row: usize) -> Result<ScanRow, Refusal> {
        if row >= self.rows() {
            return Err(Refusal::Broken);
        }
        let key = RowKey {
            id: SalesforceId::parse(self.ids.value(row).as_bytes()).map_err(|_| Refusal::Broken)?,
            stamp: Stamp::from_millis(self.stamps.value(row)),
            captured: Stamp::from_millis(self.captured.value(row)),
        };
        Ok(ScanRow {
            batch: Arc::clone(self),
            row,
            key,
        })
    }
}

/// The fields that were asked for.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    All,
    Named(Arc<[String]>),
}

impl Shown {
    fn has(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == field),
        }
    }
}
