//! What Salesforce says when it says no, and which of our codes that is.

use std::time::Duration;

use holdfast_model::{ErrorCode, Failure};
use reqwest::StatusCode;
use serde::Deserialize;

use crate::soap::Fault;

/// Characters of Salesforce's own text that a message may carry.
const MESSAGE_CHARS_MAX: usize = 300;

/// As recorded by connectors that met it (reference section 4.4).
const NOT_FILTERABLE: &str = "can not be filtered in a query call";

/// Of all calls of 24 hours; the same code with `ConcurrentRequests` passes in a moment (reference section 2.1).
const NONE_LEFT_TODAY: &str = "TotalRequests";

const BAD_TOKEN: &str = "Bad_OAuth_Token";

/// An answer with an error status.
///
/// The body is an array of errors, or a bare object (token endpoint, some pages of the guide), or not JSON at
/// all when the edge answers (REST guide, Status Codes and Error Responses; reference section 2.1).
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    first: Option<ApiError>,
    /// Of SOAP, which answers 500 whatever is wrong.
    is_fault: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct ApiError {
    #[serde(rename = "errorCode", alias = "statusCode", alias = "error")]
    code: String,
    #[serde(default, alias = "error_description")]
    message: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Many(Vec<ApiError>),
    One(ApiError),
}

impl Refusal {
    pub(crate) fn read(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let mut is_fault = false;
        let first = match serde_json::from_slice(body) {
            Ok(Body::Many(errors)) => errors.into_iter().next(),
            Ok(Body::One(error)) => Some(error),
            // The identity address says it in plain text.
            Err(_) if body == BAD_TOKEN.as_bytes() => Some(ApiError {
                code: BAD_TOKEN.to_owned(),
                message: String::new(),
            }),
            Err(_) => Fault::read(body).map(|fault| {
                is_fault = true;
                ApiError {
                    code: fault.code.rsplit(':').next().unwrap_or_default().to_owned(),
                    message: fault.message,
                }
            }),
        };
        Self {
            status,
            retry_after,
            first,
            is_fault,
        }
    }

    /// The code of Salesforce, if the body was one of its own.
    pub(crate) fn code(&self) -> &str {
        self.first.as_ref().map_or("", |error| &error.code)
    }

    /// Only these are cured by a new token; an Apex class can answer 401 for reasons of its own.
    pub(crate) fn is_expired_session(&self) -> bool {
        matches!(self.code(), "INVALID_SESSION_ID" | BAD_TOKEN)
    }

    /// A value has a form that its field cannot have; nothing of the request was done.
    pub(crate) fn is_about_form(&self) -> bool {
        self.code() == "JSON_PARSER_ERROR"
    }

    /// The status says that the same request may succeed a little later. 406 and 420 come from the edge.
    pub(crate) fn is_passing(&self) -> bool {
        if let Some(code) = by_code(self.code()).filter(|_| self.is_fault) {
            return code.class().is_transient();
        }
        self.status.is_server_error() || matches!(self.status.as_u16(), 406 | 420 | 429)
    }

    /// `CODE: text` of Salesforce, or the status of an answer that is not Salesforce's.
    pub(crate) fn text(&self) -> String {
        match &self.first {
            Some(error) => format!("{}: {}", cut(&error.code), cut(&error.message)),
            None => format!("status `{}` without an error body", self.status.as_u16()),
        }
    }

    fn error_code(&self) -> ErrorCode {
        let message = self.first.as_ref().map_or("", |error| &error.message);
        if message.starts_with("Implementation restriction") {
            return ErrorCode::ObjectUnsupported; // MALFORMED_QUERY or API_ERROR for objects that need a filter
        }
        if message.contains(NOT_FILTERABLE) {
            return ErrorCode::FieldNotFilterable;
        }
        if self.code() == "REQUEST_LIMIT_EXCEEDED" && message.starts_with(NONE_LEFT_TODAY) {
            return ErrorCode::ApiBudgetExhausted;
        }
        by_code(self.code()).unwrap_or_else(|| by_status(self.status))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(
            refusal.error_code(),
            format!("salesforce refused: {}", refusal.text()),
        )
    }
}

/// The code of a failed bulk job: its text begins with the code of Salesforce, if the query was at fault.
pub(crate) fn code_of_job(text: &str) -> ErrorCode {
    if text.contains(NOT_FILTERABLE) {
        return ErrorCode::FieldNotFilterable;
    }
    let code = text.split(':').next().unwrap_or_default().trim();
    match by_code(code) {
        Some(
            at_fault @ (ErrorCode::FieldUnknown
            | ErrorCode::QueryTooLarge
            | ErrorCode::QueryTooWide),
        ) => at_fault,
        _ => ErrorCode::BulkJobFailed,
    }
}

/// Cuts Salesforce's text to one bounded line.
pub(crate) fn cut(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MESSAGE_CHARS_MAX)
        .collect()
}

/// Reference, appendix A; codes of Bulk API 2.0 come without underscores (section 3.8).
fn by_code(code: &str) -> Option<ErrorCode> {
    Some(match code {
        "REQUEST_LIMIT_EXCEEDED" | "LIMIT_EXCEEDED" | "EXCEEDED_QUOTA" | "EXCEEDEDQUOTA"
        | "TXN_SECURITY_METERING_ERROR" => ErrorCode::SalesforceThrottled,
        "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "ORG_LOCKED"
        | "API_CURRENTLY_DISABLED"
        | "REQUEST_RUNNING_TOO_LONG"
        | "TEMPORARY_QUERY_MORE_FAILURE"
        // The locator is gone; the same query, asked again, gets a new one.
        | "INVALID_QUERY_LOCATOR"
        | "QUERY_LOCATOR_EXPIRED"
        | "QUERY_LOCATOR_NOT_FOUND" => ErrorCode::SalesforceUnavailable,
        "INVALID_FIELD" => ErrorCode::FieldUnknown,
        "QUERY_TIMEOUT" | "OPERATION_TOO_LARGE" => ErrorCode::QueryTooLarge,
        "QUERY_TOO_COMPLICATED" | "MAX_STATEMENT_SIZE" => ErrorCode::QueryTooWide,
        "MALFORMED_QUERY"
        | "MALFORMED_ID"
        | "INVALID_ID_FIELD"
        | "INVALID_CROSS_REFERENCE_KEY"
        | "INVALID_QUERY_FILTER_OPERATOR"
        | "NUMBER_OUTSIDE_VALID_RANGE" => ErrorCode::QueryRefused,
        "INVALIDJOBSTATE" | "INVALIDJOB" | "INVALIDBATCH" => ErrorCode::BulkJobFailed,
        "INVALID_TYPE" | "NOT_FOUND" => ErrorCode::ObjectGone,
        "INVALIDENTITY"
        | "ENTITY_NOT_QUERYABLE"
        | "UNSUPPORTED_QUERY"
        | "BIG_OBJECT_UNSUPPORTED_OPERATION"
        | "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION"
        | "FEATURENOTENABLED"
        | "FEATURE_NOT_ENABLED"
        | "FUNCTIONALITY_NOT_ENABLED" => ErrorCode::ObjectUnsupported,
        "API_DISABLED_FOR_ORG"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "CONTENT_CUSTOMIZED_DOWNLOAD_EXCEPTION"
        | "KEY_HAS_BEEN_DESTROYED"
        | "TXN_SECURITY_NO_ACCESS" => ErrorCode::SalesforceDenied,
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" | BAD_TOKEN => ErrorCode::LoginRefused,
        "UNSUPPORTED_API_VERSION" | "GONE" => ErrorCode::SettingInvalid,
        _ => return None,
    })
}

fn by_status(status: StatusCode) -> ErrorCode {
    match status.as_u16() {
        401 => ErrorCode::LoginRefused,
        403 => ErrorCode::SalesforceDenied,
        404 => ErrorCode::ObjectGone,
        409 => ErrorCode::BulkJobFailed, // read under another API version than it was created
        410 => ErrorCode::SettingInvalid, // a retired API version
        420 | 429 => ErrorCode::SalesforceThrottled,
        400..=499 if status != StatusCode::NOT_ACCEPTABLE => ErrorCode::QueryRefused,
        // 406 and redirects come from the edge, not from the org.
        _ => ErrorCode::SalesforceUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failure(status: u16, body: &str) -> Failure {
        Refusal::read(StatusCode::from_u16(status).unwrap(), None, body.as_bytes()).into()
    }

    #[test]
    fn the_code_of_salesforce_decides_before_the_status() {
        for (status, body, expected) in [
            (
                403,
                r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
                ErrorCode::ApiBudgetExhausted,
            ),
            (
                403,
                r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
                ErrorCode::SalesforceThrottled,
            ),
            (
                403,
                r#"[{"message":"no","errorCode":"INSUFFICIENT_ACCESS"}]"#,
                ErrorCode::SalesforceDenied,
            ),
            (
                400,
                r#"[{"message":"unexpected token: SELEKT","errorCode":"MALFORMED_QUERY"}]"#,
                ErrorCode::QueryRefused,
            ),
            (
                400,
                r#"[{"message":"Implementation restriction: ContentDocumentLink requires a filter","errorCode":"MALFORMED_QUERY"}]"#,
                ErrorCode::ObjectUnsupported,
            ),
            (
                400,
                r#"{"errorCode":"INVALIDENTITY","message":"Entity 'CaseStatus' is not supported by the Bulk API."}"#,
                ErrorCode::ObjectUnsupported,
            ),
            (
                404,
                r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#,
                ErrorCode::ObjectGone,
            ),
            (
                400,
                r#"[{"errorCode":"SOMETHING_NEW","message":""}]"#,
                ErrorCode::QueryRefused,
            ),
            (403, "<html>", ErrorCode::SalesforceDenied),
            (406, "", ErrorCode::SalesforceUnavailable),
            (
                420,
                "<html>Setting things up</html>",
                ErrorCode::SalesforceThrottled,
            ),
            (
                503,
                "<html>Service Not Available</html>",
                ErrorCode::SalesforceUnavailable,
            ),
            (302, "", ErrorCode::SalesforceUnavailable),
            (
                500,
                r#"[{"errorCode":"UNKNOWN_EXCEPTION","message":"An unexpected error occurred."}]"#,
                ErrorCode::SalesforceUnavailable,
            ),
        ] {
            assert_eq!(failure(status, body).code, expected, "{status} {body}");
        }
    }

    #[test]
    fn of_a_soap_fault_the_code_decides_about_repeating_and_not_the_status() {
        let fault = |code: &str| {
            let body = format!(
                "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault><faultcode>sf:{code}</faultcode>\
                 <faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>"
            );
            Refusal::read(StatusCode::INTERNAL_SERVER_ERROR, None, body.as_bytes())
        };
        for (code, is_passing, expected) in [
            ("INSUFFICIENT_ACCESS", false, ErrorCode::SalesforceDenied),
            (
                "INVALID_CROSS_REFERENCE_KEY",
                false,
                ErrorCode::QueryRefused,
            ),
            ("UNKNOWN_EXCEPTION", true, ErrorCode::SalesforceUnavailable),
            ("SOMETHING_NEW", true, ErrorCode::SalesforceUnavailable),
        ] {
            let refusal = fault(code);
            assert_eq!(refusal.is_passing(), is_passing, "{code}");
            assert_eq!(Failure::from(refusal).code, expected, "{code}");
        }
    }

    #[test]
    fn the_text_of_salesforce_is_one_bounded_line() {
        let body = format!(
            r#"[{{"errorCode":"INVALID_FIELD","message":"a\nb{}"}}]"#,
            "x".repeat(5000)
        );
        let message = failure(400, &body).message;
        assert!(message.starts_with("salesforce refused: INVALID_FIELD: a bx"));
        assert!(message.len() < 400);
    }

    #[test]
    fn a_page_of_the_edge_is_not_quoted() {
        assert_eq!(
            failure(503, "<html>whatever</html>").message,
            "salesforce refused: status `503` without an error body"
        );
    }

    proptest! {
        #[test]
        fn any_body_is_survived(status in 100_u16..600, body in ".{0,200}") {
            let _ = failure(status, &body);
        }
    }
}
