//! The keys of an org and of its objects (docs/FORMAT.md, section 5).

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hkdf::Hkdf;
use hmac::Hmac;
use holdfast_model::{ErrorCode, Failure, OrgName, SegmentEntry, WrappedKey};
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Refusal, internal};

pub(crate) type HmacSha256 = Hmac<Sha256>;

const NONCE_BYTES: usize = 12;
/// Nonce, ciphertext and tag of a wrapped 256-bit key.
pub(crate) const WRAPPED_BYTES: usize = NONCE_BYTES + 32 + 16;

/// 32 secret bytes: not shown, not copied, gone on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Secret([u8; 32]);

impl Secret {
    fn random() -> Result<Self, Failure> {
        let mut secret = Self([0; 32]);
        SysRng
            .try_fill_bytes(&mut secret.0)
            .map_err(|_| internal("the system gives no randomness"))?;
        Ok(secret)
    }

    fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes
            .first_chunk::<32>()
            .filter(|_| bytes.len() == 32)
            .map(|key| Self(*key))
    }

    /// `HKDF(self, info)`.
    fn derive(&self, info: &str) -> Result<Self, Failure> {
        let mut derived = Self([0; 32]);
        Hkdf::<Sha256>::new(None, &self.0)
            .expand(info.as_bytes(), &mut derived.0)
            .map_err(|_| internal("key derivation asks for too many bytes"))?;
        Ok(derived)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&self.0).into())
    }
}

/// The key of exactly one segment, blob or document.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ObjectKey(Secret);

impl ObjectKey {
    pub(crate) fn random() -> Result<Self, Failure> {
        Secret::random().map(Self)
    }

    /// The 32 bytes, for a Parquet reader. Whoever holds them reads the object.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// The cipher of a sealed stream's chunks.
    pub(crate) fn stream_cipher(&self) -> Result<Aes256Gcm, Failure> {
        Ok(self.0.derive("holdfast/1/chunks")?.cipher())
    }

    /// What a sealed stream shows to commit to this key.
    pub(crate) fn commitment(&self) -> Result<[u8; 32], Failure> {
        Ok(self.0.derive("holdfast/1/commitment")?.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKey(..)")
    }
}

/// A key that the customer keeps: the second wrap around the org key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct CustomerKey(Secret);

impl CustomerKey {
    /// Reads the Base64 of 32 bytes. The text is never repeated in the error (`KEY_INVALID`).
    pub fn from_base64(text: &str) -> Result<Self, Failure> {
        let invalid = |reason: &str| {
            Failure::new(
                ErrorCode::KeyInvalid,
                format!("customer key is not {reason}"),
            )
        };
        let bytes = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| invalid("Base64"))?);
        Secret::from_slice(&bytes)
            .map(Self)
            .ok_or_else(|| invalid("32 bytes long"))
    }

    /// Wraps what KMS wrapped.
    pub(crate) fn wrap(&self, kms_blob: &[u8], org: &str) -> Result<Vec<u8>, Failure> {
        seal_short(&self.0.cipher(), kms_blob, org_key_aad(org).as_bytes())
    }

    /// What KMS wrapped, or nothing if this is not the key.
    pub(crate) fn unwrap(&self, wrapped: &[u8], org: &str) -> Option<Vec<u8>> {
        open_short(&self.0.cipher(), wrapped, org_key_aad(org).as_bytes())
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(..)")
    }
}

fn org_key_aad(org: &str) -> String {
    format!("holdfast/1/org-key {org}")
}

/// The keys of an org, derived from its org key, which itself is not kept.
#[derive(ZeroizeOnDrop)]
pub struct KeyRing {
    #[zeroize(skip)]
    org: OrgName,
    wrap: Secret,
    manifest: Secret,
    blob_name: Secret,
    #[zeroize(skip)]
    check: String,
}

impl KeyRing {
    /// Derives from the 32 bytes of the org key. [`Vault`](crate::Vault) does this with what KMS unwrapped;
    /// it stands alone for tools that have the org key from elsewhere.
    pub fn derive(org: &OrgName, org_key: &[u8]) -> Result<Self, Failure> {
        let org_key = Secret::from_slice(org_key).ok_or_else(|| {
            Failure::new(
                ErrorCode::KeyUnavailable,
                "unwrapped org key is not 32 bytes long",
            )
        })?;
        Ok(Self {
            org: org.clone(),
            wrap: org_key.derive("holdfast/1/wrap")?,
            manifest: org_key.derive("holdfast/1/manifest")?,
            blob_name: org_key.derive("holdfast/1/blob-name")?,
            check: hex::encode(org_key.derive("holdfast/1/check")?.0),
        })
    }

    /// The org.
    pub fn org(&self) -> &OrgName {
        &self.org
    }

    /// The public check value of the org key: equal as long as the org key is the same.
    pub fn check(&self) -> &str {
        &self.check
    }

    /// The key of one segment, for a Parquet reader outside of Holdfast. Whoever has it reads the segment.
    pub fn segment_key_for_export(&self, entry: &SegmentEntry) -> Result<ObjectKey, Failure> {
        self.unwrap_text(&entry.key, &entry.path)
            .map_err(|refusal| refusal.at(&entry.path))
    }

    /// Wraps the key of the object at `path`: 60 bytes.
    pub(crate) fn wrap(&self, key: &ObjectKey, path: &str) -> Result<Vec<u8>, Failure> {
        seal_short(&self.wrap.cipher(), key.as_bytes(), path.as_bytes())
    }

    /// The key of the object at `path`.
    pub(crate) fn unwrap(&self, wrapped: &[u8], path: &str) -> Result<ObjectKey, Refusal> {
        open_short(&self.wrap.cipher(), wrapped, path.as_bytes())
            .map(Zeroizing::new)
            .and_then(|bytes| Secret::from_slice(&bytes))
            .map(ObjectKey)
            .ok_or(Refusal::KeyMismatch)
    }

    /// [`wrap`](Self::wrap) in the form of entries.
    pub(crate) fn wrap_text(&self, key: &ObjectKey, path: &str) -> Result<WrappedKey, Failure> {
        Ok(WrappedKey(BASE64.encode(self.wrap(key, path)?)))
    }

    /// [`unwrap`](Self::unwrap) from the form of entries.
    pub(crate) fn unwrap_text(
        &self,
        wrapped: &WrappedKey,
        path: &str,
    ) -> Result<ObjectKey, Refusal> {
        let bytes = BASE64
            .decode(&wrapped.0)
            .map_err(|_| Refusal::KeyMismatch)?;
        self.unwrap(&bytes, path)
    }

    pub(crate) fn manifest_mac(&self) -> Result<HmacSha256, Failure> {
        mac(&self.manifest)
    }

    pub(crate) fn blob_name_mac(&self) -> Result<HmacSha256, Failure> {
        mac(&self.blob_name)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("org", &self.org)
            .finish_non_exhaustive()
    }
}

fn mac(key: &Secret) -> Result<HmacSha256, Failure> {
    HmacSha256::new_from_slice(&key.0).map_err(|_| internal("HMAC refuses its key"))
}

/// Nonce, ciphertext, tag.
fn seal_short(cipher: &Aes256Gcm, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut nonce = [0; NONCE_BYTES];
    SysRng
        .try_fill_bytes(&mut nonce)
        .map_err(|_| internal("the system gives no randomness"))?;
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
        .map_err(|_| internal("AES-GCM refuses to seal"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open_short(cipher: &Aes256Gcm, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    cipher
        .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(byte: u8) -> Result<KeyRing, Failure> {
        KeyRing::derive(&OrgName::parse("acme")?, &[byte; 32])
    }

    #[test]
    fn a_wrapped_key_opens_only_for_its_own_path_and_org() {
        let org = ring(1).unwrap();
        let other = ring(2).unwrap();
        let key = ObjectKey::random().unwrap();
        let wrapped = org.wrap_text(&key, "acme/a").unwrap();
        assert_eq!(
            org.unwrap_text(&wrapped, "acme/a").unwrap().as_bytes(),
            key.as_bytes()
        );
        assert_eq!(
            org.unwrap_text(&wrapped, "acme/b").unwrap_err(),
            Refusal::KeyMismatch
        );
        assert_eq!(
            other.unwrap_text(&wrapped, "acme/a").unwrap_err(),
            Refusal::KeyMismatch
        );
        for text in ["", "AAAA", "not base64", &wrapped.0[4..]] {
            let wrapped = WrappedKey(text.to_owned());
            assert_eq!(
                org.unwrap_text(&wrapped, "acme/a").unwrap_err(),
                Refusal::KeyMismatch
            );
        }
    }

    #[test]
    fn a_customer_key_that_is_not_32_bytes_is_refused_without_repeating_it() {
        for text in [
            "c2VjcmV0c2VjcmV0",
            "secret secret",
            "",
            &BASE64.encode([7; 33]),
        ] {
            let failure = CustomerKey::from_base64(text).unwrap_err();
            assert_eq!(failure.code, ErrorCode::KeyInvalid);
            assert!(text.is_empty() || !failure.message.contains(text));
        }
        assert!(CustomerKey::from_base64(&format!("{}\n", BASE64.encode([7; 32]))).is_ok());
    }

    #[test]
    fn keys_do_not_show_themselves() {
        let key = ObjectKey::random().unwrap();
        assert_eq!(format!("{key:?}"), "ObjectKey(..)");
        let key = CustomerKey::from_base64(&BASE64.encode([7; 32])).unwrap();
        assert_eq!(format!("{key:?}"), "CustomerKey(..)");
    }
}
