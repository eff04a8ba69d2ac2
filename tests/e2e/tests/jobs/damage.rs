//! Segments outside of Holdfast, and segments that somebody touched.

use std::io::Write as _;
use std::process::{Command, Stdio};

use holdfast_model::{ErrorCode, SegmentEntry};
use serde_json::{Value, json};
use xtask::python::{Environment, Tools};

use crate::world::{Org, Record, World, is_same, small};

async fn sealed(org: &Org<'_>, path: &str) -> Vec<u8> {
    let stack = org.world.stack().await;
    let object = stack
        .s3
        .get_object()
        .bucket(&stack.bucket)
        .key(path)
        .send()
        .await
        .unwrap();
    object.body.collect().await.unwrap().to_vec()
}

async fn overwrite(org: &Org<'_>, path: &str, bytes: Vec<u8>) {
    let stack = org.world.stack().await;
    stack
        .s3
        .put_object()
        .bucket(&stack.bucket)
        .key(path)
        .body(bytes.into())
        .send()
        .await
        .unwrap();
}

pub(crate) async fn a_segment_opens_in_pyarrow_with_its_key(world: &World) {
    let org = world.connect("pyarrow", small(71), json!({})).await;
    org.backup().await;
    let segments = org.segments("Account").await;
    let entry = &segments[0];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("segment.parquet");
    std::fs::write(&file, sealed(&org, &entry.path).await).unwrap();
    let key = org.vault().await.segment_key_for_export(entry).unwrap();

    let python = Environment::ensure(Tools::Local).unwrap().python();
    let script = xtask::place::root().join("tests/e2e/pyarrow/open_segment.py");
    let mut reader = Command::new(python)
        .arg(script)
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let hex = hex::encode(key.as_bytes());
    reader
        .stdin
        .take()
        .unwrap()
        .write_all(hex.as_bytes())
        .unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success());
    let truth = org.truth("Account").await;
    let rows: Vec<Record> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let row: std::collections::BTreeMap<String, Value> =
                serde_json::from_str(line).unwrap();
            let texts = row.into_iter().filter(|(name, _)| !name.starts_with('_'));
            texts
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect()
        })
        .collect();
    assert_eq!(rows.len() as u64, entry.rows);
    assert_eq!(rows.len(), truth.len());
    for (row, record) in rows.iter().zip(truth.values()) {
        let names: Vec<_> = row.keys().chain(record.keys()).collect();
        let differing: Vec<_> = names
            .into_iter()
            .filter(|name| !is_same(row.get(*name), record.get(*name)))
            .collect();
        assert!(
            differing.is_empty(),
            "pyarrow reads other values: {differing:?}"
        );
    }
}

pub(crate) async fn damaged_and_swapped_segments_are_refused_by_name(world: &World) {
    let org = world.connect("damage", small(72), json!({})).await;
    org.backup().await;
    let account = org.segments("Account").await.remove(0);
    let contact = org.segments("Contact").await.remove(0);
    let whole = sealed(&org, &account.path).await;
    let vault = org.vault().await;
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let other_key = SegmentEntry {
        key: contact.key.clone(),
        ..account.clone()
    };
    for (bytes, entry, code) in [
        (flipped(whole.len() / 2), &account, ErrorCode::SealBroken),
        (flipped(100), &account, ErrorCode::SealBroken),
        (
            whole[..whole.len() - 1].to_vec(),
            &account,
            ErrorCode::SealTruncated,
        ),
        (whole[..10].to_vec(), &account, ErrorCode::SealTruncated),
        (
            sealed(&org, &contact.path).await,
            &account,
            ErrorCode::SealSwapped,
        ),
        (whole.clone(), &other_key, ErrorCode::KeyMismatch),
    ] {
        overwrite(&org, &account.path, bytes).await;
        let failure = vault.verify_segment(entry).await.unwrap_err();
        assert_eq!(failure.code, code);
    }
    // What a reader of one record meets is an error, never wrong or missing data.
    overwrite(&org, &account.path, flipped(whole.len() / 2)).await;
    let read = json!({"org": "damage", "object": "Account", "id": account.ids.0});
    let mut refused = 0;
    for id in [&account.ids.0, &account.ids.1] {
        let versions = vault.versions(std::slice::from_ref(&account), *id).await;
        refused += u32::from(versions.is_err_and(|failure| failure.code == ErrorCode::SealBroken));
    }
    assert!(refused > 0);
    overwrite(&org, &account.path, whole).await;
    assert!(vault.verify_segment(&account).await.is_ok());
    assert_eq!(
        org.invoke("read-record", read).await.unwrap()["versions_stored"],
        1
    );
}
