//! A filter over stored records: what has to be known of parents is read first, from the same time.

use std::sync::Arc;

use holdfast_model::filter::{IdSet, Parents, Record, Selection};
use holdfast_model::{Failure, ObjectName};

use crate::scan::Scan;
use crate::version::{Presence, ScanRow};

/// A filter that is ready for the records of its object, as of one time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Choice {
    selection: Arc<Selection>,
    parents: Arc<Parents>,
}

impl Choice {
    /// Reads the parents that the filter asks about, one object after the other; `scan` starts a reading of one
    /// column, or gives nothing for an object that is not stored, whose records then count as absent.
    pub(crate) async fn read(
        selection: Selection,
        parents_max: usize,
        scan: impl Fn(&ObjectName, &str) -> Option<Scan>,
    ) -> Result<Self, Failure> {
        let mut parents = Parents::default();
        for step in selection.steps() {
            let mut set = IdSet::with_room(parents_max.saturating_sub(parents.len()));
            for object in step.objects() {
                let Some(mut rows) = step.column(object).and_then(|column| scan(object, column))
                else {
                    continue;
                };
                while let Some(row) = rows.next().await? {
                    // Salesforce shows parents in the Recycle Bin to their children.
                    if row.presence() != Presence::Gone && step.selects(object, &row, &parents) {
                        set.add(row.id())?;
                    }
                }
            }
            parents.put(&step, set);
        }
        Ok(Self {
            selection: Arc::new(selection),
            parents: Arc::new(parents),
        })
    }

    /// The columns that it looks at.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.selection.columns().into_iter()
    }

    /// Whether the filter chooses the record. One that is gone has no fields to be asked about.
    pub(crate) fn takes(&self, row: &ScanRow) -> bool {
        row.presence() != Presence::Gone && self.selection.matches(row, &self.parents)
    }
}

impl Record for ScanRow {
    fn text(&self, field: &str) -> Option<&str> {
        self.stored(field)
    }
}
