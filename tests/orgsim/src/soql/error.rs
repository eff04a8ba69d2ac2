//! Errors with the codes and the layout that the API prints.

/// A query that the org refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct SoqlError {
    /// `MALFORMED_QUERY`, `INVALID_FIELD`, `INVALID_TYPE`, …
    pub code: &'static str,
    /// Text as the API prints it, with the excerpt and the position when there is one.
    pub message: String,
}

impl SoqlError {
    /// An error without a position.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// An error in the statement's syntax.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new("MALFORMED_QUERY", message)
    }

    /// An error at character `at` of `query`, laid out as the API does: excerpt, caret, position.
    pub(crate) fn located(code: &'static str, query: &str, at: usize, message: &str) -> Self {
        let characters: Vec<char> = query
            .chars()
            .map(|c| if c == '\n' || c == '\r' { ' ' } else { c })
            .collect();
        let from = at.saturating_sub(30);
        let excerpt: String = characters.iter().skip(from).take(60).collect();
        let caret = " ".repeat(at - from);
        let column = at + 1;
        Self::new(
            code,
            format!("\n{excerpt}\n{caret}^\nERROR at Row:1:Column:{column}\n{message}"),
        )
    }
}
