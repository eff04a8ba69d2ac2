//! A Salesforce org on loopback: OAuth, describe, SOQL, Bulk API 2.0 query jobs, file bodies, and records that are
//! made, changed and deleted over HTTP, with seeded data and faults on request. See the README.
//!
//! It knows nothing of Holdfast, so that a mistake in one cannot hide a mistake in the other.

mod api;
mod bulk;
mod clock;
mod config;
mod control;
mod engine;
mod event_log;
mod formula;
mod generate;
mod id;
mod metadata;
mod meter;
mod org;
mod permission;
mod random;
mod rules;
mod save;
mod schema;
mod server;
mod soap;
mod soql;
mod sosl;
mod state;
mod store;
mod user;

pub use config::{Config, Credentials};
pub use generate::UnknownObject;
pub use org::StartError;
pub use schema::NotationError;
pub use server::{Running, start};
pub use state::StateError;
