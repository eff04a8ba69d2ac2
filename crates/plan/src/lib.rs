//! Pure decisions: what is read next, what a sweep finds, what differs, what is a signal, and what a restore writes. No I/O, no clock, no randomness.

pub mod backup;
pub mod compare;
pub mod diff;
pub mod formula;
pub mod restore;
pub mod signals;
pub mod sweep;
pub mod untouched;

pub use backup::{ObjectState, Pace, group, plan_backup};
pub use diff::{Change, ChangeKind, ComparedFields, FieldClass, Ignore};
pub use signals::{Measured, signals};
pub use sweep::{Buckets, Comparison, Differences, Group, Held};
