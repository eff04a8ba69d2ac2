//! Measured, not tested: `cargo xtask bench head`.

use std::time::Instant;

use holdfast_catalog::JobStatus;
use holdfast_orgsim::Config;
use serde_json::json;

use crate::world::World;

const OBJECTS: usize = 500;
/// Records of each object, and those that change.
const RECORDS: usize = 20;
const CHANGES: usize = 10;
/// Components in one call of the Metadata API.
const COMPONENTS_PER_CALL: usize = 10;

/// Whole jobs of the deployed machine, from the start of its execution to its end.
pub(crate) async fn a_head_job_of_500_objects(world: &World) {
    let config = Config {
        records: 0,
        ..Config::default()
    };
    let org = world.start("many", config).await;
    let names: Vec<_> = (0..OBJECTS)
        .map(|number| format!("Thing{number}__c"))
        .collect();
    for some in names.chunks(COMPONENTS_PER_CALL) {
        let administrator = org.administrator().await;
        let made = administrator.make_objects(some.iter().map(String::as_str));
        assert_eq!(made.await.unwrap(), some.len());
    }
    for name in &names {
        let made = json!({"object": name, "count": RECORDS});
        org.control("create", made).await;
    }
    org.advance_clock(3_600).await;
    let state = org.state().await;
    let others = state["objects"].as_object().unwrap().keys();
    let others: Vec<_> = others.filter(|name| !name.starts_with("Thing")).collect();
    org.connect(json!({"exclude_objects": others})).await;
    for (kind, versions) in [("first", RECORDS), ("head", CHANGES), ("quiet", 0)] {
        if kind == "head" {
            for name in &names {
                let change = json!({"object": name, "pick": CHANGES, "set": {"Name": "changed"}});
                org.control("update", change).await;
            }
        }
        org.advance_clock(3_600).await;
        let begun = Instant::now();
        let job = org.backup().await;
        let seconds = begun.elapsed().as_secs_f64();
        assert_eq!((job.status, job.error), (JobStatus::Succeeded, None));
        assert_eq!(job.counts.versions_sealed, (OBJECTS * versions) as u64);
        println!(
            "{kind} job of {OBJECTS} objects: {} rows, {} of them new, {seconds:.1} s, {} Salesforce calls",
            job.counts.rows_received, job.counts.versions_sealed, job.counts.api_calls
        );
    }
}
