//! The org key: made once, unwrapped once per function instance (docs/FORMAT.md, section 5).

use aws_sdk_kms::Client;
use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdfast_model::{ErrorCode, Failure, OrgName, Stamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::keys::{CustomerKey, KeyRing};

/// Bytes of `org-key.json`.
pub(crate) const ORG_KEY_BYTES_MAX: u64 = 16 << 10;
const FORMAT: u32 = 1;

/// Where the wrapped org key lies.
pub(crate) fn path(org: &OrgName) -> String {
    format!("{org}/keys/org-key.json")
}

/// `org-key.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappedOrgKey {
    format: u32,
    org: OrgName,
    created: Stamp,
    wrapping: Wrapping,
    wrapped: String,
    check: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Wrapping {
    #[serde(rename = "kms")]
    Kms,
    #[serde(rename = "kms+customer")]
    KmsAndCustomer,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl WrappedOrgKey {
    /// Makes an org key and wraps it.
    pub(crate) async fn generate(
        kms: &Client,
        kms_key: &str,
        org: &OrgName,
        customer: Option<&CustomerKey>,
        created: Stamp,
    ) -> Result<(Self, KeyRing), Failure> {
        let answer = kms
            .generate_data_key()
            .key_id(kms_key)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(context(org)))
            .send()
            .await
            .map_err(|error| failure(&error, "make the org key"))?;
        let plain = plain(answer.plaintext)?;
        let blob = answer
            .ciphertext_blob
            .ok_or_else(|| unusable("KMS gives no wrapped key"))?;
        let keys = KeyRing::derive(org, &plain)?;
        Ok((Self::wrap(&keys, blob.as_ref(), customer, created)?, keys))
    }

    fn wrap(
        keys: &KeyRing,
        kms_blob: &[u8],
        customer: Option<&CustomerKey>,
        created: Stamp,
    ) -> Result<Self, Failure> {
        let org = keys.org();
        let (wrapping, wrapped) = match customer {
            None => (Wrapping::Kms, kms_blob.to_vec()),
            Some(customer) => (
                Wrapping::KmsAndCustomer,
                customer.wrap(kms_blob, org.as_str())?,
            ),
        };
        Ok(Self {
            format: FORMAT,
            org: org.clone(),
            created,
            wrapping,
            wrapped: BASE64.encode(wrapped),
            check: keys.check().to_owned(),
        })
    }

    /// Unwraps the org key.
    pub(crate) async fn open(
        &self,
        kms: &Client,
        customer: Option<&CustomerKey>,
    ) -> Result<KeyRing, Failure> {
        let blob = self.kms_blob(customer)?;
        let answer = kms
            .decrypt()
            .ciphertext_blob(Blob::new(blob))
            .set_encryption_context(Some(context(&self.org)))
            .send()
            .await
            .map_err(|error| failure(&error, "unwrap the org key"))?;
        self.ring(&plain(answer.plaintext)?)
    }

    /// What KMS wrapped, with the customer's wrap taken off.
    fn kms_blob(&self, customer: Option<&CustomerKey>) -> Result<Vec<u8>, Failure> {
        let wrapped = BASE64
            .decode(&self.wrapped)
            .map_err(|_| unusable("wrapped org key is not Base64"))?;
        match (self.wrapping, customer) {
            (Wrapping::Kms, None) => Ok(wrapped),
            (Wrapping::Kms, Some(_)) => Err(unusable(
                "org was connected without a customer key, and one is given",
            )),
            (Wrapping::KmsAndCustomer, None) => Err(unusable(
                "org was connected with a customer key, and none is given",
            )),
            (Wrapping::KmsAndCustomer, Some(customer)) => {
                customer.unwrap(&wrapped, self.org.as_str()).ok_or_else(|| {
                    unusable("customer key is not the one that the org was connected with")
                })
            }
        }
    }

    fn ring(&self, org_key: &[u8]) -> Result<KeyRing, Failure> {
        let keys = KeyRing::derive(&self.org, org_key)?;
        if keys.check() == self.check {
            Ok(keys)
        } else {
            Err(unusable(
                "KMS unwraps another key than the one that the org was connected with",
            ))
        }
    }

    /// Reads `org-key.json` of `org`.
    pub(crate) fn parse(json: &[u8], org: &OrgName) -> Result<Self, Failure> {
        let malformed = |_| unusable("`org-key.json` is malformed");
        let FormatOnly { format } = serde_json::from_slice(json).map_err(malformed)?;
        if format != FORMAT {
            return Err(Failure::new(
                ErrorCode::VersionUnknown,
                format!("`org-key.json` has a format that this version does not know, `{format}`"),
            ));
        }
        let key: Self = serde_json::from_slice(json).map_err(malformed)?;
        if key.org == *org {
            Ok(key)
        } else {
            Err(unusable("`org-key.json` belongs to another org"))
        }
    }
}

fn context(org: &OrgName) -> std::collections::HashMap<String, String> {
    [("holdfast:org", org.as_str()), ("holdfast:use", "org-key")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn plain(blob: Option<Blob>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    blob.map(|blob| Zeroizing::new(blob.into_inner()))
        .ok_or_else(|| unusable("KMS gives no key"))
}

fn unusable(message: &str) -> Failure {
    Failure::new(ErrorCode::KeyUnavailable, message)
}

/// What a failed call to KMS means.
fn failure<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, action: &str) -> Failure {
    let code = error.code().unwrap_or("no answer");
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let transient = !matches!(status, Some(400..=499))
        || matches!(
            code,
            "ThrottlingException" | "LimitExceededException" | "RequestLimitExceeded"
        );
    let failure_code = if transient {
        ErrorCode::AwsUnavailable
    } else {
        ErrorCode::KeyUnavailable
    };
    Failure::new(failure_code, format!("KMS does not {action}, `{code}`"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn org() -> OrgName {
        OrgName::parse("acme").unwrap()
    }

    fn customer(byte: u8) -> CustomerKey {
        CustomerKey::from_base64(&BASE64.encode([byte; 32])).unwrap()
    }

    fn wrapped(customer: Option<&CustomerKey>) -> WrappedOrgKey {
        let keys = KeyRing::derive(&org(), &[1; 32]).unwrap();
        WrappedOrgKey::wrap(&keys, b"what KMS wrapped", customer, Stamp::from_millis(0)).unwrap()
    }

    #[test]
    fn the_customer_key_is_needed_and_must_be_the_same() {
        let key = wrapped(Some(&customer(1)));
        assert_eq!(
            key.kms_blob(Some(&customer(1))).unwrap(),
            b"what KMS wrapped"
        );
        for other in [None, Some(&customer(2))] {
            assert_eq!(
                key.kms_blob(other).unwrap_err().code,
                ErrorCode::KeyUnavailable
            );
        }
        assert!(
            !serde_json::to_string(&key)
                .unwrap()
                .contains(&BASE64.encode(b"what KMS wrapped"))
        );
        let unprotected = wrapped(None).kms_blob(Some(&customer(1)));
        assert_eq!(unprotected.unwrap_err().code, ErrorCode::KeyUnavailable);
    }

    #[test]
    fn another_org_key_than_the_one_of_the_first_day_is_refused() {
        let key = wrapped(None);
        assert!(key.ring(&[1; 32]).is_ok());
        for org_key in [[2; 32].as_slice(), &[1; 31], &[]] {
            assert_eq!(
                key.ring(org_key).unwrap_err().code,
                ErrorCode::KeyUnavailable
            );
        }
    }

    #[test]
    fn a_file_of_another_org_or_version_is_refused() {
        let json = serde_json::to_string(&wrapped(None)).unwrap();
        assert_eq!(
            WrappedOrgKey::parse(json.as_bytes(), &org()).unwrap(),
            wrapped(None)
        );
        let other = OrgName::parse("other").unwrap();
        assert_eq!(
            WrappedOrgKey::parse(json.as_bytes(), &other)
                .unwrap_err()
                .code,
            ErrorCode::KeyUnavailable
        );
        let newer = json.replace("\"format\":1", "\"format\":2");
        assert_eq!(
            WrappedOrgKey::parse(newer.as_bytes(), &org())
                .unwrap_err()
                .code,
            ErrorCode::VersionUnknown
        );
        let extended = json.replace("\"format\":1", "\"format\":1,\"extra\":1");
        assert_eq!(
            WrappedOrgKey::parse(extended.as_bytes(), &org())
                .unwrap_err()
                .code,
            ErrorCode::KeyUnavailable
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(WrappedOrgKey::parse(&bytes, &org()).is_err());
        }
    }
}
