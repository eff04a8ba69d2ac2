//! Pure decisions: what is read next. No I/O, no clock, no randomness.

pub mod backup;

pub use backup::{ObjectState, Pace, plan_backup};
