//! Pure decisions: what is read next, what a sweep finds, and what differs. No I/O, no clock, no randomness.

pub mod backup;
pub mod compare;
pub mod diff;
pub mod sweep;

pub use backup::{ObjectState, Pace, group, plan_backup};
pub use diff::{Change, ChangeKind, ComparedFields, FieldClass, Ignore};
pub use sweep::{Buckets, Comparison, Differences, Group, Held};
