//! What a pair of versions comes to.

use std::collections::BTreeMap;

use holdfast_catalog::ComparisonCounts;
use holdfast_plan::ComparedFields;
use holdfast_plan::compare::{Deleted, Difference, Page};
use holdfast_plan::diff::ChangeKind;
use holdfast_vault::{Pair, Presence, ScanRow};

/// How the record differs, if it does.
pub(crate) fn difference(fields: &ComparedFields, pair: &Pair) -> Option<Difference> {
    let one_sided = |kind, row: &ScanRow, other: Option<&ScanRow>| Difference {
        id: pair.id,
        kind,
        changes: Vec::new(),
        row: {
            let has = |name: &str| match kind {
                ChangeKind::OnlyLeft => fields.has_left(name),
                _ => fields.has_right(name),
            };
            let texts = row.fields().filter(|(name, _)| has(name));
            texts
                .filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())))
                .collect()
        },
        other_side: other.and_then(deleted),
    };
    match (pair.live_left(), pair.live_right()) {
        (None, None) => None,
        (Some(left), None) => Some(one_sided(ChangeKind::OnlyLeft, left, pair.right.as_ref())),
        (None, Some(right)) => Some(one_sided(ChangeKind::OnlyRight, right, pair.left.as_ref())),
        (Some(left), Some(right)) => {
            let changes = fields.changes(left.fields(), right.fields());
            Some(Difference {
                id: pair.id,
                kind: ChangeKind::of(&changes)?,
                changes,
                row: BTreeMap::new(),
                other_side: None,
            })
        }
    }
}

fn deleted(row: &ScanRow) -> Option<Deleted> {
    match row.presence() {
        Presence::Live => None,
        Presence::InRecycleBin => Some(Deleted::InRecycleBin),
        Presence::Gone => Some(Deleted::Gone),
    }
}

/// Adds what a page covers.
pub(crate) fn count(counts: &mut ComparisonCounts, page: &Page) {
    counts.left += page.records.0;
    counts.right += page.records.1;
    for difference in &page.differences {
        *match difference.kind {
            ChangeKind::OnlyLeft => &mut counts.only_left,
            ChangeKind::OnlyRight => &mut counts.only_right,
            ChangeKind::Changed => &mut counts.changed,
            ChangeKind::Recalculated => &mut counts.recalculated,
            ChangeKind::Touched => &mut counts.touched,
        } += 1;
    }
}
