//! The protocol client of a Salesforce org: login, describe, REST and Bulk API 2.0 queries, file bodies, records that are
//! saved, automation that is switched, API budget.
//!
//! It answers with the text that Salesforce sent and with nothing that it did not verify: a missing end marker,
//! a short page or a count that differs from Salesforce's own is an error, never an end. It knows
//! nothing of AWS, and it holds at most one batch of rows (bulk) or one page (REST) in memory.

mod answer;
mod automation;
mod blob;
mod budget;
mod bulk;
mod call;
mod client;
mod credentials;
mod csv;
mod deleted;
mod describe;
mod exceptions;
mod metadata;
mod name;
mod org;
mod page;
mod records;
mod refusal;
mod rest;
mod rows;
mod session;
mod soap;
pub mod soql;
mod target;
mod tooling;
mod triggers;
mod updated;
mod users;
mod validation;
mod write;

pub use automation::{Entities, Found};
pub use blob::Blob;
pub use budget::{Budget, Usage};
pub use bulk::{BulkJob, JobState};
pub use client::{Client, Settings};
pub use credentials::Credentials;
pub use csv::PageReader;
pub use deleted::{DELETE_WINDOW_SECONDS_MIN, DeleteLog, OBJECTS_PER_CALL};
pub use describe::{Describe, ObjectList, ObjectSummary};
pub use exceptions::{ByParent, by_parent};
pub use metadata::Deployment;
pub use name::{ApiVersion, BulkJobId, Columns};
pub use org::{Identity, Limit};
pub use page::{BulkPage, PageEnd};
pub use records::Records;
pub use rest::{IDS_PER_CALL, QueryPages};
pub use rows::{Row, RowBatch};
pub use soql::Scope;
pub use validation::ValidationRule;
pub use write::{Draft, RECORDS_PER_CALL, SaveError, Saved, Value};
