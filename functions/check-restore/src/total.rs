//! What was found of an object, counted.

use holdfast_model::{Failure, ObjectName};
use holdfast_plan::restore::plan::Counts;
use holdfast_plan::restore::preflight::{
    ObjectCheck, Obstacle, ObstaclePage, Tally, links_name, object_check_name, obstacles_name,
    tallied,
};

use crate::check::Run;

impl Run<'_> {
    /// Counts the obstacles of all pages, each record once.
    pub(crate) async fn total(
        &self,
        object: &ObjectName,
        pages: u32,
        automation: &[String],
    ) -> Result<(), Failure> {
        let mut check = ObjectCheck::default();
        for page in 0..pages {
            let names = [
                obstacles_name(self.job, object, page),
                links_name(self.job, object, page),
            ];
            let mut found = ObstaclePage::default();
            for name in names {
                let more = self.vault.find_document::<ObstaclePage>(&name).await?;
                found.add(more.unwrap_or_default());
            }
            tallied(&found.records, &mut check);
        }
        // A trigger or flow may refuse any record, and nobody can say which.
        let writes = self
            .counts
            .get(self.cursor.object)
            .map_or(0, Counts::writes);
        check.obstacles.extend(automation.iter().map(|name| Tally {
            obstacle: Obstacle::may("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY").by(name),
            records: writes,
            examples: Vec::new(),
        }));
        let name = object_check_name(self.job, object);
        self.vault.put_document(&name, &check).await?;
        Ok(())
    }
}
