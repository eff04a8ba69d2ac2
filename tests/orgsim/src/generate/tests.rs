use super::*;
use crate::store::{parse_datetime, row::cells};

fn volume(records: usize, seed: u64) -> Volume {
    Volume {
        records,
        objects: BTreeMap::new(),
        seed,
        username: "backup@acme.example".to_owned(),
    }
}

const NOW: i64 = 1_795_000_000_000;

#[test]
fn equal_seeds_make_equal_orgs_and_different_seeds_do_not() {
    let schema = Schema::load().unwrap();
    let rows = |seed| {
        let store = generate(&schema, &volume(3_000, seed), NOW).unwrap();
        let account = schema.find("Account").unwrap().0;
        let slots = store.table(account).unwrap().slots();
        slots
            .iter()
            .map(|slot| slot.row.clone().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(7), rows(7));
    assert_ne!(rows(7), rows(8));
}

#[test]
fn the_number_of_records_is_the_one_asked_for() {
    let schema = Schema::load().unwrap();
    let mut volume = volume(20_000, 1);
    let total = |store: &Store| {
        (0..schema.objects.len())
            .map(|at| store.next_slot(at))
            .sum::<usize>()
    };
    assert_eq!(total(&generate(&schema, &volume, NOW).unwrap()), 20_000);
    volume.objects.insert("Big__c".to_owned(), 500);
    assert_eq!(total(&generate(&schema, &volume, NOW).unwrap()), 20_500);
    volume.objects.insert("Nope__c".to_owned(), 1);
    assert!(generate(&schema, &volume, NOW).is_err());
}

#[test]
fn every_reference_points_to_a_record_of_a_permitted_object() {
    let schema = Schema::load().unwrap();
    let store = generate(&schema, &volume(10_000, 3), NOW).unwrap();
    let mut seen = 0;
    for (at, object) in schema.objects.iter().enumerate() {
        for slot in store.table(at).unwrap().slots() {
            for (field, value) in object.fields.iter().zip(cells(slot.row.as_ref().unwrap())) {
                let Some(id) = value.filter(|_| !field.targets.is_empty()) else {
                    continue;
                };
                let (target, slot) = schema.locate(id).unwrap();
                assert!(
                    field.targets.contains(&target),
                    "{}.{}",
                    object.name,
                    field.name
                );
                assert!(store.slot(target, slot).unwrap().row.is_some());
                seen += 1;
            }
        }
    }
    assert!(seen > 10_000);
}

#[test]
fn required_fields_are_filled_and_texts_fit() {
    let schema = Schema::load().unwrap();
    let store = generate(&schema, &volume(8_000, 5), NOW).unwrap();
    for (at, object) in schema.objects.iter().enumerate() {
        for slot in store.table(at).unwrap().slots() {
            for (field, value) in object.fields.iter().zip(cells(slot.row.as_ref().unwrap())) {
                let text = value.map(|v| std::str::from_utf8(v).unwrap());
                if field.kind.textual() && field.length > 0 {
                    let length = text.map_or(0, |t| t.chars().count());
                    assert!(
                        length <= field.length,
                        "{}.{} {length}",
                        object.name,
                        field.name
                    );
                }
                let kept = !field.kind.compound() && field.kind != crate::schema::Kind::Base64;
                if field.is(Trait::Required) && kept {
                    assert!(text.is_some(), "{}.{}", object.name, field.name);
                }
                if field.kind == crate::schema::Kind::DateTime {
                    assert!(text.is_none_or(|t| parse_datetime(t.as_bytes()).is_some()));
                }
            }
        }
    }
}

#[test]
fn thousands_of_records_share_one_stamp_and_none_lies_in_the_future() {
    let schema = Schema::load().unwrap();
    let mut volume = volume(0, 11);
    volume.objects.insert("Big__c".to_owned(), 60_000);
    let store = generate(&schema, &volume, NOW).unwrap();
    let big = schema.find("Big__c").unwrap().0;
    let mut stamps = BTreeMap::<i64, usize>::new();
    for slot in store.table(big).unwrap().slots() {
        *stamps.entry(slot.stamp_ms).or_default() += 1;
    }
    assert!(*stamps.values().max().unwrap() > 1_000);
    assert!(stamps.keys().all(|stamp| stamp % 1000 == 0 && *stamp < NOW));
}
