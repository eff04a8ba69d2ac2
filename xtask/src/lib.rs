//! What the project's chores and its end-to-end tests share: where things are, and the pinned Python tools.

pub mod place;
pub mod python;
