//! Segments, documents and blobs in memory: what is sealed opens again, and nothing else does.

mod blobs;
mod damage;
mod documents;
mod entropy;
mod filters;
mod fixture;
mod held;
mod known;
mod pairs;
mod round_trip;
mod scans;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use holdfast_model::{
    ErrorCode, Failure, FieldSchema, JobId, ObjectName, ObjectSchema, OrgName, SalesforceId,
    SegmentEntry, Stamp, Transport,
};

use crate::bucket::{Part, Ranges, Span};
use crate::{Fields, Filter, KeyRing, Scan, SealedSegment, SegmentBuffer, SortedRows, Version};

/// Sealed objects by path.
#[derive(Default, Clone)]
struct Memory(HashMap<String, Bytes>);

impl Memory {
    fn put(&mut self, segment: SealedSegment) -> SegmentEntry {
        self.0.insert(segment.entry.path.clone(), segment.bytes);
        segment.entry
    }

    fn ranges(&self) -> Arc<dyn Ranges> {
        Arc::new(self.clone())
    }
}

impl Ranges for Memory {
    fn read<'a>(&'a self, path: &'a str, span: Span) -> BoxFuture<'a, Result<Part, Failure>> {
        let part = self.0.get(path).map(|object| {
            let length = object.len();
            let clip = |offset: u64| usize::try_from(offset).unwrap().min(length);
            let range = match span {
                Span::Range(range) => clip(range.start)..clip(range.end),
                Span::Last(bytes) => length - clip(bytes)..length,
            };
            Part {
                bytes: object.slice(range),
                total: length as u64,
            }
        });
        async { part.ok_or_else(|| Failure::new(ErrorCode::VaultObjectMissing, "not there")) }
            .boxed()
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::derive(&OrgName::parse("acme").unwrap(), &[42; 32]).unwrap())
}

fn schema(fields: &[(&str, &str)]) -> ObjectSchema {
    ObjectSchema {
        name: ObjectName::parse("Account").unwrap(),
        label: "Account".into(),
        key_prefix: Some("001".into()),
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: Some("SystemModstamp".into()),
        fields: fields
            .iter()
            .map(|(name, field_type)| FieldSchema {
                name: (*name).into(),
                field_type: (*field_type).into(),
                nillable: true,
                createable: true,
                updateable: true,
                filterable: true,
                ..FieldSchema::default()
            })
            .collect(),
        children: Vec::new(),
    }
}

const OWN_FIELDS: [(&str, &str); 3] = [
    ("Id", "id"),
    ("IsDeleted", "boolean"),
    ("SystemModstamp", "datetime"),
];

/// Id, `IsDeleted`, `SystemModstamp` and text fields of these names.
fn text_schema(names: &[&str]) -> ObjectSchema {
    let text = names.iter().map(|name| (*name, "string"));
    schema(&OWN_FIELDS.into_iter().chain(text).collect::<Vec<_>>())
}

/// The `number`th id.
fn id(number: u32) -> SalesforceId {
    SalesforceId::parse(format!("001D0000{number:07}").as_bytes()).unwrap()
}

/// `seconds` after a fixed time.
fn stamp(seconds: u32) -> Stamp {
    Stamp::from_millis(1_700_000_000_000 + i64::from(seconds) * 1000)
}

/// A row for [`text_schema`].
#[derive(Debug, Clone)]
struct TextRow {
    id: u32,
    stamp: u32,
    deleted: bool,
    texts: Vec<Option<String>>,
}

fn buffer(schema: &ObjectSchema, rows: &[TextRow], captured: u32) -> SegmentBuffer {
    let job = JobId::parse(format!("job-{captured}")).unwrap();
    let mut buffer = SegmentBuffer::new(schema, &job, stamp(captured)).unwrap();
    for row in rows {
        push(&mut buffer, row);
    }
    buffer
}

fn push(buffer: &mut SegmentBuffer, row: &TextRow) {
    let own = [
        Some(id(row.id).to_string()),
        Some(row.deleted.to_string()),
        Some(stamp(row.stamp).to_string()),
    ];
    let values: Vec<_> = own.iter().chain(&row.texts).map(Option::as_deref).collect();
    buffer.push(|column| values[column]).unwrap();
}

fn sorted(schema: &ObjectSchema, rows: &[TextRow], captured: u32) -> SortedRows {
    buffer(schema, rows, captured).sorted()
}

/// Every record's newest version at `as_of`.
fn scan(
    memory: &Memory,
    entries: &[SegmentEntry],
    as_of: Stamp,
    fields: Fields<'_>,
    filter: Filter,
) -> Result<Vec<Version>, Failure> {
    let mut scan = Scan::new(memory.ranges(), ring(), entries, as_of, fields, filter);
    wait(async {
        let mut versions = Vec::new();
        while let Some(row) = scan.next().await? {
            versions.push(row.to_version());
        }
        Ok(versions)
    })
}
