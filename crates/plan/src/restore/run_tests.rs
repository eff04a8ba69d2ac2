use proptest::prelude::*;

use super::*;
use holdfast_model::Phase::{Delete, Insert, Link, Undelete, Update, Verify};
use holdfast_model::Transport;

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
        let parts = phases.filter_map(|phase| {
            let part = waiting().part(phase, step)?;
            let fields: Vec<_> = part.into_iter().map(|write| write.field).collect();
            Some((phase, fields.join(" ")))
        });
        parts.collect()
    };
    let told = |parts: &[(Phase, &str)]| -> Vec<_> {
        let parts = parts.iter();
        parts
            .map(|(phase, fields)| (*phase, (*fields).to_owned()))
            .collect()
    };
    let all = "Name Now__c Later__c";
    let fields = || all.split(' ').map(|name| write(name, None, Some("x")));
    let back = |fields| of(&Step::Undelete { fields });
    let parts = [
        (Undelete, ""),
        (Update, "Name"),
        (Link, "Now__c Later__c"),
        (Verify, all),
    ];
    assert_eq!(back(fields().collect()), told(&parts));
    assert_eq!(
        of(&Step::Update {
            fields: fields().collect()
        }),
        told(&parts[1..])
    );
    assert_eq!(back(Vec::new()), told(&[(Undelete, ""), (Verify, "")]));
    let parts = [(Insert, "Name Now__c"), (Link, "Later__c"), (Verify, all)];
    assert_eq!(
        of(&Step::Insert {
            fields: fields().collect(),
            may_return: false
        }),
        told(&parts)
    );
    let stamp = Some("2026-01-01T00:00:00.000Z".to_owned());
    assert_eq!(
        of(&Step::Delete { stamp }),
        told(&[(Delete, "LastModifiedDate")])
    );
}

/// Lookups to objects of which records are made; one of them to an object that comes later.
fn waiting() -> Waiting {
    let lookup = |name: &str, to: &str| FieldSchema {
        name: name.to_owned(),
        field_type: "reference".to_owned(),
        reference_to: vec![to.to_owned()],
        ..FieldSchema::default()
    };
    let object = |name| ObjectName::parse(name).unwrap();
    let schema = ObjectSchema {
        name: object("Line__c"),
        label: String::new(),
        key_prefix: None,
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: None,
        fields: vec![
            lookup("Now__c", "Invoice__c"),
            lookup("Later__c", "Line__c"),
            lookup("There__c", "Account"),
        ],
        children: Vec::new(),
    };
    let turn = Turn {
        object: object("Line__c"),
        waiting: vec!["Later__c".to_owned(), "There__c".to_owned()],
        stuck: Vec::new(),
    };
    let made = ["Invoice__c", "Line__c"].map(object).into();
    Waiting::of(&turn, &schema, &made)
}

#[test]
fn receipts_of_every_outcome_are_read_as_they_were_written() {
    let outcomes = [
        Outcome::Done,
        Outcome::Same,
        Outcome::Made { new_id: id(2) },
        Outcome::Conflict {
            field: "Name".to_owned(),
        },
        Outcome::Missing,
        Outcome::Refused {
            code: "STRING_TOO_LONG".to_owned(),
            message: "too long".to_owned(),
            fields: Vec::new(),
        },
        Outcome::Differs {
            fields: vec!["Name".to_owned()],
        },
    ];
    let receipt = |outcome| Receipt { id: id(1), outcome };
    let receipts = Receipts {
        sent_at: Some(Stamp::from_millis(1_000)),
        records: outcomes.map(receipt).into(),
    };
    let json = serde_json::to_string(&receipts).unwrap();
    assert_eq!(serde_json::from_str::<Receipts>(&json).unwrap(), receipts);
}

#[test]
fn lookups_of_an_object_to_itself_are_emptied_before_they_are_set() {
    let fields = vec![write("Later__c", Some("old"), Some("new"))];
    let step = Step::Update { fields };
    let part = |phase| waiting().part(phase, &step).unwrap_or_default();
    let emptied = |is: Option<&str>| {
        let now = row(&is
            .map(|is| ("Later__c", is))
            .into_iter()
            .collect::<Vec<_>>());
        waiting().emptied(part(Update), &now)
    };
    assert_eq!(emptied(Some("old")), [write("Later__c", Some("old"), None)]);
    assert!(emptied(None).is_empty(), "a repeat finds it empty");
    assert!(emptied(Some("new")).is_empty(), "another run has set it");
    assert_eq!(part(Link), [write("Later__c", None, Some("new"))]);
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
    fn batches_hold_each_record_once_and_no_more_than_they_may(
        bytes in prop::collection::vec(0..50_usize, 0..40), records_max in 1..8_usize, bytes_max in 1..100_usize,
    ) {
        let batches = batches(&bytes, records_max, bytes_max);
        let places: Vec<_> = batches.iter().cloned().flatten().collect();
        prop_assert_eq!(places, (0..bytes.len()).collect::<Vec<_>>());
        for batch in batches {
            prop_assert!((1..=records_max).contains(&batch.len()));
            let held: usize = bytes[batch.clone()].iter().sum();
            prop_assert!(batch.len() == 1 || held <= bytes_max);
        }
    }

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
        let taken: BTreeSet<_> = recovered.iter().flatten().collect();
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
