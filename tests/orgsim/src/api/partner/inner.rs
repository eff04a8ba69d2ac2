//! The REST routes, for SOAP calls: one set of rules for both.

use axum::http::{Extensions, HeaderMap};
use serde_json::{Value, value::RawValue};

use super::json::{Members, elements};
use crate::{
    api::{
        caller::SessionUser,
        dispatch::{Call as Part, Dispatch},
    },
    soap::{Call, Fault},
};

/// Calls the REST routes on behalf of a SOAP caller.
pub(super) struct Inner {
    dispatch: Dispatch,
    outer: Extensions,
    root: String,
}

impl Inner {
    /// For a call whose session is good.
    pub(super) fn new(dispatch: Dispatch, call: &Call) -> Self {
        let mut outer = Extensions::new();
        outer.insert(SessionUser(call.caller.user.clone()));
        let version = call.version.split('.').next().unwrap_or_default();
        Self {
            dispatch,
            outer,
            root: format!("/services/data/v{version}.0"),
        }
    }

    /// `GET` of a path below the version.
    pub(super) async fn get(&self, path: &str, headers: HeaderMap) -> Result<Box<RawValue>, Fault> {
        self.call("GET", path, headers, None).await
    }

    /// A call with a body.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: HeaderMap,
        body: &Value,
    ) -> Result<Box<RawValue>, Fault> {
        self.call(method, path, headers, Some(body.to_string()))
            .await
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Box<RawValue>, Fault> {
        let url = format!("{}/{path}", self.root);
        let part = Part {
            method,
            url: &url,
            headers,
            body,
            all_or_none: false,
        };
        let answer = self.dispatch.call(&self.outer, part).await;
        if answer.failed() {
            return Err(fault(&answer.body));
        }
        Ok(answer.body)
    }
}

/// A REST error as a fault.
fn fault(body: &RawValue) -> Fault {
    let errors = elements(body);
    let error = errors.first().map(|error| Members::of(error));
    let value = |name: &str| error.as_ref().and_then(|error| error.text(name));
    let message = value("message").unwrap_or_default();
    let position = message
        .split_once("ERROR at Row:")
        .and_then(|(_, rest)| rest.lines().next()?.split_once(":Column:"))
        .and_then(|(row, column)| Some((row.parse().ok()?, column.trim().parse().ok()?)));
    Fault {
        position,
        ..Fault::new(
            value("errorCode").unwrap_or_else(|| "UNKNOWN_EXCEPTION".to_owned()),
            message,
        )
    }
}
