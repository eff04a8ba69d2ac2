//! Pure decisions: what is read next, and what a sweep finds. No I/O, no clock, no randomness.

pub mod backup;
pub mod sweep;

pub use backup::{ObjectState, Pace, group, plan_backup};
pub use sweep::{Buckets, Comparison, Differences, Group, Held};
