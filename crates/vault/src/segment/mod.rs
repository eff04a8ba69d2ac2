//! Segments: Parquet files sealed with Modular Encryption (docs/FORMAT.md, section 3).

mod buffer;
mod columns;
mod label;
mod open;
mod seal;

pub(crate) use buffer::Row;
pub use buffer::{GoneBy, SegmentBuffer, SortedRows};
pub(crate) use open::{Columns, RowStream, Segment};
pub use seal::SealedSegment;

/// Format version in labels and in the footer.
pub(crate) const FORMAT: &str = "1";

/// Names of the columns that every segment has, in order.
pub(crate) mod column {
    pub(crate) const ID: &str = "Id";
    pub(crate) const MODSTAMP: &str = "_modstamp";
    pub(crate) const DELETED: &str = "_deleted";
    pub(crate) const CAPTURED: &str = "_captured";
    pub(crate) const JOB: &str = "_job";
    pub(crate) const HASH: &str = "_hash";
}

#[cfg(test)]
pub(crate) use label::label;
