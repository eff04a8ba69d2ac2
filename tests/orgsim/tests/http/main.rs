//! The simulator over real HTTP, through a client that knows nothing about it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod audit;
mod automation;
mod bulk;
mod changes;
mod children;
mod classic;
mod composite;
mod computed;
mod describe;
mod error_codes;
mod event_logs;
mod faults;
mod files;
mod ingest;
mod limits;
mod locks;
mod measure;
mod metadata;
mod oauth;
mod partner;
mod person;
mod query;
mod rows;
mod rules;
mod search;
mod setup_trail;
mod sim;
mod soap;
mod standard;
mod state;
mod tooling;
mod users;
mod writes;
