//! Logging in, and staying so.

use crate::support::{Org, login, with_accounts};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_model::ErrorCode;
use holdfast_orgsim::Config;
use holdfast_salesforce::Budget;
use serde_json::{Value, json};

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
}

/// Private and public key.
fn key_pair() -> (String, String) {
    use aws_lc_rs::signature::KeyPair as _;
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (
        pem("PRIVATE KEY", private.as_ref()),
        pem("PUBLIC KEY", public.as_ref()),
    )
}

fn rotating() -> Config {
    let mut config = with_accounts(10);
    config.credentials.rotate_refresh_token = true;
    config
}

#[tokio::test]
async fn each_grant_logs_in_and_learns_who_it_is() {
    let (private_key, public_key) = key_pair();
    let mut config = with_accounts(1);
    config.credentials.jwt_public_key = Some(public_key);
    let org = Org::start(config).await;
    let base = json!({"login_url": org.url(), "client_id": "holdfast-demo"});
    for more in [
        json!({"grant": "refresh_token", "refresh_token": "demo-refresh-token", "client_secret": "demo-secret"}),
        json!({"grant": "client_credentials", "client_secret": "demo-secret"}),
        json!({"grant": "jwt_bearer", "username": "backup@acme.example", "private_key": private_key}),
    ] {
        let mut secret = base.clone();
        secret
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let client = org.login(&secret).await.unwrap();
        let identity = client.identity().await.unwrap();
        assert_eq!(identity.username, "backup@acme.example");
        assert!(identity.organization_id.starts_with("00D"));
        assert!(identity.user_id.starts_with("005"));
        assert_eq!(identity.instance_url, org.url());
        assert!(client.rotated_refresh_token().await.is_none());
    }
}

#[tokio::test]
async fn a_refused_login_says_what_salesforce_said_and_no_secret() {
    let (_, public_key) = key_pair();
    let (other_key, _) = key_pair();
    let mut config = with_accounts(1);
    config.credentials.jwt_public_key = Some(public_key);
    let org = Org::start(config).await;
    let with = |field: &str, value: &str| {
        let mut secret = org.secret();
        secret[field] = json!(value);
        secret
    };
    let jwt = json!({"grant": "jwt_bearer", "login_url": org.url(), "client_id": "holdfast-demo",
                     "username": "backup@acme.example", "private_key": other_key});
    for (secret, said) in [
        (
            with("refresh_token", "HUSH"),
            "invalid_grant: expired access/refresh token",
        ),
        (with("client_secret", "HUSH"), "invalid_client"),
        (with("client_id", "HUSH"), "invalid_client_id"),
        (jwt, "invalid_grant"),
    ] {
        let failure = org.login(&secret).await.unwrap_err();
        assert_eq!(failure.code, ErrorCode::LoginRefused, "{failure}");
        assert!(failure.message.contains(said), "{failure}");
        assert!(!failure.message.contains("HUSH"), "{failure}");
    }
}

#[tokio::test]
async fn a_key_that_is_no_key_is_a_bad_secret() {
    let org = Org::start(with_accounts(1)).await;
    let secret = json!({"grant": "jwt_bearer", "login_url": org.url(), "client_id": "holdfast-demo",
                        "username": "backup@acme.example", "private_key": "HUSH"});
    let failure = org.login(&secret).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::SecretInvalid);
    assert!(failure.message.contains("`private_key`") && !failure.message.contains("HUSH"));
}

#[tokio::test]
async fn an_unreachable_host_is_named() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let secret = json!({"grant": "client_credentials", "login_url": format!("http://127.0.0.1:{port}"),
                        "client_id": "holdfast-demo", "client_secret": "HUSH"});
    let failure = login(&secret, Budget::new(10, 80)).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::SalesforceUnreachable);
    assert!(
        failure.message.contains("`127.0.0.1` cannot be reached"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_rotated_refresh_token_is_handed_over_and_used_from_then_on() {
    let org = Org::start(rotating()).await;
    let client = org.client().await;
    let first = client.rotated_refresh_token().await.unwrap();
    assert_ne!(first.as_str(), "demo-refresh-token");

    org.end_sessions().await;
    client.limits().await.unwrap();
    let second = client.rotated_refresh_token().await.unwrap();
    assert_ne!(second, first);

    let failure = org.login(&org.secret()).await.unwrap_err();
    assert_eq!(
        failure.code,
        ErrorCode::LoginRefused,
        "the first token is dead"
    );
    let mut secret = org.secret();
    secret["refresh_token"] = Value::from(second.as_str());
    org.login(&secret).await.unwrap();
}

#[tokio::test]
async fn many_calls_at_the_end_of_a_session_log_in_once() {
    let org = Org::start(rotating()).await;
    let client = org.client().await;
    org.end_sessions().await;
    let calls = (0..16).map(|_| client.limits());
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(org.logins().await, 2);
}

#[tokio::test]
async fn a_session_that_is_over_at_once_is_a_refused_login() {
    let org = Org::start(with_accounts(1)).await;
    let client = org.client().await;
    org.fault(
        json!({"match": {"path_contains": "/limits"}, "times": 2, "action": "expire_session"}),
    )
    .await;
    let failure = client.limits().await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::LoginRefused);
    client.limits().await.unwrap();
}

#[tokio::test]
async fn another_grant_of_calls_needs_no_other_login() {
    let org = Org::start(with_accounts(1)).await;
    let client = login(&org.secret(), Budget::new(1, 80)).await.unwrap();
    client.limits().await.unwrap();
    assert!(client.limits().await.is_err());
    let next = client.with_budget(Budget::new(1, 80));
    next.limits().await.unwrap();
    assert_eq!(org.logins().await, 1);
}
