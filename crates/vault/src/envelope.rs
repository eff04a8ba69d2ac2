//! The sealed stream: the envelope of blobs and documents (docs/FORMAT.md, section 6).

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Payload;
use holdfast_model::Failure;
use sha2::{Digest, Sha256};

use crate::error::{Refusal, internal};
use crate::keys::{ObjectKey, WRAPPED_BYTES};

/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 136;
/// Bytes of content in a chunk.
pub(crate) const CHUNK_BYTES: usize = 1 << CHUNK_LOG2;
const CHUNK_LOG2: u8 = 16;
const TAG_BYTES: usize = 16;
const MAGIC: &[u8; 8] = b"HOLDFAST";
const FORMAT: [u8; 2] = [1, 0];
const CHECKSUM_AT: usize = HEADER_BYTES - 8;
/// The key seals one stream only, so the nonce needs no random part.
const NONCE_PREFIX: [u8; 7] = [0; 7];

/// What is in the stream, and where its key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file body; its key is kept elsewhere.
    Blob,
    /// Zstd JSON; its wrapped key is in the header.
    Document,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Blob => 1,
            Self::Document => 2,
        }
    }
}

/// Seals `content` for `path`. `wrapped` goes into the header of a document.
pub(crate) fn seal(
    kind: Kind,
    key: &ObjectKey,
    wrapped: Option<&[u8]>,
    path: &str,
    content: &[u8],
) -> Result<Vec<u8>, Failure> {
    let header = Header {
        kind,
        length: content.len() as u64,
        path_hash: path_hash(path),
        commitment: key.commitment()?,
        wrapped: wrapped
            .map_or(Some([0; WRAPPED_BYTES]), |bytes| bytes.try_into().ok())
            .ok_or_else(|| internal("wrapped key has a wrong length"))?,
    }
    .to_bytes();
    let chunks = content.len().div_ceil(CHUNK_BYTES).max(1);
    let mut sealed = Vec::with_capacity(HEADER_BYTES + content.len() + chunks * TAG_BYTES);
    sealed.extend_from_slice(&header);
    let refused = |_| internal("AES-GCM refuses to seal");
    let mut encryptor: EncryptorBE32<Aes256Gcm> =
        EncryptorBE32::from_aead(key.stream_cipher()?, &NONCE_PREFIX.into());
    let mut rest = content;
    while rest.len() > CHUNK_BYTES {
        let (msg, after) = rest.split_at(CHUNK_BYTES);
        sealed.extend(
            encryptor
                .encrypt_next(Payload { msg, aad: &header })
                .map_err(refused)?,
        );
        rest = after;
    }
    sealed.extend(
        encryptor
            .encrypt_last(Payload {
                msg: rest,
                aad: &header,
            })
            .map_err(refused)?,
    );
    Ok(sealed)
}

/// The header of a sealed stream that lies at a path, checked against that path.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    kind: Kind,
    length: u64,
    path_hash: [u8; 16],
    commitment: [u8; 32],
    wrapped: [u8; WRAPPED_BYTES],
}

impl Header {
    /// Reads the header from the start of the object at `path`, of which `total` bytes are there.
    pub(crate) fn parse(bytes: &[u8], total: u64, kind: Kind, path: &str) -> Result<Self, Refusal> {
        let magic = bytes.first_chunk::<8>();
        let Some(raw) = bytes.first_chunk::<HEADER_BYTES>() else {
            // What is there of the magic tells a short object from a strange one.
            return Err(if MAGIC.starts_with(bytes) || magic == Some(MAGIC) {
                Refusal::Truncated
            } else {
                Refusal::Broken
            });
        };
        let mut fields = Fields(raw);
        let magic = fields.take::<8>()?;
        let [format_low, format_high, kind_code, chunk_log2] = fields.take::<4>()?;
        let header = Self {
            kind,
            length: u64::from_le_bytes(fields.take()?),
            path_hash: fields.take()?,
            commitment: fields.take()?,
            wrapped: fields.take()?,
        };
        if &magic != MAGIC || fields.take::<8>()? != checksum(raw) {
            return Err(Refusal::Broken);
        }
        if [format_low, format_high] != FORMAT
            || chunk_log2 != CHUNK_LOG2
            || !matches!(kind_code, 1 | 2)
        {
            return Err(Refusal::VersionUnknown);
        }
        if header.path_hash != path_hash(path) || kind_code != kind.code() {
            return Err(Refusal::Swapped);
        }
        let sealed_length = header.sealed_length().ok_or(Refusal::Broken)?;
        match total.cmp(&sealed_length) {
            std::cmp::Ordering::Less => Err(Refusal::Truncated),
            std::cmp::Ordering::Equal => Ok(header),
            std::cmp::Ordering::Greater => Err(Refusal::Broken),
        }
    }

    /// Bytes of content.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The wrapped key of a document.
    pub(crate) fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }

    fn sealed_length(&self) -> Option<u64> {
        let chunks = self.length.div_ceil(CHUNK_BYTES as u64).max(1);
        chunks
            .checked_mul(TAG_BYTES as u64)?
            .checked_add(self.length)?
            .checked_add(HEADER_BYTES as u64)
    }

    fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let fields = [
            MAGIC.as_slice(),
            &FORMAT,
            &[self.kind.code(), CHUNK_LOG2],
            &self.length.to_le_bytes(),
            &self.path_hash,
            &self.commitment,
            &self.wrapped,
        ];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        let checksum = checksum(&bytes);
        for (to, from) in bytes.iter_mut().skip(CHECKSUM_AT).zip(checksum) {
            *to = from;
        }
        bytes
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(Refusal::Truncated)?;
        self.0 = rest;
        Ok(*field)
    }
}

fn checksum(header: &[u8; HEADER_BYTES]) -> [u8; 8] {
    let covered = header
        .first_chunk::<CHECKSUM_AT>()
        .map_or([].as_slice(), |c| c);
    prefix(Sha256::digest(covered).as_slice())
}

fn path_hash(path: &str) -> [u8; 16] {
    prefix(Sha256::digest(path.as_bytes()).as_slice())
}

fn prefix<const N: usize>(hash: &[u8]) -> [u8; N] {
    hash.first_chunk().copied().unwrap_or([0; N])
}

/// Opens the chunks of a sealed stream one after the other.
pub(crate) struct Opener {
    decryptor: Option<DecryptorBE32<Aes256Gcm>>,
    header: [u8; HEADER_BYTES],
    left: u64,
}

impl Opener {
    /// Checks that the header commits to `key`.
    pub(crate) fn new(header: &Header, key: &ObjectKey) -> Result<Self, Opening> {
        if header.commitment != key.commitment()? {
            return Err(Refusal::KeyMismatch.into());
        }
        Ok(Self {
            decryptor: Some(DecryptorBE32::from_aead(
                key.stream_cipher()?,
                &NONCE_PREFIX.into(),
            )),
            header: header.to_bytes(),
            left: header.length,
        })
    }

    /// Sealed bytes of the next chunk; nothing after the last one.
    pub(crate) fn next_length(&self) -> Option<usize> {
        let content = usize::try_from(self.left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        self.decryptor.is_some().then_some(content + TAG_BYTES)
    }

    /// Opens exactly [`next_length`](Self::next_length) bytes.
    pub(crate) fn open(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut decryptor = self.decryptor.take().ok_or(Refusal::Broken)?;
        let payload = Payload {
            msg: chunk,
            aad: &self.header,
        };
        if self.left > CHUNK_BYTES as u64 {
            let content = decryptor
                .decrypt_next(payload)
                .map_err(|_| Refusal::Broken)?;
            self.left -= CHUNK_BYTES as u64;
            self.decryptor = Some(decryptor);
            Ok(content)
        } else {
            self.left = 0;
            decryptor.decrypt_last(payload).map_err(|_| Refusal::Broken)
        }
    }
}

/// Why a stream does not open: refused, or a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Opening {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Opening {
    pub(crate) fn at(self, path: &str) -> Failure {
        match self {
            Self::Refused(refusal) => refusal.at(path),
            Self::Failed(failure) => failure,
        }
    }
}

/// Opens a whole stream that is in memory.
pub(crate) fn open(header: &Header, key: &ObjectKey, sealed: &[u8]) -> Result<Vec<u8>, Opening> {
    let mut opener = Opener::new(header, key)?;
    let mut rest = sealed.get(HEADER_BYTES..).ok_or(Refusal::Truncated)?;
    let mut content = Vec::new();
    while let Some(length) = opener.next_length() {
        let (chunk, after) = rest.split_at_checked(length).ok_or(Refusal::Truncated)?;
        content.extend(opener.open(chunk)?);
        rest = after;
    }
    Ok(content)
}
