//! File bodies, whole or in part.
//!
//! Sources: REST API Developer Guide, sObject Blob Retrieve, which says nothing of `Range`; RFC 9110 14. Reports of
//! large downloads say that the servlet honours `Range`, and that the API may.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;

use super::{error::ApiError, gate, rows::locate};
use crate::{generate::body, org::Org, schema::Kind, store::row::cell};

/// The paths answered here.
pub(crate) fn routes() -> Router<Arc<Org>> {
    Router::new().route("/sfc/servlet.shepherd/version/download/{id}", get(download))
}

/// `GET /sfc/servlet.shepherd/version/download/{ContentVersionId}`: no call of the API, but it wants the session.
async fn download(
    State(org): State<Arc<Org>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let cookies = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok());
    let sid = cookies.and_then(|cookies| {
        cookies
            .split(';')
            .find_map(|cookie| cookie.trim().strip_prefix("sid="))
    });
    let token = gate::bearer(&headers)
        .or(sid)
        .ok_or_else(ApiError::session)?;
    let user = org.sessions.lock().user(token, org.clock.now_ms());
    user.ok_or_else(ApiError::session)?;
    let record = locate(&org, "ContentVersion", &id)?;
    let (kind, bytes) = of_record(&org, record, "VersionData")?;
    Ok(respond(&headers, true, kind, bytes))
}

/// Content type and bytes of a record's file; fails when the field holds none.
pub(crate) fn of_record(
    org: &Org,
    (at, slot): (usize, usize),
    field: &str,
) -> Result<(HeaderValue, Bytes), ApiError> {
    let object = org.schema.object(at).ok_or_else(ApiError::not_found)?;
    let blob = object
        .field(field)
        .filter(|(_, field)| field.kind == Kind::Base64);
    let (number, _) = blob.ok_or_else(ApiError::not_found)?;
    let (stored, kind) = {
        let store = org.store.read();
        let row = store
            .slot(at, slot)
            .and_then(|slot| slot.row.clone())
            .ok_or_else(ApiError::not_found)?;
        let content_type = object
            .field("ContentType")
            .or_else(|| object.field("LogFileContentType"))
            .and_then(|(at, _)| cell(&row, at).map(<[u8]>::to_vec));
        (store.body(at, slot, number), content_type)
    };
    let bytes = stored.unwrap_or_else(|| body::bytes(body::stream(org.volume.seed, at), slot));
    let kind = kind.and_then(|kind| HeaderValue::from_bytes(&kind).ok());
    let kind = kind.unwrap_or_else(|| HeaderValue::from_static("application/octetstream"));
    Ok((kind, bytes))
}

/// The bytes, or the part of them that the client asks for when parts are served.
pub(crate) fn respond(
    headers: &HeaderMap,
    serves_parts: bool,
    kind: HeaderValue,
    bytes: Bytes,
) -> Response {
    let whole = [(header::CONTENT_TYPE, kind)];
    if !serves_parts {
        return (whole, bytes).into_response();
    }
    let asked = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let length = bytes.len();
    let mut response = match asked.and_then(|asked| range(asked, length)) {
        None => (whole, bytes).into_response(),
        Some(Range::Outside) => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response()
        }
        Some(Range::Part(from, to)) => {
            let place = format!("bytes {from}-{to}/{length}");
            let part = [(header::CONTENT_RANGE, place)];
            let bytes = bytes.slice(from..=to);
            (StatusCode::PARTIAL_CONTENT, whole, part, bytes).into_response()
        }
    };
    response
        .headers_mut()
        .insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// First and last byte.
    Part(usize, usize),
    /// Nothing of it is there.
    Outside,
}

/// One range of bytes; what is no such thing is passed over, as RFC 9110 wants it.
fn range(text: &str, length: usize) -> Option<Range> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.trim(), to.trim()) {
        ("", last) => {
            let last: usize = last.parse().ok()?;
            (length.saturating_sub(last), length)
        }
        (from, "") => (from.parse().ok()?, length),
        (from, to) => (
            from.parse().ok()?,
            to.parse::<usize>().ok()?.saturating_add(1),
        ),
    };
    if from >= length {
        return Some(Range::Outside);
    }
    (from < to).then(|| Range::Part(from, to.min(length) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        for (text, expected) in [
            ("bytes=0-9", Some(Range::Part(0, 9))),
            ("bytes=90-", Some(Range::Part(90, 99))),
            ("bytes=-5", Some(Range::Part(95, 99))),
            ("bytes=-500", Some(Range::Part(0, 99))),
            ("bytes=50-5000", Some(Range::Part(50, 99))),
            ("bytes=100-", Some(Range::Outside)),
            ("bytes=-0", Some(Range::Outside)),
            ("bytes=9-3", None),
            ("bytes=0-1,5-6", None),
            ("lines=0-1", None),
            ("bytes=x-y", None),
            ("bytes=0-18446744073709551615", Some(Range::Part(0, 99))),
        ] {
            assert_eq!(range(text, 100), expected, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Some(Range::Outside));
    }
}
