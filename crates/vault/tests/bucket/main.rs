//! The vault over real HTTP: S3 and KMS of the local AWS.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod chain;
mod local;
mod objects;
mod org_key;

use holdfast_model::{
    FieldSchema, JobId, ObjectName, ObjectSchema, SalesforceId, SegmentEntry, Stamp, Transport,
};
use holdfast_vault::{SegmentBuffer, SortedRows, Vault};

const FIELDS: [(&str, &str); 3] = [
    ("Id", "id"),
    ("SystemModstamp", "datetime"),
    ("Name", "string"),
];

fn account() -> ObjectSchema {
    let field = |(name, field_type): &(&str, &str)| FieldSchema {
        name: (*name).into(),
        field_type: (*field_type).into(),
        nillable: true,
        createable: true,
        updateable: true,
        filterable: true,
        ..FieldSchema::default()
    };
    ObjectSchema {
        name: ObjectName::parse("Account").unwrap(),
        label: "Account".into(),
        key_prefix: Some("001".into()),
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: Some("SystemModstamp".into()),
        fields: FIELDS.iter().map(field).collect(),
        children: Vec::new(),
    }
}

fn id(number: u32) -> SalesforceId {
    SalesforceId::parse(format!("001D0000{number:07}").as_bytes()).unwrap()
}

fn stamp(seconds: u32) -> Stamp {
    Stamp::from_millis(1_700_000_000_000 + i64::from(seconds) * 1000)
}

/// Rows of (id, stamp, name).
fn rows(rows: impl IntoIterator<Item = (u32, u32, String)>) -> SortedRows {
    let job = JobId::parse("job").unwrap();
    let mut buffer = SegmentBuffer::new(&account(), &job, stamp(1000)).unwrap();
    for (number, seconds, name) in rows {
        let values = [id(number).to_string(), stamp(seconds).to_string(), name];
        buffer.push(|column| Some(values[column].as_str())).unwrap();
    }
    buffer.sorted()
}

async fn put(vault: &Vault, sorted: &SortedRows) -> SegmentEntry {
    vault
        .put_segment(sorted.seal(vault.keys()).unwrap())
        .await
        .unwrap()
}
