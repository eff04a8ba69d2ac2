use holdfast_model::{ObjectName, Transport};
use proptest::prelude::*;

use super::*;

fn field(name: &str, field_type: &str, calculated: bool) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        field_type: field_type.into(),
        nillable: true,
        createable: true,
        updateable: true,
        calculated,
        filterable: true,
        ..FieldSchema::default()
    }
}

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

fn account() -> ObjectSchema {
    schema(vec![
        field("Id", "id", false),
        field("Name", "string", false),
        field("Amount__c", "currency", false),
        field("Grade__c", "string", true),
        field("SystemModstamp", "datetime", false),
    ])
}

fn kind(
    fields: &ComparedFields,
    left: &[(&str, &str)],
    right: &[(&str, &str)],
) -> Option<ChangeKind> {
    ChangeKind::of(&fields.changes(
        left.iter().map(|(name, text)| (*name, Some(*text))),
        right.iter().map(|(name, text)| (*name, Some(*text))),
    ))
}

#[test]
fn a_change_is_as_serious_as_its_most_serious_field() {
    let account = account();
    let fields = ComparedFields::of(Some(&account), Some(&account), &Ignore::default());
    let old = [
        ("Name", "a"),
        ("Grade__c", "x"),
        ("SystemModstamp", "2024-01-01T00:00:00.000Z"),
    ];
    let with = |name, text| {
        old.map(|(field, was)| {
            if field == name {
                (field, text)
            } else {
                (field, was)
            }
        })
    };
    assert_eq!(kind(&fields, &old, &old), None);
    let touched = with("SystemModstamp", "2024-01-02T00:00:00.000Z");
    assert_eq!(kind(&fields, &old, &touched), Some(ChangeKind::Touched));
    assert_eq!(
        kind(&fields, &old, &with("Grade__c", "y")),
        Some(ChangeKind::Recalculated)
    );
    assert_eq!(
        kind(&fields, &old, &with("Name", "b")),
        Some(ChangeKind::Changed)
    );
}

#[test]
fn what_is_ignored_makes_no_difference() {
    let account = account();
    let old = [
        ("Name", "a"),
        ("Grade__c", "x"),
        ("SystemModstamp", "2024-01-01T00:00:00.000Z"),
    ];
    let new = [
        ("Name", "b"),
        ("Grade__c", "y"),
        ("SystemModstamp", "2024-01-02T00:00:00.000Z"),
    ];
    let ignore = Ignore {
        system: true,
        formulas: true,
        fields: ["name".to_owned()].into(),
    };
    let fields = ComparedFields::of(Some(&account), Some(&account), &ignore);
    assert_eq!(kind(&fields, &old, &new), None);
    assert_eq!(fields.left().collect::<Vec<_>>(), ["Amount__c"]);
}

#[test]
fn one_value_in_two_spellings_is_no_change() {
    let account = account();
    let fields = ComparedFields::of(Some(&account), Some(&account), &Ignore::default());
    assert_eq!(
        kind(&fields, &[("Amount__c", "100")], &[("Amount__c", "1.0E2")]),
        None
    );
    assert_eq!(
        kind(&fields, &[("Name", "100")], &[("Name", "1.0E2")]),
        Some(ChangeKind::Changed)
    );
    let stamps = [
        [("SystemModstamp", "2024-01-01T00:00:00.000+0000")],
        [("SystemModstamp", "2024-01-01T00:00:00.000Z")],
    ];
    assert_eq!(kind(&fields, &stamps[0], &stamps[1]), None);
}

#[test]
fn a_field_that_one_side_does_not_have_is_null_there() {
    let account = account();
    let fewer = schema(vec![
        field("Id", "id", false),
        field("Name", "string", false),
    ]);
    let fields = ComparedFields::of(Some(&account), Some(&fewer), &Ignore::default());
    // An old version may still have its text.
    let row = [("Name", "a"), ("Amount__c", "5")];
    let changes = fields.changes(
        row.iter().map(|(n, t)| (*n, Some(*t))),
        row.iter().map(|(n, t)| (*n, Some(*t))),
    );
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (
            changes[0].field.as_str(),
            changes[0].left.as_deref(),
            changes[0].right.as_deref()
        ),
        ("Amount__c", Some("5"), None)
    );
    assert_eq!(fields.right().collect::<Vec<_>>(), ["Name"]);
}

proptest! {
    #[test]
    fn changes_lead_from_the_left_to_the_right(
        left in prop::collection::btree_map("[A-D]", prop::option::of("[0-9]{1,2}"), 0..4),
        right in prop::collection::btree_map("[A-D]", prop::option::of("[0-9]{1,2}"), 0..4),
        numbers in any::<bool>(),
    ) {
        let kind = if numbers { "double" } else { "string" };
        let of = |row: &BTreeMap<String, Option<String>>| schema(row.keys().map(|name| field(name, kind, false)).collect());
        let fields = ComparedFields::of(Some(&of(&left)), Some(&of(&right)), &Ignore::default());
        let mut applied = left.clone();
        let changes = fields.changes(
            left.iter().map(|(name, text)| (name.as_str(), text.as_deref())),
            right.iter().map(|(name, text)| (name.as_str(), text.as_deref())),
        );
        for change in changes {
            prop_assert_eq!(applied.get(&change.field).cloned().flatten(), change.left);
            applied.insert(change.field, change.right);
        }
        let present = |row: BTreeMap<String, Option<String>>| -> BTreeMap<String, String> {
            row.into_iter()
                .filter_map(|(name, text)| Some((name, text?)))
                // "07" and "7" are one number.
                .map(|(name, text)| (name, if numbers { text.trim_start_matches('0').to_owned() } else { text }))
                .collect()
        };
        prop_assert_eq!(present(applied), present(right));
    }
}
