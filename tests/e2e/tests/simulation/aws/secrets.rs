//! Secrets Manager: the newest text of each secret.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::aws::Refusal;

#[derive(Debug, Default)]
pub(crate) struct Secrets(HashMap<String, String>);

impl Secrets {
    pub(super) fn put(&mut self, name: String, text: String) {
        self.0.insert(name, text);
    }

    pub(super) fn answer(&mut self, action: &str, input: &Value) -> Result<Value, Refusal> {
        let name = input["SecretId"].as_str().unwrap();
        let text = self.0.get_mut(name);
        let text = text.ok_or_else(|| Refusal::new("ResourceNotFoundException"))?;
        match action {
            "GetSecretValue" => Ok(json!({"Name": name, "SecretString": text})),
            "PutSecretValue" => {
                input["SecretString"].as_str().unwrap().clone_into(text);
                Ok(json!({"Name": name}))
            }
            _ => panic!("the simulation has no {action}"),
        }
    }
}
