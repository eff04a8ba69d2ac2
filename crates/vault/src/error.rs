//! What can be wrong with sealed bytes.

use holdfast_model::{ErrorCode, Failure};

/// Why sealed bytes were refused. The path is added where it is known, by [`Refusal::at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("sealed object is shorter than it was sealed")]
    Truncated,
    #[error("another sealed object lies under this name")]
    Swapped,
    #[error("sealed object was changed")]
    Broken,
    #[error("key does not fit the org and the name of the object")]
    KeyMismatch,
    #[error("sealed object has a format that this version does not know")]
    VersionUnknown,
    #[error("sealed object is larger than a reader accepts")]
    TooLarge,
}

impl Refusal {
    /// The failure of the object at `path`.
    pub(crate) fn at(self, path: &str) -> Failure {
        let code = match self {
            Self::Truncated => ErrorCode::SealTruncated,
            Self::Swapped => ErrorCode::SealSwapped,
            Self::Broken => ErrorCode::SealBroken,
            Self::KeyMismatch => ErrorCode::KeyMismatch,
            Self::VersionUnknown => ErrorCode::VersionUnknown,
            Self::TooLarge => ErrorCode::SealTooLarge,
        };
        Failure::new(code, format!("{self}, `{path}`"))
    }
}

/// A failure that only a bug can cause.
pub(crate) fn internal(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::Internal, message)
}
