//! Orgs and their API budgets.

use holdfast_catalog::{Calls, Caps, Catalog, Settings, Settlement, Usage};
use holdfast_model::ErrorCode;
use serde_json::json;

use crate::{account, at, code, connection, local, org, race};

#[tokio::test]
async fn an_org_reconnects_with_its_settings_and_not_as_another() {
    let catalog = local::catalog("orgs").await;
    let org = org();
    assert_eq!(code(catalog.org(&org).await), ErrorCode::OrgUnknown);
    let first = connection(b"00D000000000001");
    let settings = json!({"guard_seconds": 7, "exclude_objects": ["Account"]});
    let connected = catalog
        .connect_org(&org, &first, Some(&settings), at(1))
        .await
        .unwrap();
    assert_eq!(connected.settings.guard_seconds, 7);

    let described = Some("Wed, 25 Jul 2026 00:00:00 GMT");
    catalog.set_described_as_of(&org, described).await.unwrap();
    let change = json!({"api_cap_percent": 50});
    catalog
        .connect_org(&org, &first, Some(&change), at(2))
        .await
        .unwrap();
    catalog
        .connect_org(&org, &first, None, at(3))
        .await
        .unwrap();

    let refused = json!({"api_cap_percent": 500});
    let result = catalog
        .connect_org(&org, &first, Some(&refused), at(4))
        .await;
    assert_eq!(code(result), ErrorCode::SettingInvalid);
    let other = connection(b"00D000000000002");
    let result = catalog.connect_org(&org, &other, None, at(5)).await;
    assert_eq!(code(result), ErrorCode::OrgMismatch);

    let stored = catalog.org(&org).await.unwrap();
    let expected = Settings {
        guard_seconds: 7,
        api_cap_percent: 50,
        exclude_objects: vec![account()],
        ..Settings::default()
    };
    assert_eq!(stored.settings, expected);
    assert_eq!(stored.described_as_of.as_deref(), described);
    assert_eq!(stored.connected_at, at(3));
    assert_eq!(catalog.orgs().await.unwrap(), vec![stored]);
}

#[tokio::test]
async fn racing_tasks_never_reserve_more_than_the_cap() {
    let catalog = local::catalog("budget").await;
    let seen = Usage {
        used: 30,
        max: 1_000,
        at: at(1_000),
    };
    // Nothing is known yet: granted.
    let caps = Caps {
        api_percent: 10,
        bulk_percent: 10,
    };
    let reserve = async |calls| catalog.reserve_calls(&org(), Calls::api(calls), caps).await;
    reserve(5).await.unwrap();
    let said = Settlement {
        reserved: Calls::api(5),
        used: Calls::api(5),
        seen: Some(seen),
        ..Settlement::default()
    };
    catalog.settle_calls(&org(), said, at(1_000)).await.unwrap();
    let granted = race(|_| {
        let catalog = catalog.clone();
        async move {
            match catalog.reserve_calls(&org(), Calls::api(20), caps).await {
                Ok(_) => 1,
                Err(failure) => {
                    assert_eq!(failure.code, ErrorCode::ApiBudgetExhausted);
                    0
                }
            }
        }
    })
    .await;
    // 10 % of 1,000 less 30 leaves room for three times 20.
    assert_eq!(granted.iter().sum::<u32>(), 3);
    let used = Settlement {
        reserved: Calls::api(20),
        used: Calls::api(2),
        ..Settlement::default()
    };
    let settled = catalog.settle_calls(&org(), used, at(1_000)).await.unwrap();
    assert_eq!((settled.reserved, settled.seen.unwrap().used), (40, 32));
    let reset = catalog.reset_reservations(&org()).await.unwrap();
    assert_eq!(reset.reserved, 0);
    reserve(68).await.unwrap();
    let result = reserve(1).await;
    assert_eq!(code(result), ErrorCode::ApiBudgetExhausted);
}

#[tokio::test]
async fn an_unreachable_table_and_a_missing_one_say_so() {
    let missing = Catalog::new(local::client(), "there-is-no-such-table");
    let failure = missing.org(&org()).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::AwsUnavailable);
    assert!(
        failure.message.contains("ResourceNotFoundException"),
        "{failure}"
    );
    // Port 1 (tcpmux) has been out of use for decades.
    let unreachable = Catalog::new(local::client_of("http://127.0.0.1:1"), "table");
    let failure = unreachable.org(&org()).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::AwsUnavailable);
    assert!(failure.message.contains("cannot be reached"), "{failure}");
}
