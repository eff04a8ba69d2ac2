//! The log file: a header, then pieces. A piece is a kind, a length and so many bytes; what a killed process left of
//! its last piece is cut off.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, Read as _, Seek as _, Write as _},
    path::Path,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::StateError;
use crate::{generate::Volume, schema::Schema, store::Store};

/// Changes with the meaning of the pieces.
const FORMAT: u32 = 2;

/// A longer file is not the beginning of a log.
const HEADER_BYTES_MAX: u64 = 64 * 1024;

const HEADER: u8 = b'H';
const RECORDS: u8 = b'R';
const PART: u8 = b'P';

/// What the generated data follows from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Header {
    format: u32,
    records: usize,
    objects: BTreeMap<String, usize>,
    seed: u64,
    username: String,
    person_accounts: bool,
    /// What the clock said when the data was generated.
    pub(crate) started_ms: i64,
}

/// A log that takes pieces.
#[derive(Debug)]
pub(crate) struct Log {
    file: Mutex<State>,
}

/// What a log can do.
#[derive(Debug)]
enum State {
    /// Take pieces.
    Open(File),
    /// Nothing, as if the process had been killed.
    Closed,
    /// Nothing, because writing failed: nothing can be written behind half a piece.
    Failed,
}

/// Whether all that was written is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is, or there is no log.
    Yes,
    /// The org has ended.
    Ended,
    /// The disk is full, or gone.
    Failed,
}

/// A log that was opened and is not read yet.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    header: Header,
}

impl Header {
    /// The header of an org that starts at `started_ms`.
    pub(crate) fn new(volume: &Volume, person_accounts: bool, started_ms: i64) -> Self {
        Self {
            format: FORMAT,
            records: volume.records,
            objects: volume.objects.clone(),
            seed: volume.seed,
            username: volume.username.clone(),
            person_accounts,
            started_ms,
        }
    }
}

impl Opened {
    /// Opens the log in `folder`; a new one begins with `header`. The time of the start is the log's.
    pub(crate) fn at(folder: &Path, header: &Header) -> Result<Self, StateError> {
        fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(folder.join("org.log"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let Some((kind, bytes)) = piece(&mut file)? else {
            if file.metadata()?.len() > HEADER_BYTES_MAX {
                return Err(StateError::Damaged("it does not begin as a log does"));
            }
            // A process was killed before it had written its first piece.
            file.set_len(0)?;
            let text = serde_json::to_vec(header).map_err(io::Error::from)?;
            write(&mut file, HEADER, &[&text])?;
            return Ok(Self {
                file,
                header: header.clone(),
            });
        };
        let found: Option<Header> = serde_json::from_slice(&bytes).ok();
        let found = found
            .filter(|_| kind == HEADER)
            .ok_or(StateError::Damaged("it does not begin as a log does"))?;
        let same = Header {
            started_ms: found.started_ms,
            ..header.clone()
        };
        if found != same {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return Err(StateError::Other(text));
        }
        Ok(Self {
            file,
            header: found,
        })
    }

    /// What the clock said when the data was generated first.
    pub(crate) const fn started_ms(&self) -> i64 {
        self.header.started_ms
    }

    /// Writes again what the log says; the log goes on behind its last whole piece. The other parts of the org's
    /// state come back by name, the newest of each.
    pub(crate) fn replay(
        self,
        schema: &mut Schema,
        store: &mut Store,
    ) -> Result<(Log, BTreeMap<String, Vec<u8>>), StateError> {
        let mut parts = BTreeMap::new();
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let mut whole = reader.stream_position()?;
        while let Some((kind, bytes)) = piece(&mut reader)? {
            match kind {
                RECORDS => store
                    .replay(schema, &bytes)
                    .ok_or(StateError::Damaged("records are not understood"))?,
                PART => {
                    let (name, value) = named(&bytes)
                        .ok_or(StateError::Damaged("a part of the state has no name"))?;
                    parts.insert(name.to_owned(), value.to_vec());
                }
                _ => return Err(StateError::Damaged("a piece is of no known kind")),
            }
            whole = reader.stream_position()?;
        }
        drop(reader);
        self.file.set_len(whole)?;
        let log = Log {
            file: Mutex::new(State::Open(self.file)),
        };
        Ok((log, parts))
    }
}

impl Log {
    /// Adds what was committed to the store.
    pub(crate) fn records(&self, piece: &[u8]) {
        self.append(RECORDS, &[piece]);
    }

    /// Adds the newest value of another part of the state.
    pub(crate) fn part(&self, name: &str, value: &[u8]) {
        let length = u32::try_from(name.len()).unwrap_or(0).to_le_bytes();
        self.append(PART, &[&length, name.as_bytes(), value]);
    }

    /// Nothing is written from here on, as if the process had been killed.
    pub(crate) fn close(&self) {
        *self.file.lock() = State::Closed;
    }

    /// Whether all that was written is in the log.
    pub(crate) fn kept(&self) -> Kept {
        match *self.file.lock() {
            State::Open(_) => Kept::Yes,
            State::Closed => Kept::Ended,
            State::Failed => Kept::Failed,
        }
    }

    fn append(&self, kind: u8, bytes: &[&[u8]]) {
        let mut state = self.file.lock();
        if let State::Open(file) = &mut *state
            && write(file, kind, bytes).is_err()
        {
            *state = State::Failed;
        }
    }
}

/// The next piece; nothing at the end, or when less than a whole piece is left.
fn piece(reader: &mut impl io::Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 9];
    if !fill(reader, &mut head)? {
        return Ok(None);
    }
    let [kind, length @ ..] = head;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    let read = reader.take(length).read_to_end(&mut bytes)?;
    Ok((u64::try_from(read).ok() == Some(length)).then_some((kind, bytes)))
}

fn fill(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn write(file: &mut File, kind: u8, bytes: &[&[u8]]) -> io::Result<()> {
    let bytes = bytes.concat();
    let mut piece = Vec::with_capacity(bytes.len() + 9);
    piece.push(kind);
    piece.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
    piece.extend_from_slice(&bytes);
    file.write_all(&piece)
}

fn named(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (name, value) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(name).ok()?, value))
}
