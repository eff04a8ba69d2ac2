//! Pairs lead from one side to the other, whatever the segments, times and fields.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{SalesforceId, SegmentEntry};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::{Memory, TextRow, id, ring, scan, sorted, stamp, text_schema};
use crate::pairs::{Found, Pairs, Side, Totals};
use crate::{Fields, Filter, ScanRow};

const NAMES: [&str; 3] = ["A__c", "B__c", "C__c"];

/// Rows of a segment, and which fields its schema has.
type Stored = (Vec<TextRow>, Vec<&'static str>);
type Records = BTreeMap<SalesforceId, BTreeMap<String, String>>;

fn segments() -> impl Strategy<Value = Vec<Stored>> {
    let text = || prop::option::of("[a-b]");
    let row = (
        0..12_u32,
        0..8_u32,
        prop::bool::weighted(0.2),
        [text(), text(), text()],
    );
    let row = row.prop_map(|(id, stamp, deleted, texts)| TextRow {
        id,
        stamp,
        deleted,
        texts: texts.into(),
    });
    let segment = (prop::collection::vec(row, 1..14), fields());
    prop::collection::vec(segment, 1..6)
}

fn fields() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![2 => Just(NAMES.to_vec()), 1 => subsequence(NAMES.to_vec(), 1..=3)]
}

fn store(memory: &mut Memory, segments: &[Stored]) -> Vec<SegmentEntry> {
    let seal = |((rows, fields), captured): (&Stored, u32)| {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let texts = NAMES.iter().zip(&row.texts);
                let texts = texts.filter(|(name, _)| fields.contains(name));
                let texts = texts.map(|(_, text)| text.clone()).collect();
                TextRow {
                    texts,
                    ..row.clone()
                }
            })
            .collect();
        memory.put(
            sorted(&text_schema(fields), &rows, captured)
                .seal(&ring())
                .unwrap(),
        )
    };
    segments.iter().zip(100..).map(seal).collect()
}

/// The live records of a side, and their text in its fields.
fn records(memory: &Memory, entries: &[SegmentEntry], at: u32, fields: &[&str]) -> Records {
    let versions = scan(memory, entries, stamp(at), Fields::All, Filter::Live).unwrap();
    let texts = |fields_stored: BTreeMap<String, Option<String>>| {
        let known = fields_stored.into_iter();
        let known = known.filter(|(name, _)| fields.contains(&name.as_str()));
        known
            .filter_map(|(name, text)| Some((name, text?)))
            .collect()
    };
    versions
        .into_iter()
        .map(|version| (version.id, texts(version.fields)))
        .collect()
}

fn text(row: &ScanRow, fields: &[&str]) -> BTreeMap<String, String> {
    let fields = fields
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), row.field(name)?.to_owned())));
    fields.collect()
}

/// Applies what is found to the left side; stops after `steps` of it.
fn apply(
    pairs: &mut Pairs,
    (left, right): (&[&str], &[&str]),
    records: &mut Records,
    steps: usize,
) -> (Option<SalesforceId>, Totals) {
    let mut reached = None;
    for _ in 0..steps {
        match super::wait(pairs.next()).unwrap() {
            Found::Pair(pair) => {
                assert!(reached < Some(pair.id), "in the order of ids");
                assert_eq!(
                    pair.live_left().map(|row| text(row, left)),
                    records.get(&pair.id).cloned()
                );
                match pair.live_right() {
                    Some(row) => records.insert(pair.id, text(row, right)),
                    None => records.remove(&pair.id),
                };
                reached = Some(pair.id);
            }
            Found::Reached(id) => reached = Some(id),
            Found::End => return (None, pairs.totals()),
        }
    }
    (reached, pairs.totals())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn pairs_lead_from_the_left_to_the_right(
        one in segments(),
        other in prop::option::of(segments()),
        times in (0..9_u32, 0..9_u32),
        fields in (fields(), fields()),
        steps in 1..8_usize,
    ) {
        let mut memory = Memory::default();
        let left_entries = store(&mut memory, &one);
        let right_entries = match &other {
            Some(other) => store(&mut memory, other),
            None => left_entries.clone(),
        };
        let (keys, other_keys) = (ring(), ring());
        let keys_right = if other.is_some() { &other_keys } else { &keys };
        let owned = |fields: &[&str]| fields.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let side = |keys, entries: &[SegmentEntry], at, fields: &[&str]| {
            Side::new(memory.ranges(), std::sync::Arc::clone(keys), entries.to_vec(), stamp(at), owned(fields))
        };
        let left = side(&keys, &left_entries, times.0, &fields.0);
        let right = side(keys_right, &right_entries, times.1, &fields.1);
        let before = records(&memory, &left_entries, times.0, &fields.0);
        let after = records(&memory, &right_entries, times.1, &fields.1);

        // Interrupted again and again, and continued by another one.
        let mut applied = before.clone();
        let mut totals = Totals::default();
        let mut from = None;
        loop {
            let mut pairs = Pairs::new(left.clone(), right.clone(), from);
            let (reached, some) = apply(&mut pairs, (&fields.0, &fields.1), &mut applied, steps);
            totals.left += some.left;
            totals.right += some.right;
            if reached.is_none() {
                break;
            }
            from = reached;
        }
        // Fields that the right does not have are gone from what was alike, too: there is nothing in them.
        let same: BTreeSet<_> = fields.0.iter().filter(|name| !fields.1.contains(name)).collect();
        for texts in applied.values() {
            prop_assert!(same.iter().all(|name| !texts.contains_key(**name)));
        }
        prop_assert_eq!(applied, after.clone());
        prop_assert_eq!((totals.left, totals.right), (before.len() as u64, after.len() as u64));
    }
}

#[test]
fn text_is_not_read_where_hashes_agree() {
    let row = |id, stamp, text: &str| TextRow {
        id,
        stamp,
        deleted: false,
        texts: vec![Some(text.into())],
    };
    let mut memory = Memory::default();
    let schema = text_schema(&["A__c"]);
    let mut seal = |rows: &[TextRow], captured| {
        memory.put(sorted(&schema, rows, captured).seal(&ring()).unwrap())
    };
    let (left, right) = (
        seal(&[row(1, 1, "a"), row(2, 1, "b"), row(3, 1, "c")], 1),
        seal(&[row(1, 1, "a"), row(2, 1, "B"), row(4, 1, "d")], 2),
    );
    let side = |entry| {
        Side::new(
            memory.ranges(),
            ring(),
            vec![entry],
            stamp(9),
            ["A__c".to_owned()],
        )
    };
    let mut pairs = Pairs::new(side(left), side(right), None);
    let mut found = Vec::new();
    while let Found::Pair(pair) = super::wait(pairs.next()).unwrap() {
        found.push(pair.id);
    }
    assert_eq!(found, [id(2), id(3), id(4)]);
}
