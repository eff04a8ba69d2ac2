//! The client against a simulated org, over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod automation;
mod bulk;
mod filter;
mod login;
mod rest;
mod support;
mod write;
