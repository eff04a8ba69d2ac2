//! Tokens and who holds them.

use std::collections::{HashMap, HashSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::{config::Credentials, random::Random};

/// Seconds past `exp` that the org still accepts, for clocks that are off.
const SKEW_SECONDS: i64 = 180;

/// The org's tokens.
#[derive(Deserialize, Serialize)]
pub(crate) struct Sessions {
    access: HashMap<String, Access>,
    refresh: HashSet<String>,
    issued: usize,
    #[serde(skip)]
    assertion_key: Option<DecodingKey>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions")
            .field("issued", &self.issued)
            .finish_non_exhaustive()
    }
}

/// What an access token stands for.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Access {
    user: String,
    expires_ms: i64,
}

/// `error` and `error_description` of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub &'static str, pub &'static str);

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    exp: Option<serde_json::Value>,
    aud: Option<serde_json::Value>,
}

impl Claims {
    /// Seconds since 1970. RFC 7519 wants a number; clients in use send its digits as text, and are served.
    fn expiry(&self) -> Option<i64> {
        let exp = self.exp.as_ref()?;
        exp.as_i64().or_else(|| exp.as_str()?.parse().ok())
    }
}

impl Sessions {
    /// The state before anyone logs in.
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, jsonwebtoken::errors::Error> {
        let key = credentials.jwt_public_key.as_ref();
        Ok(Self {
            access: HashMap::new(),
            refresh: HashSet::from([credentials.refresh_token.clone()]),
            issued: 0,
            assertion_key: key
                .map(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()))
                .transpose()?,
        })
    }

    /// Takes the tokens over that an org had before it ended.
    pub(crate) fn take_over(&mut self, before: Self) {
        *self = Self {
            assertion_key: self.assertion_key.take(),
            ..before
        };
    }

    /// A new access token of a user that lives until `expires_ms`.
    pub(crate) fn open(&mut self, org_id: &str, user: String, expires_ms: i64) -> String {
        let secret = self.secret(72);
        let token = format!("{}!AQ{secret}", org_id.get(..15).unwrap_or_default());
        self.access
            .insert(token.clone(), Access { user, expires_ms });
        token
    }

    /// The user of a token that was issued and has neither expired nor been revoked.
    pub(crate) fn user(&self, token: &str, now_ms: i64) -> Option<String> {
        let access = self.access.get(token)?;
        (now_ms < access.expires_ms).then(|| access.user.clone())
    }

    /// True for a refresh token that can be used.
    pub(crate) fn refreshable(&self, token: &str) -> bool {
        self.refresh.contains(token)
    }

    /// Ends a refresh token and issues its successor.
    pub(crate) fn rotate(&mut self, token: &str) -> String {
        self.refresh.remove(token);
        let next = format!("5Aep{}", self.secret(60));
        self.refresh.insert(next.clone());
        next
    }

    /// Ends a token; a refresh token takes every access token with it. False for an unknown one.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        if self.refresh.remove(token) {
            self.access.clear();
            return true;
        }
        self.access.remove(token).is_some()
    }

    /// Ends all access tokens.
    pub(crate) fn expire_all(&mut self) {
        self.access.clear();
    }

    /// Ends all tokens, refresh tokens too.
    pub(crate) fn revoke_all(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }

    /// Checks a JWT bearer assertion: RS256, issuer, audience and expiry; its subject.
    ///
    /// Source: Salesforce Help, OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration.
    pub(crate) fn check_assertion(
        &self,
        assertion: &str,
        credentials: &Credentials,
        own_url: &str,
        now_ms: i64,
    ) -> Result<String, Refusal> {
        let key = self.assertion_key.as_ref();
        let key = key.ok_or(Refusal(
            "invalid_grant",
            "no certificate is registered for this consumer",
        ))?;
        // The expiry is judged by the org's clock below, not by the machine's.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let token = jsonwebtoken::decode::<Claims>(assertion, key, &validation)
            .map_err(|_| Refusal("invalid_grant", "invalid assertion"))?;
        let claims = token.claims;
        if claims.iss.as_deref() != Some(credentials.client_id.as_str()) {
            return Err(Refusal("invalid_client_id", "client identifier invalid"));
        }
        let audiences = [
            "https://login.salesforce.com",
            "https://test.salesforce.com",
            own_url,
        ];
        let known =
            |aud: &serde_json::Value| aud.as_str().is_some_and(|aud| audiences.contains(&aud));
        let fits = match &claims.aud {
            Some(serde_json::Value::Array(all)) => all.iter().any(known),
            Some(one) => known(one),
            None => false,
        };
        if !fits {
            return Err(Refusal("invalid_grant", "Audience validation failed"));
        }
        match claims.expiry() {
            None => return Err(Refusal("invalid_grant", "assertion has no expiration")),
            Some(exp) if exp + SKEW_SECONDS < now_ms / 1000 => {
                return Err(Refusal("invalid_grant", "assertion has expired"));
            }
            Some(_) => {}
        }
        Ok(claims.sub.unwrap_or_default())
    }

    /// Text that looks like a token's secret part. Predictable: nothing here protects anything.
    fn secret(&mut self, length: usize) -> String {
        self.issued += 1;
        let mut random = Random::new(0x70CE, 0x70CE, self.issued);
        let bytes: Vec<u8> = (0..=length / 8)
            .flat_map(|_| random.next_u64().to_le_bytes())
            .collect();
        URL_SAFE_NO_PAD.encode(bytes).chars().take(length).collect()
    }
}
