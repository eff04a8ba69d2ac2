//! Faults of bulk loads: jobs that hang, rows that fail, jobs that end before all rows were tried.

use std::sync::Arc;

use axum::{Json, extract::State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ControlError;
use crate::{org::Org, save::SaveError};

/// What is to go wrong with loads.
#[derive(Debug)]
pub(crate) struct BulkFaults {
    hold: watch::Sender<bool>,
    rows: Option<RowFault>,
    ending: Option<Ending>,
}

/// Rows that fail.
#[derive(Debug)]
struct RowFault {
    object: Option<usize>,
    left: usize,
    error: SaveError,
}

/// A job that ends early.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    object: Option<usize>,
    /// After so many rows.
    pub rows: usize,
    /// Its `errorMessage`.
    pub message: String,
}

/// The wait of a job that hangs.
#[derive(Debug)]
pub(crate) struct Hold(watch::Receiver<bool>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    hold: Option<bool>,
    fail_rows: Option<FailRows>,
    fail_job: Option<FailJob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailRows {
    rows: usize,
    object: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailJob {
    after_rows: usize,
    object: Option<String>,
    message: Option<String>,
}

/// Codes that rows can fail with, with the platform's texts.
const CODES: [(&str, &str); 8] = [
    (
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record",
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "entity is not api accessible",
    ),
    ("DUPLICATES_DETECTED", "Use one of these records?"),
    (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "a validation rule failed",
    ),
    (
        "REQUEST_RUNNING_TOO_LONG",
        "Your request was running for too long, and has been stopped.",
    ),
    ("SERVER_UNAVAILABLE", "server unavailable"),
    ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"),
    ("UNKNOWN_EXCEPTION", "An unexpected error occurred"),
];

impl Default for BulkFaults {
    fn default() -> Self {
        Self {
            hold: watch::channel(false).0,
            rows: None,
            ending: None,
        }
    }
}

impl BulkFaults {
    /// What jobs that begin now wait for.
    pub(crate) fn held(&self) -> Option<Hold> {
        self.hold.borrow().then(|| Hold(self.hold.subscribe()))
    }

    /// Errors of the next rows of a chunk; uses them up.
    pub(crate) fn rows(
        &mut self,
        object: usize,
        rows: usize,
    ) -> impl Iterator<Item = SaveError> + use<> {
        let fault = self.rows.as_mut();
        let fault = fault.filter(|fault| fault.object.is_none_or(|wanted| wanted == object));
        let failing = fault.map(|fault| {
            let count = fault.left.min(rows);
            fault.left -= count;
            std::iter::repeat_n(fault.error.clone(), count)
        });
        failing.into_iter().flatten()
    }

    /// How the job that begins to save rows now ends; uses it up.
    pub(crate) fn ending(&mut self, object: usize) -> Option<Ending> {
        let concerned = |ending: &Ending| ending.object.is_none_or(|wanted| wanted == object);
        self.ending.take_if(|ending| concerned(ending))
    }
}

impl Hold {
    /// Waits for the release.
    pub(crate) async fn passed(mut self) {
        // The sender lives as long as the org; without it there is nothing to wait for.
        let _ = self.0.wait_for(|held| !held).await;
    }
}

/// `GET /__sim/bulk`
pub(crate) async fn show(State(org): State<Arc<Org>>) -> Json<Value> {
    let faults = org.bulk_faults.lock();
    Json(json!({
        "hold": *faults.hold.borrow(),
        "failing_rows": faults.rows.as_ref().map_or(0, |fault| fault.left),
        "failing_job": faults.ending.is_some(),
    }))
}

/// `POST /__sim/bulk`
pub(crate) async fn set(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let change: Change = serde_json::from_slice(&body)
        .map_err(|error| ControlError(format!("not understood: {error}")))?;
    let object = |name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match org.schema.find(name) {
            Some((at, _)) => Ok(Some(at)),
            None => Err(ControlError(format!("no object {name}"))),
        },
    };
    {
        let mut faults = org.bulk_faults.lock();
        if let Some(hold) = change.hold {
            faults.hold.send_replace(hold);
        }
        if let Some(fail) = change.fail_rows {
            let code = fail.code.as_deref().unwrap_or("UNABLE_TO_LOCK_ROW");
            let known = CODES.into_iter().find(|(name, _)| *name == code);
            let (code, text) = known.ok_or_else(|| ControlError(format!("no code {code}")))?;
            faults.rows = Some(RowFault {
                object: object(&fail.object)?,
                left: fail.rows,
                error: SaveError::new(code, fail.message.unwrap_or_else(|| text.to_owned())),
            });
        }
        if let Some(fail) = change.fail_job {
            let message = "TooManyLockFailure : Too many lock failure 20 Trying again later.";
            faults.ending = Some(Ending {
                object: object(&fail.object)?,
                rows: fail.after_rows,
                message: fail.message.unwrap_or_else(|| message.to_owned()),
            });
        }
    }
    Ok(show(State(org)).await)
}

/// `DELETE /__sim/bulk`: nothing goes wrong any more, and jobs that hang go on.
pub(crate) async fn clear(State(org): State<Arc<Org>>) -> Json<Value> {
    {
        let mut faults = org.bulk_faults.lock();
        faults.hold.send_replace(false);
        faults.rows = None;
        faults.ending = None;
    }
    show(State(org)).await
}
