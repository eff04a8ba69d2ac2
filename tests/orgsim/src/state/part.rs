//! The state besides the records: everything that an answer may have told. A part that changed is written whole
//! before the answer leaves, so parts are small, or many and each written once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::{Kept, Log, StateError, classic, job, load};
use crate::{
    api::{query::Cursor, session::Sessions},
    org::{Org, Tuning},
    rules::Rules,
    store::Storage,
};

/// The newest value of every part, by name.
pub(crate) type Parts = BTreeMap<String, Vec<u8>>;

const CLOCK: &str = "clock";
const SETTINGS: &str = "settings";
const DECLARED: &str = "declared";
const SESSIONS: &str = "sessions";
const RECENT: &str = "recent";
const RULES: &str = "rules";
const LOGINS: &str = "logins";
const JOB_NUMBERS: &str = "job-numbers";
const CALLS: &str = "calls";
const ROUTE: &str = "route/";
const CURSOR: &str = "cursor/";
const COMPONENTS: &str = "components";
const COMPONENT: &str = "component/";

/// What of the state is in the log.
#[derive(Debug, Default)]
pub(crate) struct Written(
    /// Per part, what changes when its value does.
    HashMap<String, u64>,
);

/// Writes parts that changed.
pub(super) struct Writer<'a> {
    log: &'a Log,
    written: &'a mut HashMap<String, u64>,
}

impl Writer<'_> {
    /// Writes a part unless the log has this very value.
    pub(super) fn put(&mut self, name: &str, value: &impl Serialize) {
        if let Ok(value) = serde_json::to_vec(value) {
            self.put_bytes(name, &value);
        }
    }

    /// Writes a part whose value changes only when `mark` does.
    pub(super) fn put_marked(&mut self, name: &str, mark: u64, value: impl FnOnce() -> Vec<u8>) {
        if self.written.get(name) != Some(&mark) {
            self.written.insert(name.to_owned(), mark);
            self.log.part(name, &value());
        }
    }

    /// Writes empty values for the parts below `prefix` that are not among `names` any more.
    pub(super) fn end_missing(&mut self, prefix: &str, names: &HashSet<String>) {
        let gone: Vec<String> = self
            .written
            .keys()
            .filter(|name| {
                name.strip_prefix(prefix)
                    .is_some_and(|id| !names.contains(id))
            })
            .cloned()
            .collect();
        for name in gone {
            self.written.remove(&name);
            self.log.part(&name, &[]);
        }
    }

    fn put_bytes(&mut self, name: &str, value: &[u8]) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        self.put_marked(name, hasher.finish(), || value.to_vec());
    }
}

impl Org {
    /// Writes what changed since the last answer. An answer may leave when all of it is in the log.
    pub(crate) fn keep(&self) -> Kept {
        let Some(log) = &self.log else {
            return Kept::Yes;
        };
        // Held to the end, so that what is written last is what was read last.
        let mut written = self.written.lock();
        let mut writer = Writer {
            log,
            written: &mut written.0,
        };
        writer.put(CLOCK, &self.clock.offset_ms());
        writer.put(SETTINGS, &*self.tuning.read());
        writer.put(SESSIONS, &*self.sessions.lock());
        writer.put(DECLARED, &self.schema.changed_ms());
        {
            let rules = self.rules.read();
            writer.put(RULES, &(rules.list(), &rules.grants));
        }
        writer.put(COMPONENTS, &self.metadata.minted());
        let mut names = HashSet::new();
        self.metadata.save(|name, revision, bytes| {
            writer.put_marked(&format!("{COMPONENT}{name}"), revision, bytes);
            names.insert(name);
        });
        writer.end_missing(COMPONENT, &names);
        writer.put(RECENT, &*self.recent.lock());
        writer.put(LOGINS, &*self.logins.read());
        {
            let meter = self.meter.lock();
            let used = (&meter.calls, &meter.query_jobs, &meter.bulk_batches);
            writer.put(CALLS, &used);
            writer.put(JOB_NUMBERS, &self.jobs_so_far());
            for (route, count) in &meter.routes {
                writer.put(&format!("{ROUTE}{route}"), count);
            }
        }
        {
            let open = self.cursors.lock();
            for (id, cursor) in open.iter() {
                // A cursor does not change, but another one can take its place.
                let mark = Arc::as_ptr(cursor).addr() as u64;
                writer.put_marked(&format!("{CURSOR}{id}"), mark, || {
                    serde_json::to_vec(&**cursor).unwrap_or_default()
                });
            }
        }
        job::write(self, &mut writer);
        load::write(self, &mut writer);
        classic::write(self, &mut writer);
        log.kept()
    }

    /// Takes the parts over that a log had.
    pub(crate) fn take_parts(&self, parts: &Parts) -> Result<(), StateError> {
        for (name, value) in parts.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                CLOCK => self.clock.set_offset_ms(read(value)?),
                SETTINGS => {
                    let tuning: Tuning = read(value)?;
                    let room = Storage::megabytes(tuning.data_storage_mb, tuning.file_storage_mb);
                    self.store.write().room = Some(room);
                    *self.tuning.write() = tuning;
                }
                SESSIONS => self.sessions.lock().take_over(read::<Sessions>(value)?),
                DECLARED => self.schema.set_changed_ms(read(value)?),
                RULES => {
                    let (declared, grants) = read(value)?;
                    let rules = Rules::restored(&self.schema, declared, grants)
                        .map_err(|_| StateError::Damaged("a rule is not understood"))?;
                    *self.rules.write() = Arc::new(rules);
                }
                COMPONENTS => self.metadata.set_minted(read(value)?),
                RECENT => *self.recent.lock() = read(value)?,
                LOGINS => *self.logins.write() = read(value)?,
                CALLS => {
                    let mut meter = self.meter.lock();
                    (meter.calls, meter.query_jobs, meter.bulk_batches) = read(value)?;
                }
                JOB_NUMBERS => self.count_jobs_from(read(value)?),
                _ => {
                    if let Some(route) = name.strip_prefix(ROUTE) {
                        self.meter
                            .lock()
                            .routes
                            .insert(route.to_owned(), read(value)?);
                    } else if let Some(id) = name.strip_prefix(CURSOR) {
                        let cursor: Cursor = read(value)?;
                        self.cursors.lock().insert(id.to_owned(), Arc::new(cursor));
                    } else if name.starts_with(COMPONENT) {
                        self.metadata
                            .restore(value)
                            .ok_or(StateError::Damaged("a component is not understood"))?;
                    } else {
                        job::take(self, name, parts)?;
                        load::take(self, name, parts)?;
                        classic::take(self, name, parts)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A value as it was put.
pub(super) fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, StateError> {
    serde_json::from_slice(value).map_err(|_| StateError::Damaged("a part is not understood"))
}
