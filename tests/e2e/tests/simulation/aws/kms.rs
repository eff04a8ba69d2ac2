//! KMS: data keys, and the blobs that they are wrapped in.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::aws::{Answer, Refusal, text};

const KEY_BYTES: usize = 32;
const BLOB_BYTES: usize = 184;

/// Wrapped keys, each with the key in it and its encryption context.
#[derive(Debug, Default)]
pub(crate) struct DataKeys(HashMap<String, (String, Value)>);

impl DataKeys {
    pub(super) fn answer(&mut self, action: &str, input: &Value) -> Answer {
        let context = input["EncryptionContext"].clone();
        match action {
            "GenerateDataKey" => {
                assert_eq!(input["KeySpec"], "AES_256");
                let (key, blob) = (random(KEY_BYTES), random(BLOB_BYTES));
                let answer =
                    json!({"KeyId": input["KeyId"], "Plaintext": key, "CiphertextBlob": blob});
                self.0.insert(blob, (key, context));
                Ok(text(&answer))
            }
            "Decrypt" => {
                let wrapped = self.0.get(input["CiphertextBlob"].as_str().unwrap());
                match wrapped.filter(|(_, sealed_for)| *sealed_for == context) {
                    Some((key, _)) => Ok(text(&json!({"Plaintext": key}))),
                    None => Err(Refusal::new("InvalidCiphertextException")),
                }
            }
            _ => panic!("the simulation has no {action}"),
        }
    }
}

/// Base64 of so many random bytes.
fn random(bytes: usize) -> String {
    BASE64.encode((0..bytes).map(|_| fastrand::u8(..)).collect::<Vec<_>>())
}
