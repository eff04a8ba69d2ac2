//! What the org's secret holds: where to log in, and with what.

use std::fmt;

use holdfast_model::{ErrorCode, Failure};
use reqwest::Url;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

/// The login of one org. Wiped from memory when dropped; `Debug` shows the grant and the host only.
pub struct Credentials {
    pub(crate) login_url: Url,
    pub(crate) client_id: String,
    pub(crate) grant: Grant,
}

/// The OAuth grants that need nobody at a browser (reference sections 1.3 to 1.5).
pub(crate) enum Grant {
    JwtBearer {
        username: String,
        private_key: Zeroizing<String>,
        audience: Option<String>,
    },
    RefreshToken {
        client_secret: Option<Zeroizing<String>>,
        refresh_token: Zeroizing<String>,
    },
    ClientCredentials {
        client_secret: Zeroizing<String>,
    },
}

impl Credentials {
    /// Reads the JSON of the secret. Fields by `grant`, others are ignored:
    ///
    /// - `jwt_bearer`: `login_url`, `client_id`, `username`, `private_key` (RSA, PEM), optional `audience`
    /// - `refresh_token`: `login_url`, `client_id`, `refresh_token`, optional `client_secret`
    /// - `client_credentials`: `login_url` (My Domain), `client_id`, `client_secret`
    ///
    /// `SECRET_INVALID` names the field, never its value.
    pub fn parse(secret: &[u8]) -> Result<Self, Failure> {
        let fields: Map<String, Value> =
            serde_json::from_slice(secret).map_err(|_| invalid("secret is not a JSON object"))?;
        let mut fields = Fields(fields);
        let login_url = origin(&fields.required("login_url")?)
            .ok_or_else(|| invalid("`login_url` is not an https address"))?;
        let client_id = fields.required("client_id")?.to_string();
        let grant = match fields.required("grant")?.as_str() {
            "jwt_bearer" => Grant::JwtBearer {
                username: fields.required("username")?.to_string(),
                private_key: fields.required("private_key")?,
                audience: fields.optional("audience")?.map(|text| text.to_string()),
            },
            "refresh_token" => Grant::RefreshToken {
                client_secret: fields.optional("client_secret")?,
                refresh_token: fields.required("refresh_token")?,
            },
            "client_credentials" => Grant::ClientCredentials {
                client_secret: fields.required("client_secret")?,
            },
            _ => {
                return Err(invalid(
                    "`grant` is not one of jwt_bearer, refresh_token, client_credentials",
                ));
            }
        };
        Ok(Self {
            login_url,
            client_id,
            grant,
        })
    }

    /// The login host, for messages.
    pub(crate) fn host(&self) -> &str {
        self.login_url.host_str().unwrap_or_default()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grant = match self.grant {
            Grant::JwtBearer { .. } => "jwt_bearer",
            Grant::RefreshToken { .. } => "refresh_token",
            Grant::ClientCredentials { .. } => "client_credentials",
        };
        f.debug_struct("Credentials")
            .field("grant", &grant)
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// Scheme, host and port of an address that a secret may be sent to: https, or this machine.
pub(crate) fn origin(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    let loopback = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
    let plain = url.username().is_empty() && url.password().is_none();
    let safe = url.scheme() == "https" || url.scheme() == "http" && loopback;
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    (safe && plain).then_some(url)
}

/// The object of the secret; what is not taken is wiped.
struct Fields(Map<String, Value>);

impl Fields {
    fn optional(&mut self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(Zeroizing::new(text))),
            Some(_) => Err(invalid(format!("`{name}` is empty or not a text"))),
        }
    }

    fn required(&mut self, name: &str) -> Result<Zeroizing<String>, Failure> {
        self.optional(name)?
            .ok_or_else(|| invalid(format!("`{name}` is missing")))
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::SecretInvalid, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(secret: &Value) -> Result<Credentials, Failure> {
        Credentials::parse(secret.to_string().as_bytes())
    }

    #[test]
    fn each_grant_is_read_and_shown_without_its_secrets() {
        for secret in [
            json!({"grant": "jwt_bearer", "login_url": "https://login.salesforce.com", "client_id": "3MVG",
                   "username": "backup@acme.example", "private_key": "HUSH"}),
            json!({"grant": "refresh_token", "login_url": "https://acme.my.salesforce.com/", "client_id": "3MVG",
                   "refresh_token": "HUSH", "customer_key": "HUSH"}),
            json!({"grant": "client_credentials", "login_url": "http://127.0.0.1:8080", "client_id": "3MVG",
                   "client_secret": "HUSH", "client_name": 7}),
        ] {
            let shown = format!("{:?}", parse(&secret).unwrap());
            assert!(shown.contains(secret["grant"].as_str().unwrap()), "{shown}");
            assert!(
                !shown.contains("HUSH") && !shown.contains("3MVG"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_never_a_value() {
        let good = json!({"grant": "refresh_token", "login_url": "https://login.salesforce.com",
                          "client_id": "3MVG", "refresh_token": "HUSH", "client_secret": "HUSH"});
        for (field, value) in [
            ("grant", json!("HUSH")),
            ("grant", Value::Null),
            ("login_url", json!("http://HUSH.example")),
            ("login_url", json!("https://HUSH:HUSH@login.salesforce.com")),
            ("login_url", json!("HUSH")),
            ("client_id", json!(["HUSH"])),
            ("refresh_token", json!(" ")),
            ("refresh_token", Value::Null),
            ("client_secret", json!({"HUSH": 1})),
        ] {
            let mut secret = good.clone();
            secret[field] = value;
            let failure = parse(&secret).unwrap_err();
            assert_eq!(failure.code, ErrorCode::SecretInvalid);
            assert!(failure.message.contains(&format!("`{field}`")), "{failure}");
            assert!(!failure.message.contains("HUSH"), "{failure}");
        }
        for secret in [&b"HUSH"[..], b"[\"HUSH\"]", b"{\"grant\":\"HUSH", b""] {
            let failure = Credentials::parse(secret).unwrap_err();
            assert_eq!(failure.code, ErrorCode::SecretInvalid);
            assert!(!failure.message.contains("HUSH"), "{failure}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(secret in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Credentials::parse(&secret);
        }
    }
}
