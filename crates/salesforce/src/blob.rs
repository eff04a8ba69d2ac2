//! File bodies, streamed.

use bytes::Bytes;
use holdfast_model::{Failure, ObjectName, SalesforceId};
use reqwest::header::CONTENT_LENGTH;

use crate::call::{Call, Stream};
use crate::client::Client;

impl Client {
    /// Opens the body in a base64 field of a record, e.g. `VersionData` of a `ContentVersion`
    /// (REST guide, sObject Blob Retrieve). One call each; the bytes are raw.
    pub async fn blob(
        &self,
        object: &ObjectName,
        id: &SalesforceId,
        field: &ObjectName,
    ) -> Result<Blob, Failure> {
        let path = self.path(&format!("sobjects/{object}/{id}/{field}"));
        let stream = self.stream(&Call::get(path).accept("*/*")).await?;
        Ok(Blob { stream })
    }
}

/// A body on its way.
pub struct Blob {
    stream: Stream,
}

impl Blob {
    /// Bytes to come in all, if the answer says so.
    pub fn length(&self) -> Option<u64> {
        let length = self.stream.headers().get(CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    }

    /// The next piece, or nothing at the end; `SALESFORCE_UNREACHABLE` when the transfer was cut off.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        self.stream.chunk().await
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blob").finish_non_exhaustive()
    }
}
