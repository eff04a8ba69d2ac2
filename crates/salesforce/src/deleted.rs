//! Which records were deleted, also those that no query shows any more (SOAP guide, `getDeleted()`; reference
//! sections 2.9 and 2.10).

use holdfast_model::{Failure, ObjectName, SalesforceId, Stamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::client::Client;
use crate::refusal::cut;
use crate::rows::damaged;

/// Objects that one call asks about: sub-requests of a composite (REST guide, Composite; none of them is a query).
pub const OBJECTS_PER_CALL: usize = 25;
/// What the log is asked for, at least: Salesforce cuts off the seconds of a window and refuses one that is not longer than
/// a minute (SOAP guide, `getDeleted()`).
pub const DELETE_WINDOW_SECONDS_MIN: u32 = 120;

/// What the delete log says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteLog {
    /// All deletions of the window that were committed.
    Deleted {
        /// Records and when they were deleted; those in the Recycle Bin too.
        records: Vec<(SalesforceId, Stamp)>,
        /// The next window begins here: everything that was deleted before is told.
        covered: Stamp,
    },
    /// The log does not reach back so far, or holds more than it tells.
    Incomplete,
    /// The answer is damaged or larger than an answer can be; made by whoever asks object by object.
    Unreadable,
    /// Salesforce keeps no log for this object, in its own words.
    Unsupported(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Composite {
    composite_response: Vec<SubAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubAnswer {
    pub(crate) body: Value,
    pub(crate) http_status_code: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    deleted_records: Vec<Entry>,
    latest_date_covered: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    deleted_date: String,
}

impl Client {
    /// Asks for the deletions of each object from its `from` to `until`, at most 15 days back; both are rounded down to the
    /// minute by Salesforce. One call, for at most [`OBJECTS_PER_CALL`] objects; an answer per object, in their order.
    pub async fn deleted(
        &self,
        objects: &[(&ObjectName, Stamp)],
        until: Stamp,
    ) -> Result<Vec<DeleteLog>, Failure> {
        let paths = objects
            .iter()
            .map(|(object, from)| replication_path(object, "deleted", *from, until));
        let answers = self.composite(paths).await?;
        answers.into_iter().map(read).collect()
    }

    /// Several resources in one call, each relative to those of the version; the answers are in their order.
    pub(crate) async fn composite(
        &self,
        paths: impl Iterator<Item = String>,
    ) -> Result<Vec<SubAnswer>, Failure> {
        let requests: Vec<Value> = paths
            .enumerate()
            .map(|(at, path)| {
                json!({"method": "GET", "url": self.path(&path), "referenceId": format!("o{at}")})
            })
            .collect();
        let asked = requests.len();
        let body = json!({"allOrNone": false, "compositeRequest": requests});
        let call = Call::ask(self.path("composite"), &body);
        let answer: Composite = self.json(&call).await?;
        if answer.composite_response.len() != asked {
            return Err(damaged(
                "a composite answers other requests than it was sent",
            ));
        }
        Ok(answer.composite_response)
    }
}

/// `sobjects/<object>/<list>/?start=…&end=…`
pub(crate) fn replication_path(
    object: &ObjectName,
    list: &str,
    from: Stamp,
    until: Stamp,
) -> String {
    let (from, until) = (from.soql(), until.soql());
    format!("sobjects/{object}/{list}/?start={from}&end={until}")
}

fn read(answer: SubAnswer) -> Result<DeleteLog, Failure> {
    if answer.http_status_code != 200 {
        return refused(&answer);
    }
    let log: Log = serde_json::from_value(answer.body)
        .map_err(|_| damaged("a delete log does not have its documented shape"))?;
    let entry = |entry: Entry| {
        let id = SalesforceId::parse(entry.id.as_bytes())?;
        Ok((id, Stamp::parse(&entry.deleted_date)?))
    };
    Ok(DeleteLog::Deleted {
        records: log
            .deleted_records
            .into_iter()
            .map(entry)
            .collect::<Result<_, Failure>>()?,
        covered: Stamp::parse(&log.latest_date_covered)?,
    })
}

fn refused(answer: &SubAnswer) -> Result<DeleteLog, Failure> {
    let text = |name: &str| {
        let error = answer.body.get(0).unwrap_or(&answer.body);
        error.get(name).and_then(Value::as_str).unwrap_or_default()
    };
    match (answer.http_status_code, text("errorCode")) {
        (_, "INVALID_REPLICATION_DATE" | "EXCEEDED_ID_LIMIT") => Ok(DeleteLog::Incomplete),
        (404 | 405, code) | (400, code @ ("INVALID_TYPE" | "INVALID_TYPE_FOR_OPERATION")) => Ok(
            DeleteLog::Unsupported(cut(&format!("{code}: {}", text("message")))),
        ),
        // For a limit, a permission or a moment: the deletions are there and were not told.
        _ => Err(damaged("a delete log was refused")),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_model::ErrorCode;

    use super::*;

    fn answer(http_status_code: u16, body: Value) -> SubAnswer {
        SubAnswer {
            body,
            http_status_code,
        }
    }

    #[test]
    fn a_log_tells_ids_dates_and_how_far_it_goes() {
        let body = json!({
            "deletedRecords": [{"id": "001D000000K0fXOIAZ", "deletedDate": "2026-01-31T10:15:02.000+0000"}],
            "earliestDateAvailable": "2026-01-01T00:00:00.000+0000",
            "latestDateCovered": "2026-01-31T10:20:00.000+0000",
        });
        let DeleteLog::Deleted { records, covered } = read(answer(200, body)).unwrap() else {
            panic!("a log");
        };
        assert_eq!(records[0].0.to_string(), "001D000000K0fXOIAZ");
        assert_eq!(records[0].1, Stamp::parse("2026-01-31T10:15:02Z").unwrap());
        assert_eq!(covered, Stamp::parse("2026-01-31T10:20:00Z").unwrap());
    }

    #[test]
    fn a_refusal_is_told_apart_from_a_log_with_a_hole_and_from_trouble() {
        let error = |code: &str| json!([{"errorCode": code, "message": "because"}]);
        for code in ["INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"] {
            assert_eq!(
                read(answer(400, error(code))).unwrap(),
                DeleteLog::Incomplete
            );
        }
        assert_eq!(
            read(answer(400, error("INVALID_TYPE_FOR_OPERATION"))).unwrap(),
            DeleteLog::Unsupported("INVALID_TYPE_FOR_OPERATION: because".to_owned())
        );
        for damaged in [
            answer(500, error("UNKNOWN_EXCEPTION")),
            answer(403, error("REQUEST_LIMIT_EXCEEDED")),
            answer(403, error("INSUFFICIENT_ACCESS")),
            answer(200, json!({})),
        ] {
            assert_eq!(read(damaged).unwrap_err().code, ErrorCode::DamagedAnswer);
        }
    }
}
