//! Changes to records.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{ControlError, target::Target};
use crate::{
    clock::utc_datetime,
    generate::{body::md5_hex, fresh_row},
    org::Org,
    schema::{Kind, Object, Trait},
    store::{
        Changes, Store, Visible, audit, id_of,
        row::{RowWriter, cell, text},
    },
};

type Answer = Result<Json<Value>, ControlError>;

/// When a change happened and when it is seen.
#[derive(Debug, Default, Deserialize)]
struct When {
    /// Now, to the second, when absent.
    system_modstamp: Option<String>,
    /// Seconds between the stamp and the commit.
    visible_after: Option<i64>,
    /// Not committed until `POST /__sim/commit`.
    #[serde(default)]
    held: bool,
}

#[derive(Deserialize)]
struct Create {
    object: String,
    /// Field values; what is left out is generated.
    #[serde(default)]
    records: Vec<Map<String, Value>>,
    /// So many generated records, besides.
    #[serde(default)]
    count: usize,
    #[serde(flatten)]
    when: When,
}

#[derive(Deserialize)]
struct Update {
    object: String,
    set: Map<String, Value>,
    /// Leave the audit fields as they are: a change that no cursor sees.
    #[serde(default)]
    keep_modstamp: bool,
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    when: When,
}

#[derive(Deserialize)]
struct Remove {
    object: String,
    #[serde(default = "yes")]
    cascade: bool,
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    when: When,
}

const fn yes() -> bool {
    true
}

impl When {
    fn stamp(&self, org: &Org) -> Result<i64, ControlError> {
        match &self.system_modstamp {
            None => Ok(org.clock.now_second_ms()),
            Some(text) => {
                let stamp: Result<Timestamp, _> = text.parse();
                stamp
                    .map(Timestamp::as_millisecond)
                    .map_err(|_| ControlError(format!("not a time: `{text}`")))
            }
        }
    }

    fn visible(&self, stamp_ms: i64) -> Visible {
        match (self.held, self.visible_after) {
            (true, _) => Visible::Held,
            (false, Some(seconds)) => Visible::At(stamp_ms + seconds * 1000),
            (false, None) => Visible::Now,
        }
    }
}

/// `POST /__sim/create`
pub(crate) async fn create(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    let request: Create = read(&body)?;
    let (at, object) = find(&org, &request.object)?;
    let stamp = request.when.stamp(&org)?;
    let visible = request.when.visible(stamp);
    let now = org.clock.now_ms();
    let mut store = org.store.write();
    let mut ids = Vec::new();
    let plain = std::iter::repeat_n(Map::new(), request.count);
    for values in request.records.into_iter().chain(plain) {
        let slot = store.next_slot(at);
        let mut row = fresh_row(&org.schema, &org.volume, at, slot, stamp, &store);
        let changes = changes(object, (at, slot), &values, &mut store)?;
        for (field, value) in names(object, changes, |field| row.get(field).cloned().flatten()) {
            if let Some(place) = row.get_mut(field) {
                *place = value;
            }
        }
        let mut writer = RowWriter::default();
        for value in &row {
            writer.cell(value.as_deref().map(str::as_bytes));
        }
        store.insert(at, writer.finish(), visible, now);
        ids.push(String::from_utf8_lossy(&object.mint.id(slot)).into_owned());
    }
    Ok(Json(
        json!({"ids": ids, "system_modstamp": utc_datetime(stamp), "pending": store.pending()}),
    ))
}

/// `POST /__sim/update`
pub(crate) async fn update(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    let request: Update = read(&body)?;
    let (at, object) = find(&org, &request.object)?;
    let stamp = request.when.stamp(&org)?;
    let visible = request.when.visible(stamp);
    let user = org.user_id();
    let now = org.clock.now_ms();
    let mut store = org.store.write();
    let slots = request
        .target
        .slots(&org, &store, at, |slot| !slot.deleted)?;
    let mut ids = Vec::new();
    for slot in slots {
        let mut all = if request.keep_modstamp {
            Changes::new()
        } else {
            audit(object, stamp, &user)
        };
        let own = changes(object, (at, slot), &request.set, &mut store)?;
        let row = store
            .slot(at, slot)
            .and_then(|slot| slot.row.clone())
            .unwrap_or_default();
        all.extend(names(object, own, |field| {
            text(&row, field).map(str::to_owned)
        }));
        store.change((at, slot), &all, visible, now);
        ids.push(id_of(&row).to_owned());
    }
    Ok(Json(
        json!({"ids": ids, "system_modstamp": utc_datetime(stamp), "pending": store.pending()}),
    ))
}

/// `POST /__sim/delete`: into the Recycle Bin, children with it.
pub(crate) async fn delete(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    bin(&org, &read(&body)?, true)
}

/// `POST /__sim/undelete`: out of the Recycle Bin, with the children that went in at the same time.
pub(crate) async fn undelete(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    bin(&org, &read(&body)?, false)
}

/// `POST /__sim/hard-delete`: gone, children too.
pub(crate) async fn hard_delete(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    let request: Remove = read(&body)?;
    let (at, _) = find(&org, &request.object)?;
    let now = org.clock.now_ms();
    let mut store = org.store.write();
    let slots = request.target.slots(&org, &store, at, |_| true)?;
    let family = family(&org, &store, at, slots, request.cascade, |_| true);
    for (object, slot) in &family {
        store.remove(*object, *slot, now);
    }
    Ok(Json(affected(&org, at, &family)))
}

/// `POST /__sim/commit`: everything that is not visible yet becomes so.
pub(crate) async fn commit(State(org): State<Arc<Org>>) -> Json<Value> {
    let now = org.clock.now_ms();
    Json(json!({"committed": org.store.write().commit(now, true)}))
}

fn bin(org: &Org, request: &Remove, deleted: bool) -> Answer {
    let (at, object) = find(org, &request.object)?;
    if object.field("IsDeleted").is_none() {
        return Err(ControlError(format!(
            "object has no Recycle Bin: `{}`",
            object.name
        )));
    }
    let stamp = request.when.stamp(org)?;
    let visible = request.when.visible(stamp);
    let user = org.user_id();
    let now = org.clock.now_ms();
    let mut store = org.store.write();
    let slots = request
        .target
        .slots(org, &store, at, |slot| slot.deleted != deleted)?;
    let stamps: Vec<i64> = slots
        .iter()
        .filter_map(|slot| Some(store.slot(at, *slot)?.stamp_ms))
        .collect();
    // A child that was deleted on its own, at another time, stays in the bin.
    let family = family(org, &store, at, slots, request.cascade, |slot| {
        slot.deleted != deleted && (deleted || stamps.contains(&slot.stamp_ms))
    });
    for (object, slot) in &family {
        let Some(declaration) = org.schema.object(*object) else {
            continue;
        };
        match declaration.field("IsDeleted") {
            Some((field, _)) => {
                let mut changes = audit(declaration, stamp, &user);
                changes.insert(field, Some(deleted.to_string()));
                store.change((*object, *slot), &changes, visible, now);
            }
            None => {
                store.remove(*object, *slot, now);
            }
        }
    }
    let mut answer = affected(org, at, &family);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("system_modstamp".to_owned(), json!(utc_datetime(stamp)));
    }
    Ok(Json(answer))
}

/// The records themselves and, level by level, the children that a cascade reaches.
fn family(
    org: &Org,
    store: &Store,
    at: usize,
    slots: Vec<usize>,
    cascade: bool,
    fits: impl Fn(&crate::store::Slot) -> bool,
) -> Vec<(usize, usize)> {
    let mut family: Vec<(usize, usize)> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut level: Vec<(usize, usize)> = slots.into_iter().map(|slot| (at, slot)).collect();
    while !level.is_empty() {
        level.retain(|member| known.insert(*member));
        family.extend(&level);
        if !cascade {
            break;
        }
        let mut next = Vec::new();
        let mut by_object: BTreeMap<usize, std::collections::HashSet<[u8; 18]>> = BTreeMap::new();
        for (object, slot) in level {
            let id = org
                .schema
                .object(object)
                .map(|o| o.mint.id(slot))
                .unwrap_or_default();
            by_object.entry(object).or_default().insert(id);
        }
        for (object, ids) in by_object {
            for (child, field) in org.schema.children(object) {
                let owned = org
                    .schema
                    .object(child)
                    .and_then(|o| o.fields.get(field))
                    .is_some_and(|f| f.is(Trait::Cascade));
                let slots = store
                    .table(child)
                    .filter(|_| owned)
                    .map_or(&[][..], |table| table.slots());
                for (slot, found) in slots.iter().enumerate() {
                    let parent = found.row.as_deref().and_then(|row| cell(row, field));
                    if parent.is_some_and(|id| ids.contains(id)) && fits(found) {
                        next.push((child, slot));
                    }
                }
            }
        }
        level = next;
    }
    family
}

fn affected(org: &Org, at: usize, family: &[(usize, usize)]) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids = Vec::new();
    for (object, slot) in family {
        let Some(declaration) = org.schema.object(*object) else {
            continue;
        };
        *counts.entry(&declaration.name).or_default() += 1;
        if *object == at {
            ids.push(String::from_utf8_lossy(&declaration.mint.id(*slot)).into_owned());
        }
    }
    json!({"ids": ids, "affected": counts})
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError(format!("not understood: {error}")))
}

fn find<'a>(org: &'a Org, name: &str) -> Result<(usize, &'a Object), ControlError> {
    org.schema
        .find(name)
        .ok_or_else(|| ControlError(format!("no such object: `{name}`")))
}

/// JSON values as stored texts. Text is taken exactly; bodies come as Base64.
fn changes(
    object: &Object,
    (at, slot): (usize, usize),
    values: &Map<String, Value>,
    store: &mut Store,
) -> Result<Changes, ControlError> {
    let mut changes = Changes::new();
    for (name, value) in values {
        let Some((number, field)) = object.field(name) else {
            return Err(ControlError(format!(
                "no such field: `{}.{name}`",
                object.name
            )));
        };
        if field.kind == Kind::Base64 {
            let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok());
            let body = decoded.ok_or_else(|| ControlError(format!("not base64: `{name}`")))?;
            for (about, text) in [
                ("BodyLength", body.len().to_string()),
                ("ContentSize", body.len().to_string()),
                ("Checksum", md5_hex(&body)),
            ] {
                if let Some((number, _)) = object.field(about) {
                    changes.insert(number, Some(text));
                }
            }
            store.set_body(at, slot, number, body.into());
            continue;
        }
        let text = match value {
            Value::Null => None,
            Value::String(text) if field.kind == Kind::DateTime => {
                let moment = text.parse::<Timestamp>().ok();
                Some(moment.map_or_else(
                    || text.clone(),
                    |moment| utc_datetime(moment.as_millisecond()),
                ))
            }
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if field.kind.decimal() && !number.to_string().contains('.') => {
                Some(format!("{number}.0"))
            }
            other => Some(other.to_string()),
        };
        changes.insert(number, text);
    }
    Ok(changes)
}

/// Adds the full name that follows from a changed first or last name.
fn names(
    object: &Object,
    mut changes: Changes,
    current: impl Fn(usize) -> Option<String>,
) -> Changes {
    let number = |name: &str| object.field(name).map(|(number, _)| number);
    let (Some(first), Some(last), Some(full)) =
        (number("FirstName"), number("LastName"), number("Name"))
    else {
        return changes;
    };
    if changes.contains_key(&full) || !(changes.contains_key(&first) || changes.contains_key(&last))
    {
        return changes;
    }
    let part = |field: usize| {
        changes
            .get(&field)
            .cloned()
            .unwrap_or_else(|| current(field))
    };
    let parts: Vec<String> = [part(first), part(last)].into_iter().flatten().collect();
    changes.insert(full, Some(parts.join(" ")));
    changes
}
