//! Which objects changed at all (SOAP guide, `getUpdated()`; reference sections 2.9 and 2.10).

use holdfast_model::{Failure, ObjectName, Stamp};
use serde_json::Value;

use crate::client::Client;
use crate::deleted::replication_path;
use crate::rows::damaged;

impl Client {
    /// Says of each object whether no record got a stamp from its `from` to `until`, at most 30 days back; both are rounded
    /// down to the minute by Salesforce. Deletions are not asked for. Of an object that cannot be asked about it says no.
    /// One call, for at most [`OBJECTS_PER_CALL`](crate::OBJECTS_PER_CALL) objects; an answer per object, in their order.
    pub async fn are_unchanged(
        &self,
        objects: &[(&ObjectName, Stamp)],
        until: Stamp,
    ) -> Result<Vec<bool>, Failure> {
        let paths = objects
            .iter()
            .map(|(object, from)| replication_path(object, "updated", *from, until));
        let answers = self.composite(paths).await?;
        let unchanged = |status: u16, body: &Value| match (status, body.get("ids")) {
            (200, Some(Value::Array(ids))) => Ok(ids.is_empty()),
            (200, _) => Err(damaged(
                "a list of changes does not have its documented shape",
            )),
            _ => Ok(false),
        };
        answers
            .iter()
            .map(|answer| unchanged(answer.http_status_code, &answer.body))
            .collect()
    }
}
