//! Clock, settings and tokens.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use crate::{clock::utc_datetime, org::Org, store::Storage};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance_seconds: Option<i64>,
    set: Option<Timestamp>,
    runs: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingChange {
    bulk_delay_ms: Option<u64>,
    page_rows: Option<usize>,
    session_seconds: Option<u64>,
    daily_api_requests: Option<usize>,
    /// 0 for no cap of the app's own.
    app_api_requests: Option<usize>,
    long_requests: Option<usize>,
    data_storage_mb: Option<usize>,
    file_storage_mb: Option<usize>,
    serve_ranges: Option<bool>,
    daily_bulk_batches: Option<usize>,
    bulk_hard_delete: Option<bool>,
    event_monitoring: Option<bool>,
    delete_log_from: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    token: Option<String>,
}

/// `GET /__sim/clock`
pub(crate) async fn clock(State(org): State<Arc<Org>>) -> Json<Value> {
    Json(json!({"now": utc_datetime(org.clock.now_ms())}))
}

/// `POST /__sim/clock`
pub(crate) async fn set_clock(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let change: ClockChange = read(&body)?;
    match change.runs {
        Some(true) => org.clock.run(),
        Some(false) => org.clock.stop(),
        None => {}
    }
    if let Some(to) = change.set {
        org.clock.set(to);
    }
    if let Some(seconds) = change.advance_seconds {
        org.clock.advance(SignedDuration::from_secs(seconds));
    }
    org.settle();
    Ok(clock(State(org)).await)
}

/// `GET /__sim/settings`
pub(crate) async fn settings(State(org): State<Arc<Org>>) -> Json<Value> {
    let tuning = *org.tuning.read();
    Json(json!({
        "bulk_delay_ms": u64::try_from(tuning.bulk_delay.as_millis()).unwrap_or(u64::MAX),
        "page_rows": tuning.page_rows,
        "session_seconds": tuning.session.as_secs(),
        "daily_api_requests": tuning.daily_api_requests,
        "app_api_requests": tuning.app_api_requests,
        "long_requests": tuning.long_requests,
        "data_storage_mb": tuning.data_storage_mb,
        "file_storage_mb": tuning.file_storage_mb,
        "serve_ranges": tuning.serve_ranges,
        "daily_bulk_batches": tuning.daily_bulk_batches,
        "bulk_hard_delete": tuning.bulk_hard_delete,
        "event_monitoring": tuning.event_monitoring,
        "delete_log_from": tuning.delete_log_from_ms.map(utc_datetime),
    }))
}

/// `POST /__sim/settings`
pub(crate) async fn set_settings(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let change: SettingChange = read(&body)?;
    {
        let mut tuning = org.tuning.write();
        if let Some(ms) = change.bulk_delay_ms {
            tuning.bulk_delay = Duration::from_millis(ms);
        }
        if let Some(rows) = change.page_rows {
            tuning.page_rows = rows.max(1);
        }
        if let Some(seconds) = change.session_seconds {
            tuning.session = Duration::from_secs(seconds);
        }
        if let Some(calls) = change.daily_api_requests {
            tuning.daily_api_requests = calls;
        }
        if let Some(batches) = change.daily_bulk_batches {
            tuning.daily_bulk_batches = batches;
        }
        if let Some(allowed) = change.bulk_hard_delete {
            tuning.bulk_hard_delete = allowed;
        }
        if let Some(watched) = change.event_monitoring {
            tuning.event_monitoring = watched;
        }
        if let Some(from) = change.delete_log_from {
            tuning.delete_log_from_ms = Some(from.as_millisecond());
        }
        if let Some(calls) = change.app_api_requests {
            tuning.app_api_requests = Some(calls).filter(|calls| *calls > 0);
        }
        if let Some(calls) = change.long_requests {
            tuning.long_requests = calls.max(1);
        }
        if let Some(mb) = change.data_storage_mb {
            tuning.data_storage_mb = mb;
        }
        if let Some(mb) = change.file_storage_mb {
            tuning.file_storage_mb = mb;
        }
        if let Some(serve) = change.serve_ranges {
            tuning.serve_ranges = serve;
        }
        let room = Storage::megabytes(tuning.data_storage_mb, tuning.file_storage_mb);
        drop(tuning);
        org.store.write().room = Some(room);
    }
    Ok(settings(State(org)).await)
}

/// `POST /__sim/tokens/expire`: all access tokens end, refresh tokens stay.
pub(crate) async fn expire(State(org): State<Arc<Org>>) -> Json<Value> {
    org.sessions.lock().expire_all();
    Json(json!({}))
}

/// `POST /__sim/tokens/revoke`: one token, or all of them.
pub(crate) async fn revoke(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let request: Revocation = if body.is_empty() {
        Revocation::default()
    } else {
        read(&body)?
    };
    let mut sessions = org.sessions.lock();
    let revoked = if let Some(token) = request.token {
        sessions.revoke(&token)
    } else {
        sessions.revoke_all();
        true
    };
    Ok(Json(json!({"revoked": revoked})))
}

/// `POST /__sim/restart`: the org ends as if it had been killed, and starts again from disk. No answer arrives; the
/// next call waits until the org is back.
pub(crate) async fn restart(State(org): State<Arc<Org>>) -> Result<Json<Value>, ControlError> {
    let log = org.log.as_ref();
    let log = log.ok_or_else(|| ControlError("the org keeps no state".to_owned()))?;
    log.close();
    if let Some(restart) = org.restart.get() {
        // Fails only when the org is ending anyway.
        let _ = restart.send(());
    }
    std::future::pending().await
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError(format!("not understood: {error}")))
}
