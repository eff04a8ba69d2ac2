//! What fired, and how often: the witness of tests that want silence.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Value, json};

/// Counts by kind, object, name and event.
#[derive(Debug, Default)]
pub(crate) struct Fired(Mutex<BTreeMap<Key, usize>>);

type Key = (&'static str, String, String, &'static str);

impl Fired {
    /// Counts one.
    pub(crate) fn count(&self, kind: &'static str, object: &str, name: &str, event: &'static str) {
        let key = (kind, object.to_owned(), name.to_owned(), event);
        *self.0.lock().entry(key).or_default() += 1;
    }

    /// All counts, and their sum.
    pub(crate) fn report(&self) -> Value {
        let counts = self.0.lock();
        let fired: Vec<Value> = counts
            .iter()
            .map(|((kind, object, name, event), count)| {
                json!({"kind": kind, "object": object, "name": name, "event": event, "count": count})
            })
            .collect();
        json!({"total": counts.values().sum::<usize>(), "fired": fired})
    }

    /// Begins again at zero.
    pub(crate) fn reset(&self) {
        self.0.lock().clear();
    }
}
