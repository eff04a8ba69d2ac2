//! The vocabulary of Holdfast: ids, names, time, windows, schema, filters, rows, blocks, errors.
//!
//! No I/O, no async, no clock, no randomness. Every other crate speaks these types.

pub mod authors;
mod automation;
pub mod block;
pub mod changes;
pub mod digest;
pub mod entropy;
pub mod error;
pub mod filter;
pub mod id;
pub mod limits;
pub mod name;
pub mod row;
mod run;
pub mod schema;
pub mod segment;
pub mod signal;
pub mod stamp;
pub mod sweep;
mod target;
pub mod window;

pub use authors::{Author, Authors};
pub use automation::{Automation, AutomationKind, Switch};
pub use block::{Block, BlockGroup, Lane};
pub use changes::{Change, Changes, Standing};
pub use digest::IdDigest;
pub use entropy::Entropy;
pub use error::{ErrorClass, ErrorCode, Failure};
pub use id::SalesforceId;
pub use name::{JobId, ObjectName, OrgName};
pub use row::RowHash;
pub use run::{Fidelity, Phase, RunCounts};
pub use schema::{FieldSchema, ObjectSchema, Transport};
pub use segment::{SegmentEntry, WrappedKey};
pub use signal::{Signal, Thresholds};
pub use stamp::Stamp;
pub use sweep::Sweep;
pub use target::{Target, TargetField};
pub use window::{Coverage, Window};
