//! What is stored of an org, to be compared with another one's.

use holdfast_model::{ObjectName, RowHash, SalesforceId, SegmentEntry, Stamp};
use holdfast_vault::{Depth, Fields, Filter, Presence};

use crate::world::Org;

const END_OF_TIME: Stamp = Stamp::from_millis(i64::MAX);

/// A version as one segment has it. The stamp of a record that is gone is the org's clock at that moment, and so another
/// one in each org.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sealed {
    object: String,
    id: SalesforceId,
    stamp: Option<Stamp>,
    is_deleted: bool,
    hash: Option<RowHash>,
}

/// Every version of every object, as often as it is sealed.
pub(crate) async fn versions(org: &Org<'_>) -> Vec<Sealed> {
    let vault = org.vault().await;
    let mut versions = Vec::new();
    for object in org.readable().await {
        for segment in org.segments(&object).await {
            // Scanned for itself: a scan over all of them shows the newest versions only.
            let segments = std::slice::from_ref(&segment);
            let mut scan = vault.scan(segments, END_OF_TIME, Fields::Named(&[]), Filter::All);
            let mut rows = 0;
            while let Some(row) = scan.next().await.unwrap() {
                rows += 1;
                let is_gone = row.presence() == Presence::Gone;
                versions.push(Sealed {
                    object: object.clone(),
                    id: row.id(),
                    stamp: (!is_gone).then(|| row.modstamp()),
                    is_deleted: row.presence() != Presence::Live,
                    hash: (!is_gone).then(|| row.hash()),
                });
            }
            assert_eq!(rows, segment.rows, "a record has one version in a segment");
        }
    }
    versions.sort();
    versions
}

/// The chain of manifests holds, and names what can be read: every segment, once.
pub(crate) async fn assert_every_segment_is_named_once(org: &Org<'_>) {
    let vault = org.vault().await;
    vault.verify_chain(None, Depth::Objects).await.unwrap();
    let (end, _) = vault.latest_manifest().await.unwrap().unwrap();
    let mut named = Vec::new();
    for seq in 1..=end.seq {
        let (_, manifest) = vault.manifest(seq).await.unwrap();
        for object in manifest.addition.objects {
            named.extend(segments_of(&object.object, object.segments));
        }
    }
    let mut readable = Vec::new();
    for object in org.readable().await {
        let object = ObjectName::parse(&object).unwrap();
        readable.extend(segments_of(&object, org.segments(object.as_str()).await));
    }
    named.sort();
    readable.sort();
    assert_eq!(named, readable);
}

fn segments_of(
    object: &ObjectName,
    segments: Vec<SegmentEntry>,
) -> impl Iterator<Item = (String, String)> {
    segments
        .into_iter()
        .map(|segment| (object.to_string(), segment.path))
}
