//! The newest version of each record at one or more times.

use holdfast_model::{Failure, SalesforceId, Stamp};

use crate::scan::Merge;
use crate::version::ScanRow;

/// Goes through a merge once and keeps, per record, the version that is the newest at each time.
pub(crate) struct Newest<const TIMES: usize> {
    merge: Merge,
    times: [Stamp; TIMES],
}

impl<const TIMES: usize> Newest<TIMES> {
    pub(crate) fn new(merge: Merge, times: [Stamp; TIMES]) -> Self {
        Self { merge, times }
    }

    /// Reads columns that are not shown, too.
    pub(crate) fn also_read<'a>(&mut self, columns: impl Iterator<Item = &'a str>) {
        self.merge.also_read(columns);
    }

    /// The next record that has a version at any of the times.
    pub(crate) async fn next(
        &mut self,
    ) -> Result<Option<(SalesforceId, [Option<ScanRow>; TIMES])>, Failure> {
        while let Some(id) = self.merge.peek().await? {
            let mut newest = [const { None }; TIMES];
            // The merge yields versions of a record newest first.
            while self.merge.peek().await? == Some(id) {
                let Some(row) = self.merge.next().await? else {
                    break;
                };
                for (newest, time) in newest.iter_mut().zip(self.times) {
                    if newest.is_none() && row.modstamp() <= time {
                        *newest = Some(row.clone());
                    }
                }
            }
            if newest.iter().any(Option::is_some) {
                return Ok(Some((id, newest)));
            }
        }
        Ok(None)
    }
}

impl<const TIMES: usize> std::fmt::Debug for Newest<TIMES> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Newest")
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}
