//! The vault: the S3 side of an org. The only room that seals or opens.
//!
//! What lies in the bucket is described in `docs/FORMAT.md`. This crate writes each object once, never overwrites or
//! deletes one, and refuses whatever is not exactly what it sealed.

mod blob;
mod bucket;
mod chain;
mod choice;
mod document;
mod entropy;
mod envelope;
mod error;
mod filter;
mod held;
mod keys;
mod known;
mod manifest;
mod newest;
mod org_key;
mod pairs;
mod plan;
mod scan;
mod segment;
mod vault;
mod version;

#[cfg(test)]
mod tests;

pub use blob::{BlobBody, BlobEntry, BlobReader, SealedBlob};
pub use bucket::{Part, Put, Ranges, Span};
pub use chain::{Depth, Verified};
pub use choice::Choice;
pub use held::Held;
pub use keys::{CustomerKey, KeyRing, ObjectKey};
pub use manifest::{Addition, Manifest, ManifestEntry, ObjectAddition, Recount, WindowException};
pub use pairs::{Found, Pair, Pairs, Side, Totals};
pub use plan::{PlanReader, StoredPlan};
pub use scan::{Fields, Filter, Scan};
pub use segment::{GoneBy, SealedSegment, SegmentBuffer, SortedRows};
pub use vault::Vault;
pub use version::{Presence, ScanRow, Version};
