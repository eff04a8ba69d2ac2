use aws_sdk_dynamodb::primitives::Blob;
use holdfast_model::{
    Block, Coverage, Entropy, JobId, Lane, ObjectName, OrgName, SalesforceId, SegmentEntry, Stamp,
    Transport, Window, WrappedKey,
};
use proptest::prelude::*;

use super::*;
use crate::{
    BlockItem, BlockState, Budget, Calls, Connection, Counts, Ending, JobItem, JobKind, JobStatus,
    ManifestRef, ObjectException, ObjectFacts, ObjectItem, OrgItem, PlanRef, Refresh, Settings,
    TextHistory, Usage,
};

fn organization() -> OrgName {
    OrgName::parse("acme").unwrap()
}

fn job() -> JobId {
    JobId::parse("first").unwrap()
}

fn failure() -> Failure {
    Failure::new(
        ErrorCode::PageShort,
        "fewer rows than announced: `1` of `2`",
    )
}

fn window() -> Window {
    Window {
        from: Some(Stamp::from_millis(1)),
        until: Stamp::from_millis(2_001),
    }
}

fn org_item() -> OrgItem {
    OrgItem {
        org: organization(),
        connection: Connection {
            organization_id: SalesforceId::parse(b"00D000000000001").unwrap(),
            instance_url: "https://acme.my.salesforce.com".to_owned(),
            username: "backup@acme.example".to_owned(),
            api_version: "66.0".to_owned(),
        },
        settings: Settings::default(),
        connected_at: Stamp::from_millis(5),
        described_as_of: Some("Wed, 25 Jul 2026 00:00:00 GMT".to_owned()),
        deletes_covered: Some(Stamp::from_millis(6)),
        polled_all_at: Some(Stamp::from_millis(7)),
        version: 3,
    }
}

fn job_item() -> JobItem {
    JobItem {
        org: organization(),
        job: job(),
        kind: JobKind::Backup,
        status: JobStatus::Partial,
        started_at: Stamp::from_millis(1),
        finished_at: Some(Stamp::from_millis(2)),
        execution: "arn".to_owned(),
        capture: None,
        plan: Some(PlanRef {
            key: "acme/plans/first/blocks.jsonl".to_owned(),
            blocks: u32::MAX,
            objects: 1,
            quiet: 5,
            until: Some(Stamp::from_millis(9)),
            asked_all_at: Some(Stamp::from_millis(8)),
        }),
        counts: Counts {
            bytes_received: u64::MAX,
            ..Counts::default()
        },
        manifest: Some(ManifestRef {
            path: "acme/manifests/0000000001.sealed".to_owned(),
            seq: 1,
            sha256: "00".to_owned(),
        }),
        error: Some(failure()),
        otherwise: Some(Ending {
            status: JobStatus::Succeeded,
            error: None,
        }),
        version: 3,
    }
}

fn object_item() -> ObjectItem {
    let mut coverage = Coverage::default();
    coverage.add(window());
    let done = coverage.clone();
    ObjectItem {
        org: organization(),
        object: ObjectName::parse("Account").unwrap(),
        coverage,
        facts: Some(ObjectFacts {
            schema: Some("5c".to_owned()),
            label: "Account".to_owned(),
            cursor_field: Some("SystemModstamp".to_owned()),
            transport: Transport::Rest {
                reason: "few rows".to_owned(),
            },
            replicateable: true,
            calculated: false,
        }),
        last_exception: Some(ObjectException {
            failure: failure(),
            job: job(),
            window: window(),
            times: 2,
        }),
        records: Some(12),
        live: Some(11),
        text: TextHistory {
            job: Some(job()),
            now: Entropy {
                bytes: u64::MAX,
                compressed: 1,
            },
            before: Entropy::default(),
        },
        sweep_due: true,
        cursor_refused: Some("CreatedDate".to_owned()),
        refresh: Some(Refresh {
            until: Stamp::from_millis(9_000),
            done,
        }),
        refreshed_at: Some(Stamp::from_millis(8)),
        version: 3,
    }
}

fn block_item(state: BlockState) -> BlockItem {
    let id = SalesforceId::parse(b"001D000000K0fXO").unwrap();
    let mut item = BlockItem::new(&Block {
        org: organization(),
        job: job(),
        block: 7,
        part: 2,
        object: ObjectName::parse("Account").unwrap(),
        lane: Lane::Backfill,
        window: Window {
            from: None,
            ..window()
        },
        schema: "5c".to_owned(),
        rows_expected: u64::MAX,
    });
    item.state = state;
    item.version = 3;
    item.progress.digest.add(&id);
    item.progress.authors.note(id);
    item.progress.segments.push(SegmentEntry {
        path: "acme/segments/Account/0.parquet".to_owned(),
        bytes: u64::MAX,
        sha256: "00".to_owned(),
        rows: 1,
        ids: (id, id),
        stamps: (Stamp::from_millis(0), Stamp::from_millis(1)),
        digest: item.progress.digest,
        schema: "5c".to_owned(),
        key: WrappedKey("key".to_owned()),
    });
    item
}

fn budget() -> Budget {
    Budget {
        org: organization(),
        seen: Some(Usage {
            used: 1,
            max: 15_000,
            at: Stamp::from_millis(1),
        }),
        reserved: 2,
        bulk_seen: None,
        bulk_reserved: 1,
        job: Calls::api(7),
        days: [("2026-11-22".to_owned(), Calls::api(9))].into(),
        suspended_since: Some(Stamp::from_millis(4)),
        version: 3,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better in the list below"
)]
fn check<T: Record + PartialEq + std::fmt::Debug>(record: T) {
    let item = encode(&record).unwrap();
    assert_eq!(decode::<T>(item.clone()).unwrap(), record);
    let code = |item| decode::<T>(item).unwrap_err().code;

    for name in item.keys() {
        let mut damaged = item.clone();
        damaged.insert(name.clone(), AttributeValue::B(Blob::new([0])));
        assert_eq!(code(damaged), ErrorCode::CatalogCorrupt, "{name}");
    }
    for name in [FORMAT_ATTRIBUTE, VERSION_ATTRIBUTE, PK, SK] {
        let mut damaged = item.clone();
        damaged.remove(name);
        assert_eq!(code(damaged), ErrorCode::CatalogCorrupt, "{name}");
    }
    // Whatever else a newer version changed, it is named as newer.
    let newer = HashMap::from([(
        FORMAT_ATTRIBUTE.to_owned(),
        AttributeValue::N("2".to_owned()),
    )]);
    assert_eq!(code(newer), ErrorCode::VersionUnknown);
    let mut moved = item.clone();
    moved.insert(SK.to_owned(), AttributeValue::S("elsewhere".to_owned()));
    assert_eq!(code(moved), ErrorCode::CatalogCorrupt);
    assert_eq!(code(HashMap::new()), ErrorCode::CatalogCorrupt);
}

#[test]
fn every_shape_comes_back_whole_or_is_refused() {
    check(org_item());
    check(OrgItem {
        described_as_of: None,
        ..org_item()
    });
    check(job_item());
    check(object_item());
    check(block_item(BlockState::Open));
    check(block_item(BlockState::Exception { failure: failure() }));
    check(block_item(BlockState::Committed {
        at: Stamp::from_millis(9),
        window: window(),
    }));
    check(budget());
}

#[test]
fn a_cursor_out_of_order_is_refused() {
    let mut item = encode(&object_item()).unwrap();
    let refresh = ObjectItem {
        coverage: Coverage::default(),
        ..object_item()
    };
    let mut refresh = encode(&refresh).unwrap();
    let AttributeValue::M(parts) = refresh.get_mut("refresh").unwrap() else {
        panic!("a refresh is a map");
    };
    let AttributeValue::L(windows) = parts.get_mut("done").unwrap() else {
        panic!("coverage is a list");
    };
    windows.push(windows[0].clone());
    let failure = decode::<ObjectItem>(refresh).unwrap_err();
    assert_eq!(failure.code, ErrorCode::CatalogCorrupt);
    let AttributeValue::L(windows) = item.get_mut("coverage").unwrap() else {
        panic!("coverage is a list");
    };
    windows.push(windows[0].clone());
    let failure = decode::<ObjectItem>(item).unwrap_err();
    assert_eq!(failure.code, ErrorCode::CatalogCorrupt);
}

#[test]
fn a_finished_job_without_an_end_is_refused() {
    let job = JobItem {
        finished_at: None,
        ..job_item()
    };
    let failure = decode::<JobItem>(encode(&job).unwrap()).unwrap_err();
    assert_eq!(failure.code, ErrorCode::CatalogCorrupt);
}

#[test]
fn a_message_about_a_damaged_item_does_not_quote_it() {
    let mut item = encode(&org_item()).unwrap();
    item.insert(
        "connected_at".to_owned(),
        AttributeValue::S("hush".to_owned()),
    );
    let failure = decode::<OrgItem>(item).unwrap_err();
    assert!(!failure.to_string().contains("hush"), "{failure}");
}

#[test]
fn what_an_item_cannot_hold_is_refused_before_it_is_sent() {
    let object = ObjectItem {
        facts: Some(ObjectFacts {
            label: "x".repeat(ITEM_BYTES_MAX),
            schema: None,
            cursor_field: None,
            transport: Transport::Bulk,
            replicateable: false,
            calculated: false,
        }),
        ..object_item()
    };
    let failure = encode(&object).unwrap_err();
    assert_eq!(failure.code, ErrorCode::CatalogItemTooLarge);
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        ".{0,30}".prop_map(AttributeValue::S),
        "[-+0-9.eE]{0,30}".prop_map(AttributeValue::N),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
        prop::collection::vec(".{0,5}", 0..3).prop_map(AttributeValue::Ss),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(AttributeValue::L),
            prop::collection::hash_map("[a-z_]{0,8}", inner, 0..3).prop_map(AttributeValue::M),
        ]
    })
}

proptest! {
    #[test]
    fn any_attribute_is_survived(which in any::<prop::sample::Index>(), value in any_value()) {
        let mut item = encode(&block_item(BlockState::Open)).unwrap();
        let mut names: Vec<_> = item.keys().cloned().collect();
        names.sort();
        item.insert(which.get(&names).clone(), value);
        if let Err(failure) = decode::<BlockItem>(item) {
            prop_assert!(matches!(failure.code, ErrorCode::CatalogCorrupt | ErrorCode::VersionUnknown));
        }
    }
}
