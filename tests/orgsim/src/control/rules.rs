//! Rules: what there is, what runs, what ran, and who may pass.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use crate::{
    id,
    org::Org,
    rules::{Rule, RuleError, RuleKind, Rules},
    save::SetupChange,
};

/// The paths answered here.
pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/__sim/rules", get(list).post(change).delete(remove))
        .route("/__sim/automation", get(fired).delete(reset))
        .route("/__sim/permissions", get(permissions).post(grant))
}

/// Which rule is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    kind: RuleKind,
    object: String,
    name: String,
    active: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    permission: String,
    /// The integration user when absent.
    user: Option<String>,
    granted: bool,
}

impl From<RuleError> for ControlError {
    fn from(error: RuleError) -> Self {
        Self(error.to_string())
    }
}

/// `GET /__sim/rules`
async fn list(State(org): State<Arc<Org>>) -> Json<Value> {
    Json(json!({"rules": org.rules.read().list()}))
}

/// `POST /__sim/rules`: a rule as in `schema/rules.json` is added or replaced; with nothing but `kind`, `object`,
/// `name` and `active` it is switched.
async fn change(State(org): State<Arc<Org>>, body: Bytes) -> Result<Json<Value>, ControlError> {
    apply(&org, &body)?;
    Ok(list(State(org)).await)
}

fn apply(org: &Org, body: &[u8]) -> Result<(), ControlError> {
    // Held from the copy to the replacement: one change after the other.
    let mut kept = org.rules.write();
    let mut rules = Rules::clone(&kept);
    let (verb, kind, object, name) = if let Ok(name) = serde_json::from_slice::<Named>(body) {
        let active = name
            .active
            .ok_or_else(|| ControlError("no `active`".to_owned()))?;
        rules.set_active(&org.schema, (name.kind, &name.object, &name.name), active)?;
        let verb = if active { "activated" } else { "deactivated" };
        (verb, name.kind, name.object, name.name)
    } else {
        let rule: Rule = read(body)?;
        let named = (rule.kind(), rule.object.clone(), rule.name.clone());
        rules.put(&org.schema, rule)?;
        ("changed", named.0, named.1, named.2)
    };
    *kept = Arc::new(rules);
    drop(kept);
    note(org, verb, kind, &format!("{object}.{name}"));
    Ok(())
}

/// A test switches rules as an administrator would in the setup pages, which leaves its trace there.
fn note(org: &Org, verb: &'static str, kind: RuleKind, name: &str) {
    let kind = match kind {
        RuleKind::Validation => "ValidationRule",
        RuleKind::Trigger => "ApexTrigger",
        RuleKind::Flow => "Flow",
        RuleKind::Workflow => "WorkflowRule",
        RuleKind::Duplicate => "DuplicateRule",
        RuleKind::Assignment => "AssignmentRule",
    };
    org.note_setup(&org.user_id(), &[SetupChange::of(verb, kind, name)]);
}

/// `DELETE /__sim/rules`
async fn remove(State(org): State<Arc<Org>>, body: Bytes) -> Result<Json<Value>, ControlError> {
    let name: Named = read(&body)?;
    let mut kept = org.rules.write();
    let mut rules = Rules::clone(&kept);
    let removed = rules.remove(&org.schema, (name.kind, &name.object, &name.name))?;
    *kept = Arc::new(rules);
    drop(kept);
    if removed {
        note(
            &org,
            "deleted",
            name.kind,
            &format!("{}.{}", name.object, name.name),
        );
    }
    Ok(Json(json!({"removed": removed})))
}

/// `GET /__sim/automation`: what fired, per rule and event.
async fn fired(State(org): State<Arc<Org>>) -> Json<Value> {
    Json(org.rules.read().fired.report())
}

/// `DELETE /__sim/automation`: nothing has fired.
async fn reset(State(org): State<Arc<Org>>) -> Json<Value> {
    org.rules.read().fired.reset();
    Json(json!({}))
}

/// `GET /__sim/permissions`
async fn permissions(State(org): State<Arc<Org>>) -> Json<Value> {
    Json(json!({"permissions": org.rules.read().grants.all()}))
}

/// `POST /__sim/permissions`: a user gets a permission or loses it.
async fn grant(State(org): State<Arc<Org>>, body: Bytes) -> Result<Json<Value>, ControlError> {
    let request: Grant = read(&body)?;
    let user = match request.user {
        None => org.user_id(),
        Some(text) => {
            let parsed = id::parse(&text);
            id::long(&parsed.ok_or_else(|| ControlError(format!("no Id: `{text}`")))?)
        }
    };
    Arc::make_mut(&mut *org.rules.write())
        .grants
        .set(&request.permission, &user, request.granted);
    Ok(permissions(State(org)).await)
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError(format!("not understood: {error}")))
}
