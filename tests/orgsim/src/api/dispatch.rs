//! Calls inside a call: the parts of a composite request go to the same routes as calls of their own, past the gate,
//! so that they are neither charged nor misled by a fault.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::value::RawValue;
use tower::Service as _;

use super::{
    error::{ApiError, JSON},
    gate,
};

/// Longest body of a part's answer: a page of 2,000 wide rows has its place.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The routes, for calls from within. It lives in the server's outer router, so that no route holds itself.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch(pub Router);

/// One call from within.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// `GET` and so on.
    pub method: &'a str,
    /// Path and query, from `/services/data/` on.
    pub url: &'a str,
    /// Headers besides those that come from the outer call.
    pub headers: HeaderMap,
    /// The JSON body.
    pub body: Option<String>,
    /// One failure takes everything back, whatever the part itself asks for.
    pub all_or_none: bool,
}

/// Put on a part whose outer call is a transaction: a collection inside it is all or none as well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllOrNone;

/// What became of a call from within.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON; `null` for an answer without a body.
    pub body: Box<RawValue>,
}

impl Answer {
    /// True for 4xx and 5xx.
    pub(crate) fn failed(&self) -> bool {
        self.status.is_client_error() || self.status.is_server_error()
    }

    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await;
        let bytes = bytes.unwrap_or_default();
        if bytes.is_empty() {
            return Self {
                status: parts.status,
                headers: parts.headers,
                body: RawValue::NULL.to_owned(),
            };
        }
        let text = String::from_utf8(bytes.into()).ok();
        let json = text.and_then(|text| RawValue::from_string(text).ok());
        match json {
            Some(body) => Self {
                status: parts.status,
                headers: parts.headers,
                body,
            },
            // File bodies and the like are for calls of their own.
            None => Self::refused(&ApiError::not_found()),
        }
    }

    /// The answer to a part that is not served.
    pub(crate) fn refused(error: &ApiError) -> Self {
        let text = error.body().to_string();
        Self {
            status: error.status(),
            headers: HeaderMap::new(),
            body: RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

impl Dispatch {
    /// Serves a call on behalf of the outer one, whose extensions say who calls.
    pub(crate) async fn call(&self, outer: &Extensions, call: Call<'_>) -> Answer {
        match request(outer, call) {
            // The router is ready at any time, and has no errors of its own.
            Ok(request) => match self.0.clone().call(request).await {
                Ok(response) => Answer::of(response).await,
                Err(never) => match never {},
            },
            Err(error) => Answer::of(error.into_response()).await,
        }
    }
}

fn request(outer: &Extensions, call: Call<'_>) -> Result<Request, ApiError> {
    let (path, query) = match call.url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (call.url, None),
    };
    let path = path.trim_end_matches('/');
    let mut parts = path.split('/').skip(1);
    if (parts.next(), parts.next()) != (Some("services"), Some("data")) {
        return Err(ApiError::not_found());
    }
    gate::check_version(parts.next().unwrap_or_default())?;
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let uri = encoded(&format!("{path}{query}"));
    let body = call.body.map_or_else(Bytes::new, Bytes::from);
    let mut request = Request::builder()
        .method(call.method)
        .uri(uri)
        .body(Body::from(body))
        .map_err(|_| ApiError::not_found())?;
    *request.headers_mut() = call.headers;
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    gate::inherit(outer, request.extensions_mut());
    if call.all_or_none {
        request.extensions_mut().insert(AllOrNone);
    }
    Ok(request)
}

/// Clients write SOQL into the URL of a part as it is; what a request line cannot hold is escaped.
fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len() + 16);
    for byte in url.bytes() {
        let plain = byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(half), 16));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_line_cannot_hold_is_escaped() {
        assert_eq!(encoded("/a?q=SELECT Id+%20é"), "/a?q=SELECT%20Id+%20%c3%a9");
    }
}
