//! Rows that the vault holds are dropped, and no others.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Memory, TextRow, id, ring, sorted, stamp, text_schema};
use crate::known::drop_known;

fn rows() -> impl Strategy<Value = Vec<TextRow>> {
    let row = (0..30_u32, 0..4_u32, prop::option::of("[ab]"));
    let row = row.prop_map(|(id, stamp, text)| TextRow {
        id,
        stamp,
        deleted: false,
        texts: vec![text],
    });
    prop::collection::vec(row, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_left_is_the_difference_of_sets(held in prop::collection::vec(rows(), 0..4), new in rows()) {
        let schema = text_schema(&["A__c"]);
        let mut memory = Memory::default();
        let entries: Vec<_> =
            held.iter().map(|rows| memory.put(sorted(&schema, rows, 1).seal(&ring()).unwrap())).collect();
        let mut left = sorted(&schema, &new, 2);
        let before = left.rows();
        let dropped = super::wait(drop_known(&memory.ranges(), &ring(), &mut left, &entries)).unwrap();

        let key = |row: &TextRow| (id(row.id), stamp(row.stamp).millis(), row.texts.clone());
        let held: BTreeSet<_> = held.iter().flatten().map(key).collect();
        let expected: BTreeSet<_> = new.iter().map(key).filter(|row| !held.contains(row)).collect();
        let found: BTreeSet<_> = left
            .rows
            .iter()
            .map(|row| {
                let texts = left.values(row).skip(3).take(1).map(|text| text.map(ToOwned::to_owned)).collect();
                (row.id, row.stamp.millis(), texts)
            })
            .collect();
        prop_assert_eq!(found.len(), left.rows());
        prop_assert_eq!(found, expected);
        prop_assert_eq!(usize::try_from(dropped).unwrap(), before - left.rows());
        prop_assert_eq!(left.duplicates(), new.len() - left.rows());
    }
}

#[test]
fn many_rows_across_row_groups_are_all_recognized() {
    let schema = text_schema(&["A__c"]);
    let row = |id| TextRow {
        id,
        stamp: 1,
        deleted: false,
        texts: vec![Some(format!("{id:0>800}"))],
    };
    let rows: Vec<_> = (0..30_000).map(row).collect();
    let mut memory = Memory::default();
    let entry = memory.put(sorted(&schema, &rows, 1).seal(&ring()).unwrap());
    let again: Vec<_> = (100..30_000)
        .step_by(7)
        .chain(40_000..40_010)
        .map(row)
        .collect();
    let mut left = sorted(&schema, &again, 2);
    super::wait(drop_known(&memory.ranges(), &ring(), &mut left, &[entry])).unwrap();
    assert_eq!(left.rows(), 10);
}
