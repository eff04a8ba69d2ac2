//! The bucket: create once, read ranges, list names. The only place that calls S3.

use std::fmt::Display;
use std::ops::Range;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use holdfast_model::{ErrorCode, Failure};
use sha2::{Digest, Sha256};

use crate::error::{Refusal, internal};

/// Where sealed bytes are read from.
pub trait Ranges: Send + Sync {
    /// Reads a part of the object. What lies behind its end is left out. `VAULT_OBJECT_MISSING` if there is none.
    fn read<'a>(&'a self, path: &'a str, span: Span) -> BoxFuture<'a, Result<Part, Failure>>;
}

/// A part of an object to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// From the first offset to before the last.
    Range(Range<u64>),
    /// So many bytes at the end, or all if there are less.
    Last(u64),
}

/// A part of an object that was read.
#[derive(Debug, Clone)]
pub struct Part {
    /// What was asked for.
    pub bytes: Bytes,
    /// Bytes of the whole object.
    pub total: u64,
}

/// Whether a put created the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created,
    /// An object of this name was there and stays.
    Existed,
}

/// One bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    pub(crate) fn new(client: &Client, name: &str) -> Self {
        Self {
            client: client.clone(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Creates the object unless one of its name exists.
    pub(crate) async fn put_new(&self, path: &str, bytes: Bytes) -> Result<Put, Failure> {
        let checksum = BASE64.encode(Sha256::digest(&bytes));
        let answer = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(path)
            .if_none_match("*")
            .checksum_sha256(checksum)
            .body(ByteStream::from(bytes))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Put::Created),
            Err(error) if status(&error) == Some(412) => Ok(Put::Existed),
            Err(error) => Err(failure(&error, "put", path)),
        }
    }

    /// Creates an object whose name nobody else can have chosen. If it is there already, it must be the one that an
    /// earlier attempt of this very call put.
    pub(crate) async fn put_own(&self, path: &str, bytes: Bytes) -> Result<(), Failure> {
        if self.put_new(path, bytes.clone()).await? == Put::Existed {
            let there = self.get(path, bytes.len() as u64).await?;
            if there != bytes {
                return Err(internal(format!(
                    "name is taken by another object, `{path}`"
                )));
            }
        }
        Ok(())
    }

    /// Reads the whole object, of at most `bytes_max` bytes.
    pub(crate) async fn get(&self, path: &str, bytes_max: u64) -> Result<Bytes, Failure> {
        let mut object = self.stream(path).await?;
        if object.total > bytes_max {
            return Err(Refusal::TooLarge.at(path));
        }
        let mut bytes = BytesMut::new();
        while let Some(piece) = object.next().await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > bytes_max {
                return Err(Refusal::TooLarge.at(path));
            }
        }
        Ok(bytes.freeze())
    }

    /// Reads the object piece by piece.
    pub(crate) async fn stream(&self, path: &str) -> Result<ObjectStream, Failure> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(path)
            .send()
            .await
            .map_err(|error| failure(&error, "get", path))?;
        let total = answer
            .content_length()
            .and_then(|length| u64::try_from(length).ok());
        Ok(ObjectStream {
            path: path.to_owned(),
            total: total.ok_or_else(|| unavailable("get", path, "no content length"))?,
            body: answer.body,
        })
    }

    /// The first name below `prefix` that sorts after `after`.
    pub(crate) async fn first_after(
        &self,
        prefix: &str,
        after: &str,
    ) -> Result<Option<String>, Failure> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .start_after(after)
            .max_keys(1)
            .send()
            .await
            .map_err(|error| failure(&error, "list", prefix))?;
        Ok(answer
            .contents()
            .first()
            .and_then(|object| object.key())
            .map(ToOwned::to_owned))
    }
}

/// The bytes of an object as they arrive.
pub(crate) struct ObjectStream {
    pub(crate) path: String,
    /// Bytes of the whole object.
    pub(crate) total: u64,
    pub(crate) body: ByteStream,
}

impl ObjectStream {
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.body
            .try_next()
            .await
            .map_err(|error| unavailable("get", &self.path, error))
    }
}

impl Ranges for Bucket {
    fn read<'a>(&'a self, path: &'a str, span: Span) -> BoxFuture<'a, Result<Part, Failure>> {
        async move {
            let range = match &span {
                Span::Range(range) => {
                    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
                }
                Span::Last(bytes) => format!("bytes=-{bytes}"),
            };
            let answer = self
                .client
                .get_object()
                .bucket(&self.name)
                .key(path)
                .range(range)
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                // Nothing of the object is in the range: it is empty or ends before.
                Err(error) if status(&error) == Some(416) => {
                    return Ok(Part {
                        bytes: Bytes::new(),
                        total: 0,
                    });
                }
                Err(error) => return Err(failure(&error, "get", path)),
            };
            let total = answer
                .content_range()
                .and_then(|range| range.rsplit_once('/')?.1.parse().ok())
                .or_else(|| u64::try_from(answer.content_length()?).ok())
                .ok_or_else(|| unavailable("get", path, "no content length"))?;
            let body = answer.body.collect().await;
            let bytes = body
                .map_err(|error| unavailable("get", path, error))?
                .into_bytes();
            Ok(Part { bytes, total })
        }
        .boxed()
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// What a failed call to S3 means. Messages of S3 name buckets and keys, no content.
fn failure<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    action: &str,
    path: &str,
) -> Failure {
    let code = error.code().unwrap_or("no answer");
    match (status(error), code) {
        (_, "NoSuchKey" | "NotFound") | (Some(404), "no answer") => Failure::new(
            ErrorCode::VaultObjectMissing,
            format!("sealed object is not there, `{path}`"),
        ),
        (Some(403), _) => Failure::new(
            ErrorCode::AwsDenied,
            format!("bucket refuses to {action}, `{code}`, `{path}`"),
        ),
        _ => unavailable(action, path, code),
    }
}

fn unavailable(action: &str, path: &str, reason: impl Display) -> Failure {
    Failure::new(
        ErrorCode::AwsUnavailable,
        format!("bucket cannot {action}, `{reason}`, `{path}`"),
    )
}
