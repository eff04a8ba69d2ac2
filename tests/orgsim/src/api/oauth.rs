//! The token endpoint and who am I.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::{
    error::{ApiError, JSON, json_body},
    gate::bearer,
    session::Refusal,
};
use crate::org::Org;

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/services/oauth2/token", post(token))
        .route("/services/oauth2/revoke", post(revoke))
        .route("/services/oauth2/userinfo", get(userinfo).post(userinfo))
        .route("/id/{org}/{user}", get(identity))
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// `POST /services/oauth2/token`
pub(crate) async fn token(
    State(org): State<Arc<Org>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut form = form(&body);
    if let Some((id, secret)) = basic(&headers) {
        form.entry("client_id".to_owned()).or_insert(id);
        form.entry("client_secret".to_owned()).or_insert(secret);
    }
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    // The user that the token is for, and the successor of a refresh token.
    let granted = match field("grant_type") {
        JWT_BEARER => asserted(&org, field("assertion")).map(|user| (user, None)),
        "refresh_token" => client(&org, &field)
            .and_then(|()| refresh(&org, field("refresh_token")))
            .map(|successor| (org.user_id(), successor)),
        "client_credentials" => client(&org, &field).map(|()| (org.user_id(), None)),
        "password" => client(&org, &field)
            .and_then(|()| named_user(&org, field("username"), field("password")))
            .map(|user| (user, None)),
        _ => Err(Refusal(
            "unsupported_grant_type",
            "grant type not supported",
        )),
    };
    match granted {
        Ok((user, successor)) => grant(&org, &user, field("grant_type"), successor),
        Err(refusal) => refused(refusal),
    }
}

/// The user whom a JWT names, if an administrator has set the user up.
fn asserted(org: &Org, assertion: &str) -> Result<String, Refusal> {
    let now = org.clock.now_ms();
    let credentials = &org.config.credentials;
    let sessions = org.sessions.lock();
    let subject = sessions.check_assertion(assertion, credentials, org.base_url(), now)?;
    drop(sessions);
    let user = org.user_named(&subject);
    let user = user.filter(|user| org.logins.read().knows(user));
    user.ok_or(Refusal(
        "invalid_grant",
        "user hasn't approved this consumer",
    ))
}

/// The user of the username-password flow, who is told nothing about what is wrong.
fn named_user(org: &Org, username: &str, password: &str) -> Result<String, Refusal> {
    let user = org.log_in(username, password);
    user.map_err(|_| Refusal("invalid_grant", "authentication failure"))
}

/// `POST /services/oauth2/revoke`
pub(crate) async fn revoke(State(org): State<Arc<Org>>, body: Bytes) -> Response {
    let form = form(&body);
    let token = form.get("token").map_or("", String::as_str);
    if org.sessions.lock().revoke(token) {
        StatusCode::OK.into_response()
    } else {
        refused(Refusal(
            "invalid_token",
            "the token is invalid or has been revoked",
        ))
    }
}

/// `GET /services/oauth2/userinfo`
pub(crate) async fn userinfo(State(org): State<Arc<Org>>, headers: HeaderMap) -> Response {
    let Some(user) = session_user(&org, &headers) else {
        return (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response();
    };
    let (url, me) = (org.base_url(), org.org_id());
    let user_field = |name: &str| org.user_field(&user, name);
    json_body(&json!({
        "sub": format!("{url}/id/{me}/{user}"),
        "user_id": user,
        "organization_id": me,
        "preferred_username": user_field("Username"),
        "nickname": user_field("CommunityNickname"),
        "name": user_field("Name"),
        "given_name": user_field("FirstName"),
        "family_name": user_field("LastName"),
        "email": user_field("Email"),
        "email_verified": true,
        "active": true,
        "is_salesforce_integration_user": false,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "zoneinfo": "UTC",
        "utcOffset": 0,
        "updated_at": user_field("LastModifiedDate").replace(".000Z", "Z"),
        "profile": format!("{url}/{user}"),
        "picture": format!("{url}/profilephoto/005/F"),
        "photos": {
            "picture": format!("{url}/profilephoto/005/F"),
            "thumbnail": format!("{url}/profilephoto/005/T"),
        },
        "address": {},
        "urls": urls(&org),
    }))
}

/// `GET /id/{org}/{user}`
pub(crate) async fn identity(
    State(org): State<Arc<Org>>,
    Path((org_id, user_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(user) = session_user(&org, &headers) else {
        return (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response();
    };
    let (url, me) = (org.base_url(), org.org_id());
    let user_field = |name: &str| org.user_field(&user, name);
    if !same_id(&org_id, &me) || !same_id(&user_id, &user) {
        return (StatusCode::NOT_FOUND, "Bad_Id").into_response();
    }
    json_body(&json!({
        "id": format!("{url}/id/{me}/{user}"),
        "asserted_user": true,
        "user_id": user,
        "organization_id": me,
        "username": user_field("Username"),
        "nick_name": user_field("CommunityNickname"),
        "display_name": user_field("Name"),
        "email": user_field("Email"),
        "email_verified": true,
        "first_name": user_field("FirstName"),
        "last_name": user_field("LastName"),
        "timezone": "UTC",
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "is_app_installed": true,
        "urls": urls(&org),
    }))
}

fn session_user(org: &Org, headers: &HeaderMap) -> Option<String> {
    let user = |token| org.sessions.lock().user(token, org.clock.now_ms());
    bearer(headers).and_then(user)
}

fn same_id(given: &str, own: &str) -> bool {
    crate::id::parse(given).is_some_and(|id| Some(id.as_slice()) == own.as_bytes().get(..15))
}

/// Where the interfaces are; clients put the version in.
fn urls(org: &Org) -> serde_json::Value {
    let (url, me) = (org.base_url(), org.org_id());
    let me = me.get(..15).unwrap_or_default();
    let rest = [
        ("rest", ""),
        ("sobjects", "sobjects/"),
        ("search", "search/"),
        ("query", "query/"),
        ("recent", "recent/"),
        ("tooling_rest", "tooling/"),
        ("feeds", "chatter/feeds"),
        ("groups", "chatter/groups"),
        ("users", "chatter/users"),
        ("feed_items", "chatter/feed-items"),
        ("feed_elements", "chatter/feed-elements"),
    ];
    let soap = [
        ("enterprise", "c"),
        ("metadata", "m"),
        ("partner", "u"),
        ("tooling_soap", "T"),
    ];
    let rest = rest.map(|(name, path)| (name, format!("{url}/services/data/v{{version}}/{path}")));
    let soap =
        soap.map(|(name, kind)| (name, format!("{url}/services/Soap/{kind}/{{version}}/{me}")));
    let pages = [
        ("profile", format!("{url}/{}", org.user_id())),
        ("custom_domain", url.to_owned()),
    ];
    let all = rest.into_iter().chain(soap).chain(pages);
    all.map(|(name, url)| (name.to_owned(), json!(url)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn form(body: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Client id and secret from the `Authorization` header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let text = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn client<'a>(org: &Org, field: &impl Fn(&str) -> &'a str) -> Result<(), Refusal> {
    let credentials = &org.config.credentials;
    if field("client_id") != credentials.client_id {
        return Err(Refusal("invalid_client_id", "client identifier invalid"));
    }
    if field("client_secret") != credentials.client_secret {
        return Err(Refusal("invalid_client", "invalid client credentials"));
    }
    Ok(())
}

/// The successor of the refresh token, when the app rotates them.
fn refresh(org: &Org, token: &str) -> Result<Option<String>, Refusal> {
    let mut sessions = org.sessions.lock();
    if !sessions.refreshable(token) {
        return Err(Refusal("invalid_grant", "expired access/refresh token"));
    }
    Ok(org
        .config
        .credentials
        .rotate_refresh_token
        .then(|| sessions.rotate(token)))
}

fn grant(org: &Org, user: &str, grant_type: &str, refresh_token: Option<String>) -> Response {
    let now = org.clock.now_ms();
    let life = i64::try_from(org.tuning.read().session.as_millis()).unwrap_or(i64::MAX / 4);
    let token = org
        .sessions
        .lock()
        .open(&org.org_id(), user.to_owned(), now + life);
    org.note_login(user, "/services/oauth2/token", "");
    let url = org.base_url();
    let id = format!("{url}/id/{}/{user}", org.org_id());
    let mut body = json!({
        "access_token": token,
        "instance_url": url,
        "id": id,
        "token_type": "Bearer",
    });
    if let Some(body) = body.as_object_mut() {
        // Recorded answers to a user name and a password name no scope.
        if grant_type != "password" {
            body.insert("scope".to_owned(), json!("api refresh_token id"));
        }
        if grant_type != JWT_BEARER {
            let issued = now.to_string();
            body.insert("signature".to_owned(), json!(signature(org, &id, &issued)));
            body.insert("issued_at".to_owned(), json!(issued));
        }
        if let Some(refresh_token) = refresh_token {
            body.insert("refresh_token".to_owned(), json!(refresh_token));
        }
    }
    json_body(&body)
}

/// Base64 HMAC-SHA256 of identity URL and time, keyed with the consumer secret.
fn signature(org: &Org, id: &str, issued_at: &str) -> String {
    let secret = org.config.credentials.client_secret.as_bytes();
    Hmac::<Sha256>::new_from_slice(secret).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(id.as_bytes());
            mac.update(issued_at.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        },
    )
}

/// Token errors are an object, unlike REST errors.
fn refused(Refusal(error, description): Refusal) -> Response {
    let body = json!({"error": error, "error_description": description});
    (
        StatusCode::BAD_REQUEST,
        [(header::CONTENT_TYPE, JSON)],
        body.to_string(),
    )
        .into_response()
}

/// 404 for everything that has no route.
pub(crate) async fn unknown() -> ApiError {
    ApiError::not_found()
}

/// 405 for a method that a route does not have.
pub(crate) async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "HTTP Method not allowed. Allowed are HEAD,GET",
    )
}
