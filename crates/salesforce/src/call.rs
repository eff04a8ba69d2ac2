//! One call to the org: budget, session, renewal, repetition.

use holdfast_model::{ErrorCode, Failure};
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::answer::{CallError, Repeat, read_json, read_whole, retry_after};
use crate::client::Client;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::soap;

/// Salesforce answers 414 or 431 to more (REST guide, Status Codes); leaves room for the headers.
pub(crate) const URI_BYTES_MAX: usize = 14 << 10;

/// What is asked for. Paths begin with `/` and stay on the instance.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Body>,
    header: Option<(HeaderName, HeaderValue)>,
    accept: &'static str,
    if_modified_since: Option<&'a str>,
    repeat: Repeat,
}

/// What goes along.
#[derive(Debug, Clone)]
enum Body {
    /// JSON text.
    Json(String),
    /// The namespace and the operation of a SOAP envelope.
    Soap(&'static str, String),
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into())
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into())
    }

    /// A change that is the same when it is made twice.
    pub(crate) fn patch(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            body: Some(Body::Json(body.to_string())),
            ..Self::new(Method::PATCH, path.into())
        }
    }

    /// A question whose words do not fit into an address.
    pub(crate) fn ask(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            body: Some(Body::Json(body.to_string())),
            ..Self::new(Method::POST, path.into())
        }
    }

    /// A change that must not be made twice.
    pub(crate) fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            repeat: Repeat::Unaccepted,
            ..Self::ask(path, body)
        }
    }

    /// Records that are saved, as JSON text. Twice, only changes are the same.
    pub(crate) fn save(method: Method, path: impl Into<String>, json: String) -> Self {
        Self {
            repeat: match method {
                Method::POST => Repeat::Unaccepted,
                _ => Repeat::Safe,
            },
            body: Some(Body::Json(json)),
            ..Self::new(method, path.into())
        }
    }

    /// An operation of a SOAP API that is the same when it is made twice.
    pub(crate) fn soap(
        path: impl Into<String>,
        namespace: &'static str,
        operation: String,
    ) -> Self {
        Self {
            body: Some(Body::Soap(namespace, operation)),
            accept: "text/xml",
            ..Self::new(Method::POST, path.into())
        }
    }

    fn new(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            header: None,
            accept: "application/json",
            if_modified_since: None,
            repeat: Repeat::Safe,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        let name = HeaderName::from_static(name);
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    pub(crate) fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    pub(crate) fn if_modified_since(mut self, date: Option<&'a str>) -> Self {
        self.if_modified_since = date;
        self
    }

    fn address(&self, instance: &Url) -> Result<Url, Failure> {
        let damaged = || Failure::new(ErrorCode::DamagedAnswer, "address is malformed");
        let mut address = instance.join(&self.path).map_err(|_| damaged())?;
        if address.origin() != instance.origin() {
            return Err(damaged()); // the token goes to no other host
        }
        for (name, value) in &self.query {
            address.query_pairs_mut().append_pair(name, value);
        }
        if address.as_str().len() > URI_BYTES_MAX {
            return Err(Failure::new(
                ErrorCode::QueryTooWide,
                "query is too long for the address of a REST call",
            ));
        }
        Ok(address)
    }
}

/// An answer read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// `/services/data/vXX.0/<path>`
    pub(crate) fn path(&self, path: &str) -> String {
        format!("/services/data/{}/{path}", self.settings.api_version)
    }

    /// Asks and reads the JSON of the answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, CallError> {
        self.ask(call, |answer| read_json(answer.status, &answer.body))
            .await
    }

    /// Asks and reads the whole answer, again if its transfer or its form is broken.
    pub(crate) async fn ask<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(Answer) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let ask = || async {
            let (response, session) = self.once(call).await?;
            let answer = Answer {
                status: response.status(),
                headers: response.headers().clone(),
                body: read_whole(response, session.host()).await?,
            };
            read(answer)
        };
        self.settings.repeat(call.repeat, ask).await
    }

    /// Asks and leaves the body to the caller, who repeats it if its transfer breaks.
    pub(crate) async fn stream(&self, call: &Call<'_>) -> Result<Stream, CallError> {
        let ask = || async {
            let (response, session) = self.once(call).await?;
            Ok(Stream {
                response,
                host: session.host().to_owned(),
            })
        };
        self.settings.repeat(call.repeat, ask).await
    }

    /// One exchange, or two when the session was over.
    async fn once(
        &self,
        call: &Call<'_>,
    ) -> Result<(Response, std::sync::Arc<Session>), CallError> {
        let session = self.sessions.current().await;
        let session = match self.exchange(call, &session).await {
            Err(CallError::Refused(refusal)) if refusal.is_expired_session() => {
                self.sessions.renew(&session).await?
            }
            other => return other.map(|response| (response, session)),
        };
        let response = self.exchange(call, &session).await?;
        Ok((response, session))
    }

    async fn exchange(&self, call: &Call<'_>, session: &Session) -> Result<Response, CallError> {
        let address = call.address(&session.instance)?;
        self.budget.charge()?;
        let mut request = self
            .http
            .request(call.method.clone(), address)
            .bearer_auth(session.token.as_str())
            .header(ACCEPT, call.accept);
        if let Some(date) = call.if_modified_since {
            request = request.header(IF_MODIFIED_SINCE, date);
        }
        if let Some((name, value)) = &call.header {
            request = request.header(name, value);
        }
        request = match &call.body {
            None => request,
            Some(Body::Json(json)) => request
                .header(CONTENT_TYPE, "application/json")
                .body(json.clone()),
            Some(Body::Soap(namespace, operation)) => request
                .header(CONTENT_TYPE, "text/xml; charset=UTF-8")
                .header("soapaction", "\"\"")
                .body(soap::envelope(&session.token, namespace, operation)),
        };
        let response = request
            .send()
            .await
            .map_err(|error| CallError::transport(session.host(), error))?;
        self.observe(response.headers());
        let status = response.status();
        let unchanged = status == StatusCode::NOT_MODIFIED && call.if_modified_since.is_some();
        if status.is_success() || unchanged {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        let body = read_whole(response, session.host()).await?;
        Err(CallError::Refused(Refusal::read(
            status,
            retry_after,
            &body,
        )))
    }
}

/// A body that is still on its way.
pub(crate) struct Stream {
    response: Response,
    host: String,
}

impl Stream {
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece, or nothing at the end; `SALESFORCE_UNREACHABLE` when the transfer was cut off.
    pub(crate) async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, Failure> {
        self.response
            .chunk()
            .await
            .map_err(|error| CallError::transport(&self.host, error).into())
    }
}
