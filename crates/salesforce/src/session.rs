//! Access tokens: minted at connect, replaced once when Salesforce says that the session is over.

use std::sync::Arc;

use holdfast_model::{ErrorCode, Failure};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::answer::{CallError, Repeat, read_json, read_whole, retry_after};
use crate::client::Settings;
use crate::credentials::{Credentials, Grant, invalid, origin};
use crate::refusal::Refusal;
use crate::rows::damaged;

/// Life of an assertion in seconds, as in Salesforce's own sample (OAuth 2.0 JWT Bearer Flow).
const ASSERTION_SECONDS: u64 = 300;
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// One access token and where it is good.
pub(crate) struct Session {
    pub(crate) instance: Url,
    pub(crate) token: Zeroizing<String>,
    /// Path of the identity address, `/id/<org>/<user>`.
    pub(crate) identity_path: String,
    serial: u64,
}

impl Session {
    /// The host of the instance, for messages.
    pub(crate) fn host(&self) -> &str {
        self.instance.host_str().unwrap_or_default()
    }
}

/// The session in use. Renewal holds the lock, so whoever comes meanwhile waits and takes the new one:
/// under refresh-token rotation two renewals would kill each other.
pub(crate) struct Sessions {
    http: reqwest::Client,
    settings: Settings,
    credentials: Credentials,
    current: Mutex<Current>,
}

struct Current {
    session: Arc<Session>,
    rotated: Option<Zeroizing<String>>,
}

impl Sessions {
    pub(crate) async fn open(
        http: reqwest::Client,
        settings: Settings,
        credentials: Credentials,
    ) -> Result<Self, Failure> {
        let (session, rotated) = mint(&http, &settings, &credentials, None, 0).await?;
        Ok(Self {
            http,
            settings,
            credentials,
            current: Mutex::new(Current {
                session: Arc::new(session),
                rotated,
            }),
        })
    }

    pub(crate) async fn current(&self) -> Arc<Session> {
        self.current.lock().await.session.clone()
    }

    /// A session other than `stale`: the one that somebody minted meanwhile, or a new one.
    pub(crate) async fn renew(&self, stale: &Session) -> Result<Arc<Session>, Failure> {
        let mut current = self.current.lock().await;
        if current.session.serial == stale.serial {
            let (session, rotated) = mint(
                &self.http,
                &self.settings,
                &self.credentials,
                current.rotated.as_ref(),
                stale.serial + 1,
            )
            .await?;
            current.session = Arc::new(session);
            if rotated.is_some() {
                current.rotated = rotated;
            }
        }
        Ok(current.session.clone())
    }

    pub(crate) async fn rotated_refresh_token(&self) -> Option<Zeroizing<String>> {
        self.current.lock().await.rotated.clone()
    }
}

/// The claims of Salesforce's JWT bearer flow.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    instance_url: String,
    id: String,
    refresh_token: Option<String>,
}

async fn mint(
    http: &reqwest::Client,
    settings: &Settings,
    credentials: &Credentials,
    rotated: Option<&Zeroizing<String>>,
    serial: u64,
) -> Result<(Session, Option<Zeroizing<String>>), Failure> {
    let form = form(credentials, rotated)?;
    let address = credentials
        .login_url
        .join("services/oauth2/token")
        .map_err(|_| invalid("`login_url` is not an https address"))?;
    let ask = || async {
        let response = http
            .post(address.clone())
            .form(&form)
            .send()
            .await
            .map_err(|error| CallError::transport(credentials.host(), error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = Zeroizing::new(read_whole(response, credentials.host()).await?);
        if status.is_success() {
            read_json::<TokenAnswer>(status, &body)
        } else {
            Err(CallError::Refused(Refusal::read(
                status,
                retry_after,
                &body,
            )))
        }
    };
    // Under rotation a refresh token is dead once it was accepted: repeat only what surely was not.
    let answer = settings
        .repeat(Repeat::Unaccepted, ask)
        .await
        .map_err(login_refused)?;

    let instance = origin(&answer.instance_url)
        .ok_or_else(|| damaged("instance address is not an https address"))?;
    let identity_path = Url::parse(&answer.id)
        .map_err(|_| damaged("identity address is malformed"))?
        .path()
        .to_owned();
    let session = Session {
        instance,
        token: Zeroizing::new(answer.access_token),
        identity_path,
        serial,
    };
    Ok((session, answer.refresh_token.map(Zeroizing::new)))
}

type Form<'a> = Vec<(&'static str, std::borrow::Cow<'a, str>)>;

fn form<'a>(
    credentials: &'a Credentials,
    rotated: Option<&'a Zeroizing<String>>,
) -> Result<Form<'a>, Failure> {
    let client_id = credentials.client_id.as_str();
    let mut form: Form<'a> = Vec::with_capacity(4);
    match &credentials.grant {
        Grant::JwtBearer {
            username,
            private_key,
            audience,
        } => {
            let key = EncodingKey::from_rsa_pem(private_key.as_bytes())
                .map_err(|_| invalid("`private_key` is not an RSA private key in PEM"))?;
            let claims = Claims {
                iss: client_id,
                sub: username,
                aud: audience
                    .as_deref()
                    .unwrap_or_else(|| default_audience(&credentials.login_url)),
                exp: jsonwebtoken::get_current_timestamp() + ASSERTION_SECONDS,
            };
            let assertion = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)
                .map_err(|_| invalid("`private_key` cannot sign"))?;
            form.push(("grant_type", JWT_BEARER.into()));
            form.push(("assertion", assertion.into()));
        }
        Grant::RefreshToken {
            client_secret,
            refresh_token,
        } => {
            form.push(("grant_type", "refresh_token".into()));
            form.push(("client_id", client_id.into()));
            let token = rotated.unwrap_or(refresh_token);
            form.push(("refresh_token", token.as_str().into()));
            if let Some(secret) = client_secret {
                form.push(("client_secret", secret.as_str().into()));
            }
        }
        Grant::ClientCredentials { client_secret } => {
            form.push(("grant_type", "client_credentials".into()));
            form.push(("client_id", client_id.into()));
            form.push(("client_secret", client_secret.as_str().into()));
        }
    }
    Ok(form)
}

/// Salesforce knows assertions by its two login hosts, whatever My Domain they are sent to
/// (reference section 1.4); any other site is its own audience.
fn default_audience(login_url: &Url) -> &str {
    match login_url.host_str().unwrap_or_default() {
        host if host.ends_with(".sandbox.my.salesforce.com") => "https://test.salesforce.com",
        host if host.ends_with(".my.salesforce.com") => "https://login.salesforce.com",
        _ => login_url.as_str().trim_end_matches('/'),
    }
}

fn login_refused(error: CallError) -> Failure {
    match error {
        CallError::Refused(refusal)
            if matches!(
                refusal.status,
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            ) =>
        {
            Failure::new(
                ErrorCode::LoginRefused,
                format!("salesforce refused the login: {}", refusal.text()),
            )
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_addressed_to_the_login_host_of_the_org() {
        for (login_url, audience) in [
            (
                "https://login.salesforce.com",
                "https://login.salesforce.com",
            ),
            ("https://test.salesforce.com", "https://test.salesforce.com"),
            (
                "https://acme.my.salesforce.com",
                "https://login.salesforce.com",
            ),
            (
                "https://acme--uat.sandbox.my.salesforce.com",
                "https://test.salesforce.com",
            ),
            ("https://acme.my.site.com", "https://acme.my.site.com"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(default_audience(&origin(login_url).unwrap()), audience);
        }
    }
}
