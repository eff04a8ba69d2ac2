//! Connecting an org, and what is refused.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_catalog::JobStatus;
use holdfast_model::ErrorCode;
use holdfast_vault::CustomerKey;
use serde_json::{Value, json};

use crate::world::{Org, World, small};

const KEY: &str = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";

async fn refusal(org: &Org<'_>, function: &str, input: Value) -> String {
    let error = org.invoke(function, input).await.unwrap_err();
    error.message
}

fn assert_code(message: &str, code: ErrorCode, mentions: &str) {
    assert!(message.starts_with(&format!("{code}: ")), "{message}");
    assert!(message.contains(mentions), "{message}");
}

#[expect(
    clippy::too_many_lines,
    reason = "one list of everything that is refused"
)]
pub(crate) async fn bad_input_is_refused_by_name(world: &World) {
    let org = world.start("bad-input", small(61)).await;
    let connect = |settings: Value| json!({"org": "bad-input", "settings": settings});
    for (input, mentions) in [
        (json!({}), "org"),
        (json!({"org": "../etc"}), "org must be"),
        (json!({"org": "bad-input", "setings": {}}), "setings"),
    ] {
        assert_code(
            &refusal(&org, "connect-org", input).await,
            ErrorCode::InputInvalid,
            mentions,
        );
    }
    for (settings, mentions) in [
        (json!({"overlap_seconds": "soon"}), "overlap_seconds"),
        (json!({"api_cap_percent": 101}), "api_cap_percent"),
        (json!({"unheard_of": 1}), "unheard_of"),
        (json!([]), "settings"),
    ] {
        assert_code(
            &refusal(&org, "connect-org", connect(settings)).await,
            ErrorCode::SettingInvalid,
            mentions,
        );
    }
    let connect = connect(json!({}));
    assert_code(
        &refusal(&org, "connect-org", connect.clone()).await,
        ErrorCode::SecretInvalid,
        "holdfast/orgs/bad-input",
    );
    let with = |field: &str, value: Value| {
        let mut secret = org.client_credentials();
        secret[field] = value;
        secret
    };
    for (secret, code, mentions) in [
        (
            with("grant", json!("password")),
            ErrorCode::SecretInvalid,
            "grant",
        ),
        (
            with("client_secret", Value::Null),
            ErrorCode::SecretInvalid,
            "client_secret",
        ),
        (
            with("login_url", json!("http://login.example")),
            ErrorCode::SecretInvalid,
            "login_url",
        ),
        (
            with("login_url", json!("http://127.0.0.1:1")),
            ErrorCode::SalesforceUnreachable,
            "127.0.0.1",
        ),
        (
            with("client_secret", json!("wrong")),
            ErrorCode::LoginRefused,
            "",
        ),
        (
            with("customer_key", json!("c2hvcnQ=")),
            ErrorCode::KeyInvalid,
            "32 bytes",
        ),
        (
            with("customer_key", json!("not base64!")),
            ErrorCode::KeyInvalid,
            "Base64",
        ),
    ] {
        org.store_secret(secret).await;
        let message = refusal(&org, "connect-org", connect.clone()).await;
        assert_code(&message, code, mentions);
        assert!(
            !message.contains("demo-secret") && !message.contains("c2hvcnQ"),
            "a secret is shown"
        );
    }
    // Nothing was half done: the org is as unknown as before.
    let read = json!({"org": "bad-input", "object": "Account", "id": "001000000000000AAA"});
    assert_code(
        &refusal(&org, "read-record", read).await,
        ErrorCode::OrgUnknown,
        "bad-input",
    );
    let execution = org.start_backup().await;
    let outcome = org.wait(&execution).await;
    assert_eq!(
        (outcome.status.as_str(), outcome.error.as_str()),
        ("FAILED", "NotFound")
    );
    assert!(outcome.cause.contains("ORG_UNKNOWN"), "{}", outcome.cause);

    // A login that worked once and is revoked later fails the job, with its reason, and gives the org back.
    org.store_secret(refresh_token(&org)).await;
    org.invoke("connect-org", connect).await.unwrap();
    org.control("tokens/revoke", json!({})).await;
    let execution = org.start_backup().await;
    let outcome = org.wait(&execution).await;
    assert_eq!(
        (outcome.status.as_str(), outcome.error.as_str()),
        ("FAILED", "Denied")
    );
    assert!(outcome.cause.contains("LOGIN_REFUSED"), "{}", outcome.cause);
    let job = org.job(&execution).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.unwrap().code, ErrorCode::LoginRefused);
    assert!(
        world
            .catalog()
            .await
            .lease(&org.name)
            .await
            .unwrap()
            .is_none()
    );
}

/// Private and public key as PEM.
fn key_pair() -> (String, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (
        pem("PRIVATE KEY", private.as_ref()),
        pem("PUBLIC KEY", public.as_ref()),
    )
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        STANDARD.encode(der)
    )
}

fn refresh_token(org: &Org<'_>) -> Value {
    json!({
        "grant": "refresh_token",
        "login_url": org.sim.url(),
        "client_id": "holdfast-demo",
        "client_secret": "demo-secret",
        "refresh_token": "demo-refresh-token",
    })
}

pub(crate) async fn every_grant_connects(world: &World) {
    let mut config = small(62);
    config.credentials.rotate_refresh_token = true;
    let (private_key, public_key) = key_pair();
    config.credentials.jwt_public_key = Some(public_key);
    let org = world.start("grants", config).await;
    let jwt = json!({
        "grant": "jwt_bearer",
        "login_url": org.sim.url(),
        "client_id": "holdfast-demo",
        "username": "backup@acme.example",
        "private_key": private_key,
        "audience": org.sim.url(),
    });
    for secret in [jwt, org.client_credentials(), refresh_token(&org)] {
        org.store_secret(secret).await;
        let answer = org
            .invoke("connect-org", json!({"org": "grants"}))
            .await
            .unwrap();
        assert_eq!(answer["username"], "backup@acme.example");
    }
    // The refresh token was rotated; the new one is in the secret, so jobs go on working.
    let job = org.backup().await;
    assert_eq!((job.status, job.error), (JobStatus::Succeeded, None));
    let secret = world
        .stack()
        .await
        .secrets
        .get_secret_value()
        .secret_id("holdfast/orgs/grants")
        .send()
        .await
        .unwrap();
    assert!(
        !secret
            .secret_string()
            .unwrap()
            .contains("demo-refresh-token")
    );
}

pub(crate) async fn a_customer_key_is_needed_to_open_the_vault_again(world: &World) {
    let org = world.start("own-key", small(63)).await;
    let mut secret = org.client_credentials();
    secret["customer_key"] = json!(KEY);
    org.store_secret(secret).await;
    org.invoke("connect-org", json!({"org": "own-key"}))
        .await
        .unwrap();
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
    let key = CustomerKey::from_base64(KEY).unwrap();
    assert!(world.vault(&org.name, Some(&key)).await.is_ok());
    let other = CustomerKey::from_base64(&KEY.replace("3q2", "4q2")).unwrap();
    for key in [None, Some(&other)] {
        let failure = world.vault(&org.name, key).await.unwrap_err();
        assert_eq!(failure.code, ErrorCode::KeyUnavailable);
    }
}

pub(crate) async fn a_paused_org_is_not_backed_up_until_it_is_resumed(world: &World) {
    let org = world
        .connect("paused", small(62), json!({"paused": true}))
        .await;
    let skipped = org.start_backup().await;
    let outcome = org.wait(&skipped).await;
    assert_eq!(
        (outcome.status.as_str(), &outcome.output["outcome"]),
        ("SUCCEEDED", &json!("skipped"))
    );
    let resume = json!({"org": org.name, "settings": {"paused": false}});
    org.invoke("connect-org", resume).await.unwrap();
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
}

pub(crate) async fn jobs_of_one_org_do_not_run_side_by_side(world: &World) {
    let org = world
        .connect("alone", small(64), json!({"exclude_objects": []}))
        .await;
    org.control(
        "faults",
        json!({"match": {"path_contains": "queryAll"}, "times": 1, "action": "stall"}),
    )
    .await;
    let first = org.start_backup().await;
    org.until("a stalled query", |state| state["stalled"] == 1)
        .await;
    let second = org.start_backup().await;
    let outcome = org.wait(&second).await;
    assert_eq!(
        (outcome.status.as_str(), &outcome.output["outcome"]),
        ("SUCCEEDED", &json!("skipped"))
    );
    org.control("faults/release", json!({})).await;
    assert_eq!(org.finish(&first).await.status, JobStatus::Succeeded);

    // An execution that was ended from outside holds its org no longer than until the next job asks.
    org.control(
        "faults",
        json!({"match": {"path_contains": "queryAll"}, "times": 1, "action": "stall"}),
    )
    .await;
    let third = org.start_backup().await;
    org.until("a stalled query", |state| state["stalled"] == 1)
        .await;
    world
        .stack()
        .await
        .sfn
        .stop_execution()
        .execution_arn(&third.arn)
        .send()
        .await
        .unwrap();
    org.control("faults/release", json!({})).await;
    assert_eq!(org.wait(&third).await.status, "ABORTED");
    assert_eq!(org.backup().await.status, JobStatus::Succeeded);
}
