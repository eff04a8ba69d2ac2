//! Why a component is refused.

/// What a save result or a deployment message says of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `statusCode`
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Problem {
    /// A problem with a code.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A definition that contradicts itself.
    pub(crate) fn integrity(message: impl Into<String>) -> Self {
        Self::new("FIELD_INTEGRITY_EXCEPTION", message)
    }

    /// Something that a new component must say.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(
            "REQUIRED_FIELD_MISSING",
            format!("Required field is missing: {name}"),
        )
    }

    /// A value outside its list or form.
    pub(crate) fn invalid(name: &str, value: &str) -> Self {
        Self::new(
            "INVALID_FIELD",
            format!("'{value}' is not a valid value for {name}"),
        )
    }

    /// A component that is not there.
    pub(crate) fn unknown(kind: &str, name: &str) -> Self {
        Self::reference("fullName", kind, name)
    }

    /// A reference in `field` to a component that is not there.
    pub(crate) fn reference(field: &str, kind: &str, name: &str) -> Self {
        Self::new(
            "INVALID_CROSS_REFERENCE_KEY",
            format!("In field: {field} - no {kind} named {name} found"),
        )
    }

    /// A component that is there already.
    pub(crate) fn taken(message: impl Into<String>) -> Self {
        Self::new("DUPLICATE_DEVELOPER_NAME", message)
    }

    /// A part of a call that failed elsewhere.
    pub(crate) fn rolled_back() -> Self {
        Self::new(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        )
    }
}
