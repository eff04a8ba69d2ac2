use holdfast_model::{ObjectName, Transport};
use proptest::prelude::*;

use super::*;

const SUFFIX: &str = "20230401000525";

fn schema(fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema {
        name: ObjectName::parse("Account").unwrap(),
        label: "Account".into(),
        key_prefix: None,
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: None,
        fields,
        children: Vec::new(),
    }
}

fn field(name: &str, field_type: &str) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        field_type: field_type.into(),
        createable: true,
        updateable: true,
        ..FieldSchema::default()
    }
}

fn account() -> ObjectSchema {
    let read_only = |field: FieldSchema| FieldSchema {
        createable: false,
        updateable: false,
        ..field
    };
    schema(vec![
        read_only(field("Id", "id")),
        FieldSchema {
            name_field: true,
            length: 20,
            ..field("Name", "string")
        },
        field("Amount__c", "currency"),
        FieldSchema {
            external_id: true,
            ..field("Key__c", "string")
        },
        FieldSchema {
            updateable: false,
            ..field("Master__c", "reference")
        },
        read_only(field("Number__c", "string")),
        read_only(FieldSchema {
            calculated: true,
            ..field("Grade__c", "string")
        }),
        FieldSchema {
            updateable: false,
            ..field("CreatedDate", "datetime")
        },
        read_only(field("SystemModstamp", "datetime")),
    ])
}

fn row(values: &[(&str, &str)]) -> Row {
    let values = values.iter();
    values
        .map(|(field, text)| ((*field).to_owned(), (*text).to_owned()))
        .collect()
}

fn fields() -> RestoredFields {
    RestoredFields::of(&account(), &account(), None, SUFFIX)
}

fn write(field: &str, from: Option<&str>, to: Option<&str>) -> Write {
    Write {
        field: field.to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    }
}

fn then() -> Row {
    row(&[
        ("Name", "Nordwind"),
        ("Amount__c", "10.0"),
        ("Key__c", "k1"),
        ("Master__c", "a00"),
        ("Number__c", "A-1"),
        ("Grade__c", "x"),
        ("CreatedDate", "2024-01-01T00:00:00.000Z"),
        ("SystemModstamp", "2024-01-01T00:00:00.000Z"),
    ])
}

#[test]
fn only_what_differs_and_may_be_changed_is_written() {
    let now = row(&[
        ("Name", "Südwind"),
        ("Amount__c", "10"),
        ("Key__c", "k1"),
        ("Master__c", "a01"),
        ("Number__c", "A-2"),
        ("Grade__c", "y"),
        ("SystemModstamp", "2025-01-01T00:00:00.000Z"),
    ]);
    let expected = Decision {
        step: Step::Update {
            fields: vec![write("Name", Some("Südwind"), Some("Nordwind"))],
        },
        unwritable: vec!["Master__c".into(), "Number__c".into()],
    };
    let decision = fields().decide(Some(&then()), &Now::Live(now.clone()), Mode::Replace);
    assert_eq!(decision, expected);
    let back = fields().decide(Some(&then()), &Now::InRecycleBin(now), Mode::Bypass);
    let undelete = Step::Undelete {
        fields: vec![write("Name", Some("Südwind"), Some("Nordwind"))],
    };
    assert_eq!(back.step, undelete);
}

#[test]
fn lookups_of_what_comes_back_stay_as_they_are_in_the_recycle_bin() {
    let lookup = |name: &str, to: &str| FieldSchema {
        nillable: true,
        reference_to: vec![to.to_owned()],
        ..field(name, "reference")
    };
    let names = ["Kept__c", "Filled__c"].map(|name| lookup(name, "Account"));
    let mut lookups = Vec::from(names);
    lookups.push(lookup("Elsewhere__c", "Case"));
    let schema = schema(lookups);
    let was = row(&[("Kept__c", "001")]);
    let objects = [ObjectName::parse("Account").unwrap()].into();
    let fields = RestoredFields::of(&schema, &schema, None, SUFFIX).among(objects);
    let back = fields.decide(Some(&was), &Now::InRecycleBin(was.clone()), Mode::Replace);
    let undelete = Step::Undelete {
        fields: vec![
            write("Kept__c", Some("001"), Some("001")),
            write("Filled__c", None, None),
        ],
    };
    assert_eq!(back.step, undelete);
}

#[test]
fn a_value_that_came_since_is_made_null() {
    let mut now = then();
    let mut was = then();
    was.remove("Amount__c");
    now.insert("Amount__c".into(), "7".into());
    let decision = fields().decide(Some(&was), &Now::Live(now), Mode::Replace);
    let expected = Step::Update {
        fields: vec![write("Amount__c", Some("7"), None)],
    };
    assert_eq!(decision.step, expected);
}

#[test]
fn what_is_gone_is_made_anew_with_all_that_may_be_set() {
    let decision = fields().decide(Some(&then()), &Now::Gone, Mode::Replace);
    let expected = Step::Insert {
        fields: vec![
            write("Name", None, Some("Nordwind")),
            write("Amount__c", None, Some("10.0")),
            write("Key__c", None, Some("k1")),
            write("Master__c", None, Some("a00")),
            write("CreatedDate", None, Some("2024-01-01T00:00:00.000Z")),
        ],
        may_return: false,
    };
    assert_eq!(decision.step, expected);
    assert_eq!(decision.unwritable, ["Number__c"]);
}

#[test]
fn what_only_comes_back_with_its_parent_is_made_unless_it_does() {
    let feed = ObjectSchema {
        comes_back_with_parent: true,
        ..account()
    };
    let bin = Now::InRecycleBin(then());
    let fields = RestoredFields::of(&feed, &feed, None, SUFFIX);
    let decision = fields.decide(Some(&then()), &bin, Mode::Replace);
    assert!(matches!(
        decision.step,
        Step::Insert {
            may_return: true,
            ..
        }
    ));
}

#[test]
fn a_copy_has_a_name_that_fits_and_no_key_of_another_system() {
    let decision = fields().decide(Some(&then()), &Now::Live(then()), Mode::Duplicate);
    let Step::Copy { fields } = decision.step else {
        panic!("a copy is made");
    };
    assert_eq!(fields[0], write("Name", None, Some("Nordwi20230401000525")));
    assert!(fields.iter().all(|write| write.field != "Key__c"));
}

#[test]
fn each_mode_treats_what_is_there_in_its_own_way() {
    let changed = Now::Live(row(&[("Name", "other")]));
    let step =
        |then: Option<&Row>, now: &Now, mode: Mode| match fields().decide(then, now, mode).step {
            Step::Undelete { .. } => "undelete",
            Step::Update { .. } => "update",
            Step::Insert { .. } => "insert",
            Step::Copy { .. } => "copy",
            Step::Delete { .. } => "delete",
            Step::Skip {
                reason: SkipReason::Same,
            } => "same",
            Step::Skip {
                reason: SkipReason::Exists,
            } => "exists",
            Step::Skip {
                reason: SkipReason::CreatedSince,
            } => "created since",
            Step::Skip {
                reason: SkipReason::NeverThere,
            } => "never there",
            Step::Skip {
                reason: SkipReason::NotCreateable,
            } => "not createable",
        };
    let was = then();
    let all = |then: Option<&Row>, now: &Now| {
        [Mode::Replace, Mode::Bypass, Mode::Duplicate, Mode::Rollback]
            .map(|mode| step(then, now, mode))
    };
    assert_eq!(
        all(Some(&was), &changed),
        ["update", "exists", "copy", "update"]
    );
    assert_eq!(
        all(Some(&was), &Now::Live(was.clone())),
        ["same", "exists", "copy", "same"]
    );
    assert_eq!(all(Some(&was), &Now::Gone), ["insert"; 4]);
    assert_eq!(
        all(Some(&was), &Now::InRecycleBin(was.clone())),
        ["undelete"; 4]
    );
    assert_eq!(
        all(None, &changed),
        ["created since", "created since", "created since", "delete"]
    );
    assert_eq!(all(None, &Now::Gone), ["never there"; 4]);
}

#[test]
fn chosen_fields_are_written_and_fields_that_the_target_lacks_are_named() {
    let mut target = account();
    target
        .fields
        .retain(|field| !["Amount__c", "Grade__c"].contains(&field.name.as_str()));
    let fields = RestoredFields::of(&account(), &target, None, SUFFIX);
    assert_eq!(fields.missing(), ["Amount__c"]);
    let chosen = BTreeSet::from(["Name".to_owned()]);
    let fields = RestoredFields::of(&account(), &account(), Some(&chosen), SUFFIX);
    let decision = fields.decide(Some(&then()), &Now::Live(Row::new()), Mode::Replace);
    let expected = Step::Update {
        fields: vec![write("Name", None, Some("Nordwind"))],
    };
    assert_eq!((decision.step, decision.unwritable), (expected, Vec::new()));
}

fn rows() -> impl Strategy<Value = Row> {
    let names = account().fields.into_iter().map(|field| field.name);
    let names: Vec<_> = names.filter(|name| name != "Id").collect();
    let count = names.len();
    prop::collection::vec(prop::option::of("[ab]"), count).prop_map(move |texts| {
        let values = names.iter().cloned().zip(texts);
        values
            .filter_map(|(name, text)| Some((name, text?)))
            .collect()
    })
}

fn nows() -> impl Strategy<Value = Now> {
    prop_oneof![
        rows().prop_map(Now::Live),
        rows().prop_map(Now::InRecycleBin),
        Just(Now::Gone),
    ]
}

/// What a step leaves behind, as Salesforce would: what it does not set stays.
fn done(now: &Now, step: &Step) -> Now {
    let set = |row: &Row, writes: &[Write]| {
        let mut row = row.clone();
        for write in writes {
            match &write.to {
                Some(value) => row.insert(write.field.clone(), value.clone()),
                None => row.remove(&write.field),
            };
        }
        Now::Live(row)
    };
    match (step, now) {
        (Step::Undelete { fields }, Now::InRecycleBin(row))
        | (Step::Update { fields }, Now::Live(row)) => set(row, fields),
        (Step::Insert { fields, .. }, Now::Gone) => set(&Row::new(), fields),
        (Step::Delete { .. }, Now::Live(row)) => Now::InRecycleBin(row.clone()),
        (Step::Skip { .. }, now) => now.clone(),
        _ => panic!("the step does not fit the record"),
    }
}

proptest! {
    #[test]
    fn a_restore_leads_to_how_it_was_in_all_that_can_be_written(
        then in prop::option::of(rows()),
        now in nows(),
        rollback in any::<bool>(),
    ) {
        let mode = if rollback { Mode::Rollback } else { Mode::Replace };
        let decision = fields().decide(then.as_ref(), &now, mode);
        let after = done(&now, &decision.step);
        match (&then, &after) {
            (Some(then), Now::Live(after)) => {
                let names = then.keys().chain(after.keys());
                for name in names.filter(|name| !["Grade__c", "CreatedDate", "SystemModstamp"].contains(&name.as_str())) {
                    let same = then.get(name) == after.get(name);
                    prop_assert_eq!(same, !decision.unwritable.contains(name), "{}", name);
                }
            }
            (Some(_), _) => prop_assert!(false, "it was there and is not"),
            (None, Now::Live(_)) => prop_assert!(!rollback),
            (None, _) => {}
        }
        // Once more finds nothing to do.
        let again = fields().decide(then.as_ref(), &after, mode);
        prop_assert!(matches!(again.step, Step::Skip { .. }), "{:?}", again);
    }
}
