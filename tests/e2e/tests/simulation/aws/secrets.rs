//! Secrets Manager: the newest text of each secret.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::aws::{Answer, Refusal, text};

#[derive(Debug, Default)]
pub(crate) struct Secrets(HashMap<String, String>);

impl Secrets {
    pub(super) fn put(&mut self, name: String, text: String) {
        self.0.insert(name, text);
    }

    pub(super) fn answer(&mut self, action: &str, input: &Value) -> Answer {
        let name = input["SecretId"].as_str().unwrap();
        let secret = self.0.get_mut(name);
        let secret = secret.ok_or_else(|| Refusal::new("ResourceNotFoundException"))?;
        match action {
            "GetSecretValue" => Ok(text(&json!({"Name": name, "SecretString": secret}))),
            "PutSecretValue" => {
                input["SecretString"].as_str().unwrap().clone_into(secret);
                Ok(text(&json!({"Name": name})))
            }
            _ => panic!("the simulation has no {action}"),
        }
    }
}
