//! What every request passes: faults, session, version, metering, and the headers of the answer.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    VERSIONS, caller::SessionUser, classic, composite, error::ApiError, ingest, limits::APP_NAME,
    upload, version_number,
};
use crate::{
    clock::http_date,
    control::fault::{self, Effects, Plan},
    org::Org,
};

/// Longest URI: REST API Developer Guide, status 414.
const URI_BYTES_MAX: usize = 16_384;

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value
        .strip_prefix("Bearer ")
        .or_else(|| value.strip_prefix("OAuth "))
}

/// Wraps every route but the control interface.
pub(crate) async fn gate(State(org): State<Arc<Org>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if request.uri().to_string().len() > URI_BYTES_MAX {
        let page = "<html><head><title>Error 414 Request-URI Too Large</title></head></html>";
        return (
            StatusCode::URI_TOO_LONG,
            [(header::CONTENT_TYPE, "text/html")],
            page,
        )
            .into_response();
    }
    let Ok((request, body)) = with_body(request, &path).await else {
        return ApiError::too_large().into_response();
    };
    let Ok(_running) = Running::enter(&org, &path) else {
        return finish(&org, &path, ApiError::too_many_long_calls().into_response());
    };
    let plan = org
        .faults
        .lock()
        .plan(&org, request.method().as_str(), request.uri(), &body);
    let event = org.watch(&request, &body);
    let response = if let Some(response) = fault::before(&org, &plan).await {
        response
    } else {
        let response = serve(&org, request, &path, &plan, next).await;
        fault::after(&plan, response)
    };
    if let Some(event) = event {
        org.watched(event, &response);
    }
    finish(&org, &path, response)
}

/// A call that is being served.
struct Running<'o>(&'o Org, Option<u64>);

impl<'o> Running<'o> {
    /// Fails when too many others have been running for long.
    fn enter(org: &'o Org, path: &str) -> Result<Self, ()> {
        let counted = path.starts_with("/services/") && !path.starts_with("/services/oauth2");
        if !counted {
            return Ok(Self(org, None));
        }
        let most = org.tuning.read().long_requests;
        let number = org.meter.lock().enter(org.clock.now_ms(), most);
        number.map(|number| Self(org, Some(number))).ok_or(())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.1 {
            self.0.meter.lock().leave(number);
        }
    }
}

async fn serve(org: &Org, mut request: Request, path: &str, plan: &Plan, next: Next) -> Response {
    let template = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(path, MatchedPath::as_str);
    let route = format!("{} {template}", request.method());
    *org.meter.lock().routes.entry(route).or_default() += 1;
    // These calls name their session in a header of their own and are charged where it is read.
    if plan.out_of_calls && path.starts_with("/services/async/") {
        return classic::out_of_calls(request.headers());
    }
    match admit(org, path, request.headers(), plan) {
        Err(refusal) => return refusal.into_response(),
        Ok(Some(user)) => {
            request.extensions_mut().insert(SessionUser(user));
        }
        Ok(None) => {}
    }
    // A stalled call does not hold up others: it has not entered yet.
    let _turn = if composite::takes_turn(request.method(), path) {
        None
    } else {
        let turn = org.turnstile.read().await;
        org.settle();
        org.write_event_logs();
        Some(turn)
    };
    request
        .extensions_mut()
        .insert::<Effects>(plan.effects.clone());
    request.extensions_mut().insert(Charge {
        refused: plan.out_of_calls,
    });
    next.run(request).await
}

/// The user of a data call that is served, which it is charged for; nothing for other paths.
fn admit(
    org: &Org,
    path: &str,
    headers: &HeaderMap,
    plan: &Plan,
) -> Result<Option<String>, ApiError> {
    let Some(rest) = path.strip_prefix("/services/data/") else {
        return Ok(None);
    };
    check_version(rest.split('/').next().unwrap_or_default())?;
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(ApiError::session());
    }
    let Some(token) = bearer(headers) else {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTH_HEADER",
            "INVALID_AUTH_HEADER",
        ));
    };
    let user = org.sessions.lock().user(token, org.clock.now_ms());
    let user = user.ok_or_else(ApiError::session)?;
    charge(org, plan.out_of_calls)?;
    Ok(Some(user))
}

/// How a call that is charged for later has to be charged: SOAP calls name their session in the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    /// A test wants it refused for want of calls.
    pub refused: bool,
}

/// Counts one call against the day's, unless none are left; calls used and allowed.
pub(crate) fn charge(org: &Org, refused: bool) -> Result<(usize, usize), ApiError> {
    let tuning = *org.tuning.read();
    let max = tuning.daily_api_requests;
    let most = tuning.app_api_requests.map_or(max, |app| app.min(max));
    let now_ms = org.clock.now_ms();
    let mut meter = org.meter.lock();
    if refused || !meter.calls.take(now_ms, most) {
        return Err(ApiError::out_of_calls());
    }
    Ok((meter.calls.used(now_ms), max))
}

/// A version of a path must be one that answers.
pub(crate) fn check_version(version: &str) -> Result<(), ApiError> {
    match version_number(version) {
        Some(number) if VERSIONS.contains(&number) => Ok(()),
        Some(number) if number < *VERSIONS.start() && number >= 20 => {
            let message = format!("The requested API version, {version}, has been retired");
            Err(ApiError::new(
                StatusCode::GONE,
                "UNSUPPORTED_API_VERSION",
                message,
            ))
        }
        _ => Err(ApiError::not_found()),
    }
}

/// Puts on a call from within what the gate put on the outer one.
pub(crate) fn inherit(outer: &Extensions, inner: &mut Extensions) {
    if let Some(user) = outer.get::<SessionUser>() {
        inner.insert(user.clone());
    }
    inner.insert(Effects::default());
}

/// The headers that Salesforce adds; the date is the org's own.
fn finish(org: &Org, path: &str, mut response: Response) -> Response {
    let headers = response.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&http_date(org.clock.now_ms())) {
        headers.insert(header::DATE, date);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(
            "no-cache,must-revalidate,max-age=0,no-store,private",
        ));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    let metered = path
        .strip_prefix("/services/data/")
        .is_some_and(|rest| !rest.is_empty());
    if metered && response.status() != StatusCode::UNAUTHORIZED {
        let tuning = *org.tuning.read();
        let used = org.meter.lock().calls.used(org.clock.now_ms());
        let mut usage = format!("api-usage={used}/{}", tuning.daily_api_requests);
        if let Some(max) = tuning.app_api_requests {
            let _ = write!(
                usage,
                "; per-app-api-usage={used}/{max}(appName={APP_NAME})"
            );
        }
        if let Ok(usage) = HeaderValue::from_str(&usage) {
            response.headers_mut().insert("sforce-limit-info", usage);
        }
    }
    response
}

/// The request with its body in memory, and the body.
async fn with_body(
    request: Request,
    path: &str,
) -> Result<(Request, axum::body::Bytes), axum::Error> {
    let (parts, body) = request.into_parts();
    let most = ingest::body_max(path).unwrap_or_else(|| upload::bytes_max(path, &parts.headers));
    let bytes = axum::body::to_bytes(body, most).await?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
}
