//! What committed changes wrote, as bytes: one piece of the log that brings the records back after a restart.
//!
//! Rows are logged as they lie in memory, so that bringing them back asks no rule and needs no schema.

use bytes::Bytes;

use super::{Reference, Slot, Store, Visible, row::Row};
use crate::schema::Schema;

/// Something that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Redo {
    /// A version that everyone sees; no row stands for a removal.
    Row {
        record: (usize, usize),
        row: Option<Row>,
        now_ms: i64,
    },
    /// A version that is seen later.
    Late {
        record: (usize, usize),
        row: Row,
        visible_ms: Option<i64>,
    },
    /// Late versions became visible.
    Commit { now_ms: i64, all: bool },
    /// A body in place of the generated one.
    Body {
        record: (usize, usize),
        field: usize,
        body: Bytes,
    },
    /// The references that a deletion cleared, or that they are back.
    Cleared {
        record: (usize, usize),
        references: Option<Vec<Reference>>,
    },
    /// The declarations changed.
    Declared(Bytes),
    /// What the writer of a piece wants to find again with it.
    Progress { key: String, value: Bytes },
    /// So many slots of an object are taken, though nothing may be in them.
    Taken { object: usize, slots: usize },
}

impl Store {
    /// From here on, what is written is kept for the log.
    pub(crate) fn keep_redo(&mut self) {
        self.journal.redo = Some(Vec::new());
    }

    /// What was written since the last call, unless a transaction is open or nothing was.
    pub(crate) fn take_redo(&mut self) -> Option<Vec<u8>> {
        if self.journal.is_open() {
            return None;
        }
        let written = self.journal.redo.as_mut().filter(|redo| !redo.is_empty())?;
        let mut out = Vec::new();
        for redo in std::mem::take(written) {
            encode(&mut out, &redo);
        }
        Some(out)
    }

    /// Writes again what a piece of the log says; nothing when the piece is damaged.
    pub(crate) fn replay(&mut self, schema: &mut Schema, piece: &[u8]) -> Option<()> {
        let mut reader = Reader { rest: piece };
        while !reader.rest.is_empty() {
            match decode(&mut reader)? {
                Redo::Declared(changes) => {
                    schema.apply(&changes)?;
                    self.widen(schema);
                }
                redo => self.apply(redo),
            }
        }
        Some(())
    }

    /// Notes how far the writer of the open transaction came, in the same piece of the log.
    pub(crate) fn note_progress(&mut self, key: &str, value: impl FnOnce() -> Vec<u8>) {
        self.journal.log(|| Redo::Progress {
            key: key.to_owned(),
            value: value().into(),
        });
    }

    /// What [`Store::note_progress`] noted under a key before a restart, oldest first.
    pub(crate) fn take_progress(&mut self, key: &str) -> Vec<Bytes> {
        self.progress.remove(key).unwrap_or_default()
    }

    /// Notes a change of the declarations, after which rows may be wider.
    pub(crate) fn note_declared(&mut self, changes: impl FnOnce() -> Vec<u8>) {
        self.journal.log(|| Redo::Declared(changes().into()));
    }

    fn apply(&mut self, redo: Redo) {
        match redo {
            Redo::Row {
                record: (object, slot),
                row,
                now_ms,
            } => {
                self.take_slots(object, slot + 1);
                match row {
                    Some(row) => self.write(object, slot, row, Visible::Now, now_ms),
                    None => {
                        self.remove(object, slot, now_ms);
                    }
                }
            }
            Redo::Late {
                record: (object, slot),
                row,
                visible_ms,
            } => {
                self.take_slots(object, slot + 1);
                let visible = visible_ms.map_or(Visible::Held, Visible::At);
                self.write(object, slot, row, visible, 0);
            }
            Redo::Commit { now_ms, all } => {
                self.commit(now_ms, all);
            }
            Redo::Body {
                record: (object, slot),
                field,
                body,
            } => self.set_body(object, slot, field, body),
            Redo::Cleared { record, references } => match references {
                Some(references) => self.note_cleared(record, references),
                None => {
                    self.take_cleared(record);
                }
            },
            Redo::Taken { object, slots } => self.take_slots(object, slots),
            Redo::Progress { key, value } => self.progress.entry(key).or_default().push(value),
            // Needs more than the store, and is dealt with before.
            Redo::Declared(_) => {}
        }
    }

    fn take_slots(&mut self, object: usize, slots: usize) {
        if let Some(table) = self.tables.get_mut(object)
            && table.slots.len() < slots
        {
            table.slots.resize_with(slots, Slot::default);
        }
    }
}

fn encode(out: &mut Vec<u8>, redo: &Redo) {
    match redo {
        Redo::Row {
            record,
            row,
            now_ms,
        } => {
            out.push(if row.is_some() { 1 } else { 2 });
            push_record(out, *record);
            push_time(out, *now_ms);
            if let Some(row) = row {
                push_bytes(out, row);
            }
        }
        Redo::Late {
            record,
            row,
            visible_ms,
        } => {
            out.push(if visible_ms.is_some() { 3 } else { 4 });
            push_record(out, *record);
            push_time(out, visible_ms.unwrap_or(0));
            push_bytes(out, row);
        }
        Redo::Commit { now_ms, all } => {
            out.push(if *all { 5 } else { 6 });
            push_time(out, *now_ms);
        }
        Redo::Body {
            record,
            field,
            body,
        } => {
            out.push(7);
            push_record(out, *record);
            push_number(out, *field);
            push_bytes(out, body);
        }
        Redo::Cleared { record, references } => {
            out.push(if references.is_some() { 8 } else { 9 });
            push_record(out, *record);
            if let Some(references) = references {
                push_number(out, references.len());
                for (object, slot, field) in references {
                    push_record(out, (*object, *slot));
                    push_number(out, *field);
                }
            }
        }
        Redo::Taken { object, slots } => {
            out.push(10);
            push_record(out, (*object, *slots));
        }
        Redo::Progress { key, value } => {
            out.push(12);
            push_bytes(out, key.as_bytes());
            push_bytes(out, value);
        }
        Redo::Declared(changes) => {
            out.push(11);
            push_bytes(out, changes);
        }
    }
}

fn decode(reader: &mut Reader<'_>) -> Option<Redo> {
    Some(match reader.byte()? {
        kind @ (1 | 2) => Redo::Row {
            record: reader.record()?,
            now_ms: reader.time()?,
            row: if kind == 1 {
                Some(Row::from(reader.bytes()?))
            } else {
                None
            },
        },
        kind @ (3 | 4) => {
            let (record, at) = (reader.record()?, reader.time()?);
            Redo::Late {
                record,
                visible_ms: (kind == 3).then_some(at),
                row: Row::from(reader.bytes()?),
            }
        }
        kind @ (5 | 6) => Redo::Commit {
            all: kind == 5,
            now_ms: reader.time()?,
        },
        7 => Redo::Body {
            record: reader.record()?,
            field: reader.number()?,
            body: Bytes::copy_from_slice(reader.bytes()?),
        },
        8 => {
            let (record, count) = (reader.record()?, reader.number()?);
            let mut references = Vec::new();
            for _ in 0..count {
                let (object, slot) = reader.record()?;
                references.push((object, slot, reader.number()?));
            }
            Redo::Cleared {
                record,
                references: Some(references),
            }
        }
        9 => Redo::Cleared {
            record: reader.record()?,
            references: None,
        },
        10 => {
            let (object, slots) = reader.record()?;
            Redo::Taken { object, slots }
        }
        11 => Redo::Declared(Bytes::copy_from_slice(reader.bytes()?)),
        12 => Redo::Progress {
            key: String::from_utf8(reader.bytes()?.to_vec()).ok()?,
            value: Bytes::copy_from_slice(reader.bytes()?),
        },
        _ => return None,
    })
}

fn push_number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
}

fn push_time(out: &mut Vec<u8>, ms: i64) {
    out.extend_from_slice(&ms.to_le_bytes());
}

fn push_record(out: &mut Vec<u8>, (object, slot): (usize, usize)) {
    push_number(out, object);
    push_number(out, slot);
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_number(out, bytes.len());
    out.extend_from_slice(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<[u8; 8]> {
        let (word, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(*word)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.word()?)).ok()
    }

    fn time(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.word()?))
    }

    fn record(&mut self) -> Option<(usize, usize)> {
        Some((self.number()?, self.number()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redo() -> impl Strategy<Value = Redo> {
        let record = (0..9_usize, 0..9_usize);
        let row = || prop::collection::vec(any::<u8>(), 0..20).prop_map(Row::from);
        let bytes = || prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
        prop_oneof![
            (record.clone(), prop::option::of(row()), any::<i64>()).prop_map(
                |(record, row, now_ms)| Redo::Row {
                    record,
                    row,
                    now_ms
                }
            ),
            (record.clone(), row(), prop::option::of(any::<i64>())).prop_map(
                |(record, row, visible_ms)| Redo::Late {
                    record,
                    row,
                    visible_ms
                }
            ),
            (any::<i64>(), any::<bool>()).prop_map(|(now_ms, all)| Redo::Commit { now_ms, all }),
            (record.clone(), 0..9_usize, bytes()).prop_map(|(record, field, body)| Redo::Body {
                record,
                field,
                body
            }),
            (
                record.clone(),
                prop::option::of(prop::collection::vec(
                    (0..9_usize, 0..9_usize, 0..9_usize),
                    0..4
                ))
            )
                .prop_map(|(record, references)| Redo::Cleared { record, references }),
            record.prop_map(|(object, slots)| Redo::Taken { object, slots }),
            bytes().prop_map(Redo::Declared),
            (".{0,8}", bytes()).prop_map(|(key, value)| Redo::Progress { key, value }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_logged_is_read_back(all in prop::collection::vec(redo(), 0..8)) {
            let mut out = Vec::new();
            for redo in &all {
                encode(&mut out, redo);
            }
            let mut reader = Reader { rest: &out };
            for redo in &all {
                let read = decode(&mut reader);
                prop_assert_eq!(read.as_ref(), Some(redo));
            }
            prop_assert!(reader.rest.is_empty());
        }

        #[test]
        fn a_damaged_piece_is_no_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader { rest: &bytes };
            while decode(&mut reader).is_some() {}
        }
    }
}
