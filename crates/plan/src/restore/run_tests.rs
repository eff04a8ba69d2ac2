use proptest::prelude::*;

use super::*;
use holdfast_model::Phase::{Delete, Insert, Link, Undelete, Update, Verify};

fn id(number: usize) -> SalesforceId {
    SalesforceId::parse(format!("001D0000{number:07}").as_bytes()).unwrap()
}

fn write(field: &str, from: Option<&str>, to: Option<&str>) -> Write {
    Write {
        field: field.to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    }
}

fn row(values: &[(&str, &str)]) -> Row {
    let owned = values.iter();
    owned
        .map(|(field, text)| ((*field).to_owned(), (*text).to_owned()))
        .collect()
}

fn types() -> BTreeMap<String, String> {
    [("Amount", "currency"), ("Name", "string")]
        .map(|(field, of)| (field.to_owned(), of.to_owned()))
        .into()
}

#[test]
fn what_somebody_changed_since_is_left_alone_unless_asked() {
    let writes = || {
        vec![
            write("Name", Some("bad"), Some("good")),
            write("Amount", Some("2"), Some("1")),
        ]
    };
    let now = row(&[("Name", "bad"), ("Amount", "2.0")]);
    assert_eq!(due(writes(), &now, &types(), false), Due::Write(writes()));
    let now = row(&[("Name", "bad"), ("Amount", "3")]);
    let conflict = Due::Conflict("Amount".to_owned());
    assert_eq!(due(writes(), &now, &types(), false), conflict);
    assert_eq!(due(writes(), &now, &types(), true), Due::Write(writes()));
    // Half of it was written before.
    let now = row(&[("Name", "good"), ("Amount", "2")]);
    let rest = writes().split_off(1);
    assert_eq!(due(writes(), &now, &types(), false), Due::Write(rest));
    // A field that is to be empty.
    let empty = || vec![write("Name", Some("bad"), None)];
    assert_eq!(due(empty(), &row(&[]), &types(), false), Due::Nothing);
}

#[test]
fn phases_follow_each_other_and_each_step_has_its_own() {
    let mut phases = vec![Phase::default()];
    while let Some(next) = phases.last().copied().and_then(Phase::next) {
        phases.push(next);
    }
    assert_eq!(phases, Phase::ALL);
    let of = |step: &Step| -> Vec<_> {
        let phases = Phase::ALL.into_iter();
        phases.filter(|phase| concerns(*phase, step)).collect()
    };
    let fields = vec![write("Name", None, None)];
    let back = |fields| of(&Step::Undelete { fields });
    assert_eq!(back(fields.clone()), [Undelete, Update, Link, Verify]);
    assert_eq!(back(Vec::new()), [Undelete, Link, Verify]);
    assert_eq!(of(&Step::Insert { fields }), [Insert, Link, Verify]);
    assert_eq!(of(&Step::Delete), [Delete]);
}

#[test]
fn a_row_that_a_trigger_changed_is_found_by_most_of_its_values() {
    let rows = [
        vec![
            write("Name", None, Some("A")),
            write("Amount", None, Some("1")),
            write("Code", None, Some("x")),
        ],
        vec![
            write("Name", None, Some("B")),
            write("Amount", None, Some("1")),
            write("Code", None, Some("y")),
        ],
    ];
    let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
    let found = [
        (
            id(1),
            row(&[("Name", "B"), ("Amount", "1.00"), ("Code", "Y!")]),
        ),
        (id(2), row(&[("Name", "C"), ("Amount", "1"), ("Code", "z")])),
    ];
    assert_eq!(recover(&rows, &found, &types()), [None, Some(id(1))]);
}

proptest! {
    #[test]
    fn what_was_written_is_not_due_again(
        from in prop::option::of("[a-c]"), to in prop::option::of("[a-c]"), now in prop::option::of("[a-c]"), overwrite: bool,
    ) {
        let one = || vec![write("Name", from.as_deref(), to.as_deref())];
        let mut record = Row::new();
        record.extend(now.clone().map(|text| ("Name".to_owned(), text)));
        match due(one(), &record, &types(), overwrite) {
            Due::Nothing => prop_assert_eq!(now, to),
            Due::Conflict(_) => prop_assert!(!overwrite && now != to && now != from),
            Due::Write(writes) => {
                prop_assert!(overwrite || now == from);
                record.clear();
                record.extend(writes[0].to.clone().map(|text| ("Name".to_owned(), text)));
                prop_assert_eq!(due(one(), &record, &types(), overwrite), Due::Nothing);
            }
        }
    }

    #[test]
    fn rows_that_were_saved_are_recovered_each_once_whatever_else_is_there(
        names in prop::collection::vec("[ab]{1,2}", 1..12), saved in prop::collection::vec(any::<bool>(), 12), strangers in 0..4_usize,
    ) {
        let rows: Vec<Vec<_>> = names
            .iter()
            .map(|name| vec![write("Name", None, Some(name)), write("Amount", None, Some("1"))])
            .collect();
        let slices: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        let mut found: Vec<_> = (0..)
            .zip(names.iter().zip(&saved))
            .filter(|(_, (_, saved))| **saved)
            .map(|(number, (name, _))| (id(number), row(&[("Name", name), ("Amount", "1")])))
            .collect();
        let there = found.len();
        found.extend((0..strangers).map(|number| (id(100 + number), row(&[("Name", "stranger"), ("Amount", "2")]))));
        let recovered = recover(&slices, &found, &types());
        let taken: std::collections::BTreeSet<_> = recovered.iter().flatten().collect();
        prop_assert_eq!(taken.len(), recovered.iter().flatten().count());
        prop_assert_eq!(taken.len(), there);
        for (name, taken) in names.iter().zip(&recovered) {
            if let Some(taken) = taken {
                let (_, row) = found.iter().find(|(id, _)| id == taken).unwrap();
                prop_assert_eq!(&row["Name"], name);
            }
        }
    }
}
