//! Records with their files: plain JSON, or JSON and bytes in parts of their own.
//!
//! Source: REST API Developer Guide, Insert or Update Blob Data, Using sObject Collections with Binary Data.

use std::collections::HashMap;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    error::ApiError,
    multipart::{self, Part},
};
use crate::{
    save::SaveError,
    schema::{Kind, Object},
};

/// Longest body without parts: 50 MB of text, which is 37.5 MB in Base64.
const TEXT_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Longest body of several parts, but for the files themselves.
const FIELDS_BYTES_MAX: usize = 1024 * 1024;
/// Files of one call.
const FILE_BYTES_MAX: usize = 500 * 1024 * 1024;
/// One `ContentVersion`.
const CONTENT_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

/// Longest body that a path takes.
pub(crate) fn bytes_max(path: &str, headers: &HeaderMap) -> usize {
    if multipart::boundary(headers).is_none() {
        return TEXT_BYTES_MAX;
    }
    let mut steps = path.split('/').skip(4);
    let content = steps.next() == Some("sobjects")
        && steps
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("ContentVersion"));
    let files = if content {
        CONTENT_BYTES_MAX
    } else {
        FILE_BYTES_MAX
    };
    files + FIELDS_BYTES_MAX
}

/// The JSON of a request, and its files.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The fields of a record, or a collection.
    pub json: Bytes,
    /// The other parts.
    pub files: Vec<Part>,
}

impl Upload {
    /// Reads a body of either kind.
    pub(crate) fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, ApiError> {
        let Some(boundary) = multipart::boundary(headers) else {
            let files = Vec::new();
            return Ok(Self { json: body, files });
        };
        let (files, fields): (Vec<Part>, Vec<Part>) = multipart::parts(&body, &boundary)?
            .into_iter()
            .partition(Part::binary);
        let json = fields.into_iter().next().ok_or_else(|| {
            multipart::malformed("Multipart message must include a non-binary part")
        })?;
        Ok(Self {
            json: json.body,
            files,
        })
    }

    /// The files of one record by field number: a part is named like the field that it is for.
    pub(crate) fn of_record(self, object: &Object) -> Result<Vec<(usize, Bytes)>, ApiError> {
        let files = self.files.into_iter();
        let files = files.map(|part| match field(object, &part.name) {
            Some(number) => Ok((number, part.body)),
            None => Err(ApiError::bad(
                "INVALID_FIELD",
                no_column(object, &part.name),
            )),
        });
        files.collect()
    }
}

/// The files of a collection by the names of their parts.
#[derive(Debug, Default)]
pub(crate) struct Files(HashMap<String, Bytes>);

/// How a record of a collection names its file.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    binary_part_name: Option<String>,
    binary_part_name_alias: Option<String>,
}

impl Files {
    /// Of the parts of a request.
    pub(crate) fn of(parts: Vec<Part>) -> Self {
        let named = parts.into_iter().map(|part| (part.name, part.body));
        Self(named.collect())
    }

    /// The file of a record with these attributes.
    pub(crate) fn of_record(
        &self,
        object: &Object,
        attributes: Option<&RawValue>,
    ) -> Result<Vec<(usize, Bytes)>, SaveError> {
        let attributes: Attributes = attributes
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let Some(name) = attributes.binary_part_name else {
            return Ok(Vec::new());
        };
        let bytes = self.0.get(&name).cloned().ok_or_else(|| {
            SaveError::input(&format!("Multipart message has no binary part {name}"))
        })?;
        let alias = attributes.binary_part_name_alias.unwrap_or_default();
        let number = field(object, &alias);
        let number = number.ok_or_else(|| SaveError::input(&no_column(object, &alias)))?;
        Ok(vec![(number, bytes)])
    }
}

/// The number of the field that holds a file.
fn field(object: &Object, name: &str) -> Option<usize> {
    let (number, field) = object.field(name)?;
    (field.kind == Kind::Base64).then_some(number)
}

fn no_column(object: &Object, name: &str) -> String {
    format!("No such column '{name}' on sobject of type {}", object.name)
}
