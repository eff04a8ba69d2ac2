//! The secret of an org: its Salesforce credentials, and its customer key when there is one.

use aws_sdk_secretsmanager::Client;
use holdfast_model::{ErrorCode, Failure, OrgName};
use holdfast_salesforce::Credentials;
use holdfast_vault::CustomerKey;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

/// The secrets `holdfast/orgs/<org>`.
pub(crate) struct Secrets(Client);

/// The JSON of one secret. Has no `Debug`; zeroed on drop.
pub(crate) struct Secret(Zeroizing<String>);

impl Secrets {
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Reads the secret. A missing one is the administrator's to make.
    pub(crate) async fn of(&self, org: &OrgName) -> Result<Secret, Failure> {
        let answer = self
            .0
            .get_secret_value()
            .secret_id(name(org))
            .send()
            .await
            .map_err(|error| match error.into_service_error() {
                missing if missing.is_resource_not_found_exception() => {
                    invalid(format!("there is no secret `{}`", name(org)))
                }
                _ => unavailable("read"),
            })?;
        let text = answer
            .secret_string
            .ok_or_else(|| invalid(format!("secret `{}` holds no text", name(org))))?;
        Ok(Secret(Zeroizing::new(text)))
    }

    /// Stores a refresh token that Salesforce gave in place of the former one, which is dead from now on.
    pub(crate) async fn store_refresh_token(
        &self,
        org: &OrgName,
        token: &str,
    ) -> Result<(), Failure> {
        let text = self.of(org).await?.with_refresh_token(token)?;
        self.0
            .put_secret_value()
            .secret_id(name(org))
            .secret_string(text.as_str())
            .send()
            .await
            .map_err(|_| unavailable("write"))?;
        Ok(())
    }
}

impl Secret {
    /// How to log in.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        Credentials::parse(self.0.as_bytes())
    }

    /// Whether a login may bring a new refresh token, which another process then stores here.
    pub(crate) fn may_rotate(&self) -> bool {
        self.fields()
            .is_ok_and(|fields| fields.contains_key("refresh_token"))
    }

    /// The key that wraps the key of the org beside KMS.
    pub(crate) fn customer_key(&self) -> Result<Option<CustomerKey>, Failure> {
        match self.fields()?.get_mut("customer_key").map(Value::take) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(mut text)) => {
                let key = CustomerKey::from_base64(&text);
                text.zeroize();
                key.map(Some)
            }
            Some(_) => Err(Failure::new(
                ErrorCode::KeyInvalid,
                "`customer_key` is not a text",
            )),
        }
    }

    fn with_refresh_token(&self, token: &str) -> Result<Zeroizing<String>, Failure> {
        let mut fields = self.fields()?;
        fields.insert("refresh_token".to_owned(), Value::String(token.to_owned()));
        Ok(Zeroizing::new(Value::Object(fields).to_string()))
    }

    fn fields(&self) -> Result<serde_json::Map<String, Value>, Failure> {
        serde_json::from_str(&self.0).map_err(|_| invalid("secret is not a JSON object"))
    }
}

fn name(org: &OrgName) -> String {
    format!("holdfast/orgs/{org}")
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::SecretInvalid, message)
}

fn unavailable(verb: &str) -> Failure {
    Failure::new(
        ErrorCode::AwsUnavailable,
        format!("secrets manager did not let the secret be {verb}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn a_customer_key_is_optional_but_never_half_right() {
        assert!(secret("{}").customer_key().unwrap().is_none());
        for text in [r#"{"customer_key": 7}"#, r#"{"customer_key": "c2hvcnQ="}"#] {
            assert_eq!(
                secret(text).customer_key().err().unwrap().code,
                ErrorCode::KeyInvalid
            );
        }
    }

    #[test]
    fn a_new_refresh_token_replaces_only_itself() {
        let text = secret(r#"{"grant":"refresh_token","refresh_token":"old","x":1}"#)
            .with_refresh_token("new")
            .unwrap();
        let fields: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            fields,
            serde_json::json!({"grant": "refresh_token", "refresh_token": "new", "x": 1})
        );
    }
}
