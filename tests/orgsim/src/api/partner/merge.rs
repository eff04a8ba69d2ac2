//! Up to three records become one.
//!
//! Source: SOAP API Developer Guide, `merge()`: the master gets the values of the request, what refers to the other
//! records refers to it from then on, and the others go to the Recycle Bin with `MasterRecordId`.

use axum::response::Response;
use serde_json::value::to_raw_value;

use super::{
    recycle::locate,
    write::{record, write_error},
};
use crate::{
    api::write::saving,
    org::Org,
    save::{Save, SaveError, Values},
    soap::{Call, Element, Fault},
    store::{Changes, audit, row::text},
};

/// Records that can be merged into one master.
const LOSERS_MAX: usize = 2;
/// Requests of one call.
const REQUESTS_MAX: usize = 200;

struct Merged {
    master: String,
    losers: Vec<String>,
    moved: Vec<String>,
}

/// `merge`
pub(super) fn merge(org: &Org, call: &Call) -> Result<Response, Fault> {
    // Clients name the element as they like; what counts is its place.
    let requests: Vec<&Element> = call.operation.children.iter().collect();
    if requests.len() > REQUESTS_MAX {
        let message = format!(
            "record limit reached. cannot submit more than {REQUESTS_MAX} records into this call"
        );
        return Err(Fault::new("EXCEEDED_ID_LIMIT", message));
    }
    let results: Vec<(String, Result<Merged, SaveError>)> = saving(org, &call.caller, |save| {
        let one = |request: &&Element| {
            let master = request.child("masterRecord");
            let id = master.and_then(|master| master.value("Id"));
            let id = id.unwrap_or_default().to_owned();
            save.store.begin();
            let done = master
                .ok_or_else(SaveError::missing_id)
                .and_then(|master| merge_one(save, master, &id, request));
            if done.is_ok() {
                save.store.keep();
            } else {
                save.store.roll_back();
            }
            (id, done)
        };
        requests.iter().map(one).collect()
    });
    Ok(call.answer(|xml| {
        for (id, result) in results {
            xml.within("result", |xml| match result {
                Ok(merged) => {
                    xml.leaf("id", &merged.master);
                    for id in &merged.losers {
                        xml.leaf("mergedRecordIds", id);
                    }
                    xml.plain("success", true);
                    for id in &merged.moved {
                        xml.leaf("updatedRelatedIds", id);
                    }
                }
                Err(error) => {
                    write_error(xml, error.fields, &error.message, error.code);
                    xml.leaf("id", &id);
                    xml.plain("success", false);
                }
            });
        }
    }))
}

fn merge_one(
    save: &mut Save<'_>,
    master: &Element,
    master_id: &str,
    request: &Element,
) -> Result<Merged, SaveError> {
    let kept = locate(save, master_id)?;
    let object = save.schema.object(kept.0).ok_or_else(SaveError::unknown)?;
    if !object.can('M') {
        let message = format!("entity type {} does not support merge", object.name);
        return Err(SaveError::new("INVALID_OPERATION", message));
    }
    let ids: Vec<&str> = request.values("recordToMergeIds").collect();
    if ids.is_empty() || ids.len() > LOSERS_MAX {
        let message = "between one and two records can be merged into a master";
        return Err(SaveError::new("INVALID_NUMBER_OF_RECORDS", message));
    }
    let mut losers = Vec::new();
    for id in ids {
        let loser = locate(save, id).map_err(|_| {
            SaveError::new("MALFORMED_ID", format!("bad id in recordsToMerge: {id}"))
        })?;
        if loser.0 != kept.0 || loser == kept {
            let message = format!("bad id in recordsToMerge: {id}");
            return Err(SaveError::new("INVALID_ID_FIELD", message));
        }
        save.live(loser)?;
        losers.push(loser);
    }
    let mut values = Values::new();
    if let serde_json::Value::Object(given) = record(master) {
        for (name, value) in given {
            if name != "attributes"
                && !name.eq_ignore_ascii_case("Id")
                && let Ok(value) = to_raw_value(&value)
            {
                values.insert(name, value);
            }
        }
    }
    save.update(kept, &values)?;
    let long = String::from_utf8_lossy(&object.mint.id(kept.1)).into_owned();
    let mut moved = Vec::new();
    let mut gone = Vec::new();
    for loser in losers {
        moved.extend(move_children(save, loser, &long));
        save.delete(loser)?;
        if let Some((number, _)) = object.field("MasterRecordId") {
            let changes = Changes::from([(number, Some(long.clone()))]);
            save.store
                .change(loser, &changes, save.visible, save.now_ms);
        }
        gone.push(String::from_utf8_lossy(&object.mint.id(loser.1)).into_owned());
    }
    Ok(Merged {
        master: long,
        losers: gone,
        moved,
    })
}

/// Points what refers to a record to its new master; the Ids of what was moved.
fn move_children(save: &mut Save<'_>, from: (usize, usize), to: &str) -> Vec<String> {
    let Some(parent) = save.schema.object(from.0) else {
        return Vec::new();
    };
    let old = parent.mint.id(from.1);
    let mut moved = Vec::new();
    let fields: Vec<(usize, usize)> = save.schema.children(from.0).collect();
    for (at, number) in fields {
        let Some(object) = save.schema.object(at) else {
            continue;
        };
        let own = object
            .fields
            .get(number)
            .map_or("", |field| field.name.as_str());
        // History, shares and change events stay with the record that they are about.
        if object.satellite.is_some() || own == "MasterRecordId" {
            continue;
        }
        for slot in save.store.with_value(at, number, &old) {
            let Ok(row) = save.live((at, slot)) else {
                continue;
            };
            // A record under the new master must not refer to itself.
            if text(&row, 0) == Some(to) {
                continue;
            }
            let mut changes = audit(object, save.stamp_ms, &save.caller.user);
            changes.insert(number, Some(to.to_owned()));
            save.store
                .change((at, slot), &changes, save.visible, save.now_ms);
            moved.push(String::from_utf8_lossy(&object.mint.id(slot)).into_owned());
        }
    }
    moved
}
