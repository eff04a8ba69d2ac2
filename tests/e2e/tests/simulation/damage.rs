//! What happens to an org: records are made, changed, moved to other parents, deleted, and gone for good.

use std::collections::BTreeMap;

use fastrand::Rng;
use holdfast_model::SalesforceId;
use serde_json::json;

use crate::disaster::state;
use crate::model::Model;
use crate::org::Org;
use crate::truth::Record;

/// Leaves out what no org has: circles of parents, and changes of what is archived.
pub(crate) async fn prepare(org: &Org<'_>, model: &Model) {
    for (object, records) in state(org, model).await {
        let is_archived = |record: &Record| {
            record
                .fields
                .get("IsArchived")
                .is_some_and(|is| is == "true")
        };
        let (archived, others): (Vec<_>, Vec<_>) =
            records.iter().partition(|(_, record)| is_archived(record));
        let ids = |records: Vec<(&SalesforceId, &Record)>| -> Vec<String> {
            records.into_iter().map(|(id, _)| id.to_string()).collect()
        };
        let archived = json!({"object": object, "ids": ids(archived)});
        org.control("hard-delete", archived).await;
        let others = ids(others);
        for lookup in &model.lookups {
            if lookup.object == object && lookup.to == object {
                let emptied =
                    json!({"object": object, "ids": others, "set": {&lookup.field: null}});
                org.control("update", emptied).await;
            }
        }
    }
}

/// Something happens that nobody wanted; among the first six kinds nothing is deleted.
pub(crate) async fn damage(org: &Org<'_>, model: &Model, random: &mut Rng, kinds: u32) {
    let now = state(org, model).await;
    let names = model.names();
    let object = names[random.usize(..names.len())];
    let (path, mut body) = match random.u32(0..kinds) {
        0..2 => ("create", json!({"count": random.u32(1..4)})),
        2..4 => (
            "update",
            json!({"ids": some(random, &now[object], 6), "set": model.values(random, object)}),
        ),
        4..6 => {
            let lookup = &model.lookups[random.usize(..model.lookups.len())];
            let (object, field) = (&lookup.object, &lookup.field);
            let to = some(random, &now[&lookup.to], 1);
            let stays = !lookup.may_be_empty || random.u32(0..3) > 0;
            let to = to.first().filter(|_| stays);
            let mut ids = some(random, &now[object], 3);
            if to.is_none() && !lookup.may_be_empty {
                ids.clear();
            }
            // No record leads to itself in a circle.
            let mut above = to.cloned();
            while let Some(id) = above {
                ids.retain(|other| *other != id);
                let id = SalesforceId::parse(id.as_bytes()).unwrap();
                let record = now[object].get(&id);
                above = record.and_then(|record| record.fields.get(field).cloned());
            }
            (
                "update",
                json!({"object": object, "ids": ids, "set": {field: to}}),
            )
        }
        6..9 => ("delete", json!({"ids": some(random, &now[object], 3)})),
        _ => ("hard-delete", json!({"ids": some(random, &now[object], 3)})),
    };
    if body.get("object").is_none() {
        body["object"] = json!(object);
    }
    // Another record may be in the way, as in an org; then nothing happens.
    if body["ids"] != json!([]) {
        drop(org.try_control(path, body).await);
    }
    org.control("clock", json!({"advance_seconds": random.u32(0..30)}))
        .await;
}

fn some(random: &mut Rng, records: &BTreeMap<SalesforceId, Record>, most: usize) -> Vec<String> {
    let mut ids: Vec<_> = records.keys().map(SalesforceId::to_string).collect();
    random.shuffle(&mut ids);
    ids.truncate(random.usize(1..=most));
    ids
}
