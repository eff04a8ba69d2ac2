//! Documents: sealed JSON (docs/FORMAT.md, section 8).

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_model::limits::DOCUMENT_BYTES_MAX;
use holdfast_model::{ErrorCode, Failure, ObjectName, ObjectSchema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Vault;
use crate::bucket::Put;
use crate::envelope::{self, HEADER_BYTES, Header, Kind};
use crate::error::{Refusal, internal};
use crate::keys::{KeyRing, ObjectKey};

/// JSON compresses well at any level; this is the library's default.
const ZSTD_LEVEL: i32 = 3;
/// Schemas that are read side by side.
const SCHEMAS_AT_ONCE: usize = 16;
/// Sealed bytes: incompressible content, its tags and frames, and some room.
const SEALED_BYTES_MAX: u64 = DOCUMENT_BYTES_MAX as u64 + (1 << 20);

impl Vault {
    /// Seals a value under a name below the org, e.g. `describe/2026.sealed`. A document of this name that is there stays.
    pub async fn put_document<T: Serialize>(&self, name: &str, value: &T) -> Result<Put, Failure> {
        let path = format!("{}/{name}", self.org());
        let json = serde_json::to_vec(value).map_err(|_| internal("document has no JSON"))?;
        self.bucket
            .put_new(&path, seal(&self.keys, &path, &json)?)
            .await
    }

    /// Opens the document of this name below the org.
    pub async fn document<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let path = format!("{}/{name}", self.org());
        let sealed = self.bucket.get(&path, SEALED_BYTES_MAX).await?;
        let json = open(&self.keys, &path, &sealed)?;
        serde_json::from_slice(&json).map_err(|_| unreadable(&path))
    }

    /// The same; nothing when there is none.
    pub async fn find_document<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        match self.document(name).await {
            Err(missing) if missing.code == ErrorCode::VaultObjectMissing => Ok(None),
            document => document.map(Some),
        }
    }

    /// Stores a schema under its hash, which it gives back. If it is there, nothing changes.
    pub async fn put_schema(&self, schema: &ObjectSchema) -> Result<String, Failure> {
        let hash = schema.hash();
        let path = self.schema_path(&schema.name, &hash);
        let json = serde_json::to_vec(schema).map_err(|_| internal("schema has no JSON"))?;
        self.bucket
            .put_new(&path, seal(&self.keys, &path, &json)?)
            .await?;
        Ok(hash)
    }

    /// Several schemas, by object and hash.
    pub async fn schemas(
        &self,
        hashes: impl IntoIterator<Item = (ObjectName, String)>,
    ) -> Result<BTreeMap<ObjectName, ObjectSchema>, Failure> {
        stream::iter(hashes)
            .map(async |(object, hash)| {
                let schema = self.schema(&object, &hash).await?;
                Ok((object, schema))
            })
            .buffer_unordered(SCHEMAS_AT_ONCE)
            .try_collect()
            .await
    }

    /// The schema of this hash.
    pub async fn schema(&self, object: &ObjectName, hash: &str) -> Result<ObjectSchema, Failure> {
        let path = self.schema_path(object, hash);
        let sealed = self.bucket.get(&path, SEALED_BYTES_MAX).await?;
        let json = open(&self.keys, &path, &sealed)?;
        let schema: ObjectSchema = serde_json::from_slice(&json).map_err(|_| unreadable(&path))?;
        if schema.hash() == hash {
            Ok(schema)
        } else {
            Err(Refusal::Broken.at(&path))
        }
    }

    /// The sealed bytes of a document, and the JSON in it.
    pub(crate) async fn document_bytes(&self, path: &str) -> Result<(Bytes, Vec<u8>), Failure> {
        let sealed = self.bucket.get(path, SEALED_BYTES_MAX).await?;
        let json = open(&self.keys, path, &sealed)?;
        Ok((sealed, json))
    }
}

/// Seals JSON for `path`.
pub(crate) fn seal(keys: &KeyRing, path: &str, json: &[u8]) -> Result<Bytes, Failure> {
    if json.len() > DOCUMENT_BYTES_MAX {
        return Err(Refusal::TooLarge.at(path));
    }
    let content = zstd::bulk::compress(json, ZSTD_LEVEL).map_err(|_| internal("zstd refuses"))?;
    let key = ObjectKey::random()?;
    let wrapped = keys.wrap(&key, path)?;
    Ok(envelope::seal(Kind::Document, &key, Some(&wrapped), path, &content)?.into())
}

/// The JSON of the document that lies at `path`.
pub(crate) fn open(keys: &KeyRing, path: &str, sealed: &[u8]) -> Result<Vec<u8>, Failure> {
    let refuse = |refusal: Refusal| refusal.at(path);
    let head = sealed
        .get(..sealed.len().min(HEADER_BYTES))
        .unwrap_or_default();
    let header = Header::parse(head, sealed.len() as u64, Kind::Document, path).map_err(refuse)?;
    let key = keys.unwrap(header.wrapped(), path).map_err(refuse)?;
    let content = envelope::open(&header, &key, sealed).map_err(|why| why.at(path))?;
    let mut json = Vec::new();
    zstd::Decoder::with_buffer(content.as_slice())
        .and_then(|frame| {
            frame
                .take(DOCUMENT_BYTES_MAX as u64 + 1)
                .read_to_end(&mut json)
        })
        .map_err(|_| unreadable(path))?;
    if json.len() > DOCUMENT_BYTES_MAX {
        Err(Refusal::TooLarge.at(path))
    } else {
        Ok(json)
    }
}

/// The seal holds, but what is in it is not what this version writes.
fn unreadable(path: &str) -> Failure {
    Failure::new(
        ErrorCode::VersionUnknown,
        format!("document does not have the expected shape, `{path}`"),
    )
}
