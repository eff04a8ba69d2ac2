//! State on disk: a log of what the org committed, in the order in which it did.
//!
//! The generated data is not in the log, only what it follows from. A start on a folder that has a log generates the
//! same data again and writes over it what the log says, so that an org that was killed goes on where it was.
//! The log is written before an answer leaves; it is not synced, since it is a process that ends here, not a machine.

mod classic;
mod file;
mod job;
mod load;
mod part;
mod word;

pub(crate) use file::{Header, Kept, Log, Opened};
pub(crate) use part::{Parts, Written};
pub(crate) use word::{Word, word};

/// Why a folder with state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder cannot be made, or its log cannot be opened, read or written.
    #[error("the log cannot be used")]
    Io(#[from] std::io::Error),
    /// Another process works on the folder.
    #[error("another org uses the folder")]
    InUse,
    /// The log belongs to an org with other data.
    #[error("the folder holds an org with other data: {0}")]
    Other(String),
    /// A piece of the log is not understood.
    #[error("the log is damaged: {0}")]
    Damaged(&'static str),
}
