//! How much of the org's storage the records take.
//!
//! Sources: Salesforce Help, Salesforce Record Size Overview; Salesforce Developer Limits, `DataStorageMB` and
//! `FileStorageMB`.

use super::{Slot, Store, row::text};
use crate::schema::Object;

/// Most records.
const RECORD_BYTES: u64 = 2 * 1024;
const CAMPAIGN_BYTES: u64 = 8 * 1024;
const MB: u64 = 1024 * 1024;

/// Objects that set an org up and take no storage, though callers can make them.
const SETUP: [&str; 14] = [
    "AccountTeamMember",
    "ContentDocumentLink",
    "Folder",
    "Group",
    "GroupMember",
    "OpportunityTeamMember",
    "PermissionSet",
    "PermissionSetAssignment",
    "PermissionSetGroup",
    "QueueSobject",
    "RecordType",
    "User",
    "UserPackageLicense",
    "UserRole",
];

/// Bytes in use, or all that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Of records.
    pub data_bytes: u64,
    /// Of files.
    pub file_bytes: u64,
}

/// What a record of one object takes.
#[derive(Debug, Default)]
pub(super) struct Weight {
    data_bytes: u64,
    /// The field with the size of the file.
    size_field: Option<usize>,
}

impl Storage {
    /// So many megabytes of each.
    pub(crate) const fn megabytes(data: usize, file: usize) -> Self {
        Self {
            data_bytes: data as u64 * MB,
            file_bytes: file as u64 * MB,
        }
    }

    /// Whole megabytes that are left of `all`.
    pub(crate) const fn left_of(self, all: Self) -> (u64, u64) {
        (
            all.data_bytes.saturating_sub(self.data_bytes) / MB,
            all.file_bytes.saturating_sub(self.file_bytes) / MB,
        )
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            data_bytes: self.data_bytes + other.data_bytes,
            file_bytes: self.file_bytes + other.file_bytes,
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            data_bytes: self.data_bytes.saturating_sub(other.data_bytes),
            file_bytes: self.file_bytes.saturating_sub(other.file_bytes),
        }
    }
}

impl Weight {
    /// Of a record of `object`: files take file storage, what is not made by callers takes nothing.
    pub(super) fn of(object: &Object) -> Self {
        let size = match object.name.as_str() {
            "ContentVersion" => object.field("ContentSize"),
            "Attachment" | "Document" => object.field("BodyLength"),
            _ => None,
        };
        let free = !object.can('C') || SETUP.contains(&object.name.as_str());
        let data_bytes = match object.name.as_str() {
            _ if free || size.is_some() => 0,
            "Campaign" => CAMPAIGN_BYTES,
            _ => RECORD_BYTES,
        };
        Self {
            data_bytes,
            size_field: size.map(|(number, _)| number),
        }
    }

    /// Of one record; what lies in the Recycle Bin takes nothing.
    pub(super) fn slot(&self, slot: &Slot) -> Storage {
        let Some(row) = slot.row.as_ref().filter(|_| !slot.deleted) else {
            return Storage::default();
        };
        let size = self.size_field.and_then(|field| text(row, field));
        Storage {
            data_bytes: self.data_bytes,
            file_bytes: size.and_then(|size| size.parse().ok()).unwrap_or(0),
        }
    }
}

/// Keeps a table's total when a record changes.
pub(super) fn replaced(total: Storage, weight: &Weight, old: &Slot, new: &Slot) -> Storage {
    total.plus(weight.slot(new)).minus(weight.slot(old))
}

impl Store {
    /// What all records take.
    pub(crate) fn used(&self) -> Storage {
        let totals = self.tables.iter().map(|table| table.used);
        totals.fold(Storage::default(), Storage::plus)
    }

    /// False when there is no room for another record of an object with a file of so many bytes.
    pub(crate) fn has_room(&self, object: usize, file_bytes: usize) -> bool {
        let (Some(table), Some(room)) = (self.tables.get(object), self.room) else {
            return true;
        };
        let used = self.used();
        let fits = |more: u64, used: u64, all: u64| more == 0 || used + more <= all;
        let file = table.weight.size_field.map_or(0, |_| file_bytes as u64);
        fits(table.weight.data_bytes, used.data_bytes, room.data_bytes)
            && fits(file, used.file_bytes, room.file_bytes)
    }
}
