//! Whatever is done to the org in whatever order, its records agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Caller, Save, Values};
use crate::{
    generate::{Volume, generate},
    schema::{Kind, Schema, Trait},
    store::{Store, Visible, row::text},
};

const NOW_MS: i64 = 1_795_000_000_000;
/// Objects with every kind of reference: self, restrict, cascade by one and by two masters, plain.
const OBJECTS: [&str; 5] = [
    "Region__c",
    "Employee__c",
    "Project__c",
    "Milestone__c",
    "Project_Member__c",
];

#[derive(Clone, Debug)]
enum Step {
    Create {
        object: usize,
        parents: [usize; 3],
    },
    Point {
        object: usize,
        record: usize,
        parent: usize,
    },
    Delete {
        object: usize,
        record: usize,
    },
    Undelete {
        object: usize,
        record: usize,
    },
    HardDelete {
        object: usize,
        record: usize,
    },
    TakeBack {
        object: usize,
        record: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let object = 0..OBJECTS.len();
    let record = 0..12_usize;
    prop_oneof![
        4 => (object.clone(), [record.clone(), record.clone(), record.clone()])
            .prop_map(|(object, parents)| Step::Create { object, parents }),
        2 => (object.clone(), record.clone(), record.clone())
            .prop_map(|(object, record, parent)| Step::Point { object, record, parent }),
        2 => (object.clone(), record.clone()).prop_map(|(object, record)| Step::Delete { object, record }),
        2 => (object.clone(), record.clone()).prop_map(|(object, record)| Step::Undelete { object, record }),
        1 => (object.clone(), record.clone()).prop_map(|(object, record)| Step::HardDelete { object, record }),
        1 => (object, record).prop_map(|(object, record)| Step::TakeBack { object, record }),
    ]
}

/// An org whose five objects are empty.
struct Org {
    schema: Schema,
    store: Store,
    caller: Caller,
    stamp_ms: i64,
}

impl Org {
    fn new() -> Self {
        let schema = Schema::load().unwrap();
        let volume = Volume {
            records: 0,
            objects: BTreeMap::new(),
            seed: 1,
            username: "user@acme.example".to_owned(),
        };
        let store = generate(&schema, &volume, NOW_MS).unwrap();
        let (_, users) = schema.find("User").unwrap();
        let user = String::from_utf8(users.mint.id(0).to_vec()).unwrap();
        let mut org = Self {
            schema,
            store,
            caller: Caller::plain(user),
            stamp_ms: NOW_MS,
        };
        // Two of each, in an order in which every parent is there.
        for object in (0..OBJECTS.len()).chain(0..OBJECTS.len()) {
            let at = org.at(object);
            let values = org.values(at, [0; 3]);
            org.save(|save| save.create(at, &values)).unwrap();
        }
        org
    }

    /// Records that were ever made.
    fn made(&self, at: usize) -> usize {
        self.store.table(at).unwrap().slots().len()
    }

    /// References to these parents, as far as there are any.
    fn values(&self, at: usize, parents: [usize; 3]) -> Values {
        let references = self.references(at);
        let pointed = references
            .iter()
            .zip(parents)
            .filter(|((_, target), _)| self.made(*target) > 0);
        raw(pointed.map(|((name, target), parent)| {
            let id = self.id(*target, parent % self.made(*target));
            (name.clone(), format!("\"{id}\""))
        }))
    }

    fn save<T>(&mut self, run: impl FnOnce(&mut Save<'_>) -> T) -> T {
        // Every call of its own second, so that what was deleted together can be told.
        self.stamp_ms += 1_000;
        run(&mut Save {
            schema: &self.schema,
            store: &mut self.store,
            caller: &self.caller,
            stamp_ms: self.stamp_ms,
            now_ms: self.stamp_ms,
            visible: Visible::Now,
            rules: std::sync::Arc::default(),
        })
    }

    fn at(&self, object: usize) -> usize {
        self.schema.find(OBJECTS[object]).unwrap().0
    }

    fn id(&self, at: usize, slot: usize) -> String {
        let id = self.schema.object(at).unwrap().mint.id(slot);
        String::from_utf8(id.to_vec()).unwrap()
    }

    /// References of an object to the five, by name.
    fn references(&self, at: usize) -> Vec<(String, usize)> {
        let own: Vec<usize> = (0..OBJECTS.len()).map(|object| self.at(object)).collect();
        let fields = self.schema.object(at).unwrap().fields.iter();
        fields
            .filter(|field| field.kind == Kind::Reference && field.targets.len() == 1)
            .filter(|field| own.contains(&field.targets[0]))
            .map(|field| (field.name.clone(), field.targets[0]))
            .collect()
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Create { object, parents } => {
                let at = self.at(*object);
                let values = self.values(at, *parents);
                // A parent that is not there any more refuses the record, which is fine.
                let _ = self.save(|save| save.create(at, &values));
            }
            Step::Point {
                object,
                record,
                parent,
            } => {
                let at = self.at(*object);
                if let Some((name, target)) = self.references(at).into_iter().next() {
                    let parent = parent % self.made(target).max(1);
                    let id = format!("\"{}\"", self.id(target, parent));
                    let values = raw([(name, id)].into_iter());
                    let _ = self.save(|save| save.update((at, *record), &values));
                }
            }
            Step::Delete { object, record } => {
                let at = self.at(*object);
                let _ = self.save(|save| save.delete((at, *record)));
            }
            Step::Undelete { object, record } => {
                let at = self.at(*object);
                let _ = self.save(|save| save.undelete((at, *record)));
            }
            Step::HardDelete { object, record } => {
                let at = self.at(*object);
                let there = self
                    .store
                    .slot(at, *record)
                    .is_some_and(|slot| slot.row.is_some());
                if there {
                    let _ = self.save(|save| save.hard_delete((at, *record)));
                }
            }
            Step::TakeBack { object, record } => {
                let at = self.at(*object);
                let before = self.picture();
                self.store.begin();
                let _ = self.save(|save| save.delete((at, *record)));
                self.store.roll_back();
                assert_eq!(self.picture(), before, "a transaction that was taken back");
            }
        }
    }

    /// Every record with its values, live or not.
    fn picture(&self) -> BTreeMap<String, Vec<Option<String>>> {
        let mut picture = BTreeMap::new();
        for object in 0..OBJECTS.len() {
            let at = self.at(object);
            let fields = self.schema.object(at).unwrap().fields.len();
            for (slot, found) in self.store.table(at).unwrap().slots().iter().enumerate() {
                if let Some(row) = &found.row {
                    let values = (0..fields).map(|field| text(row, field).map(str::to_owned));
                    picture.insert(self.id(at, slot), values.collect());
                }
            }
        }
        picture
    }

    fn check(&mut self) {
        for object in 0..OBJECTS.len() {
            let at = self.at(object);
            let count = self.store.table(at).unwrap().slots().len();
            for slot in 0..count {
                let found = self.store.slot(at, slot).unwrap().clone();
                let Some(row) = &found.row else { continue };
                let fields = self.schema.object(at).unwrap().fields.clone();
                for (number, field) in fields.iter().enumerate() {
                    if field.kind != Kind::Reference {
                        continue;
                    }
                    let Some(id) = text(row, number) else {
                        assert!(!field.is(Trait::Required), "{} is empty", field.name);
                        continue;
                    };
                    let (parent, place) = self.schema.locate(id.as_bytes()).unwrap();
                    let parent = self.store.slot(parent, place).unwrap();
                    if !found.deleted {
                        assert!(
                            parent.row.is_some() && !parent.deleted,
                            "{} of a live record points to nothing",
                            field.name
                        );
                    }
                    // The index finds it, and finds nothing else.
                    let same = self.store.with_value(at, number, id.as_bytes());
                    assert!(same.contains(&slot));
                }
            }
        }
    }
}

fn raw(values: impl Iterator<Item = (String, String)>) -> Values {
    values
        .map(|(name, json)| {
            (
                name,
                serde_json::value::RawValue::from_string(json).unwrap(),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn live_records_point_to_live_records_whatever_was_done(steps in prop::collection::vec(step(), 1..60)) {
        let mut org = Org::new();
        for step in &steps {
            org.run(step);
            org.check();
        }
    }

    #[test]
    fn undelete_after_delete_restores_the_same_records(steps in prop::collection::vec(step(), 1..40), object in 0..OBJECTS.len(), record in 0..12_usize) {
        let mut org = Org::new();
        for step in &steps {
            org.run(step);
        }
        let at = org.at(object);
        let stamps: BTreeSet<usize> = ["SystemModstamp", "LastModifiedDate", "LastModifiedById"]
            .into_iter()
            .flat_map(|name| (0..OBJECTS.len()).map(move |object| (name, object)))
            .filter_map(|(name, object)| {
                let at = org.at(object);
                Some(org.schema.object(at)?.field(name)?.0)
            })
            .collect();
        let blank = |picture: BTreeMap<String, Vec<Option<String>>>| -> BTreeMap<_, _> {
            picture.into_iter().map(|(id, mut values)| {
                for stamp in &stamps {
                    values[*stamp] = None;
                }
                (id, values)
            }).collect()
        };
        let before = blank(org.picture());
        if org.save(|save| save.delete((at, record))).is_ok() {
            org.save(|save| save.undelete((at, record))).unwrap();
            prop_assert_eq!(blank(org.picture()), before);
        }
    }
}
