//! Answers of Bulk API 1.0, in XML or in JSON.
//!
//! Source: Bulk API Developer Guide, Errors; forms as recorded.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    bulk::classic::{json_of, xml_text},
    soap::Xml,
};

/// Namespace of all documents.
pub(super) const NAMESPACE: &str = "http://www.force.com/2009/06/asyncapi/dataload";

/// Why a call is refused: status 400 with a code of its own kind.
#[derive(Debug)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    /// Any refusal.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The answer.
    pub(super) fn response(&self, json: bool) -> Response {
        let status = StatusCode::BAD_REQUEST;
        if json {
            let body = json!({"exceptionCode": self.code, "exceptionMessage": self.message});
            return (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response();
        }
        let mut xml = document();
        xml.within(&format!("error xmlns=\"{NAMESPACE}\""), |xml| {
            xml.leaf("exceptionCode", self.code);
            xml.leaf("exceptionMessage", &self.message);
        });
        (status, [(header::CONTENT_TYPE, XML)], xml.text().to_owned()).into_response()
    }
}

/// Content types.
pub(super) const JSON: &str = "application/json";
pub(super) const XML: &str = "application/xml";
pub(super) const CSV: &str = "text/csv";

/// A success.
#[derive(Debug)]
pub(super) enum Reply {
    /// One description of a job or a batch: name of the element, and what it holds.
    Info(&'static str, Vec<(&'static str, Value)>),
    /// The same of what the call made, and where that is.
    Made(String, &'static str, Vec<(&'static str, Value)>),
    /// Descriptions of batches.
    List(Vec<Vec<(&'static str, Value)>>),
    /// Names of results.
    Names(Vec<String>),
    /// Anything, with its content type.
    Raw(&'static str, bytes::Bytes),
}

impl Reply {
    /// The answer in one notation.
    pub(super) fn response(self, as_json: bool) -> Response {
        match self {
            Self::Raw(kind, body) => ([(header::CONTENT_TYPE, kind)], body).into_response(),
            Self::Made(path, name, info) => {
                let mut response = Self::Info(name, info).response(as_json);
                *response.status_mut() = StatusCode::CREATED;
                if let Ok(path) = HeaderValue::try_from(path) {
                    response.headers_mut().insert(header::LOCATION, path);
                }
                response
            }
            Self::Info(_, info) if as_json => {
                let body = json_of(info).to_string();
                ([(header::CONTENT_TYPE, JSON)], body).into_response()
            }
            Self::List(list) if as_json => {
                let list: Vec<Value> = list.into_iter().map(json_of).collect();
                let body = json!({"batchInfo": list}).to_string();
                ([(header::CONTENT_TYPE, JSON)], body).into_response()
            }
            Self::Names(names) if as_json => {
                let body = json!(names).to_string();
                ([(header::CONTENT_TYPE, JSON)], body).into_response()
            }
            Self::Info(name, info) => {
                let mut xml = document();
                xml.within(&format!("{name} xmlns=\"{NAMESPACE}\""), |xml| {
                    push(xml, &info);
                });
                ([(header::CONTENT_TYPE, XML)], xml.text().to_owned()).into_response()
            }
            Self::List(list) => {
                let mut xml = document();
                xml.within(&format!("batchInfoList xmlns=\"{NAMESPACE}\""), |xml| {
                    for info in &list {
                        xml.within("batchInfo", |xml| push(xml, info));
                    }
                });
                ([(header::CONTENT_TYPE, XML)], xml.text().to_owned()).into_response()
            }
            Self::Names(names) => {
                let mut xml = document();
                xml.within(&format!("result-list xmlns=\"{NAMESPACE}\""), |xml| {
                    for name in &names {
                        xml.leaf("result", name);
                    }
                });
                ([(header::CONTENT_TYPE, XML)], xml.text().to_owned()).into_response()
            }
        }
    }
}

fn document() -> Xml {
    let mut xml = Xml::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    xml
}

fn push(xml: &mut Xml, info: &[(&'static str, Value)]) {
    for (name, value) in info {
        if let Some(text) = xml_text(name, value) {
            xml.leaf(name, &text);
        }
    }
}

/// The caller writes JSON, or asks for it.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    [header::CONTENT_TYPE, header::ACCEPT].iter().any(|name| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.starts_with("application/json"))
    })
}
