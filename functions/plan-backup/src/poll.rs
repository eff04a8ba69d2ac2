//! Leaves out objects in which nothing changed. One call asks about 25 of them; reading each would be a call, too.

use std::collections::BTreeSet;

use holdfast_catalog::{ObjectItem, OrgItem};
use holdfast_model::{ErrorClass, Failure, ObjectName, Stamp};
use holdfast_salesforce::{Client, OBJECTS_PER_CALL};

/// `getUpdated()` asks for records by this stamp.
const ASKED_BY: &str = "SystemModstamp";
/// An object in which nothing was read for so long is asked about less often.
const IDLE_SECONDS: u32 = 6 * 3_600;
/// After so long every object is read, far within the 15 and 30 days that Salesforce's lists reach back.
const READ_SECONDS: u32 = 5 * 86_400;

/// What asking came to.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    /// Objects that need not be read now.
    pub(crate) quiet: BTreeSet<ObjectName>,
    /// Whether the idle objects were asked about, too.
    pub(crate) asked_all: bool,
}

/// Calls that asking takes.
pub(crate) const fn calls(objects: usize) -> u64 {
    objects.div_ceil(OBJECTS_PER_CALL) as u64
}

impl Poll {
    /// Asks about the objects that may be left out.
    pub(crate) async fn ask(
        client: &Client,
        org: &OrgItem,
        objects: &[ObjectItem],
        now: Stamp,
    ) -> Result<Self, Failure> {
        let asked_all = is_due(org, now);
        let mut quiet = BTreeSet::new();
        let mut asked = Vec::new();
        for (object, head) in objects.iter().filter_map(|object| skippable(object, now)) {
            if head.plus_seconds(IDLE_SECONDS) < now && !asked_all {
                quiet.insert(object.clone());
            } else {
                asked.push((object, head.minus_seconds(org.settings.overlap_seconds)));
            }
        }
        for some in asked.chunks(OBJECTS_PER_CALL) {
            let answers = match client.are_quiet(some, now).await {
                // So much changed, or so little can be understood, that they are better read.
                Err(failure) if failure.class() == ErrorClass::Integrity => continue,
                answers => answers?,
            };
            let left_out = some.iter().zip(answers).filter(|(_, is_quiet)| *is_quiet);
            quiet.extend(left_out.map(|((object, _), _)| (*object).clone()));
        }
        Ok(Self { quiet, asked_all })
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
    let wanted = object.read_due || object.sweep_due || object.last_exception.is_some();
    let can_be_asked = facts.replicateable && facts.cursor_field.as_deref() == Some(ASKED_BY);
    let fresh = now < head.plus_seconds(READ_SECONDS);
    (can_be_asked && object.coverage.is_complete() && fresh && !wanted)
        .then_some((&object.object, head))
}
