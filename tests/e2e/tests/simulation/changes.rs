//! What jobs say that became of records, next to what the vault shows.

use std::collections::BTreeMap;

use holdfast_model::{Change, Changes, ObjectName, SalesforceId, SegmentEntry, Stamp, Standing};
use holdfast_runtime::Environment;
use holdfast_vault::{Fields, Filter};

use crate::compare::Readable;
use crate::org::Org;

/// The newest version of each record.
type Records = BTreeMap<SalesforceId, Standing>;

/// What was told so far, and how it was at the last look.
#[derive(Default)]
pub(crate) struct Told {
    seq: u64,
    sums: BTreeMap<ObjectName, Changes>,
    seen: BTreeMap<ObjectName, Records>,
}

impl Told {
    /// After a job that says that it has everything: all changes so far make up the records that are live, and those of
    /// one job `alone` are the difference between two looks.
    pub(crate) async fn assert_true(
        &mut self,
        environment: &Environment,
        org: &Org<'_>,
        readable: &Readable,
        alone: bool,
    ) {
        let mut told = self.news(environment, org).await;
        for (object, segments) in readable {
            let records = records(environment, org, segments).await;
            let told = told.remove(object).unwrap_or_default();
            let sum = self.sums.entry(object.clone()).or_default();
            sum.add(told);
            let live = records.values().filter(|standing| standing.live).count() as u64;
            assert_eq!(sum.live_after(0), live, "{object}: {sum:?}");
            let item = environment.catalog().object(&org.name, object).await;
            assert_eq!(item.unwrap().unwrap().live, Some(live), "{object}");

            let before = self.seen.insert(object.clone(), records.clone());
            let differing = difference(&before.unwrap_or_default(), &records);
            if alone {
                assert_eq!(told, differing, "{object}");
            }
        }
    }

    /// What the manifests say that were appended since the last look.
    async fn news(
        &mut self,
        environment: &Environment,
        org: &Org<'_>,
    ) -> BTreeMap<ObjectName, Changes> {
        let vault = environment.vault(&org.name).await.unwrap();
        let (end, _) = vault.latest_manifest().await.unwrap().unwrap();
        let mut told: BTreeMap<_, Changes> = BTreeMap::new();
        for seq in self.seq + 1..=end.seq {
            let (_, manifest) = vault.manifest(seq).await.unwrap();
            for object in manifest.addition.objects {
                told.entry(object.object).or_default().add(object.changes);
            }
        }
        self.seq = end.seq;
        told
    }
}

fn difference(before: &Records, after: &Records) -> Changes {
    let mut changes = Changes::default();
    for (id, standing) in after {
        let held = before.get(id).copied();
        if held == Some(*standing) {
            continue;
        }
        if let Some(change) = Change::between(held, *standing) {
            changes.note(change);
        }
    }
    changes
}

async fn records(environment: &Environment, org: &Org<'_>, segments: &[SegmentEntry]) -> Records {
    let vault = environment.vault(&org.name).await.unwrap();
    let end_of_time = Stamp::from_millis(i64::MAX);
    let mut newest = vault.scan(segments, end_of_time, Fields::Named(&[]), Filter::All);
    let mut records = Records::new();
    while let Some(row) = newest.next().await.unwrap() {
        records.insert(row.id(), row.standing());
    }
    records
}
