//! Leaves out objects in which nothing changed and nothing was deleted. One call asks about 25 of them; reading each would be
//! a call, too.

use std::collections::BTreeSet;

use holdfast_catalog::{ObjectItem, OrgItem};
use holdfast_model::{ErrorClass, Failure, ObjectName, Stamp};
use holdfast_plan::untouched::Untouched;
use holdfast_salesforce::{Client, DELETE_WINDOW_SECONDS_MIN, DeleteLog, OBJECTS_PER_CALL};

/// `getUpdated()` asks for records by this stamp.
const ASKED_BY: &str = "SystemModstamp";
/// An object in which nothing was read for so long is asked about less often.
const IDLE_SECONDS: u32 = 4 * 3_600;
/// After so long every object is read, far within the 15 and 30 days that Salesforce's lists reach back.
const READ_SECONDS: u32 = 5 * 86_400;

/// What asking came to.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    /// Objects that need not be read now.
    pub(crate) quiet: BTreeSet<ObjectName>,
    /// Those of them in which nothing was deleted.
    pub(crate) untouched: Untouched,
    /// Whether the idle objects were asked about, too.
    pub(crate) asked_all: bool,
}

/// Calls that asking takes: for what changed, and for what was deleted.
pub(crate) const fn calls(objects: usize) -> u64 {
    2 * objects.div_ceil(OBJECTS_PER_CALL) as u64
}

impl Poll {
    /// Asks about the objects that may be left out.
    pub(crate) async fn ask(
        client: &Client,
        org: &OrgItem,
        objects: &[ObjectItem],
        now: Stamp,
    ) -> Result<Self, Failure> {
        let mut poll = Self {
            asked_all: is_due(org, now),
            ..Self::default()
        };
        let mut asked = Vec::new();
        for (object, head) in objects.iter().filter_map(|object| skippable(object, now)) {
            if head.plus_seconds(IDLE_SECONDS) < now && !poll.asked_all {
                poll.quiet.insert(object.clone());
            } else {
                let from = head.minus_seconds(org.settings.overlap_seconds);
                asked.push((
                    object,
                    from.min(now.minus_seconds(DELETE_WINDOW_SECONDS_MIN)),
                ));
            }
        }
        for some in asked.chunks(OBJECTS_PER_CALL) {
            match poll.ask_some(client, some, now).await {
                // So much changed, or so little can be understood, that they are better read.
                Err(failure) if failure.class() == ErrorClass::Integrity => {}
                asked => asked?,
            }
        }
        Ok(poll)
    }

    /// Those of some objects of which no record got a stamp, and none was deleted either: each list leaves out what the
    /// other tells.
    async fn ask_some(
        &mut self,
        client: &Client,
        objects: &[(&ObjectName, Stamp)],
        now: Stamp,
    ) -> Result<(), Failure> {
        let answers = client.are_unchanged(objects, now).await?.into_iter();
        let unchanged = answers.zip(objects).filter(|(is_so, _)| *is_so);
        let unchanged: Vec<_> = unchanged.map(|(_, object)| *object).collect();
        if unchanged.is_empty() {
            return Ok(());
        }
        let logs = client.deleted(&unchanged, now).await?;
        for ((object, _), log) in unchanged.into_iter().zip(logs) {
            let covered = match log {
                DeleteLog::Deleted { records, covered } if records.is_empty() => covered,
                DeleteLog::Unsupported(_) => now,
                DeleteLog::Deleted { .. } | DeleteLog::Incomplete | DeleteLog::Unreadable => {
                    continue;
                }
            };
            self.untouched.add(object.clone(), covered);
            self.quiet.insert(object.clone());
        }
        Ok(())
    }
}

fn is_due(org: &OrgItem, now: Stamp) -> bool {
    let period = org.settings.quiet_poll_seconds;
    org.polled_all_at
        .is_none_or(|asked| asked.plus_seconds(period) <= now)
}

/// An object that may be left out, and up to when it is captured.
fn skippable(object: &ObjectItem, now: Stamp) -> Option<(&ObjectName, Stamp)> {
    let facts = object.facts.as_ref()?;
    let head = object.coverage.head()?;
    let wanted = object.sweep_due || object.last_exception.is_some();
    let can_be_asked = facts.replicateable && facts.cursor_field.as_deref() == Some(ASKED_BY);
    let fresh = now < head.plus_seconds(READ_SECONDS);
    (can_be_asked && object.coverage.is_complete() && fresh && !wanted)
        .then_some((&object.object, head))
}
