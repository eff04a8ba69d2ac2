//! Who calls, from the session and the headers.
//!
//! Source: REST API Developer Guide, Headers (Assignment Rule Header, Duplicate Rule Header).

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use crate::{org::Org, save::Caller, schema::Schema};

/// The user of the session, put on the request by the gate.
#[derive(Clone, Debug)]
pub(crate) struct SessionUser(pub String);

impl FromRequestParts<Arc<Org>> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, org: &Arc<Org>) -> Result<Self, Infallible> {
        let user = parts.extensions.get::<SessionUser>();
        let user = user.map_or_else(|| org.user_id(), |SessionUser(user)| user.clone());
        let access = org.access(&user);
        Ok(Self {
            access,
            ..with_headers(user, &parts.headers)
        })
    }
}

impl Caller {
    /// The caller with what the user may do by now: a job outlives its request, and the org's process.
    pub(crate) fn renewed(&self, org: &Org) -> Self {
        Self {
            access: org.access(&self.user),
            ..self.clone()
        }
    }

    /// The declarations as the caller sees them.
    pub(crate) fn schema<'a>(&'a self, org: &'a Org) -> &'a Schema {
        self.access.view().unwrap_or(&org.schema)
    }
}

fn with_headers(user: String, headers: &HeaderMap) -> Caller {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let allows = value("sforce-duplicate-rule-header").is_some_and(|options| {
        let mut options = options.split([',', ';']);
        options.any(|option| {
            option
                .replace(' ', "")
                .eq_ignore_ascii_case("allowSave=true")
        })
    });
    let assigns =
        value("sforce-auto-assign").is_none_or(|flag| !flag.eq_ignore_ascii_case("false"));
    Caller {
        allow_duplicates: allows,
        auto_assign: assigns,
        ..Caller::plain(user)
    }
}
