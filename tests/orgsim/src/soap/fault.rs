//! SOAP faults.
//!
//! Source: SOAP API Developer Guide, `ApiFault` and the faults that extend it; bodies as recorded from login and from
//! calls with a dead session.

use std::fmt::Write as _;

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};

use super::{CONTENT, Interface, SOAP, XSI, Xml};

/// A call that fails as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `exceptionCode`; empty for a request that is not understood, which SOAP itself calls `Client`.
    pub code: String,
    /// For people.
    pub message: String,
    /// Row and column of a query that is at fault.
    pub position: Option<(i64, i64)>,
}

impl Fault {
    /// A fault of the org.
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            position: None,
        }
    }

    /// A fault of the request's form: `soapenv:Client`.
    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self::new("", message)
    }

    /// A session that is unknown or has ended.
    pub(crate) fn session() -> Self {
        let message = "Invalid Session ID found in SessionHeader: Illegal Session";
        Self::new("INVALID_SESSION_ID", message)
    }

    /// As the interface prints it.
    pub(crate) fn into_response(self, interface: Interface) -> Response {
        let mut xml = Xml::default();
        let code = &self.code;
        xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        let mut envelope = format!("soapenv:Envelope xmlns:soapenv=\"{SOAP}\"");
        if !code.is_empty() {
            let _ = write!(envelope, " xmlns:sf=\"{}\"", interface.fault_namespace());
        }
        let detailed = interface != Interface::Metadata && !code.is_empty();
        if detailed {
            let _ = write!(envelope, " xmlns:xsi=\"{XSI}\"");
        }
        xml.open(&envelope);
        xml.open("soapenv:Body");
        xml.within("soapenv:Fault", |xml| {
            if code.is_empty() {
                xml.leaf("faultcode", "soapenv:Client");
                return xml.leaf("faultstring", &self.message);
            }
            xml.leaf("faultcode", &format!("sf:{code}"));
            xml.leaf("faultstring", &format!("{code}: {}", self.message));
            if detailed {
                xml.within("detail", |xml| self.detail(xml));
            }
        });
        xml.close("soapenv:Body");
        xml.close(&envelope);
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        (status, [(CONTENT_TYPE, CONTENT)], xml.text().to_owned()).into_response()
    }

    fn detail(&self, xml: &mut Xml) {
        let kind = match self.code.as_str() {
            "INVALID_LOGIN"
            | "LOGIN_MUST_USE_SECURITY_TOKEN"
            | "LOGIN_DURING_RESTRICTED_TIME"
            | "INACTIVE_USER" => "LoginFault",
            "MALFORMED_QUERY" => "MalformedQueryFault",
            "MALFORMED_SEARCH" => "MalformedSearchFault",
            "INVALID_FIELD" => "InvalidFieldFault",
            "INVALID_TYPE" | "INVALID_TYPE_FOR_OPERATION" => "InvalidSObjectFault",
            "INVALID_QUERY_LOCATOR" => "InvalidQueryLocatorFault",
            "MALFORMED_ID" | "INVALID_ID_FIELD" => "InvalidIdFault",
            "INVALID_SESSION_ID"
            | "UNKNOWN_EXCEPTION"
            | "UNSUPPORTED_API_VERSION"
            | "REQUEST_LIMIT_EXCEEDED" => "UnexpectedErrorFault",
            _ => "ApiFault",
        };
        xml.within(&format!("sf:{kind} xsi:type=\"sf:{kind}\""), |xml| {
            xml.leaf("sf:exceptionCode", &self.code);
            xml.leaf("sf:exceptionMessage", &self.message);
            // Faults of a query say where, or that they cannot: -1.
            let queried = [
                "MalformedQueryFault",
                "MalformedSearchFault",
                "InvalidFieldFault",
                "InvalidSObjectFault",
            ];
            if queried.contains(&kind) {
                let (row, column) = self.position.unwrap_or((-1, -1));
                xml.plain("sf:row", row);
                xml.plain("sf:column", column);
            }
        });
    }
}
