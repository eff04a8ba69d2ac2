//! The SOAP envelope that the partner, enterprise and Metadata interfaces share: reading a call, checking and charging
//! its session, and answering.
//!
//! Source: SOAP API Developer Guide, SOAP Headers (`SessionHeader`, `CallOptions`, `LimitInfoHeader`).

mod element;
mod fault;
mod xml;

use std::{fmt::Write as _, sync::Arc};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{
        VERSIONS,
        dispatch::Dispatch,
        gate::{Charge, charge},
    },
    org::Org,
    save::Caller,
};
pub(crate) use element::Element;
pub(crate) use fault::Fault;
pub(crate) use xml::Xml;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const CONTENT: &str = "text/xml; charset=utf-8";

/// Whose operations a path serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    /// `/services/Soap/u/NN.0`
    Partner,
    /// `/services/Soap/c/NN.0`
    Enterprise,
    /// `/services/Soap/m/NN.0`
    Metadata,
}

impl Interface {
    /// Interface and version of a path.
    pub(crate) fn of(path: &str) -> Option<(Self, &str)> {
        let (letter, rest) = path.strip_prefix("/services/Soap/")?.split_once('/')?;
        let version = rest.split('/').next().unwrap_or_default();
        let interface = match letter {
            "u" => Self::Partner,
            "c" => Self::Enterprise,
            "m" => Self::Metadata,
            _ => return None,
        };
        Some((interface, version))
    }

    /// Namespace of the operations.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Partner => "urn:partner.soap.sforce.com",
            Self::Enterprise => "urn:enterprise.soap.sforce.com",
            Self::Metadata => "http://soap.sforce.com/2006/04/metadata",
        }
    }

    /// Namespace of records, `sf:` in answers.
    pub(crate) const fn record_namespace(self) -> &'static str {
        match self {
            Self::Enterprise => "urn:sobject.enterprise.soap.sforce.com",
            _ => "urn:sobject.partner.soap.sforce.com",
        }
    }

    const fn fault_namespace(self) -> &'static str {
        match self {
            Self::Partner => "urn:fault.partner.soap.sforce.com",
            Self::Enterprise => "urn:fault.enterprise.soap.sforce.com",
            Self::Metadata => "http://soap.sforce.com/2006/04/metadata",
        }
    }
}

/// One call, as a handler takes it: `async fn handler(State(org): …, call: Call)`. Except for `login` its session is
/// good, and the call is charged for.
#[derive(Debug)]
pub(crate) struct Call {
    /// From the path.
    pub interface: Interface,
    /// `60.0`, from the path.
    pub version: String,
    /// The children of the header.
    pub headers: Vec<Element>,
    /// What is asked for: the one child of the body.
    pub operation: Element,
    /// On whose behalf; nobody for `login`.
    pub caller: Caller,
    /// The session's token; empty for `login`.
    pub session: String,
    /// The REST routes, for operations that REST has as well.
    pub dispatch: Option<Dispatch>,
    usage: Option<(usize, usize)>,
}

impl Call {
    /// A header of the call.
    pub(crate) fn header(&self, name: &str) -> Option<&Element> {
        self.headers.iter().find(|header| header.name == name)
    }

    /// The answer to the operation, around what `content` writes.
    pub(crate) fn answer(&self, content: impl FnOnce(&mut Xml)) -> Response {
        let mut xml = Xml::default();
        content(&mut xml);
        let content = xml.text();
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\" xmlns=\"{}\"",
            self.interface.namespace()
        );
        // Namespaces are declared where they are used.
        if content.contains(" xsi:") {
            let _ = write!(out, " xmlns:xsi=\"{XSI}\"");
        }
        if content.contains("<sf:") {
            let _ = write!(out, " xmlns:sf=\"{}\"", self.interface.record_namespace());
        }
        out.push('>');
        if let (Some((used, max)), true) = (self.usage, self.interface != Interface::Metadata) {
            let _ = write!(
                out,
                "<soapenv:Header><LimitInfoHeader><limitInfo><current>{used}</current><limit>{max}</limit>\
                 <type>API REQUESTS</type></limitInfo></LimitInfoHeader></soapenv:Header>"
            );
        }
        let name = &self.operation.name;
        if content.is_empty() {
            let _ = write!(out, "<soapenv:Body><{name}Response/></soapenv:Body>");
        } else {
            let _ = write!(
                out,
                "<soapenv:Body><{name}Response>{content}</{name}Response></soapenv:Body>"
            );
        }
        out.push_str("</soapenv:Envelope>");
        ([(CONTENT_TYPE, CONTENT)], out).into_response()
    }

    /// A refusal of the operation.
    pub(crate) fn fault(&self, fault: Fault) -> Response {
        fault.into_response(self.interface)
    }

    /// The fault for an operation that the interface does not have.
    pub(crate) fn unknown_operation(&self) -> Response {
        self.fault(Fault::client(format!(
            "No operation available for request {{{}}}{}, please check the WSDL for the service.",
            self.operation.namespace, self.operation.name
        )))
    }

    fn read(org: &Org, path: &str, body: &[u8], out_of_calls: bool) -> Result<Self, Fault> {
        let (interface, version) =
            Interface::of(path).ok_or_else(|| Fault::client("No such interface"))?;
        let number: Option<u32> = version.strip_suffix(".0").unwrap_or(version).parse().ok();
        if !number.is_some_and(|number| VERSIONS.contains(&number)) {
            let message = "Invalid Api version specified on URL";
            return Err(Fault::new("UNSUPPORTED_API_VERSION", message));
        }
        let envelope = Element::parse(body).map_err(Fault::client)?;
        if envelope.name != "Envelope" {
            return Err(Fault::client("SOAP envelope expected"));
        }
        let headers = envelope.child("Header");
        let headers = headers.map_or_else(Vec::new, |header| header.children.clone());
        let mut body = envelope.children.into_iter();
        let body = body.find(|child| child.name == "Body");
        let operation = body.and_then(|body| body.children.into_iter().next());
        let operation = operation.ok_or_else(|| Fault::client("Body is empty"))?;
        let mut call = Self {
            interface,
            version: version.to_owned(),
            headers,
            operation,
            caller: Caller::plain(String::new()),
            session: String::new(),
            dispatch: None,
            usage: None,
        };
        if call.operation.name != "login" {
            call.admit(org, out_of_calls)?;
        }
        Ok(call)
    }

    /// Checks the session and charges for the call.
    fn admit(&mut self, org: &Org, out_of_calls: bool) -> Result<(), Fault> {
        let session = self.header("SessionHeader");
        let session = session.and_then(|header| header.value("sessionId"));
        let session = session.unwrap_or_default().trim().to_owned();
        let user = org.sessions.lock().user(&session, org.clock.now_ms());
        let user = user.ok_or_else(Fault::session)?;
        let usage = charge(org, out_of_calls);
        self.usage = Some(usage.map_err(|refusal| Fault::new(refusal.code(), refusal.message()))?);
        let flag = |header: &str, name: &str| self.header(header).map(|header| header.flag(name));
        let assigns = self.header("AssignmentRuleHeader");
        let caller = Caller {
            allow_duplicates: flag("DuplicateRuleHeader", "allowSave").unwrap_or(false),
            // Unlike REST, SOAP runs assignment rules only when it is told to.
            auto_assign: assigns.is_some_and(|header| {
                header.flag("useDefaultRule") || header.value("assignmentRuleId").is_some()
            }),
            access: org.access(&user),
            ..Caller::plain(user)
        };
        self.session = session;
        self.caller = caller;
        Ok(())
    }
}

impl FromRequest<Arc<Org>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, org: &Arc<Org>) -> Result<Self, Response> {
        let path = request.uri().path().to_owned();
        let charge = request.extensions().get::<Charge>().copied();
        let dispatch = request.extensions().get::<Dispatch>().cloned();
        let interface = Interface::of(&path).map_or(Interface::Partner, |(interface, _)| interface);
        let body = Bytes::from_request(request, org).await;
        let body =
            body.map_err(|_| Fault::client("The request ends early").into_response(interface))?;
        let out_of_calls = charge.is_some_and(|charge| charge.refused);
        let call = Self::read(org, &path, &body, out_of_calls);
        let call = call.map_err(|fault| fault.into_response(interface))?;
        Ok(Self { dispatch, ..call })
    }
}
