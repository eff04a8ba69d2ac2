//! REST errors: an array of objects with `errorCode` and `message`.
//!
//! Source: REST API Developer Guide, Status Codes and Error Responses.

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{save::SaveError, soql::SoqlError};

/// Content type of JSON answers.
pub(crate) const JSON: &str = "application/json;charset=UTF-8";

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: String,
    message: String,
    fields: Option<Vec<String>>,
    duplicates: Option<Box<Value>>,
    others: Vec<ApiError>,
}

impl ApiError {
    /// Any error.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            fields: None,
            duplicates: None,
            others: Vec::new(),
        }
    }

    /// 400
    pub(crate) fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404 for a path or a record that does not exist.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "The requested resource does not exist",
        )
    }

    /// 401 for a token that is unknown or has expired.
    pub(crate) fn session() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_SESSION_ID",
            "Session expired or invalid",
        )
    }

    /// 403 when no calls are left.
    pub(crate) fn out_of_calls() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
        )
    }

    /// `errorCode`
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// For people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// 413 for a body that is longer than the org reads.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "EXCEEDED_MAX_SIZE_REQUEST",
            "Maximum size exceeded",
        )
    }

    /// 500 for what should not happen.
    pub(crate) fn unexpected() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred",
        )
    }

    /// The status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body: an array of this error and what else is wrong with the same record.
    pub(crate) fn body(&self) -> Value {
        let errors = std::iter::once(self).chain(&self.others);
        errors.map(Self::element).collect()
    }

    fn element(&self) -> Value {
        let mut error = json!({"message": self.message, "errorCode": self.code});
        if let Some(error) = error.as_object_mut() {
            if let Some(found) = &self.duplicates {
                error.insert("duplicateResut".to_owned(), Value::clone(found));
            }
            if let Some(fields) = &self.fields {
                error.insert("fields".to_owned(), json!(fields));
            }
        }
        error
    }

    /// 403 when too many calls run for long.
    pub(crate) fn too_many_long_calls() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded",
        )
    }

    /// Names the fields at fault.
    #[must_use]
    pub(crate) fn with_fields(mut self, fields: &[&str]) -> Self {
        self.fields = Some(fields.iter().map(|field| (*field).to_owned()).collect());
        self
    }
}

impl From<SoqlError> for ApiError {
    fn from(error: SoqlError) -> Self {
        Self::bad(error.code, error.message)
    }
}

impl From<SaveError> for ApiError {
    fn from(error: SaveError) -> Self {
        let status = match error.code {
            "ENTITY_IS_DELETED" => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        // An unknown column is named by the text alone.
        let unnamed = error.code == "INVALID_FIELD" && error.fields.is_empty();
        Self {
            // What a duplicate rule found stands in the place of the fields.
            fields: Some(error.fields).filter(|_| error.duplicates.is_none() && !unnamed),
            duplicates: error.duplicates,
            others: error.others.into_iter().map(Self::from).collect(),
            ..Self::new(status, error.code, error.message)
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, JSON)], self.body().to_string()).into_response()
    }
}

/// A success with a JSON body.
pub(crate) fn json_body(body: &impl std::fmt::Display) -> Response {
    ([(CONTENT_TYPE, JSON)], body.to_string()).into_response()
}
