//! Blobs: sealed file bodies (docs/FORMAT.md, section 7).

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt as _};
use hmac::Mac as _;
use holdfast_model::{ErrorCode, Failure, WrappedKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Vault;
use crate::bucket::ObjectStream;
use crate::envelope::{self, HEADER_BYTES, Header, Kind, Opener};
use crate::error::Refusal;
use crate::keys::{KeyRing, ObjectKey};

/// A blob that a job added to the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobEntry {
    /// Object key in the bucket: `<org>/blobs/<2 hex>/<64 hex>-<uuid>`.
    pub path: String,
    /// Bytes of the file body.
    pub content_bytes: u64,
    /// Bytes of the sealed object.
    pub bytes: u64,
    /// SHA-256 of the sealed object, hex.
    pub sha256: String,
    /// Its key, wrapped.
    pub key: WrappedKey,
}

/// A file body in memory, hashed and not sealed yet.
pub struct BlobBody {
    content: Bytes,
    name: String,
}

impl BlobBody {
    /// Reads a body of at most `bytes_max` bytes into memory and hashes it. Beyond that: `SEAL_TOO_LARGE`.
    pub async fn collect<S>(keys: &KeyRing, body: S, bytes_max: usize) -> Result<Self, Failure>
    where
        S: Stream<Item = Result<Bytes, Failure>>,
    {
        let mut mac = keys.blob_name_mac()?;
        let mut content = BytesMut::new();
        let mut body = std::pin::pin!(body);
        while let Some(piece) = body.try_next().await? {
            if content.len() + piece.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            mac.update(&piece);
            content.extend_from_slice(&piece);
        }
        Ok(Self {
            content: content.freeze(),
            name: hex::encode(mac.finalize().into_bytes()),
        })
    }

    /// The keyed hash of the body: equal for equal bodies of one org. What the catalog finds a stored body by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seals the body. CPU work.
    pub fn seal(&self, keys: &KeyRing) -> Result<SealedBlob, Failure> {
        let folder = self.name.get(..2).unwrap_or_default();
        let path = format!(
            "{}/blobs/{folder}/{}-{}",
            keys.org(),
            self.name,
            Uuid::now_v7()
        );
        let key = ObjectKey::random()?;
        let bytes: Bytes = envelope::seal(Kind::Blob, &key, None, &path, &self.content)?.into();
        let entry = BlobEntry {
            content_bytes: self.content.len() as u64,
            bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&bytes)),
            key: keys.wrap_text(&key, &path)?,
            path,
        };
        Ok(SealedBlob { entry, bytes })
    }
}

fn too_large(bytes_max: usize) -> Failure {
    Failure::new(
        ErrorCode::SealTooLarge,
        format!("file body is larger than may be sealed in one piece, `{bytes_max}` bytes"),
    )
}

impl std::fmt::Debug for BlobBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobBody")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A sealed blob in memory, ready to be put.
pub struct SealedBlob {
    entry: BlobEntry,
    bytes: Bytes,
}

impl SealedBlob {
    /// What the catalog and the manifest say about it.
    pub fn entry(&self) -> &BlobEntry {
        &self.entry
    }

    /// The sealed bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl std::fmt::Debug for SealedBlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedBlob")
            .field("path", &self.entry.path)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Puts a sealed blob.
    pub async fn put_blob(&self, blob: SealedBlob) -> Result<BlobEntry, Failure> {
        self.bucket.put_own(&blob.entry.path, blob.bytes).await?;
        Ok(blob.entry)
    }

    /// Opens a blob: checks its header, then gives the body chunk by chunk.
    pub async fn open_blob(&self, entry: &BlobEntry) -> Result<BlobReader, Failure> {
        let object = self.bucket.stream(&entry.path).await?;
        BlobReader::start(&self.keys, entry, object).await
    }
}

/// The body of a blob as it is read. Holds about one chunk.
pub struct BlobReader {
    path: String,
    object: ObjectStream,
    opener: Opener,
    waiting: BytesMut,
}

impl BlobReader {
    pub(crate) async fn start(
        keys: &KeyRing,
        entry: &BlobEntry,
        mut object: ObjectStream,
    ) -> Result<Self, Failure> {
        let path = entry.path.as_str();
        let refuse = |refusal: Refusal| refusal.at(path);
        let key = keys.unwrap_text(&entry.key, path).map_err(refuse)?;
        let mut waiting = BytesMut::new();
        while waiting.len() < HEADER_BYTES {
            let Some(piece) = object.next().await? else {
                break;
            };
            waiting.extend_from_slice(&piece);
        }
        let head = waiting.split_to(waiting.len().min(HEADER_BYTES));
        let header = Header::parse(&head, object.total, Kind::Blob, path).map_err(refuse)?;
        if header.length() != entry.content_bytes {
            return Err(Refusal::Broken.at(path));
        }
        let opener = Opener::new(&header, &key).map_err(|why| why.at(path))?;
        Ok(Self {
            path: entry.path.clone(),
            object,
            opener,
            waiting,
        })
    }

    /// The next piece of the body; nothing after the last one. What was given before an error is authentic but not all.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(length) = self.opener.next_length() else {
            return Ok(None);
        };
        while self.waiting.len() < length {
            let piece = self
                .object
                .next()
                .await?
                .ok_or_else(|| Refusal::Truncated.at(&self.path))?;
            self.waiting.extend_from_slice(&piece);
        }
        let chunk = self.waiting.split_to(length);
        let content = self
            .opener
            .open(&chunk)
            .map_err(|refusal| refusal.at(&self.path))?;
        Ok(Some(content.into()))
    }
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
