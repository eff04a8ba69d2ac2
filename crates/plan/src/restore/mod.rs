//! What a restore sets out to do: in which order objects are written, and what of each record.

pub mod counterpart;
mod order;
pub mod plan;
pub mod preflight;
pub mod quiet;
mod record;
mod refilled;
pub mod run;

pub use order::{Lookup, Restored, Turn, order};
pub use record::{Decision, Mode, Now, RestoredFields, Row, SkipReason, Step, Write};
