//! A tiny org, and what happens to it between two jobs.

use holdfast_orgsim::Config;
use serde_json::json;

use crate::world::{Org, World};

/// Records of the only objects that are not excluded: two that are read by REST and one by Bulk, in several pages.
const OBJECTS: [(&str, usize); 3] = [("Account", 20), ("Region__c", 30), ("Big__c", 300)];

/// Starts it and connects it; same name or not, it is the same org.
pub(crate) async fn connect_tiny<'w>(world: &'w World, name: &str) -> Org<'w> {
    let config = Config {
        records: 0,
        objects: OBJECTS
            .map(|(object, records)| (object.to_owned(), records))
            .into(),
        seed: 81,
        now: Some("2026-03-01T12:00:00Z".parse().unwrap()),
        ..Config::default()
    };
    let org = world.start(name, config).await;
    let state = org.state().await;
    let excluded: Vec<_> = state["objects"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !OBJECTS.iter().any(|(object, _)| object == name))
        .collect();
    let settings =
        json!({"bulk_rows_min": 100, "bulk_page_rows": 100, "exclude_objects": excluded});
    org.connect(settings).await;
    org
}

/// An hour goes by, and all kinds of changes happen: the same ones in the same hour of every such org.
pub(crate) async fn an_hour_of_changes(org: &Org<'_>, hour: u32) {
    org.advance_clock(1_800).await;
    let at = format!("2026-03-01T{}:30:00Z", 11 + hour);
    for (path, change) in [
        (
            "update",
            json!({"object": "Big__c", "pick": 150, "set": {"Note__c": format!("hour {hour}")}}),
        ),
        (
            "update",
            json!({"object": "Account", "pick": 5, "set": {"Description": format!("hour {hour}")}}),
        ),
        ("create", json!({"object": "Region__c", "count": 4})),
        ("delete", json!({"object": "Big__c", "pick": 7})),
        ("hard-delete", json!({"object": "Region__c", "pick": 3})),
    ] {
        let mut change = change;
        change["system_modstamp"] = json!(at);
        change["seed"] = json!(hour);
        org.control(path, change).await;
    }
    org.advance_clock(1_800).await;
}
