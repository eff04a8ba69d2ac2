//! Requests in several parts: JSON and the bytes that belong to it.
//!
//! Sources: RFC 7578 and RFC 2046 5.1; REST API Developer Guide, Insert or Update Blob Data.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use bytes::Bytes;
use memchr::memmem;

use super::error::ApiError;

/// Longest boundary: RFC 2046.
const BOUNDARY_BYTES_MAX: usize = 70;
/// Parts of one request: 200 records of a collection, each with a file, and the collection itself.
const PARTS_MAX: usize = 401;
/// Longest head of a part.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// One part. Its body shares the memory of the request's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// `name` of its `Content-Disposition`.
    pub name: String,
    /// A part with a file name is binary.
    pub filename: Option<String>,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its bytes.
    pub body: Bytes,
}

impl Part {
    /// True for bytes, false for fields as JSON.
    pub(crate) fn binary(&self) -> bool {
        let json = self
            .content_type
            .as_deref()
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
        self.filename.is_some() || self.content_type.is_some() && !json
    }
}

/// The boundary of a `multipart/form-data` request; nothing for any other.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (essence, rest) = kind.split_once(';')?;
    if !essence
        .trim()
        .to_ascii_lowercase()
        .starts_with("multipart/")
    {
        return None;
    }
    parameter(rest, "boundary")
}

/// Splits a body at its boundary.
pub(crate) fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Part>, ApiError> {
    if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
        return Err(malformed("Boundary must have 1 to 70 characters"));
    }
    let mark = format!("--{boundary}");
    let finder = memmem::Finder::new(mark.as_bytes());
    // A boundary stands at the beginning of a line.
    let mut marks = finder
        .find_iter(body)
        .filter(|at| *at == 0 || body.get(at - 1) == Some(&b'\n'));
    let mut found = Vec::new();
    let mut from = marks
        .next()
        .ok_or_else(|| malformed("Multipart message has no boundary"))?
        + mark.len();
    loop {
        if body.get(from..).is_some_and(|rest| rest.starts_with(b"--")) {
            return Ok(found);
        }
        let to = marks
            .next()
            .ok_or_else(|| malformed("Multipart message has no end"))?;
        if found.len() == PARTS_MAX {
            return Err(malformed("Multipart message has too many parts"));
        }
        found.push(part(&body.slice(from..to))?);
        from = to + mark.len();
    }
}

/// What is between two boundaries, line ends included.
fn part(bytes: &Bytes) -> Result<Part, ApiError> {
    let start = line_end(bytes, 0);
    let mut part = Part::default();
    let mut at = start;
    loop {
        if at > HEAD_BYTES_MAX {
            return Err(malformed("Multipart headers are too long"));
        }
        let end = memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default())
            .map(|length| at + length + 1)
            .ok_or_else(|| malformed("Multipart part has no body"))?;
        let line = bytes.get(at..end).unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        at = end;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                part.name = parameter(value, "name").unwrap_or_default();
                part.filename = parameter(value, "filename");
            }
            "content-type" => part.content_type = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    // The line end before a boundary belongs to the boundary.
    let body = bytes.slice(at..);
    let body = match body.as_ref() {
        [.., b'\r', b'\n'] => body.slice(..body.len() - 2),
        [.., b'\n'] => body.slice(..body.len() - 1),
        _ => body,
    };
    Ok(Part { body, ..part })
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', bytes.get(from..).unwrap_or_default())
        .map_or(bytes.len(), |length| from + length + 1)
}

/// `value` of `…; name="value"` or `…; name=value`.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_at(rest.find(['=', ';']).unwrap_or(rest.len()));
        // A word without a value, like `form-data`.
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let (value, after) = after.split_at(after.find(';').unwrap_or(after.len()));
            (value.trim().to_owned(), after)
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// A quoted value and what is behind its closing quote.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => match letters.next() {
                Some((_, quote @ ('"' | '\\'))) => value.push(quote),
                // Browsers of old send paths with plain backslashes.
                Some((_, other)) => {
                    value.push('\\');
                    value.push(other);
                }
                None => break,
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// 400 for a request that is not what its content type says.
pub(crate) fn malformed(message: &str) -> ApiError {
    ApiError::bad("INVALID_MULTIPART_REQUEST", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_bytes_are_told_apart() {
        let text = "preamble\r\n--b_1\r\nContent-Disposition: form-data; name=\"entity_document\";\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n--b_1\r\nContent-Type: application/pdf\r\nContent-Disposition: form-data; filename=\"a;\\\"b.pdf\"; name=Body\r\n\r\n\x00--b_1\r\n\r\n--b_1--\r\nepilogue";
        let found = parts(&Bytes::from_static(text.as_bytes()), "b_1").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].name.as_str(), found[0].binary()),
            ("entity_document", false)
        );
        assert_eq!(found[0].body, "{\"a\":1}");
        assert_eq!((found[1].name.as_str(), found[1].binary()), ("Body", true));
        assert_eq!(found[1].filename.as_deref(), Some("a;\"b.pdf"));
        assert_eq!(found[1].body, "\x00--b_1\r\n");
    }

    #[test]
    fn a_boundary_is_read_with_and_without_quotes() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "multipart/form-data; charset=utf-8; boundary=\"a b\"",
                Some("a b"),
            ),
            ("Multipart/Form-Data;BOUNDARY=x", Some("x")),
            ("application/json; boundary=x", None),
            ("multipart/form-data", None),
        ] {
            let headers = [(CONTENT_TYPE, kind.parse().unwrap())]
                .into_iter()
                .collect();
            assert_eq!(boundary(&headers).as_deref(), expected, "{kind}");
        }
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for text in [
            "",
            "--b",
            "--b\r\n",
            "--b\r\nX: y\r\n\r\nbody",
            "--b\r\nX: y\r\n--b--",
            "nothing",
        ] {
            assert!(
                parts(&Bytes::from_static(text.as_bytes()), "b").is_err(),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back_as_they_were(body in any::<Vec<u8>>(), name in "[a-zA-Z_]{1,9}") {
            prop_assume!(!body.windows(5).any(|part| part == b"--b-b"));
            let head = format!("--b-b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n");
            let whole = [head.as_bytes(), &body, b"\r\n--b-b--"].concat();
            let found = parts(&whole.into(), "b-b").unwrap();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].name, &name);
            prop_assert_eq!(found[0].body.as_ref(), body.as_slice());
        }

        #[test]
        fn no_bytes_make_it_panic(body in "(--b|\r\n|--|[a-z:;=\"\\\\ ]|Content-Disposition: form-data; ){0,40}") {
            let _ = parts(&Bytes::from(body.clone().into_bytes()), "b");
            let _ = parameter(&body, "name");
        }
    }
}
