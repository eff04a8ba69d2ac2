//! The org key, made once and unwrapped by KMS.

use holdfast_model::ErrorCode;
use holdfast_vault::CustomerKey;

use crate::local::Local;

fn customer(text: &str) -> CustomerKey {
    CustomerKey::from_base64(text).unwrap()
}

const ONE: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

#[tokio::test]
async fn a_vault_opens_with_the_key_that_it_was_created_with() {
    let local = Local::new("org-key").await;
    let created = local.create("acme", None).await.unwrap();
    let repeated = local.create("acme", None).await.unwrap();
    let opened = local.open("acme", None).await.unwrap();
    assert_eq!(created.keys().check(), repeated.keys().check());
    assert_eq!(created.keys().check(), opened.keys().check());
    let other = local.create("other", None).await.unwrap();
    assert_ne!(created.keys().check(), other.keys().check());
}

#[tokio::test]
async fn a_vault_that_was_not_created_is_missing() {
    let local = Local::new("org-key-missing").await;
    assert_eq!(
        local.open("acme", None).await.unwrap_err().code,
        ErrorCode::VaultObjectMissing
    );
}

#[tokio::test]
async fn a_customer_key_is_needed_and_must_stay_the_same() {
    let local = Local::new("org-key-customer").await;
    let created = local.create("acme", Some(&customer(ONE))).await.unwrap();
    let opened = local.open("acme", Some(&customer(ONE))).await.unwrap();
    assert_eq!(created.keys().check(), opened.keys().check());
    for wrong in [None, Some(&customer(OTHER))] {
        assert_eq!(
            local.open("acme", wrong).await.unwrap_err().code,
            ErrorCode::KeyUnavailable
        );
        assert_eq!(
            local.create("acme", wrong).await.unwrap_err().code,
            ErrorCode::KeyUnavailable
        );
    }
    let json = local.read("acme/keys/org-key.json").await;
    assert!(!String::from_utf8(json).unwrap().contains(ONE));
}

#[tokio::test]
async fn the_wrapped_key_of_another_org_is_refused() {
    let local = Local::new("org-key-swapped").await;
    local.create("acme", None).await.unwrap();
    local.create("other", None).await.unwrap();
    let other = String::from_utf8(local.read("other/keys/org-key.json").await).unwrap();
    local
        .overwrite("acme/keys/org-key.json", other.clone().into_bytes())
        .await;
    assert_eq!(
        local.open("acme", None).await.unwrap_err().code,
        ErrorCode::KeyUnavailable
    );
    // Renamed as well, it is refused by the encryption context of KMS.
    let renamed = other.replace("\"other\"", "\"acme\"");
    local
        .overwrite("acme/keys/org-key.json", renamed.into_bytes())
        .await;
    assert_eq!(
        local.open("acme", None).await.unwrap_err().code,
        ErrorCode::KeyUnavailable
    );
}

#[tokio::test]
async fn a_kms_key_that_does_not_exist_is_unavailable() {
    let mut local = Local::new("org-key-no-kms").await;
    local.kms_key = "00000000-0000-0000-0000-000000000000".into();
    assert_eq!(
        local.create("acme", None).await.unwrap_err().code,
        ErrorCode::KeyUnavailable
    );
}
