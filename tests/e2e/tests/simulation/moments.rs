//! What a compare of two moments finds leads from the one to the other.

use std::collections::BTreeMap;

use holdfast_model::{JobId, ObjectName, SalesforceId, Stamp};
use holdfast_runtime::Environment;
use serde_json::Value;

use crate::compare::{Readable, Snapshots, is_same, live, moments};
use crate::job;
use crate::org::Org;

/// Field to text, of each live record.
type Records = BTreeMap<SalesforceId, BTreeMap<String, String>>;

/// Two moments of the past that jobs have proven, in any order; nothing before there are two.
pub(crate) fn pick(snapshots: &Snapshots, random: &mut fastrand::Rng) -> Option<(Stamp, Stamp)> {
    let moments = moments(snapshots);
    let mut one = || moments.get(random.usize(..moments.len().max(1))).copied();
    let (left, right) = (one()?, one()?);
    (left != right).then_some((left, right))
}

/// Applies what the job found to the left, and compares with the right.
pub(crate) async fn assert_lead_from_one_to_the_other(
    environment: &Environment,
    org: &Org<'_>,
    readable: &Readable,
    name: &JobId,
    (left, right): (Stamp, Stamp),
) {
    let objects: Vec<_> = readable.keys().cloned().collect();
    let found = job::compare(environment, &org.name, name, (left, right), &objects).await;
    for (object, segments) in readable {
        let mut records = live(environment, org, segments, left).await;
        for difference in &found[object] {
            apply(object, &mut records, difference);
        }
        let expected = live(environment, org, segments, right).await;
        assert!(
            records.len() == expected.len()
                && records.iter().all(|(id, record)| {
                    expected
                        .get(id)
                        .is_some_and(|other| are_same(record, other))
                }),
            "{object}: a compare of {left} and {right} does not lead from one to the other"
        );
    }
}

fn apply(object: &ObjectName, records: &mut Records, difference: &Value) {
    let id: SalesforceId = serde_json::from_value(difference["id"].clone()).unwrap();
    match difference["kind"].as_str().unwrap() {
        "only_left" => assert_eq!(records.remove(&id), row(difference), "{object} {id}"),
        "only_right" => {
            let former = records.insert(id, row(difference).unwrap_or_default());
            assert!(former.is_none(), "{object} {id}");
        }
        _ => {
            let record = records.get_mut(&id).unwrap();
            for change in difference["changes"].as_array().unwrap() {
                let field = change["field"].as_str().unwrap();
                let left = change["left"].as_str();
                assert_eq!(
                    record.get(field).map(String::as_str),
                    left,
                    "{object} {id}: {field}"
                );
                match change["right"].as_str() {
                    Some(right) => record.insert(field.to_owned(), right.to_owned()),
                    None => record.remove(field),
                };
            }
        }
    }
}

/// Whether all values are the same, in whatever spelling.
fn are_same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let mut names = one.keys().chain(other.keys());
    names.all(|name| is_same(one.get(name), other.get(name)))
}

fn row(difference: &Value) -> Option<BTreeMap<String, String>> {
    serde_json::from_value(difference["row"].clone()).ok()
}
