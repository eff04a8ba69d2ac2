//! Objects of an org: which windows are captured, and what went wrong last.

use holdfast_model::{
    Changes, Coverage, Entropy, Failure, JobId, ObjectName, ObjectSchema, OrgName, Stamp,
    Transport, Window,
};
use serde::{Deserialize, Serialize};

use crate::{
    Catalog,
    keys::{Key, Range},
    record::Record,
    table::Change,
};

/// Jobs in a row that an object fails in, before that is worth a warning: one or two heal by themselves.
const WARNED_AFTER: u32 = 3;

/// An object and its cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectItem {
    /// The org.
    pub org: OrgName,
    /// The object.
    pub object: ObjectName,
    /// The windows that committed blocks captured. Only a commit moves it.
    pub coverage: Coverage,
    /// What the last describe said; absent when a block was committed before any describe was noted.
    pub facts: Option<ObjectFacts>,
    /// What could not be captured and has not been since.
    pub last_exception: Option<ObjectException>,
    /// How many records Salesforce estimated when it was planned last.
    #[serde(default)]
    pub records: Option<u64>,
    /// How many live records the vault holds; absent when some were captured before this was counted.
    #[serde(default)]
    pub live: Option<u64>,
    /// What its texts say.
    #[serde(default)]
    pub text: TextHistory,
    /// Deletions may have passed unseen: the next job compares every Id.
    #[serde(default)]
    pub sweep_due: bool,
    /// The cursor field, if Salesforce does not filter by it: the object is read whole.
    #[serde(default)]
    pub cursor_refused: Option<String>,
    /// Under way: its captured windows are read once more.
    #[serde(default)]
    pub refresh: Option<Refresh>,
    /// When the newest refresh began, or when formulas were read first.
    #[serde(default)]
    pub refreshed_at: Option<Stamp>,
    /// Changes of this item.
    pub version: u64,
}

/// What the texts of an object say, in its newest job and before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextHistory {
    /// The newest job that captured some.
    pub job: Option<JobId>,
    /// What that job captured.
    pub now: Entropy,
    /// What jobs before it did.
    pub before: Entropy,
}

/// Captured windows that are read once more, since values changed that no stamp shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// What was captured when it began.
    pub until: Stamp,
    /// What of it was read since.
    pub done: Coverage,
}

/// What a describe said about an object, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectFacts {
    /// Hash of its schema; absent for an object that was not described because it is not read anyway.
    pub schema: Option<String>,
    /// Label, singular.
    pub label: String,
    /// The field that windows are cut by; without one the object is read whole.
    pub cursor_field: Option<String>,
    /// How it is read, or why not.
    pub transport: Transport,
    /// Whether Salesforce tells cheaply that no record changed.
    #[serde(default)]
    pub replicateable: bool,
    /// Whether it has formulas: their values change without a stamp.
    #[serde(default)]
    pub calculated: bool,
}

impl ObjectFacts {
    /// Of an object that was described.
    pub fn of(schema: &ObjectSchema, replicateable: bool) -> Self {
        Self {
            schema: Some(schema.hash()),
            label: schema.label.clone(),
            cursor_field: schema.cursor_field.clone(),
            transport: schema.transport.clone(),
            replicateable,
            calculated: schema.stored_fields().any(|field| field.calculated),
        }
    }
}

/// A loss that is not healed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectException {
    /// Why, the last time.
    pub failure: Failure,
    /// The job that failed last.
    pub job: JobId,
    /// The span that holds everything that was lost. Healed when it is captured.
    pub window: Window,
    /// Jobs that failed in a row.
    pub times: u32,
}

impl Record for ObjectItem {
    const NAME: &'static str = "object";

    fn key(&self) -> Key {
        Key::object(&self.org, &self.object)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }

    /// A cursor that is not in its one form could claim what was never captured.
    fn is_sound(&self) -> bool {
        let is_normal = |stored: &Coverage| {
            let mut coverage = Coverage::default();
            for window in stored.windows() {
                coverage.add(*window);
            }
            coverage == *stored
        };
        let refresh = self.refresh.as_ref();
        is_normal(&self.coverage) && refresh.is_none_or(|refresh| is_normal(&refresh.done))
    }
}

impl ObjectItem {
    /// Whether jobs read it.
    pub fn is_readable(&self) -> bool {
        self.readable_schema().is_some()
    }

    /// Hash of its newest schema, if jobs read it.
    pub fn readable_schema(&self) -> Option<&str> {
        let facts = self.facts.as_ref()?;
        let schema = facts.schema.as_deref()?;
        (!matches!(facts.transport, Transport::Unsupported { .. })).then_some(schema)
    }

    pub(crate) fn new(org: &OrgName, object: &ObjectName) -> Self {
        Self {
            org: org.clone(),
            object: object.clone(),
            coverage: Coverage::default(),
            facts: None,
            last_exception: None,
            records: None,
            live: Some(0),
            text: TextHistory::default(),
            sweep_due: false,
            cursor_refused: None,
            refresh: None,
            refreshed_at: None,
            version: 0,
        }
    }

    /// With one more captured window; forgets an exception whose loss is captured by now.
    pub(crate) fn with_captured(mut self, window: Window) -> Self {
        self.coverage.add(window);
        let windows = self.coverage.windows();
        self.last_exception = self.last_exception.filter(|exception| {
            let lost = exception.window;
            !windows
                .iter()
                .any(|window| window.from <= lost.from && lost.until <= window.until) // None, the beginning of time, is the least
        });
        self
    }

    /// With the changes of a block that is committed in the same transaction.
    pub(crate) fn with_changes(mut self, changes: Changes) -> Self {
        self.live = self.live.map(|live| changes.live_after(live));
        self
    }

    /// With the text of a block that is committed in the same transaction.
    pub(crate) fn with_text(mut self, job: &JobId, text: Entropy) -> Self {
        if text.bytes == 0 {
            return self;
        }
        if self.text.job.as_ref() != Some(job) {
            self.text = TextHistory {
                job: Some(job.clone()),
                now: Entropy::default(),
                before: self.text.before.then(self.text.now),
            };
        }
        self.text.now.add(text);
        self
    }

    /// With one more window that was read once more.
    pub(crate) fn with_refreshed(mut self, window: Window) -> Self {
        self.refresh = self.refresh.take().and_then(|mut refresh| {
            refresh.done.add(window);
            let reached = refresh.done.backfill();
            reached
                .is_none_or(|reached| reached < refresh.until)
                .then_some(refresh)
        });
        self
    }

    /// Whether job after job fails to capture something of it.
    pub fn is_in_warning(&self) -> bool {
        let last = self.last_exception.as_ref();
        self.is_readable() && last.is_some_and(|exception| exception.times >= WARNED_AFTER)
    }

    /// The field that windows can be cut by.
    pub fn cursor_field(&self) -> Option<&str> {
        let field = self.facts.as_ref()?.cursor_field.as_deref()?;
        Some(field).filter(|field| self.cursor_refused.as_deref() != Some(*field))
    }

    /// With the exception of a job, joined to one that is not healed.
    pub(crate) fn with_exception(mut self, job: &JobId, failure: &Failure, window: Window) -> Self {
        let former = self.last_exception.take();
        let lost = former.as_ref().map_or(window, |former| Window {
            from: window.from.min(former.window.from),
            until: window.until.max(former.window.until),
        });
        let times = former.map_or(1, |former| {
            former.times.saturating_add(u32::from(former.job != *job))
        });
        self.last_exception = Some(ObjectException {
            failure: failure.clone(),
            job: job.clone(),
            window: lost,
            times,
        });
        self
    }
}

impl Catalog {
    /// The object, if a describe or a block of it was ever noted.
    pub async fn object(
        &self,
        org: &OrgName,
        object: &ObjectName,
    ) -> Result<Option<ObjectItem>, Failure> {
        self.table.get(Key::object(org, object)).await
    }

    /// All objects of an org, by name.
    pub async fn objects(&self, org: &OrgName) -> Result<Vec<ObjectItem>, Failure> {
        self.table.list(Range::objects(org)).await
    }

    /// Notes what a describe said. Leaves the cursor alone.
    pub async fn put_object_facts(
        &self,
        org: &OrgName,
        object: &ObjectName,
        facts: &ObjectFacts,
    ) -> Result<ObjectItem, Failure> {
        self.table
            .update(Key::object(org, object), |item: Option<ObjectItem>| {
                let item = item.unwrap_or_else(|| ObjectItem::new(org, object));
                if item.facts.as_ref() == Some(facts) {
                    return Ok(Change::Keep(item));
                }
                let unread = !item.is_readable();
                let mut item = ObjectItem {
                    facts: Some(facts.clone()),
                    ..item
                };
                // Nobody followed its deletions while it was not read.
                item.sweep_due |= unread && item.is_readable() && item.coverage.head().is_some();
                Ok(Change::Write(item))
            })
            .await
    }

    /// Notes how many records Salesforce estimates.
    pub async fn put_object_records(
        &self,
        org: &OrgName,
        object: &ObjectName,
        records: u64,
    ) -> Result<ObjectItem, Failure> {
        self.change_object(org, object, |item| ObjectItem {
            records: Some(records),
            ..item
        })
        .await
    }

    /// Notes that deletions may have passed unseen.
    pub async fn set_sweep_due(
        &self,
        org: &OrgName,
        object: &ObjectName,
    ) -> Result<ObjectItem, Failure> {
        self.change_object(org, object, |item| ObjectItem {
            sweep_due: true,
            ..item
        })
        .await
    }

    /// Notes that Salesforce does not filter by the cursor field, whatever the describe says.
    pub async fn refuse_cursor(
        &self,
        org: &OrgName,
        object: &ObjectName,
        field: &str,
    ) -> Result<ObjectItem, Failure> {
        self.change_object(org, object, |item| ObjectItem {
            cursor_refused: Some(field.to_owned()),
            ..item
        })
        .await
    }

    /// Has everything that is captured read once more, by this job and as many as it takes. Without anything captured there
    /// is nothing to do.
    pub async fn begin_refresh(
        &self,
        org: &OrgName,
        object: &ObjectName,
        at: Stamp,
    ) -> Result<ObjectItem, Failure> {
        self.change_object(org, object, |item| ObjectItem {
            refresh: item.coverage.head().map(|until| Refresh {
                until,
                done: Coverage::default(),
            }),
            refreshed_at: Some(at),
            ..item
        })
        .await
    }

    /// Notes from when on the values of formulas are known.
    pub async fn note_refreshed(
        &self,
        org: &OrgName,
        object: &ObjectName,
        at: Stamp,
    ) -> Result<ObjectItem, Failure> {
        self.change_object(org, object, |item| ObjectItem {
            refreshed_at: Some(at),
            ..item
        })
        .await
    }

    /// Takes windows out of what is captured: the next plan reads them again.
    pub async fn uncover(
        &self,
        org: &OrgName,
        object: &ObjectName,
        lost: &[Window],
    ) -> Result<ObjectItem, Failure> {
        self.change_object(org, object, |mut item| {
            for window in lost {
                item.coverage.remove(*window);
            }
            item
        })
        .await
    }

    async fn change_object(
        &self,
        org: &OrgName,
        object: &ObjectName,
        change: impl Fn(ObjectItem) -> ObjectItem + Send + Sync,
    ) -> Result<ObjectItem, Failure> {
        self.table
            .update(Key::object(org, object), |item: Option<ObjectItem>| {
                let item = item.unwrap_or_else(|| ObjectItem::new(org, object));
                let changed = change(item.clone());
                Ok(if changed == item {
                    Change::Keep(item)
                } else {
                    Change::Write(changed)
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use holdfast_model::{ErrorCode, Stamp};

    use super::*;

    fn window(from: Option<i64>, until: i64) -> Window {
        Window {
            from: from.map(Stamp::from_millis),
            until: Stamp::from_millis(until),
        }
    }

    fn object() -> ObjectItem {
        ObjectItem::new(
            &OrgName::parse("acme").unwrap(),
            &ObjectName::parse("Account").unwrap(),
        )
    }

    fn lost(object: ObjectItem, job: &str, window: Window) -> ObjectItem {
        let failure = Failure::new(ErrorCode::PageShort, "a page is short");
        object.with_exception(&JobId::parse(job).unwrap(), &failure, window)
    }

    #[test]
    fn an_exception_stays_until_everything_lost_is_captured() {
        let object = lost(object(), "one", window(Some(10), 20));
        let object = lost(object, "one", window(Some(30), 40));
        assert_eq!(object.last_exception.as_ref().unwrap().times, 1);
        let object = object.with_captured(window(Some(10), 20));
        let object = lost(object, "two", window(Some(30), 50));
        assert_eq!(object.last_exception.as_ref().unwrap().times, 2);
        let object = object.with_captured(window(Some(20), 49));
        assert!(object.last_exception.is_some());
        let object = object.with_captured(window(Some(45), 60));
        assert_eq!(object.last_exception, None);
    }

    #[test]
    fn text_of_a_job_is_told_from_what_came_before() {
        let text = |bytes| Entropy {
            bytes,
            compressed: bytes / 2,
        };
        let job = |name| JobId::parse(name).unwrap();
        let object = object().with_text(&job("one"), text(10));
        let object = object.with_text(&job("one"), text(20));
        assert_eq!((object.text.before, object.text.now), (text(0), text(30)));
        let object = object.with_text(&job("two"), text(0));
        assert_eq!(object.text.job, Some(job("one")));
        let object = object.with_text(&job("three"), text(4));
        assert_eq!((object.text.before, object.text.now), (text(30), text(4)));
    }

    #[test]
    fn lost_history_is_not_healed_by_a_window_that_starts_later() {
        let object = lost(object(), "one", window(None, 20));
        let object = object.with_captured(window(Some(0), 30));
        assert!(object.last_exception.is_some());
        assert_eq!(object.with_captured(window(None, 5)).last_exception, None);
    }
}
