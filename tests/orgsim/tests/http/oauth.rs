use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_orgsim::{Config, Credentials};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn error(answer: &(u16, Value)) -> (u16, &str, &str) {
    let text = |name: &str| answer.1[name].as_str().unwrap_or_default();
    (answer.0, text("error"), text("error_description"))
}

#[tokio::test]
async fn a_token_answers_with_what_the_grant_documents() {
    let sim = Sim::start().await;
    let (status, body) = sim
        .grant(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", "demo-refresh-token"),
        ])
        .await;
    assert_eq!(status, 200);
    assert!(body["access_token"].as_str().unwrap().starts_with("00D"));
    assert_eq!(body["instance_url"], sim.org.url());
    assert_eq!(body["token_type"], "Bearer");
    assert!(body["issued_at"].as_str().unwrap().parse::<u64>().is_ok());
    assert!(body["refresh_token"].is_null(), "rotation is off");
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_are_objects() {
    let sim = Sim::start().await;
    let refused = sim
        .grant(&[("grant_type", "refresh_token"), ("refresh_token", "stale")])
        .await;
    assert_eq!(
        error(&refused),
        (400, "invalid_grant", "expired access/refresh token")
    );
    let refused = sim.grant(&[("grant_type", "authorization_code")]).await;
    assert_eq!(
        error(&refused),
        (400, "unsupported_grant_type", "grant type not supported")
    );
    let token = sim.url("/services/oauth2/token");
    let request = sim
        .http
        .post(&token)
        .basic_auth("holdfast-demo", Some("wrong"));
    let refused = answer(
        request
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        error(&refused),
        (400, "invalid_client", "invalid client credentials")
    );
    let request = sim
        .http
        .post(&token)
        .basic_auth("somebody", Some("demo-secret"));
    let refused = answer(
        request
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        error(&refused),
        (400, "invalid_client_id", "client identifier invalid")
    );
    let request = sim
        .http
        .post(&token)
        .basic_auth("holdfast-demo", Some("demo-secret"));
    let granted = answer(
        request
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(granted.0, 200);
}

#[tokio::test]
async fn a_rotated_refresh_token_works_once() {
    let credentials = Credentials {
        rotate_refresh_token: true,
        ..Credentials::default()
    };
    let sim = Sim::with(Config {
        credentials,
        ..Config::default()
    })
    .await;
    let (_, first) = sim
        .grant(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", "demo-refresh-token"),
        ])
        .await;
    let next = first["refresh_token"].as_str().unwrap();
    let refused = sim
        .grant(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", "demo-refresh-token"),
        ])
        .await;
    assert_eq!(error(&refused).1, "invalid_grant");
    let again = sim
        .grant(&[("grant_type", "refresh_token"), ("refresh_token", next)])
        .await;
    assert_eq!(again.0, 200);
}

#[tokio::test]
async fn an_assertion_is_checked_claim_by_claim() {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let credentials = Credentials {
        jwt_public_key: Some(pem("PUBLIC KEY", public.as_ref())),
        ..Credentials::default()
    };
    let sim = Sim::with(Config {
        credentials,
        ..Config::default()
    })
    .await;
    let key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let good = json!({
        "iss": "holdfast-demo", "sub": "backup@acme.example", "aud": "https://login.salesforce.com", "exp": now + 180,
    });
    let sign = |change: Value| {
        let mut claims = good.clone();
        claims
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
    };
    let send = async |assertion: String| {
        sim.grant(&[("grant_type", JWT_BEARER), ("assertion", &assertion)])
            .await
    };
    let granted = send(sign(json!({}))).await;
    assert_eq!(granted.0, 200, "{}", granted.1);
    assert!(
        granted.1["issued_at"].is_null(),
        "this grant documents no issue time"
    );
    assert_eq!(send(sign(json!({"aud": sim.org.url()}))).await.0, 200);
    assert_eq!(
        send(sign(json!({"exp": now - 120}))).await.0,
        200,
        "three minutes of skew are forgiven"
    );
    let digits = json!({"exp": (now + 180).to_string()});
    assert_eq!(send(sign(digits)).await.0, 200, "a number as text is read");
    for (change, description) in [
        (json!({"exp": now - 300}), "assertion has expired"),
        (
            json!({"aud": "https://example.com"}),
            "Audience validation failed",
        ),
        (
            json!({"sub": "nobody@acme.example"}),
            "user hasn't approved this consumer",
        ),
        (json!({"iss": "somebody"}), "client identifier invalid"),
    ] {
        assert_eq!(error(&send(sign(change)).await).2, description);
    }
    let forged = sign(json!({})).replace('.', ".A");
    assert_eq!(error(&send(forged).await).2, "invalid assertion");
}

fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}

#[tokio::test]
async fn a_session_ends_by_time_and_by_revocation() {
    let mut sim = Sim::start().await;
    assert_eq!(sim.json("/limits").await.0, 200);
    sim.control("clock", json!({"advance_seconds": 7_201}))
        .await;
    assert_eq!(
        code(&sim.json("/limits").await),
        (401, "INVALID_SESSION_ID")
    );
    sim.log_in().await;
    assert_eq!(sim.json("/limits").await.0, 200);
    let revoke = sim.url("/services/oauth2/revoke");
    let revoked = sim
        .http
        .post(&revoke)
        .form(&[("token", &sim.token)])
        .send()
        .await
        .unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(
        code(&sim.json("/limits").await),
        (401, "INVALID_SESSION_ID")
    );
    let again = answer(
        sim.http
            .post(&revoke)
            .form(&[("token", &sim.token)])
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(error(&again).1, "invalid_token");
}

#[tokio::test]
async fn a_missing_or_malformed_header_is_told_from_an_expired_session() {
    let sim = Sim::start().await;
    let url = sim.url("/limits");
    let missing = answer(sim.http.get(&url).send().await.unwrap()).await;
    assert_eq!(code(&missing), (401, "INVALID_SESSION_ID"));
    let malformed = answer(
        sim.http
            .get(&url)
            .header("authorization", "Token x")
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(code(&malformed), (401, "INVALID_AUTH_HEADER"));
}

#[tokio::test]
async fn identity_and_userinfo_name_the_org_and_the_user() {
    let sim = Sim::start().await;
    let (_, token) = sim.grant(&[("grant_type", "client_credentials")]).await;
    let id = token["id"]
        .as_str()
        .unwrap()
        .strip_prefix(sim.org.url())
        .unwrap();
    let (status, identity) = sim.json(id).await;
    assert_eq!(status, 200);
    assert_eq!(identity["username"], "backup@acme.example");
    let org = sim.records("SELECT Id FROM Organization").await;
    assert_eq!(identity["organization_id"], org[0]["Id"]);
    let (_, userinfo) = sim.json("/services/oauth2/userinfo").await;
    assert_eq!(userinfo["user_id"], identity["user_id"]);
    assert_eq!(userinfo["organization_id"], identity["organization_id"]);
    let anonymous = sim.http.get(sim.url(id)).send().await.unwrap();
    assert_eq!(anonymous.status(), 403);
}
