//! Bulk loads: what a file of rows comes to, and how it is saved piece by piece. Both versions of the Bulk API and
//! their jobs build on it.
//!
//! Sources: Bulk API 2.0 and Bulk API Developer Guide (Prepare CSV Files, Ingest, Limits); texts as clients report them.

pub(crate) mod batch;
pub(crate) mod chunk;
pub(crate) mod classic;
pub(crate) mod header;
pub(crate) mod ingest;
mod rows;
pub(crate) mod run;
pub(crate) mod sheet;

use serde::{Deserialize, Serialize};

/// What a job does with its rows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Operation {
    /// New records.
    Insert,
    /// New values for records named by their Ids.
    Update,
    /// Either, by a key.
    Upsert,
    /// Into the Recycle Bin.
    Delete,
    /// For good.
    HardDelete,
}

impl Operation {
    /// The operation that the API calls `name`; older clients write it in lower case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Insert,
            Self::Update,
            Self::Upsert,
            Self::Delete,
            Self::HardDelete,
        ];
        all.into_iter().find(|operation| operation.name() == name)
    }

    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }

    /// The rows are Ids and nothing else.
    pub(crate) const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::HardDelete)
    }

    /// The capability that an object needs for it.
    pub(crate) const fn capability(self) -> char {
        match self {
            Self::Insert | Self::Upsert => 'C',
            Self::Update => 'U',
            Self::Delete | Self::HardDelete => 'D',
        }
    }
}

/// Rows of an internal batch, which the daily allocation counts.
pub(crate) const BATCH_ROWS: usize = 10_000;

/// The byte of a `columnDelimiter`.
pub(crate) fn delimiter(name: &str) -> Option<u8> {
    match name {
        "BACKQUOTE" => Some(b'`'),
        "CARET" => Some(b'^'),
        "COMMA" => Some(b','),
        "PIPE" => Some(b'|'),
        "SEMICOLON" => Some(b';'),
        "TAB" => Some(b'\t'),
        _ => None,
    }
}

/// The bytes of a `lineEnding`.
pub(crate) fn line_end(name: &str) -> Option<&'static [u8]> {
    match name {
        "LF" => Some(b"\n"),
        "CRLF" => Some(b"\r\n"),
        _ => None,
    }
}
