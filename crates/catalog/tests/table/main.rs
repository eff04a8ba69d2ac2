//! The catalog against a real table over HTTP: what holds when writers meet, repeat themselves or come late.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod blocks;
mod commits;
mod jobs;
mod local;
mod objects;
mod orgs;
mod quiet;
mod restores;

use std::sync::Arc;

use holdfast_catalog::{Catalog, Connection};
use holdfast_model::{
    Block, Coverage, ErrorCode, Failure, IdDigest, JobId, Lane, ObjectName, OrgName, SalesforceId,
    SegmentEntry, Stamp, Window, WrappedKey,
};
use tokio::{sync::Barrier, task::JoinSet};

const WRITERS: u32 = 8;

fn org() -> OrgName {
    OrgName::parse("acme").unwrap()
}

fn job(name: &str) -> JobId {
    JobId::parse(name).unwrap()
}

fn account() -> ObjectName {
    ObjectName::parse("Account").unwrap()
}

fn at(millis: i64) -> Stamp {
    Stamp::from_millis(millis)
}

fn window(from: Option<i64>, until: i64) -> Window {
    Window {
        from: from.map(at),
        until: at(until),
    }
}

fn covered(windows: &[Window]) -> Coverage {
    let mut coverage = Coverage::default();
    for window in windows {
        coverage.add(*window);
    }
    coverage
}

fn block(number: u32, window: Window) -> Block {
    Block {
        org: org(),
        job: job("first"),
        block: number,
        part: 0,
        object: account(),
        lane: Lane::Head,
        window,
        schema: "5c".repeat(32),
        rows_expected: 2_000_000,
    }
}

fn segment(number: u32, newest: i64) -> SegmentEntry {
    let id = SalesforceId::parse(b"001D000000K0fXO").unwrap();
    let mut digest = IdDigest::default();
    digest.add(&id);
    SegmentEntry {
        path: format!("acme/segments/Account/{number:036}.parquet"),
        bytes: u64::MAX,
        sha256: "ab".repeat(32),
        rows: 1_000_000,
        ids: (id, id),
        stamps: (at(0), at(newest)),
        digest,
        schema: "5c".repeat(32),
        key: WrappedKey("k".repeat(80)),
    }
}

fn connection(organization: &[u8]) -> Connection {
    Connection {
        organization_id: SalesforceId::parse(organization).unwrap(),
        instance_url: "https://acme.my.salesforce.com".to_owned(),
        username: "backup@acme.example".to_owned(),
        api_version: "66.0".to_owned(),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> ErrorCode {
    result.unwrap_err().code
}

/// A catalog whose lease the job `first` holds.
async fn held(name: &str) -> Catalog {
    let catalog = local::catalog(name).await;
    catalog
        .take_lease(&org(), &job("first"), "arn:first")
        .await
        .unwrap();
    catalog
}

/// Runs the same thing as often as there are writers, all let go at the same moment.
async fn race<T, F>(task: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(WRITERS as usize));
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let start = Arc::clone(&start);
        let task = task(writer);
        tasks.spawn(async move {
            start.wait().await;
            task.await
        });
    }
    tasks.join_all().await
}
