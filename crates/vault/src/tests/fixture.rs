//! The golden vault of format version 1, which every later version must open.

use std::path::PathBuf;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::stream;
use holdfast_model::{
    Authors, Changes, Coverage, Entropy, IdDigest, JobId, ObjectSchema, OrgName, SalesforceId,
    SegmentEntry, Stamp, Window,
};
use serde::{Deserialize, Serialize};

use super::{Memory, scan, schema, stamp, wait};
use crate::blob::{BlobBody, BlobEntry, BlobReader};
use crate::bucket::ObjectStream;
use crate::manifest::{Addition, Manifest, ObjectAddition};
use crate::{Fields, Filter, KeyRing, SegmentBuffer, document};

/// `vault.json`: what the catalog would know, and the key that KMS would unwrap.
#[derive(Serialize, Deserialize)]
struct Golden {
    org: OrgName,
    org_key_hex: String,
    key_check: String,
    segment: SegmentEntry,
    blob: BlobEntry,
    blob_text: String,
    schema: ObjectSchema,
    manifest: Manifest,
    rows: Vec<Vec<Option<String>>>,
}

const FIELDS: [(&str, &str); 6] = [
    ("Id", "id"),
    ("IsDeleted", "boolean"),
    ("SystemModstamp", "datetime"),
    ("Name", "string"),
    ("Amount__c", "currency"),
    ("Note__c", "textarea"),
];

fn folder() -> PathBuf {
    // Cargo runs tests in the folder of their package.
    PathBuf::from("../../tests/fixtures/vault-v1")
}

fn keys(golden: &Golden) -> KeyRing {
    KeyRing::derive(&golden.org, &hex::decode(&golden.org_key_hex).unwrap()).unwrap()
}

fn object(path: &str) -> Bytes {
    std::fs::read(folder().join(path)).unwrap().into()
}

fn golden() -> Golden {
    serde_json::from_slice(&object("vault.json")).unwrap()
}

fn manifest_path(golden: &Golden) -> String {
    format!(
        "{}/manifests/{:010}.sealed",
        golden.org, golden.manifest.seq
    )
}

fn schema_path(golden: &Golden) -> String {
    format!(
        "{}/schemas/Account/{}.sealed",
        golden.org,
        golden.schema.hash()
    )
}

#[test]
fn the_golden_vault_opens() {
    let golden = golden();
    let keys = keys(&golden);
    assert_eq!(keys.check(), golden.key_check);

    let manifest = document::open(
        &keys,
        &manifest_path(&golden),
        &object(&manifest_path(&golden)),
    )
    .unwrap();
    assert_eq!(
        Manifest::from_json(&manifest, &keys, 1).unwrap(),
        golden.manifest
    );
    let schema =
        document::open(&keys, &schema_path(&golden), &object(&schema_path(&golden))).unwrap();
    assert_eq!(
        serde_json::from_slice::<ObjectSchema>(&schema).unwrap(),
        golden.schema
    );

    let blob = object(&golden.blob.path);
    let stream = ObjectStream {
        path: golden.blob.path.clone(),
        total: blob.len() as u64,
        body: ByteStream::from(blob),
    };
    let text = wait(async {
        let mut reader = BlobReader::start(&keys, &golden.blob, stream)
            .await
            .unwrap();
        reader.next().await.unwrap().unwrap()
    });
    assert_eq!(text, golden.blob_text);

    let memory = Memory([(golden.segment.path.clone(), object(&golden.segment.path))].into());
    let versions = scan(
        &memory,
        std::slice::from_ref(&golden.segment),
        stamp(1000),
        Fields::All,
        Filter::All,
    )
    .unwrap();
    assert_eq!(versions.len(), golden.rows.len());
    for (version, row) in versions.iter().zip(&golden.rows) {
        for ((name, _), text) in FIELDS.iter().zip(row) {
            assert_eq!(version.fields[*name], *text, "{name}");
        }
    }
}

/// Writes the golden vault. Run by hand, once per format version:
/// `cargo test -p holdfast-vault write_the_golden_vault -- --ignored`
#[test]
#[ignore = "writes the fixture; a version's fixture is never written again"]
#[expect(clippy::too_many_lines, reason = "one vault, written down once")]
fn write_the_golden_vault() {
    let org = OrgName::parse("acme").unwrap();
    let org_key = [42; 32];
    let keys = KeyRing::derive(&org, &org_key).unwrap();
    let job = JobId::parse("golden").unwrap();
    let schema = schema(&FIELDS);
    let text = |text: &str| Some(text.to_owned());
    let id = |number| text(super::id(number).as_str());
    let time = |seconds| text(&stamp(seconds).to_string());
    let rows = vec![
        vec![
            id(1),
            text("false"),
            time(1),
            text("Acme, \"the\" first"),
            text("123456789012345678"),
            None,
        ],
        vec![
            id(2),
            text("true"),
            time(2),
            text("line\nbreak\r\n"),
            text("-12345678901234.56"),
            text(""),
        ],
        vec![
            id(3),
            text("false"),
            time(3),
            text("emoji 😀 and \u{0}"),
            None,
            text("long ".repeat(1000).as_str()),
        ],
    ];
    let mut buffer = SegmentBuffer::new(&schema, &job, stamp(9)).unwrap();
    for row in &rows {
        buffer.push(|column| row[column].as_deref()).unwrap();
    }
    let segment = buffer.sorted().seal(&keys).unwrap();
    let blob_text = "the body of a file\n".repeat(3);
    let pieces = [Ok(Bytes::from(blob_text.clone()))];
    let blob = wait(BlobBody::collect(&keys, stream::iter(pieces), 1000))
        .unwrap()
        .seal(&keys)
        .unwrap();
    let mut coverage = Coverage::default();
    coverage.add(Window {
        from: None,
        until: stamp(9),
    });
    let mut received = IdDigest::default();
    for row in &rows {
        received.add(&SalesforceId::parse(row[0].as_deref().unwrap().as_bytes()).unwrap());
    }
    let manifest = Manifest::after(
        None,
        &org,
        Addition {
            job,
            created: stamp(10),
            objects: vec![ObjectAddition {
                object: schema.name.clone(),
                schema: schema.hash(),
                coverage,
                rows_reported: 3,
                rows_received: 3,
                recount: None,
                duplicate_ids: IdDigest::default(),
                changes: Changes::default(),
                authors: Authors::default(),
                text: Entropy::default(),
                text_before: Entropy::default(),
                sweep: None,
                duplicates: 0,
                received,
                segments: vec![segment.entry().clone()],
                exceptions: Vec::new(),
            }],
            blobs: vec![blob.entry().clone()],
            signals: Vec::new(),
        },
    );
    let golden = Golden {
        org,
        org_key_hex: hex::encode(org_key),
        key_check: keys.check().to_owned(),
        segment: segment.entry().clone(),
        blob: blob.entry().clone(),
        blob_text,
        schema,
        manifest,
        rows,
    };
    let sealed = |path: &str, json: &[u8]| document::seal(&keys, path, json).unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write(&golden.segment.path, segment.bytes());
    write(&golden.blob.path, blob.bytes());
    let path = schema_path(&golden);
    write(
        &path,
        &sealed(&path, &serde_json::to_vec(&golden.schema).unwrap()),
    );
    let path = manifest_path(&golden);
    write(
        &path,
        &sealed(&path, &golden.manifest.to_json(&keys).unwrap()),
    );
    write("vault.json", &serde_json::to_vec_pretty(&golden).unwrap());
    assert_eq!(Stamp::from_millis(1_700_000_009_000), stamp(9));
}
