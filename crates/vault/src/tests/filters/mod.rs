//! Filters mean for sealed records what they mean for Salesforce: random ones, over random records, are asked of the
//! simulated org as SOQL and of the sealed copy of it. The org has a parser and an evaluator of its own.

mod any;
mod world;

use std::collections::BTreeSet;

use fastrand::Rng;
use holdfast_model::filter::{Filter, Value};
use holdfast_model::{ErrorCode, ObjectName};

use super::{Memory, id, ring, sorted, stamp, text_schema, wait};
use crate::{Choice, Fields, Scan};
use world::World;

/// Objects that are asked about.
const ASKED: [&str; 9] = [
    "Account",
    "Contact",
    "Employee__c",
    "Project__c",
    "Measurement__c",
    "Task",
    "Case",
    "Opportunity",
    "Region__c",
];

/// What was compared.
#[derive(Debug, Default)]
struct Tally {
    filters: usize,
    /// Those that chose some records, but not all.
    telling: usize,
    records: usize,
}

fn compare(filters: usize, seed: u64) -> Tally {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::start(&mut rng).await;
        let mut tally = Tally::default();
        for round in 0..3 {
            for _ in 0..filters / 3 {
                let object = ObjectName::parse(*rng.choice(ASKED).as_ref().unwrap()).unwrap();
                let filter = any::filter(&mut rng, &world, &object);
                let (live, stored) = world.ask(&object, &filter).await;
                if live != stored {
                    let (least, missing, extra) = world.least_difference(&object, &filter).await;
                    panic!(
                        "seed {seed}, round {round}: {least}\n  only Salesforce has {missing:?}\n  only the copy has {extra:?}"
                    );
                }
                tally.filters += 1;
                tally.telling += usize::from(!live.is_empty() && live.len() < world.live(&object));
                tally.records += live.len();
            }
            // Records change, go to the Recycle Bin and are sealed again: the newest version decides.
            world.change(&mut rng).await;
        }
        tally
    })
}

#[test]
fn random_filters_choose_the_records_that_salesforce_returns() {
    let tally = compare(300, 5);
    assert!(tally.telling * 4 > tally.filters, "{tally:?}");
}

/// `cargo test -p holdfast-vault many_random_filters -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn many_random_filters_choose_the_records_that_salesforce_returns() {
    for seed in 100..110 {
        println!("seed {seed}: {:?}", compare(3_000, seed));
    }
}

/// Two segments; Name is not asked for.
fn stored() -> (Memory, Vec<holdfast_model::SegmentEntry>) {
    let mut memory = Memory::default();
    let schema = text_schema(&["Name", "Phone"]);
    let row = |number, at, name: &str, phone: &str| super::TextRow {
        id: number,
        stamp: at,
        deleted: number == 3,
        texts: vec![Some(name.into()), Some(phone.into())],
    };
    let old = [
        row(1, 1, "Acme", "1"),
        row(2, 1, "Bolt", "2"),
        row(3, 1, "Acme", "3"),
    ];
    let new = [row(1, 2, "Coil", "4"), row(4, 2, "acme", "5")];
    let entries = [&old[..], &new[..]]
        .into_iter()
        .zip(10..)
        .map(|(rows, captured)| memory.put(sorted(&schema, rows, captured).seal(&ring()).unwrap()))
        .collect();
    (memory, entries)
}

fn choice(soql: &str, memory: &Memory, entries: &[holdfast_model::SegmentEntry]) -> Choice {
    let schema = text_schema(&["Name", "Phone"]);
    let schemas = [(schema.name.clone(), schema.clone())].into();
    let checked = Filter::parse(soql)
        .unwrap()
        .check(&schema.name, &schemas)
        .unwrap();
    let scan = |_: &ObjectName, column: &str| {
        let all = crate::Filter::All;
        Some(Scan::new(
            memory.ranges(),
            ring(),
            entries,
            stamp(9),
            Fields::Named(&[column]),
            all,
        ))
    };
    wait(Choice::read(checked.at(&world::calendar()), 10, scan)).unwrap()
}

#[test]
fn a_column_that_only_the_filter_needs_is_read_and_not_shown() {
    let (memory, entries) = stored();
    let acme = choice("Name = 'acme'", &memory, &entries);
    for (filter, expected) in [
        (crate::Filter::All, vec![3, 4]),
        (crate::Filter::Live, vec![4]),
    ] {
        let fields = Fields::Named(&["Phone"]);
        let mut scan =
            Scan::new(memory.ranges(), ring(), &entries, stamp(9), fields, filter).only(&acme);
        wait(async {
            for number in expected {
                let row = scan.next().await.unwrap().unwrap();
                assert_eq!(row.id(), id(number));
                let fields: Vec<_> = row.fields().map(|(name, _)| name.to_owned()).collect();
                assert_eq!(fields, ["Phone"]);
                assert_eq!(row.field("Name"), None);
            }
            assert!(scan.next().await.unwrap().is_none());
        });
    }
}

#[test]
fn the_newest_version_at_the_time_decides() {
    let (memory, entries) = stored();
    for (at, soql, expected) in [
        (9, "Name = 'Acme'", vec![id(4)]),
        (1, "Name = 'Acme'", vec![id(1)]),
        (9, "Name = 'Coil' OR Phone = '2'", vec![id(1), id(2)]),
        (
            9,
            "Id = '001D00000000002' OR Id > '001D00000000003'",
            vec![id(2), id(4)],
        ),
    ] {
        let chosen = choice(soql, &memory, &entries);
        let scan = || {
            let live = crate::Filter::Live;
            Scan::new(
                memory.ranges(),
                ring(),
                &entries,
                stamp(at),
                Fields::Named(&[]),
                live,
            )
            .only(&chosen)
        };
        let (mut rows, mut found) = (scan(), Vec::new());
        while let Some(row) = wait(rows.next()).unwrap() {
            found.push(row.id());
        }
        assert_eq!(found, expected, "{soql} at {at}");
        assert_eq!(wait(scan().count()).unwrap(), expected.len() as u64);
    }
}

#[test]
fn parents_beyond_the_room_for_them_are_an_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::start(&mut Rng::with_seed(1)).await;
        let contact = ObjectName::parse("Contact").unwrap();
        let filter = Filter::parse("Account.Name != null").unwrap();
        let failure = world.choice(&contact, &filter, 3).await.unwrap_err();
        assert_eq!(failure.code, ErrorCode::FilterTooWide);
        assert!(world.choice(&contact, &filter, 100_000).await.is_ok());
    });
}

#[test]
fn every_operator_and_every_kind_of_value_is_asked() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (operators, values) = runtime.block_on(async {
        let mut rng = Rng::with_seed(2);
        let world = World::start(&mut rng).await;
        let (mut operators, mut values) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..2_000 {
            let object = ObjectName::parse(*rng.choice(ASKED).as_ref().unwrap()).unwrap();
            tell(
                &any::filter(&mut rng, &world, &object),
                &mut operators,
                &mut values,
            );
        }
        (operators, values)
    });
    assert_eq!(
        operators.len(),
        holdfast_model::filter::Operator::ALL.len(),
        "{operators:?}"
    );
    assert_eq!(values.len(), 9, "{values:?}");
}

fn tell(filter: &Filter, operators: &mut BTreeSet<&str>, values: &mut BTreeSet<&str>) {
    match filter {
        Filter::All(members) | Filter::Any(members) => {
            for member in members {
                tell(member, operators, values);
            }
        }
        Filter::Not(inner) => tell(inner, operators, values),
        Filter::Test(condition) => {
            operators.insert(condition.operator().text());
            values.extend(condition.values().iter().map(|value| match value {
                Value::Null => "null",
                Value::Boolean(_) => "boolean",
                Value::Number(_) => "number",
                Value::Text(_) => "text",
                Value::Pattern(_) => "pattern",
                Value::Date(_) => "date",
                Value::DateTime(_) => "time",
                Value::Time(_) => "time of day",
                Value::Span(_) => "literal",
            }));
        }
    }
}
