//! Memory is bounded by settings, not by the org.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_catalog::JobStatus;
use serde_json::json;

use crate::world::World;

const RECORDS: u64 = 2_000_000;

pub(crate) async fn two_million_records_fit_into_256_mib(world: &World) {
    let mut config = holdfast_orgsim::Config {
        records: 0,
        seed: 41,
        ..holdfast_orgsim::Config::default()
    };
    config
        .objects
        .insert("Big__c".to_owned(), usize::try_from(RECORDS).unwrap());
    let org = world.connect("two-million", config, json!({})).await;
    let stack = world.stack().await;
    let (peak, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let watch = async {
        while !done.load(Ordering::Relaxed) {
            for worker in stack.workers("extract-block") {
                // A worker that ends meanwhile has been looked at before.
                peak.fetch_max(worker.peak_memory().unwrap_or(0), Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let backup = async {
        let job = org.backup().await;
        done.store(true, Ordering::Relaxed);
        job
    };
    let ((), job) = tokio::join!(watch, backup);
    assert_eq!(job.status, JobStatus::Succeeded);
    assert!(job.counts.rows_received >= RECORDS);
    let segments = org.segments("Big__c").await;
    assert_eq!(
        segments.iter().map(|segment| segment.rows).sum::<u64>(),
        RECORDS
    );
    let peak = peak.load(Ordering::Relaxed);
    println!("peak memory of extract-block: {} MiB", peak >> 20);
    assert!(peak > 0);
    assert!(
        peak < 256 << 20,
        "peak memory of extract-block: {} MiB",
        peak >> 20
    );
}
