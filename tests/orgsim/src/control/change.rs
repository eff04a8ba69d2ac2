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
    save::{Caller, Save, SaveError, full_name},
    schema::{Kind, Object},
    store::{
        Changes, Store, Visible, audit, id_of,
        row::{RowWriter, text},
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

impl Remove {
    /// A save with the times that the request asks for.
    fn save<'a>(
        &self,
        org: &'a Org,
        store: &'a mut Store,
        caller: &'a Caller,
    ) -> Result<Save<'a>, ControlError> {
        let stamp_ms = self.when.stamp(org)?;
        Ok(Save {
            schema: &org.schema,
            store,
            caller,
            stamp_ms,
            now_ms: org.clock.now_ms(),
            visible: self.when.visible(stamp_ms),
            // Tests change the data behind the back of the rules.
            rules: org.rules_in_force().silent(),
        })
    }
}

impl From<SaveError> for ControlError {
    fn from(error: SaveError) -> Self {
        Self(format!("{}: {}", error.code, error.message))
    }
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
    let _turn = org.turnstile.read().await;
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
        for (field, value) in full_name(object, changes, |field| row.get(field).cloned().flatten())
        {
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
    let _turn = org.turnstile.read().await;
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
        all.extend(full_name(object, own, |field| {
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
    let _turn = org.turnstile.read().await;
    bin(&org, &read(&body)?, true)
}

/// `POST /__sim/undelete`: out of the Recycle Bin, with the children that went in at the same time.
pub(crate) async fn undelete(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    let _turn = org.turnstile.read().await;
    bin(&org, &read(&body)?, false)
}

/// `POST /__sim/hard-delete`: gone, children too.
pub(crate) async fn hard_delete(State(org): State<Arc<Org>>, body: Bytes) -> Answer {
    let _turn = org.turnstile.read().await;
    let request: Remove = read(&body)?;
    let (at, _) = find(&org, &request.object)?;
    let mut store = org.store.write();
    let slots = request.target.slots(&org, &store, at, |_| true)?;
    let caller = Caller::test(org.user_id());
    let mut save = request.save(&org, &mut store, &caller)?;
    let mut gone = Vec::new();
    for slot in slots {
        // It may have gone with one before it.
        let there = save
            .store
            .slot(at, slot)
            .is_some_and(|slot| slot.row.is_some());
        if !there {
            continue;
        }
        if request.cascade {
            gone.extend(save.hard_delete((at, slot))?);
        } else {
            save.store.remove(at, slot, save.now_ms);
            gone.push((at, slot));
        }
    }
    Ok(Json(affected(&org, at, &gone)))
}

/// `POST /__sim/commit`: everything that is not visible yet becomes so.
pub(crate) async fn commit(State(org): State<Arc<Org>>) -> Json<Value> {
    let _turn = org.turnstile.read().await;
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
    let mut store = org.store.write();
    let slots = request
        .target
        .slots(org, &store, at, |slot| slot.deleted != deleted)?;
    let caller = Caller::test(org.user_id());
    let mut save = request.save(org, &mut store, &caller)?;
    let stamp = save.stamp_ms;
    let mut moved = Vec::new();
    for slot in slots {
        // It may have moved with one before it.
        if moved.contains(&(at, slot)) {
            continue;
        }
        match (request.cascade, deleted) {
            (true, true) => moved.extend(save.delete((at, slot))?),
            (true, false) => moved.extend(save.undelete((at, slot))?),
            (false, _) => {
                save.bin((at, slot), deleted);
                moved.push((at, slot));
            }
        }
    }
    let mut answer = affected(org, at, &moved);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("system_modstamp".to_owned(), json!(utc_datetime(stamp)));
    }
    Ok(Json(answer))
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
